package tailnet

import (
	"encoding/binary"
	"net"
	"time"

	"tailscale.com/net/packet"
	"tailscale.com/net/tstun"
	"tailscale.com/types/ipproto"
	"tailscale.com/wgengine/filter"
)

const (
	// usualMTU is the smallest wire that a full packet of the tunnel fits: 1280
	// bytes, WireGuard's 32, UDP and IPv6.
	usualMTU = 1280 + 32 + udp6Header
	// leastMTU is the smallest that is believed.
	leastMTU      = 576
	udp6Header    = 8 + 40
	tcp6Header    = 20 + 40
	wireGuardUnit = 16 // packets are filled up to a multiple of it
	mtuFor        = 10 * time.Second
)

// narrowIn bounds what a peer that opens or takes a stream lets us send: what fits
// the tunnel's usual packet, or less on a wire of less than usualMTU. The library
// would hand the system larger ones in batches, which it refuses to cut up, so
// that nothing but small packets would arrive. Where relays alone are in use,
// nothing is bounded.
func (e *engine) narrowIn(p *packet.Parsed) {
	if opens(p) && e.direct.Load() && !e.relayed(p.Src.Addr()) {
		lowerMSS(p.Buffer(), segmentFor(e.wireMTU(time.Now())))
	}
}

// narrowOut tells the peer what fits our own wire.
func (e *engine) narrowOut(p *packet.Parsed, _ *tstun.Wrapper) filter.Response {
	e.out.add(len(p.Buffer()))
	if opens(p) && e.direct.Load() && !e.relayed(p.Dst.Addr()) {
		if mtu := e.wireMTU(time.Now()); mtu < usualMTU {
			lowerMSS(p.Buffer(), segmentFor(mtu))
		}
	}
	return filter.Accept
}

// opens reports whether p is one of the two packets that open a stream.
func opens(p *packet.Parsed) bool {
	return p.IPVersion == 6 && p.IPProto == ipproto.TCP && p.TCPFlags&packet.TCPSyn != 0
}

// segmentFor is the largest TCP segment inside the tunnel on such a wire.
func segmentFor(mtu int) uint16 {
	inner := (max(mtu, leastMTU) - udp6Header - 32) / wireGuardUnit * wireGuardUnit
	return uint16(inner - tcp6Header)
}

// wireMTU is that of the interface with the default route, or the smallest of
// all where there is none. It is looked up now and then.
func (e *engine) wireMTU(now time.Time) int {
	e.mtuMu.Lock()
	defer e.mtuMu.Unlock()
	if now.Sub(e.mtuAt) < mtuFor {
		return e.mtu
	}
	e.mtuAt, e.mtu = now, usualMTU
	name := e.mon.InterfaceState().DefaultRouteInterface
	ifs, err := net.Interfaces()
	if err != nil {
		return e.mtu
	}
	for _, i := range ifs {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 && (name == "" || i.Name == name) && i.MTU >= leastMTU {
			e.mtu = min(e.mtu, i.MTU)
		}
	}
	return e.mtu
}

// lowerMSS lowers the segment size that an IPv6 packet with a TCP SYN offers to
// most, and mends its checksum. Anything else is left as it is.
func lowerMSS(pkt []byte, most uint16) {
	const ip = 40
	if len(pkt) < ip+20 {
		return
	}
	tcp := pkt[ip:]
	end := int(tcp[12]>>4) * 4
	if end < 20 || end > len(tcp) {
		return
	}
	for at := 20; at < end; {
		switch kind := tcp[at]; {
		case kind == 0:
			return
		case kind == 1:
			at++
		case at+1 >= end || tcp[at+1] < 2 || at+int(tcp[at+1]) > end:
			return
		case kind == 2 && tcp[at+1] == 4:
			if old := binary.BigEndian.Uint16(tcp[at+2:]); old > most {
				whole := sum(pkt, ipproto.TCP) == 0xffff // else it is still to be made
				binary.BigEndian.PutUint16(tcp[at+2:], most)
				if whole {
					binary.BigEndian.PutUint16(tcp[16:], 0)
					binary.BigEndian.PutUint16(tcp[16:], ^sum(pkt, ipproto.TCP))
				}
			}
			return
		default:
			at += int(tcp[at+1])
		}
	}
}

// sum is the one's complement sum of a packet of a protocol over IPv6 and its
// pseudo header; 0xffff where the checksum is right.
func sum(pkt []byte, proto ipproto.Proto) uint16 {
	s := uint32(len(pkt)-40) + uint32(proto)
	add := func(b []byte) {
		for ; len(b) >= 2; b = b[2:] {
			s += uint32(binary.BigEndian.Uint16(b))
		}
		if len(b) == 1 {
			s += uint32(b[0]) << 8
		}
	}
	add(pkt[8:40])
	add(pkt[40:])
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
