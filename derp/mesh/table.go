package mesh

import (
	"sync"

	"tailscale.com/types/key"

	"coder.internal/derp/relay"
)

const (
	// maxNodes bounds what one peer may claim to have.
	maxNodes = 100_000
	// maxPlaces bounds to how many replicas packets for one node are sent.
	maxPlaces = 3
)

// table says over which links the nodes of other replicas are reached. It is the
// one forwarder that the relay knows.
//
// A node that moves is at two places until its old connection is found dead, and
// nothing says for sure which one is new: a link that was just dialled tells all
// its nodes at once. So its packets go to both. What comes twice is dropped by
// the node's WireGuard.
type table struct {
	relay *relay.Relay

	mu     sync.RWMutex // guards all below; may be held while calling the relay
	places map[key.NodePublic][]*link
	nodes  map[*link]map[key.NodePublic]struct{} // of links that are up
}

func (t *table) init(r *relay.Relay) {
	t.relay, t.places, t.nodes = r, map[key.NodePublic][]*link{}, map[*link]map[key.NodePublic]struct{}{}
}

// join begins a link that has no nodes yet.
func (t *table) join(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nodes[l] = map[key.NodePublic]struct{}{}
}

// add notes a node of a link. It returns false where the link has left or has
// too many.
func (t *table) add(l *link, k key.NodePublic) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	nodes, ok := t.nodes[l]
	if !ok || len(nodes) >= maxNodes {
		return false
	}
	if _, ok := nodes[k]; ok {
		return true // one more connection of it
	}
	nodes[k] = struct{}{}
	at := t.places[k]
	// The newest first, in a new slice: ForwardPacket may be reading the old one.
	t.places[k] = append([]*link{l}, at...)
	if len(at) == 0 {
		t.relay.Forward(k, t)
	}
	return true
}

// remove notes that a node of a link is gone.
func (t *table) remove(l *link, k key.NodePublic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeLocked(l, k)
}

func (t *table) removeLocked(l *link, k key.NodePublic) {
	nodes := t.nodes[l]
	if _, ok := nodes[k]; !ok {
		return
	}
	delete(nodes, k)
	rest := make([]*link, 0, len(t.places[k])-1)
	for _, x := range t.places[k] {
		if x != l {
			rest = append(rest, x)
		}
	}
	if len(rest) > 0 {
		t.places[k] = rest
		return
	}
	delete(t.places, k)
	t.relay.Unforward(k, t)
}

// leave ends a link and everything that it brought.
func (t *table) leave(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.nodes[l] {
		t.removeLocked(l, k)
	}
	delete(t.nodes, l)
}

// count is how many nodes a link has.
func (t *table) count(l *link) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.nodes[l])
}

// ForwardPacket implements derpserver.PacketForwarder. The relay has read the
// packet into memory of its own and leaves it to us.
func (t *table) ForwardPacket(src, dst key.NodePublic, packet []byte) error {
	t.mu.RLock()
	at := t.places[dst]
	t.mu.RUnlock()
	for _, l := range at[:min(len(at), maxPlaces)] {
		l.queue.push(src, dst, packet)
	}
	return nil
}

// String implements derpserver.PacketForwarder.
func (t *table) String() string { return "mesh" }
