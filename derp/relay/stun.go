package relay

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"tailscale.com/net/stun"
)

// Limits of the STUN responder, per second. A node asks a few times a minute,
// but many may stand behind one address.
const (
	stunPerSource = 200
	stunPerSecond = 20_000
	// stunSources is the size of the table that sources are counted in. Two that
	// fall on one place share it for a second; the seed keeps it from being
	// arranged.
	stunSources = 4096
	maxSTUN     = 1280
)

// stunServer tells whoever asks the address that the question came from, over
// IPv4 and IPv6. The answer is no longer than a question that it accepts, so it
// amplifies nothing.
type stunServer struct {
	pc   *net.UDPConn
	seed maphash.Seed

	second  int64 // which the counts below are of
	asked   int
	sources [stunSources]uint16

	answered, limited, ignored atomic.Int64
}

func listenSTUN(address string) (*stunServer, error) {
	pc, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for STUN on %s: %w", address, err)
	}
	return &stunServer{pc: pc.(*net.UDPConn), seed: maphash.MakeSeed()}, nil
}

func (s *stunServer) addr() netip.AddrPort { return s.pc.LocalAddr().(*net.UDPAddr).AddrPort() }
func (s *stunServer) close() error         { return s.pc.Close() }

// serve answers until close; it returns nil then.
func (s *stunServer) serve() error {
	buf := make([]byte, maxSTUN)
	for {
		n, from, err := s.pc.ReadFromUDPAddrPort(buf)
		var ne net.Error
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.As(err, &ne) && ne.Timeout():
			continue
		case err != nil:
			return err
		}
		if a := s.answer(buf[:n], from, time.Now()); a != nil {
			// The asker asks again where this one is lost.
			_, _ = s.pc.WriteToUDPAddrPort(a, from)
		}
	}
}

// answer returns what to send back, nil for nothing.
func (s *stunServer) answer(question []byte, from netip.AddrPort, now time.Time) []byte {
	if !s.allow(from.Addr(), now) {
		s.limited.Add(1)
		return nil
	}
	tx, err := stun.ParseBindingRequest(question)
	if err != nil {
		s.ignored.Add(1)
		return nil
	}
	s.answered.Add(1)
	return stun.Response(tx, netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port()))
}

// allow counts a question of a source: an IPv4 address, or an IPv6 network of
// the size that one customer gets.
func (s *stunServer) allow(a netip.Addr, now time.Time) bool {
	if sec := now.Unix(); sec != s.second {
		s.second, s.asked = sec, 0
		clear(s.sources[:])
	}
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return false
	}
	n := &s.sources[maphash.Comparable(s.seed, p)%stunSources]
	if s.asked >= stunPerSecond || *n >= stunPerSource {
		return false
	}
	s.asked++
	*n++
	return true
}
