package tailnet

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/wgengine"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// peer is one node that the coordinator told us of.
type peer struct {
	id        api.ID
	addr      netip.Addr
	node      tailcfg.NodeView
	reachable bool // a ping was answered since the keys changed
	session   int  // the coordinator session that last named it
	stale     bool // it may have forgotten the keys of our tunnel
	// relayFrom is since when it is on relays only, by its own word; zero while it
	// is not.
	relayFrom time.Time
	// streamKey is the key of its direct TCP connections, "" for none, and streams are
	// where it takes them.
	streamKey string
	streams   []netip.AddrPort
}

// peers is what the engine looks peers up in, and who waits for one.
type peers struct {
	applying sync.Mutex // the engine wants its updates one after another

	mu      sync.RWMutex
	self    tailcfg.NodeView
	byID    map[api.ID]*peer
	byKey   map[key.NodePublic]*peer
	byAddr  map[netip.Addr]*peer
	lastID  tailcfg.NodeID // never reused
	session int            // counts coordinator sessions
	changed chan struct{}  // closed at the next change
}

func newPeers() *peers {
	return &peers{
		byID: map[api.ID]*peer{}, byKey: map[key.NodePublic]*peer{}, byAddr: map[netip.Addr]*peer{},
		lastID: 1, changed: make(chan struct{}),
	}
}

// attach gives the engine its three ways to look up a peer.
func (p *peers) attach(e wgengine.Engine) {
	e.SetPeerConfigFunc(func(k key.NodePublic) ([]netip.Prefix, bool) {
		p.mu.RLock()
		defer p.mu.RUnlock()
		if x, ok := p.byKey[k]; ok {
			return []netip.Prefix{netip.PrefixFrom(x.addr, 128)}, true
		}
		return nil, false
	})
	e.SetPeerByIPPacketFunc(func(a netip.Addr) (key.NodePublic, bool) {
		p.mu.RLock()
		defer p.mu.RUnlock()
		if x, ok := p.byAddr[a]; ok {
			return x.node.Key(), true
		}
		return key.NodePublic{}, false
	})
	e.SetPeerForIPFunc(func(a netip.Addr) (wgengine.PeerForIP, bool) {
		p.mu.RLock()
		defer p.mu.RUnlock()
		x, ok := p.byAddr[a]
		if !ok {
			return wgengine.PeerForIP{}, false
		}
		return wgengine.PeerForIP{Node: x.node, Route: netip.PrefixFrom(x.addr, 128)}, true
	})
}

// get returns a copy of a known peer and the channel of the next change.
func (p *peers) get(id api.ID) (peer, bool, <-chan struct{}) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if x, ok := p.byID[id]; ok {
		return *x, true, p.changed
	}
	return peer{}, false, p.changed
}

func (p *peers) byAddress(a netip.Addr) (api.ID, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if x, ok := p.byAddr[a]; ok {
		return x.id, true
	}
	return api.ID{}, false
}

// markReachable notes that the peer answered, unless its keys changed meanwhile.
func (p *peers) markReachable(id api.ID, k key.NodePublic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x, ok := p.byID[id]; ok && x.node.Key() == k {
		x.reachable = true
	}
}

// doubt makes the next dials ask for an answer first.
func (p *peers) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.byID {
		x.reachable = false
	}
}

// suspect notes that every peer may have forgotten the keys of its tunnel with us.
func (p *peers) suspect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.byID {
		x.stale = true
	}
}

// takeStale reports once whether the peer's tunnel needs new keys.
func (p *peers) takeStale(id api.ID, k key.NodePublic) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, ok := p.byID[id]
	if !ok || x.node.Key() != k || !x.stale {
		return false
	}
	x.stale = false
	return true
}

// begin counts a new session with a coordinator.
func (p *peers) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session++
}

// unnamed returns the peers that the current session has not named: they left
// while no coordinator could tell us.
func (p *peers) unnamed() []api.ID {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var ids []api.ID
	for id, x := range p.byID {
		if x.session != p.session {
			ids = append(ids, id)
		}
	}
	return ids
}

// apply brings the engine to the state that a message describes. Nodes that
// make no sense are left out; the rest still counts.
func (p *peers) apply(e *engine, self api.ID, upsert []tailrpc.Node, gone []api.ID) {
	p.applying.Lock()
	defer p.applying.Unlock()
	for _, id := range gone {
		p.remove(e, id)
	}
	for _, n := range upsert {
		if n.ID != self && !n.ID.IsZero() {
			p.upsert(e, n)
		}
	}
	p.mu.Lock()
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
}

func (p *peers) remove(e *engine, id api.ID) {
	p.mu.Lock()
	x, ok := p.byID[id]
	if ok {
		p.forget(x)
	}
	p.mu.Unlock()
	if ok {
		e.mc.RemovePeer(x.node.ID())
		e.wg.SyncDevicePeer(x.node.Key())
	}
}

// forget drops x from the maps; mu is held.
func (p *peers) forget(x *peer) {
	delete(p.byID, x.id)
	delete(p.byAddr, x.addr)
	if p.byKey[x.node.Key()] == x {
		delete(p.byKey, x.node.Key())
	}
}

func (p *peers) upsert(e *engine, n tailrpc.Node) {
	k, disco, endpoints, ok := parseNode(n)
	if !ok {
		return
	}
	streamKey, streams := parseStreams(n)
	p.mu.Lock()
	if other, taken := p.byKey[k]; taken && other.id != n.ID {
		p.mu.Unlock()
		return // a key belongs to one node
	}
	old := p.byID[n.ID]
	x := &peer{id: n.ID, addr: tailrpc.AddressOf(n.ID), session: p.session, streamKey: streamKey, streams: streams}
	if n.RelayOnly {
		x.relayFrom, endpoints = time.Now(), nil
	}
	var nodeID tailcfg.NodeID
	var oldKey key.NodePublic
	var newDisco bool
	if old != nil {
		nodeID, oldKey = old.node.ID(), old.node.Key()
		newDisco = oldKey == k && old.node.DiscoKey() != disco
		x.reachable = old.reachable && oldKey == k && !newDisco
		x.stale = old.stale && oldKey == k
		if oldKey == k && !x.relayFrom.IsZero() {
			x.relayFrom = relaySince(old, x.relayFrom)
		}
		p.forget(old)
	} else {
		p.lastID++
		nodeID = p.lastID
	}
	prefix := []netip.Prefix{netip.PrefixFrom(x.addr, 128)}
	x.node = (&tailcfg.Node{
		ID: nodeID, Key: k, DiscoKey: disco, Addresses: prefix, AllowedIPs: prefix,
		Endpoints: endpoints, HomeDERP: n.HomeRelay, Created: time.Unix(1, 0),
		Hostinfo: (&tailcfg.Hostinfo{}).View(),
	}).View()
	p.byID[n.ID], p.byKey[k], p.byAddr[x.addr] = x, x, x
	p.mu.Unlock()

	e.mc.UpsertPeer(x.node)
	if !oldKey.IsZero() && oldKey != k {
		e.wg.SyncDevicePeer(oldKey)
	}
	if newDisco {
		e.wg.ResetDevicePeer(k)
	} else {
		e.wg.SyncDevicePeer(k)
	}
}

// parseNode reads the text forms. The addresses are not read at all: they
// follow from the id.
func parseNode(n tailrpc.Node) (key.NodePublic, key.DiscoPublic, []netip.AddrPort, bool) {
	var k key.NodePublic
	var d key.DiscoPublic
	if k.UnmarshalText([]byte(n.Key)) != nil || d.UnmarshalText([]byte(n.DiscoKey)) != nil || k.IsZero() || d.IsZero() {
		return k, d, nil, false
	}
	var eps []netip.AddrPort
	for _, s := range n.Endpoints[:min(len(n.Endpoints), tailrpc.MaxEndpoints)] {
		if ap, err := netip.ParseAddrPort(s); err == nil && ap.Port() != 0 {
			eps = append(eps, ap)
		}
	}
	return k, d, slices.Clip(eps), true
}
