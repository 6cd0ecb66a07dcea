package coordinator

import (
	"fmt"
	"net/netip"

	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// checkNode returns what a node said of itself in the form that others get it,
// or an error that tells the node what is wrong. Nothing is taken over that was
// not understood.
func (c *Coordinator) checkNode(n tailrpc.Node, self api.ID) (tailrpc.Node, error) {
	if !n.ID.IsZero() && n.ID != self {
		return n, fmt.Errorf("node id %s is not yours", n.ID)
	}
	var k key.NodePublic
	var d key.DiscoPublic
	if err := k.UnmarshalText([]byte(n.Key)); err != nil || k.IsZero() {
		return n, fmt.Errorf("key is not a node key")
	}
	if err := d.UnmarshalText([]byte(n.DiscoKey)); err != nil || d.IsZero() {
		return n, fmt.Errorf("disco_key is not a disco key")
	}
	want := tailrpc.PrefixOf(self)
	if len(n.Addresses) != 1 {
		return n, fmt.Errorf("addresses must be the one address of the node")
	}
	if p, err := netip.ParsePrefix(n.Addresses[0]); err != nil || p != want {
		return n, fmt.Errorf("addresses must be %s", want)
	}
	eps, err := checkEndpoints("endpoints", n.Endpoints, tailrpc.MaxEndpoints)
	if err != nil {
		return n, err
	}
	streams, err := checkStreams(n)
	if err != nil {
		return n, err
	}
	home := n.HomeRelay
	m := c.opts.RelayMap()
	if _, ok := m.Regions[home]; !ok {
		home = 0 // of a map that is no more
	}
	if m.BlockDirect || n.RelayOnly {
		eps, streams = nil, nil
	}
	return tailrpc.Node{
		ID: self, Key: k.String(), DiscoKey: d.String(), Addresses: []string{want.String()},
		Endpoints: eps, HomeRelay: home, AsOf: c.clock.Now().UTC(), RelayOnly: n.RelayOnly,
		StreamKey: n.StreamKey, StreamEndpoints: streams,
	}, nil
}

// checkStreams returns the addresses of direct streams, nil where there are none.
func checkStreams(n tailrpc.Node) ([]string, error) {
	if len(n.StreamKey) != 0 && len(n.StreamKey) != tailrpc.StreamKeySize {
		return nil, fmt.Errorf("stream_key must have %d bytes", tailrpc.StreamKeySize)
	}
	if len(n.StreamEndpoints) == 0 {
		return nil, nil
	}
	if len(n.StreamKey) == 0 {
		return nil, fmt.Errorf("stream_endpoints need a stream_key")
	}
	return checkEndpoints("stream_endpoints", n.StreamEndpoints, tailrpc.MaxStreamEndpoints)
}

// checkEndpoints refuses what is no address of one machine, since every peer
// will send packets there.
func checkEndpoints(field string, in []string, most int) ([]string, error) {
	if len(in) > most {
		return nil, fmt.Errorf("%s: at most %d are allowed", field, most)
	}
	out := make([]string, 0, len(in))
	for i, s := range in {
		ap, err := netip.ParseAddrPort(s)
		if err != nil || ap.Port() == 0 {
			return nil, fmt.Errorf("%s[%d] is not ip:port", field, i)
		}
		a := ap.Addr().Unmap()
		if a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || tailrpc.ULA().Contains(a) {
			return nil, fmt.Errorf("%s[%d] is not an address of a machine", field, i)
		}
		out = append(out, netip.AddrPortFrom(a, ap.Port()).String())
	}
	return out, nil
}
