package tailnet

import (
	be "encoding/binary"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"tailscale.com/net/packet"
	"tailscale.com/net/tstun"
	"tailscale.com/types/ipproto"
	"tailscale.com/wgengine/filter"
)

// A relay's cost is per packet, so where every path is a relay large packets
// carry several times as much. On a direct path they would be cut into fragments
// by the hosts, which many networks drop.
//
// So every node can take large packets, and a stream is told at its start what
// it may send: the segment size in the peer's SYN or SYN-ACK is lowered on its
// way in, unless this node is on relays only. Each side guards what it sends
// itself, so nodes of both kinds, and of older releases, go together. While a
// stream that sends large packets is open, its node stays on relays, also when
// direct paths are allowed in the meantime.
const (
	// largeMTU makes a full window (maxBuffer) of 32 packets, which is what a relay
	// queues for a client; larger ones are lost there, smaller ones are slower.
	largeMTU = 32_000
	// smallSegment is what 1280 bytes hold behind the headers of IPv6 and TCP.
	smallSegment = 1280 - 40 - 20
)

// creating is held while the library reads the size of packets, which it takes
// from the environment of the process.
var creating sync.Mutex

// withLargeMTU calls create so that the node it makes takes large packets.
func withLargeMTU(create func() error) error {
	const name = "TS_DEBUG_MTU"
	creating.Lock()
	defer creating.Unlock()
	if err := os.Setenv(name, strconv.Itoa(largeMTU)); err != nil {
		return err
	}
	defer os.Unsetenv(name) // what a workspace runs must not inherit it
	return create()
}

// segments lowers the segment sizes that peers offer.
type segments struct{ large atomic.Bool }

// guard puts s in front of what the network stack receives. It must be called
// before packets flow.
func (s *segments) guard(tun *tstun.Wrapper) {
	next := tun.PostFilterPacketInboundFromWireGuardAppConnector
	tun.PostFilterPacketInboundFromWireGuardAppConnector = func(p *packet.Parsed, t *tstun.Wrapper) filter.Response {
		if p.IPProto == ipproto.TCP && p.TCPFlags&packet.TCPSyn != 0 && !s.large.Load() {
			// Addresses of ours are IPv6, and no extension stands before TCP.
			if b := p.Buffer(); len(b) > 40 && b[0]>>4 == 6 && b[6] == 6 {
				lowerSegment(b[40:])
			}
		}
		if next != nil {
			return next(p, t)
		}
		return filter.Accept
	}
}

// lowerSegment rewrites the maximum segment size of a TCP header, and the
// checksum with it (RFC 1624).
func lowerSegment(tcp []byte) {
	if len(tcp) < 20 {
		return
	}
	end := int(tcp[12]>>4) * 4
	if end < 20 || end > len(tcp) {
		return
	}
	for o := 20; o < end; {
		switch tcp[o] {
		case 0:
			return
		case 1:
			o++
			continue
		}
		if o+2 > end || tcp[o+1] < 2 || o+int(tcp[o+1]) > end {
			return
		}
		if tcp[o] == 2 && tcp[o+1] == 4 {
			if be.BigEndian.Uint16(tcp[o+2:]) > smallSegment {
				set(tcp, o+2, smallSegment)
			}
			return
		}
		o += int(tcp[o+1])
	}
}

// set changes two bytes at an offset, which may be odd.
func set(tcp []byte, at int, v uint16) {
	before := be.BigEndian.Uint16(tcp[at:])
	be.BigEndian.PutUint16(tcp[at:], v)
	if at%2 == 1 {
		before, v = before<<8|before>>8, v<<8|v>>8
	}
	sum := uint32(^be.BigEndian.Uint16(tcp[16:])) + uint32(^before) + uint32(v)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	be.BigEndian.PutUint16(tcp[16:], ^uint16(sum))
}
