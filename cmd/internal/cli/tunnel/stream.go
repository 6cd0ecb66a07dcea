package tunnel

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/pipe"
	"coder.internal/internal/resume"
)

var (
	errPackets = errors.New("direct streams are not allowed now")
	errAway    = errors.New("the agent has left the network")
)

// DialSSH opens the stream of an SSH connection. Where the agent takes direct TCP
// connections it goes over one, as long as that works, and otherwise in packets; it
// moves from one to the other while it is used. Agents of earlier releases are dialled
// in packets.
func (t *Tunnel) DialSSH(ctx context.Context) (tailnet.Stream, error) {
	if t.packets {
		return t.Dial(ctx, PortSSH)
	}
	bound, release := t.bind(ctx)
	defer release()
	s, err := t.node.AwaitStreams(bound, t.agent)
	if err != nil {
		return nil, t.cause(ctx, err)
	}
	if len(s.Key) == 0 || !t.node.DirectAllowed() {
		return t.Dial(ctx, PortSSH)
	}
	address := func(id api.ID) net.Addr {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(tailrpc.AddressOf(id), agentrpc.PortSessions))
	}
	c, err := resume.Open(bound, address(t.node.ID()), address(t.agent),
		resume.Ways{Fast: t.dialDirect, Sure: t.dialCarrier, Again: t.node.PeersChanged, Log: t.log})
	switch {
	case err != nil && bound.Err() != nil:
		return nil, t.cause(ctx, err)
	case err != nil:
		t.log.Debug("no resumable stream", "error", err)
		return t.Dial(ctx, PortSSH)
	}
	t.keep(c)
	return c, nil
}

func (t *Tunnel) dialDirect(ctx context.Context) (net.Conn, error) {
	s, _, _ := t.node.StreamsOf(t.agent)
	if len(s.Endpoints) == 0 || !t.node.DirectAllowed() {
		return nil, errPackets
	}
	conn, err := t.identity.Dial(ctx, s.Endpoints, s.Key)
	if err != nil {
		return nil, err
	}
	t.log.Debug("a direct stream is there", "address", conn.RemoteAddr().String())
	return conn, nil
}

// carrierBuffer joins the small reads of a carrier in the tunnel.
const carrierBuffer = 16 << 10

func (t *Tunnel) dialCarrier(ctx context.Context) (net.Conn, error) {
	s, err := t.node.DialTCP(ctx, t.agent, agentrpc.PortSessions)
	if err != nil {
		return nil, err
	}
	return pipe.ReadAhead(s, carrierBuffer), nil
}

// keep makes sure that a stream ends with the tunnel.
func (t *Tunnel) keep(c *resume.Client) {
	t.mu.Lock()
	over := t.over
	t.streams = append(slices.DeleteFunc(t.streams, (*resume.Client).Ended), c)
	t.mu.Unlock()
	if over {
		c.Fail(errAway)
	}
}

// endStreams ends the streams, and those to come where over is set.
func (t *Tunnel) endStreams(over bool) []*resume.Client {
	t.mu.Lock()
	t.over = t.over || over
	streams := slices.Clone(t.streams)
	t.mu.Unlock()
	for _, c := range streams {
		c.Fail(errAway)
	}
	return streams
}

// changed implements tailnet.Config.Changed.
func (t *Tunnel) changed(left []api.ID) {
	if slices.Contains(left, t.agent) {
		t.endStreams(false)
	}
}
