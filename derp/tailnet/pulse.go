package tailnet

import (
	"context"
	"net/netip"
	"time"

	"tailscale.com/ipn/ipnstate"

	"coder.internal/api"
)

const (
	// pulseEvery is how often peers with open streams are asked for a sign.
	pulseEvery = 500 * time.Millisecond
	// silentAfter is how long a peer may give no sign before the ways to it are
	// made anew. Nothing else notices as early: a relay that fell silent is given
	// up by the library after two minutes, a direct path after six seconds.
	silentAfter = 1500 * time.Millisecond
	// eagerFor is how long a silence is met with new ways every silentAfter.
	// After it, or while others are heard, the trouble is the peer's own, who
	// may sleep for an hour: then the pauses double, up to seldom, because new
	// ways are felt by the other peers too.
	eagerFor = 30 * time.Second
	seldom   = 5 * time.Minute
	// sleptAfter is a gap between two pulses that only a frozen process or a
	// sleeping computer has.
	sleptAfter = 3 * time.Second
)

// pulse watches the peers that have open streams and renews the ways when one
// falls silent or this computer has slept. Without streams it does nothing.
type pulse struct {
	c     *Conn
	heard map[api.ID]*sign
	last  time.Time // of the wall clock, which goes on in sleep
}

// sign is what was last heard of a peer.
type sign struct {
	at    time.Time
	bytes int64
	due   time.Duration // the silence at which the ways are made anew
	pongs chan *ipnstate.PingResult
}

// watch runs the pulse until ctx ends.
func (c *Conn) watch(ctx context.Context) {
	if c.cfg.Relay.IsValid() {
		return // a server does not travel, and has more peers than it could ask
	}
	p := &pulse{c: c, heard: map[api.ID]*sign{}, last: time.Now().Round(0)}
	t := time.NewTicker(pulseEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			p.beat(time.Now().Round(0))
		}
	}
}

func (p *pulse) beat(now time.Time) {
	gap := now.Sub(p.last)
	p.last = now
	peers := p.c.streaming()
	for id := range p.heard {
		if _, ok := peers[id]; !ok {
			delete(p.heard, id)
		}
	}
	if len(peers) == 0 {
		return
	}
	sb := &ipnstate.StatusBuilder{WantPeers: true}
	p.c.eng.wg.UpdateStatus(sb)
	status := sb.Status().Peer
	for id, x := range peers {
		s := p.heard[id]
		if s == nil {
			s = &sign{at: now, pongs: make(chan *ipnstate.PingResult, 1)}
			p.heard[id] = s
		}
		p.listen(s, x, status[x.node.Key()], now)
		p.c.sendPing(x.addr, s.pongs)
	}
	slept := gap > sleptAfter+pulseEvery || gap < 0
	if due(p.heard, now, p.c.linked()) || slept {
		p.c.log.Debug("a peer with open streams is silent, renewing the ways to it", "slept", slept)
		p.c.renew("silence")
		p.c.checkLink()
	}
}

// due reports whether a silence has lasted long enough for new ways, and sets
// when they are due again. linked says that the coordinator is in reach.
func due(signs map[api.ID]*sign, now time.Time, linked bool) bool {
	heard, renew := false, false
	for _, s := range signs {
		if now.Sub(s.at) < silentAfter {
			heard, s.due = true, silentAfter
		}
	}
	for _, s := range signs {
		d := now.Sub(s.at)
		if d < max(s.due, silentAfter) {
			continue
		}
		renew = true
		if !heard && (d < eagerFor || !linked) {
			s.due = d + silentAfter
		} else {
			s.due = d + min(d, seldom)
		}
	}
	return renew
}

// listen notes whether the peer was heard since the last pulse: an answer, or
// bytes through a relay, where answers queue behind them. On a direct path bytes
// prove nothing, because they may come while ours go to an address that it left.
func (p *pulse) listen(s *sign, x peer, st *ipnstate.PeerStatus, now time.Time) {
	select {
	case r := <-s.pongs:
		if r.Err == "" {
			s.at = now
			if p.c.peers.takeStale(x.id, x.node.Key()) {
				p.c.eng.wg.ResetDevicePeer(x.node.Key())
			}
		}
	default:
	}
	if st == nil || st.RxBytes == s.bytes {
		return
	}
	s.bytes = st.RxBytes
	if st.CurAddr == "" {
		s.at = now
	}
}

// streaming returns the known peers that have open streams with us.
func (c *Conn) streaming() map[api.ID]peer {
	c.mu.Lock()
	addrs := map[netip.Addr]struct{}{}
	for s := range c.streams {
		addrs[s.far] = struct{}{}
	}
	c.mu.Unlock()
	out := map[api.ID]peer{}
	for a := range addrs {
		if id, ok := c.peers.byAddress(a); ok {
			if x, ok, _ := c.peers.get(id); ok {
				out[id] = x
			}
		}
	}
	return out
}

// linked reports whether the coordinator is in reach, as far as is known.
func (c *Conn) linked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr == nil
}

// busy reports whether streams are open.
func (c *Conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.streams) > 0
}

// renew opens the sockets and the relay connections again. What they carried is
// sent again by the streams.
func (c *Conn) renew(why string) {
	c.cfg.HTTPClient.CloseIdleConnections()
	c.eng.rebind()
	c.eng.mc.ReSTUN(why)
}

// checkLink asks the session with the coordinator to make sure that it lives.
// It never blocks.
func (c *Conn) checkLink() {
	select {
	case c.check <- struct{}{}:
	default:
	}
}
