package tailnet

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/netip"

	"tailscale.com/net/netmon"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// OfferStreams tells the peers that this node takes direct TCP connections at a port; 0
// for nowhere.
func (c *Conn) OfferStreams(port uint16) {
	c.mu.Lock()
	changed := c.streamPort != port
	c.streamPort = port
	c.mu.Unlock()
	if changed {
		c.republish()
	}
}

// streamEndpoints are where this node takes direct TCP connections now.
func (c *Conn) streamEndpoints() []string {
	c.mu.Lock()
	port := c.streamPort
	c.mu.Unlock()
	if port == 0 || len(c.cfg.StreamKey) == 0 {
		return nil
	}
	eps := localEndpoints(port)
	return eps[:min(len(eps), tailrpc.MaxStreamEndpoints)]
}

func (c *Conn) tellChanged(left []api.ID) {
	if c.cfg.Changed != nil {
		c.cfg.Changed(left)
	}
}

// DirectAllowed reports whether paths other than relays are allowed now, which is not
// known before the relay map is.
func (c *Conn) DirectAllowed() bool {
	if _, known := c.relays.current(); !known {
		return false
	}
	return c.eng.direct.Load()
}

// parseStreams reads what a node says of direct TCP connections. Loopback leads
// elsewhere than to the node, but on a machine without a network.
func parseStreams(n tailrpc.Node) (string, []netip.AddrPort) {
	if len(n.StreamKey) != tailrpc.StreamKeySize {
		return "", nil
	}
	if n.RelayOnly {
		return string(n.StreamKey), nil
	}
	var eps []netip.AddrPort
	for _, s := range n.StreamEndpoints[:min(len(n.StreamEndpoints), tailrpc.MaxStreamEndpoints)] {
		ap, err := netip.ParseAddrPort(s)
		if err == nil && ap.Port() != 0 && (!ap.Addr().Unmap().IsLoopback() || onlyLoopback()) {
			eps = append(eps, ap)
		}
	}
	return string(n.StreamKey), eps
}

func onlyLoopback() bool {
	regular, _, err := netmon.LocalAddresses()
	return err == nil && len(regular) == 0
}

// StreamPeer returns the peer that has a key for direct TCP connections.
func (c *Conn) StreamPeer(key []byte) (api.ID, bool) {
	p := c.peers
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, x := range p.byID {
		if len(x.streamKey) > 0 && subtle.ConstantTimeCompare([]byte(x.streamKey), key) == 1 {
			return x.id, true
		}
	}
	return api.ID{}, false
}

// StreamKey returns the key of a peer for direct TCP connections, nil while it is not
// known or has none.
func (c *Conn) StreamKey(peer api.ID) []byte {
	x, known, _ := c.peers.get(peer)
	if !known || x.streamKey == "" {
		return nil
	}
	return []byte(x.streamKey)
}

// Streams is what a peer says of direct TCP connections.
type Streams struct {
	Key       []byte
	Endpoints []netip.AddrPort
}

// StreamsOf returns that, and whether the peer is known. changed is closed when it
// may be otherwise.
func (c *Conn) StreamsOf(peer api.ID) (s Streams, known bool, changed <-chan struct{}) {
	x, known, changed := c.peers.get(peer)
	if !known || x.streamKey == "" {
		return s, known, changed
	}
	return Streams{Key: []byte(x.streamKey), Endpoints: x.streams}, true, changed
}

// AwaitStreams waits until a peer is known, for as long as ctx allows, and returns what
// it says of direct TCP connections.
func (c *Conn) AwaitStreams(ctx context.Context, peer api.ID) (Streams, error) {
	c.want(peer)
	defer c.wanted.release(peer)
	for {
		s, known, changed := c.StreamsOf(peer)
		if known {
			return s, nil
		}
		if c.isClosed() {
			return s, ErrClosed
		}
		select {
		case <-ctx.Done():
			return s, c.why(ctx, fmt.Sprintf("agent %s is not connected", peer))
		case <-changed:
		}
	}
}

// PeersChanged returns a channel that is closed at the next change of any peer.
func (c *Conn) PeersChanged() <-chan struct{} {
	_, _, changed := c.peers.get(api.ID{})
	return changed
}
