// Package network is the network node of an agent: derp/tailnet as package agent
// wants it.
//
// It owns how the node reaches its coordinator. It never listens by itself, and knows
// nothing of what is served on it. A Node works from New on, joins the network in Run,
// and is finished with it; the agent makes another one.
package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"coder.internal/agent"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// Options of New. All are required but Header and Streams.
type Options struct {
	URL    *url.URL
	Token  api.Secret
	Header http.Header // of each request to the server
	HTTP   *http.Client
	Log    *slog.Logger
	Direct bool // this side allows direct paths
	// Streams has room for one: the server asks for a connection that carries streams.
	Streams chan<- struct{}
}

// Node is one network node. It is an agent.Network.
type Node struct {
	Conn   *tailnet.Conn
	opts   Options
	direct *directStreams
}

// New leaves it to the relay map, which a server that was started again sends
// anew, whether the deployment blocks direct paths: the node would keep for ever what
// the manifest says of that.
func New(m agentrpc.Manifest, o Options) (*Node, error) {
	d, err := newDirect(m.AgentID, o.Log)
	if err != nil {
		return nil, err
	}
	conf := tailnet.Config{ID: m.AgentID, Log: o.Log, Inbound: true, AccessURL: o.URL,
		HTTPClient: o.HTTP, Header: o.Header, BlockDirect: !o.Direct, Streams: o.wanted, Changed: d.changed}
	if o.Direct {
		conf.StreamKey = d.identity.Public()
	}
	conn, err := tailnet.New(conf)
	if err != nil {
		return nil, fmt.Errorf("open network node: %w", err)
	}
	d.node = conn
	if err := d.open(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &Node{Conn: conn, opts: o, direct: d}, nil
}

// wanted never blocks: a question that waits stands for all.
func (o Options) wanted() {
	select {
	case o.Streams <- struct{}{}:
	default:
	}
}

// Listen implements agent.Network.
func (n *Node) Listen(port uint16) (net.Listener, error) { return n.Conn.Listen("tcp", port) }

// Sessions implements agent.Network.
func (n *Node) Sessions() net.Listener { return n.direct.sessions }

// Traffic implements agent.Network. Of direct streams the payload is counted, and a
// packet for each record of TLS.
func (n *Node) Traffic() (received, sent agentrpc.Traffic) {
	t := n.Conn.Traffic()
	in, out := n.direct.counts.Received.Load(), n.direct.counts.Sent.Load()
	return agentrpc.Traffic{Packets: t.ReceivedPackets + records(in), Bytes: t.ReceivedBytes + in},
		agentrpc.Traffic{Packets: t.SentPackets + records(out), Bytes: t.SentBytes + out}
}

// Peers implements agent.Network.
func (n *Node) Peers(ctx context.Context) []agent.PeerAnswer {
	var out []agent.PeerAnswer
	for _, p := range n.Conn.PingStreaming(ctx) {
		out = append(out, agent.PeerAnswer(p))
	}
	return out
}

// Relays implements agent.Network.
func (n *Node) Relays(ctx context.Context) (map[string]float64, int) {
	out := map[string]float64{}
	for id, d := range n.Conn.RelayLatencies(ctx) {
		out[strconv.Itoa(id)] = float64(d) / float64(time.Millisecond)
	}
	return out, n.Conn.HomeRelay()
}

// Run implements agent.Network. A refusal is tried again like anything else: the
// token may become valid, and the agent never gives up.
func (n *Node) Run(ctx context.Context) error {
	own, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { n.direct.run(own) })
	err := n.Conn.Run(ctx, n.opts.Exchange)
	cancel()
	_ = n.direct.sessions.Close()
	err = errors.Join(err, n.Conn.Close())
	wg.Wait()
	return err
}

// Exchange dials the coordinator as an agent.
func (o Options) Exchange(ctx context.Context) (*wsconn.Conn, error) {
	h := o.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set(api.SessionTokenHeader, o.Token.Reveal())
	return wsconn.Dial(ctx, o.URL.JoinPath(agentrpc.PathCoordinate).String(),
		wsconn.DialOptions{HTTPClient: o.HTTP, Header: h, ReadLimit: tailrpc.MaxMessage})
}
