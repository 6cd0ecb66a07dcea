package tailnet

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/net/tstun"
	"tailscale.com/types/ipproto"
)

const (
	// guardEvery is how often streams with large packets are compared with the
	// paths that they take.
	guardEvery = time.Second
	// pathFades is how long the engine may go on to use a direct path to a peer that
	// has just said that it is on relays only.
	pathFades = 15 * time.Second
	// never is the relayFrom of a peer whose word does not count.
	never = 100 * 365 * 24 * time.Hour
)

// sizes says of a stream whether we may send large packets in it, and whether that
// is because this node keeps to relays, which it then does until the stream ends.
type sizes struct{ large, promised bool }

func (c *Conn) sizes(far netip.Addr) sizes {
	promised := !c.eng.direct.Load()
	return sizes{large: promised || c.onRelays(far), promised: promised}
}

// onRelays reports whether the peer with this address is on relays only.
func (c *Conn) onRelays(a netip.Addr) bool { return c.peers.onRelays(a, time.Now()) }

func (p *peers) onRelays(a netip.Addr, now time.Time) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	x, ok := p.byAddr[a]
	return ok && !x.relayFrom.IsZero() && !now.Before(x.relayFrom)
}

// relaySince is the relayFrom of a known peer that says now that it is on relays
// only.
func relaySince(old *peer, now time.Time) time.Time {
	if old.relayFrom.IsZero() {
		return now.Add(pathFades)
	}
	return old.relayFrom
}

// distrust makes packets to a peer small, for as long as it says that it is on
// relays only.
func (p *peers) distrust(x peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cur := p.byID[x.id]; cur != nil && cur.node.Key() == x.node.Key() && !cur.relayFrom.IsZero() {
		cur.relayFrom = time.Now().Add(never)
	}
}

// guard makes streams with large packets small whose peer is reached directly in
// spite of its word. Nobody else notices: they are told as by a router on the way.
func (c *Conn) guard(ctx context.Context) {
	if c.cfg.BlockDirect {
		return
	}
	t := time.NewTicker(guardEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			c.checkLarge()
		}
	}
}

func (c *Conn) checkLarge() {
	large := map[netip.Addr][]*stream{}
	c.mu.Lock()
	for s := range c.streams {
		if s.large {
			large[s.far] = append(large[s.far], s)
		}
	}
	c.mu.Unlock()
	if len(large) == 0 {
		return
	}
	sb := &ipnstate.StatusBuilder{WantPeers: true}
	c.eng.wg.UpdateStatus(sb)
	status := sb.Status().Peer
	for a, streams := range large {
		id, _ := c.peers.byAddress(a)
		x, ok, _ := c.peers.get(id)
		if !ok {
			continue
		}
		if st := status[x.node.Key()]; st == nil || st.CurAddr == "" {
			continue
		}
		c.log.Debug("a peer that should be on relays is reached directly, its streams get small packets", "peer", id)
		c.peers.distrust(x)
		for _, s := range streams {
			c.shrink(s)
		}
	}
}

// shrink lowers what a stream sends to the tunnel's usual packet, now and for what
// it has to send again.
func (c *Conn) shrink(s *stream) {
	local, lok := s.local.(*net.TCPAddr)
	remote, rok := s.remote.(*net.TCPAddr)
	if !lok || !rok {
		return
	}
	buf := make([]byte, tstun.PacketStartOffset, tstun.PacketStartOffset+tooBigLen)
	buf = append(buf, tooBig(local.AddrPort(), remote.AddrPort())...)
	if _, err := c.eng.tun.Write([][]byte{buf}, tstun.PacketStartOffset); err != nil {
		c.log.Debug("a stream keeps large packets", "error", err)
		return
	}
	c.mu.Lock()
	s.large = false
	c.mu.Unlock()
}

const (
	smallMTU  = 1280 // the least that IPv6 allows, and the tunnel's usual packet
	ip6Header = 40
	icmpStart = 8
	tooBigLen = ip6Header + icmpStart + ip6Header + 20
)

// tooBig is the ICMPv6 packet with which a router refuses a packet of a stream
// from local to remote as larger than smallMTU (RFC 4443, 3.2). The peer stands
// for the router.
func tooBig(local, remote netip.AddrPort) []byte {
	p := make([]byte, tooBigLen)
	header := func(b []byte, src, dst netip.Addr, next ipproto.Proto, payload int) {
		b[0], b[6], b[7] = 6<<4, byte(next), 64
		binary.BigEndian.PutUint16(b[4:], uint16(payload))
		from, to := src.As16(), dst.As16()
		copy(b[8:], from[:])
		copy(b[24:], to[:])
	}
	header(p, remote.Addr(), local.Addr(), ipproto.ICMPv6, tooBigLen-ip6Header)
	icmp := p[ip6Header:]
	icmp[0] = 2 // packet too big
	binary.BigEndian.PutUint32(icmp[4:], smallMTU)
	refused := icmp[icmpStart:]
	header(refused, local.Addr(), remote.Addr(), ipproto.TCP, largeMTU-ip6Header)
	binary.BigEndian.PutUint16(refused[ip6Header:], local.Port())
	binary.BigEndian.PutUint16(refused[ip6Header+2:], remote.Port())
	binary.BigEndian.PutUint16(icmp[2:], ^sum(p, ipproto.ICMPv6))
	return p
}
