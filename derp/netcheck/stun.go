package netcheck

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"tailscale.com/net/stun"
)

const (
	// maxSTUN bounds the servers that are asked.
	maxSTUN = 8
	// stunResend is how long an answer may take before the question is repeated.
	stunResend = 300 * time.Millisecond
	// stunTimeout bounds the whole hop: a lost UDP packet is told by nobody.
	stunTimeout = 2 * time.Second
)

// stun asks which address our packets seem to come from. It is no failure that
// UDP does not pass: relays carry everything then.
func (r *run) stun(ctx context.Context) {
	servers := r.stunServers()
	skip := ""
	switch {
	case r.broken != "" && len(servers) == 0:
		skip = "not reached: " + r.broken + " failed"
	case r.unknownRelays:
		skip = "the STUN servers of the deployment are known to those who are signed in"
	case r.NoDirect:
		skip = "not asked for: --disable-direct-connections"
	case r.Relays.BlockDirect:
		skip = "the deployment allows relays only"
	case len(servers) == 0:
		skip = "the deployment has no STUN server: direct paths form inside of one network only"
	}
	if skip != "" {
		r.add(Step{Name: "stun", Status: Skipped, Detail: skip})
		return
	}
	r.add(r.timed(ctx, "stun", func(ctx context.Context) Step { return r.askSTUN(ctx, servers) }))
}

func (r *run) stunServers() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(r.Relays.Regions)) {
		for _, n := range r.Relays.Regions[id].Nodes {
			if n.STUN != "" && !slices.Contains(out, n.STUN) && len(out) < maxSTUN {
				out = append(out, n.STUN)
			}
		}
	}
	return out
}

// mapping is what one server saw.
type mapping struct {
	server string
	seen   netip.AddrPort
	took   time.Duration
}

func (r *run) askSTUN(ctx context.Context, servers []string) Step {
	ctx, cancel := context.WithTimeout(ctx, stunTimeout)
	defer cancel()
	pc, err := net.ListenPacket("udp", ":0")
	if err != nil {
		return Step{Status: Warning, Detail: "no UDP socket: " + err.Error(), Cure: "Let this process use UDP; relays are used meanwhile."}
	}
	defer pc.Close()
	got, asked := r.mappings(ctx, pc, servers)
	some := servers[0]
	if n := len(servers) - 1; n > 0 {
		some += fmt.Sprintf(" and %d more", n)
	}
	if asked == 0 {
		return Step{Status: Warning, Detail: "the names of the STUN servers do not resolve: " + some,
			Cure: "Give the server a STUN server that both sides reach: --derp-server-stun-addresses. Until then direct paths form inside of one network only."}
	}
	if len(got) == 0 {
		return Step{Status: Warning, Detail: "no answer from " + some + ": UDP does not pass",
			Cure: "Let UDP out to these servers and to high ports. Until then all traffic goes through relays."}
	}
	s := Step{Status: OK, Took: got[0].took, Detail: "UDP passes; seen as " + got[0].seen.String()}
	for _, m := range got[1:] {
		if m.seen.Addr().Is4() == got[0].seen.Addr().Is4() && m.seen != got[0].seen {
			s.Status = Warning
			s.Detail = fmt.Sprintf("the NAT here is a hard one: %s sees %s, %s sees %s", got[0].server, got[0].seen, m.server, m.seen)
			s.Cure = "Direct paths need an easy NAT on the other side, or IPv6. Relays are used otherwise."
			break
		}
	}
	return s
}

// mappings asks all servers from one socket, so that the answers can be
// compared. asked is how many have an address at all.
func (r *run) mappings(ctx context.Context, pc net.PacketConn, servers []string) (out []mapping, asked int) {
	type question struct {
		server string
		to     *net.UDPAddr
		sent   time.Time
	}
	open := map[stun.TxID]*question{}
	for _, server := range servers {
		if to := r.stunAddr(ctx, server); to != nil {
			open[stun.NewTxID()] = &question{server: server, to: to}
		}
	}
	asked = len(open)
	buf := make([]byte, 1500)
	for len(open) > 0 && ctx.Err() == nil {
		for tx, q := range open {
			q.sent = time.Now()
			_, _ = pc.WriteTo(stun.Request(tx), q.to) // repeated while there is no answer
		}
		_ = pc.SetReadDeadline(time.Now().Add(stunResend))
		for len(open) > 0 {
			n, _, err := pc.ReadFrom(buf)
			if err != nil {
				break
			}
			tx, seen, err := stun.ParseResponse(buf[:n])
			if q := open[tx]; err == nil && q != nil {
				out = append(out, mapping{q.server, netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port()), time.Since(q.sent)})
				delete(open, tx)
			}
		}
	}
	return out, asked
}

func (r *run) stunAddr(ctx context.Context, server string) *net.UDPAddr {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		addrs, err := r.Lookup(ctx, host)
		if err != nil || len(addrs) == 0 {
			return nil
		}
		// IPv4 first: NATs are an affair of IPv4.
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
		host = addrs[0].Unmap().String()
	}
	a, err := net.ResolveUDPAddr("udp", net.JoinHostPort(host, port))
	if err != nil {
		return nil
	}
	return a
}
