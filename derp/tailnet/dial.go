package tailnet

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// DialTCP connects to a port of an agent. It waits until the agent is known and
// answers, bounded by ctx alone. A port that nobody listens on gives an error
// that says "refused".
func (c *Conn) DialTCP(ctx context.Context, agent api.ID, port uint16) (Stream, error) {
	c.want(agent)
	p, err := c.await(ctx, agent)
	if err != nil {
		c.wanted.release(agent)
		return nil, err
	}
	dst := netip.AddrPortFrom(p.addr, port)
	began := c.sizes(p.addr)
	tc, err := c.eng.ns.DialContextTCP(ctx, dst)
	if err != nil {
		c.wanted.release(agent)
		return nil, fmt.Errorf("dial agent %s port %d: %w", agent, port, err)
	}
	local := netip.AddrPortFrom(c.addr, 0)
	if la := tc.LocalAddr(); la != nil {
		if ap, err := netip.ParseAddrPort(la.String()); err == nil {
			local = ap
		}
	}
	return c.track(tc, local, dst, agent, began), nil
}

// AwaitReachable waits until the agent is known and has answered. Without an
// answer it waits as long as ctx does.
func (c *Conn) AwaitReachable(ctx context.Context, agent api.ID) error {
	c.want(agent)
	defer c.wanted.release(agent)
	_, err := c.await(ctx, agent)
	return err
}

func (c *Conn) want(agent api.ID) {
	if c.wanted.acquire(agent) {
		c.republish()
	}
}

// Pauses between pings of a peer that does not answer yet. The first are short:
// the peer learns of us at nearly the same moment as we of it.
const (
	firstPing = 4 * time.Millisecond
	lastPing  = time.Second
)

// await returns the peer once it has answered. The answer shows that the peer
// knows our keys too; a handshake sent earlier would be dropped and cost
// seconds.
func (c *Conn) await(ctx context.Context, id api.ID) (peer, error) {
	pause := firstPing
	answered := make(chan *ipnstate.PingResult, 1)
	for {
		if c.isClosed() {
			return peer{}, ErrClosed
		}
		p, known, changed := c.peers.get(id)
		var again <-chan time.Time
		var t *time.Timer
		switch {
		case known && p.reachable:
			return p, nil
		case known:
			c.sendPing(p.addr, answered)
			t = time.NewTimer(pause)
			again = t.C
			pause = min(2*pause, lastPing)
		}
		select {
		case <-ctx.Done():
			stopTimer(t)
			if known {
				return peer{}, c.why(ctx, fmt.Sprintf("agent %s does not answer", id))
			}
			return peer{}, c.why(ctx, fmt.Sprintf("agent %s is not connected", id))
		case r := <-answered:
			stopTimer(t)
			if r.Err == "" {
				if r.Endpoint != "" {
					c.awaitRelay(ctx)
				}
				c.peers.markReachable(id, p.node.Key())
				return p, nil
			}
			// The engine does not have the peer yet; ask again after a moment.
			if err := sleep(ctx, firstPing); err != nil {
				return peer{}, c.why(ctx, fmt.Sprintf("agent %s does not answer", id))
			}
		case <-changed:
			stopTimer(t)
			pause = firstPing
		case <-again:
		}
	}
}

// relayPatience is what a direct answer waits for our relay, which takes longest
// on a busy machine; a lost handshake costs 5 s. Without a relay in reach, direct
// must do.
const relayPatience = 2 * time.Second

// awaitRelay waits until our home relay has spoken to us once. A peer that we
// reach directly may not have found the direct way back yet: it sends its half
// of the handshake to our relay, and if that is lost the next comes after 5 s.
func (c *Conn) awaitRelay(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, relayPatience)
	defer cancel()
	for c.eng.health.GetDERPRegionReceivedTime(c.relays.home()).IsZero() {
		if sleep(ctx, time.Millisecond) != nil {
			return
		}
	}
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// sendPing puts the first answer into ch unless an older one is still there.
func (c *Conn) sendPing(a netip.Addr, ch chan<- *ipnstate.PingResult) {
	c.eng.wg.Ping(a, tailcfg.PingDisco, 0, func(r *ipnstate.PingResult) {
		select {
		case ch <- r:
		default:
		}
	})
}

// PingResult is one answer. Direct says that it came without a relay, from
// Endpoint; otherwise the relay's region is named.
type PingResult struct {
	Latency         time.Duration
	Direct          bool
	Endpoint        string // ip:port
	RelayRegionID   int
	RelayRegionCode string
	RelayRegionName string
}

// Ping asks the agent for one answer over the path in use now. It sends once:
// a lost ping is seen as the end of ctx.
func (c *Conn) Ping(ctx context.Context, agent api.ID) (PingResult, error) {
	c.want(agent)
	defer c.wanted.release(agent)
	p, err := c.await(ctx, agent)
	if err != nil {
		return PingResult{}, err
	}
	ch := make(chan *ipnstate.PingResult, 1)
	c.sendPing(p.addr, ch)
	select {
	case <-ctx.Done():
		return PingResult{}, c.why(ctx, fmt.Sprintf("agent %s does not answer", agent))
	case r := <-ch:
		if r.Err != "" {
			return PingResult{}, fmt.Errorf("ping agent %s: %s", agent, r.Err)
		}
		res := PingResult{
			Latency: time.Duration(r.LatencySeconds * float64(time.Second)),
			Direct:  r.Endpoint != "", Endpoint: r.Endpoint, RelayRegionID: r.DERPRegionID,
		}
		if !res.Direct {
			reg := c.relays.region(r.DERPRegionID)
			res.RelayRegionCode, res.RelayRegionName = reg.Code, reg.Name
		}
		return res, nil
	}
}

// Path is how packets to a peer travel now, and how many have.
type Path struct {
	Direct          bool
	Endpoint        string // where Direct
	RelayRegionCode string // where not
	LastHandshake   time.Time
	ReceivedBytes   int64
	SentBytes       int64
}

// PathStatus returns the path to a peer, false while it is unknown.
func (c *Conn) PathStatus(id api.ID) (Path, bool) {
	p, ok, _ := c.peers.get(id)
	if !ok {
		return Path{}, false
	}
	sb := &ipnstate.StatusBuilder{WantPeers: true}
	c.eng.wg.UpdateStatus(sb)
	ps, ok := sb.Status().Peer[p.node.Key()]
	if !ok {
		return Path{}, true // known, never used
	}
	return Path{
		Direct: ps.CurAddr != "", Endpoint: ps.CurAddr, RelayRegionCode: ps.Relay,
		LastHandshake: ps.LastHandshake, ReceivedBytes: ps.RxBytes, SentBytes: ps.TxBytes,
	}, true
}

// PeerOf returns the id of the peer that an address of a Stream belongs to.
func (c *Conn) PeerOf(a netip.Addr) (api.ID, bool) { return c.peers.byAddress(a) }

// RelayMap returns the map as the coordinator last sent it, and whether it has.
func (c *Conn) RelayMap() (tailrpc.RelayMap, bool) { return c.relays.current() }
