package relay

import (
	"context"
	"sync"
	"time"

	"tailscale.com/types/key"
)

// maxLinksPerKey bounds the connections of one node. It needs one, and for a
// moment two while it changes networks.
const maxLinksPerKey = 8

// member is an admitted node key and its connections.
type member struct {
	share share
	links map[*link]struct{} // members.mu guards it
	// asked says that Verify admitted the key.
	asked bool
	mesh  bool // another replica, which is not limited: what it brings was, there
}

func (m *member) pay(n int, full bool, closed <-chan struct{}) {
	if !m.mesh {
		m.share.pay(n, full, closed)
	}
}

// members are the connections and the node keys that are here now.
type members struct {
	stir stir

	mu    sync.Mutex
	links map[*link]struct{}
	keys  map[key.NodePublic]*member
	// asked are the keys that Verify has just admitted, until their connection
	// is claimed. One that breaks in between is swept out by the audit.
	asked map[key.NodePublic]time.Time
}

func newMembers() *members {
	return &members{stir: stir{kick: make(chan struct{}, 1)}, links: map[*link]struct{}{}, keys: map[key.NodePublic]*member{}, asked: map[key.NodePublic]time.Time{}}
}

func (s *members) add(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l] = struct{}{}
}

// claim gives an admitted connection to its key. One too many of a key ends the
// newest.
func (s *members) claim(l *link) {
	s.mu.Lock()
	if _, asked := s.asked[l.key]; l.mesh && !asked {
		s.mu.Unlock()
		l.member.Store(&member{mesh: true})
		return
	}
	m := s.keys[l.key]
	if m == nil {
		m = &member{links: map[*link]struct{}{}, share: share{stir: &s.stir}}
		s.keys[l.key] = m
	}
	if _, ok := s.asked[l.key]; ok {
		m.asked = true
		delete(s.asked, l.key)
	}
	// What came as a mesh connection and needed Verify has shown somebody else's
	// proof.
	full := len(m.links) >= maxLinksPerKey || l.mesh
	m.links[l] = struct{}{}
	s.mu.Unlock()
	l.member.Store(m)
	if full {
		_ = l.Close()
	}
}

func (s *members) remove(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
	m := l.member.Load()
	if m == nil {
		return
	}
	delete(m.links, l)
	if len(m.links) == 0 && s.keys[l.key] == m {
		delete(s.keys, l.key)
	}
}

// admitted notes that Verify knows a key.
func (s *members) admitted(k key.NodePublic, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[k] = now
}

// forget drops what was admitted long ago and never claimed.
func (s *members) forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, t := range s.asked {
		if t.Before(before) {
			delete(s.asked, k)
		}
	}
}

// evict closes every connection of a key.
func (s *members) evict(k key.NodePublic) {
	s.mu.Lock()
	var ls []*link
	if m := s.keys[k]; m != nil {
		for l := range m.links {
			ls = append(ls, l)
		}
	}
	s.mu.Unlock()
	for _, l := range ls {
		_ = l.Close()
	}
}

// verified lists the keys that Verify admitted.
func (s *members) verified() []key.NodePublic {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []key.NodePublic
	for k, m := range s.keys {
		if m.asked {
			out = append(out, k)
		}
	}
	return out
}

func (s *members) all() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*link, 0, len(s.links))
	for l := range s.links {
		out = append(out, l)
	}
	return out
}

// shares lists what the members use, for the fair division.
func (s *members) shares() []*share {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*share, 0, len(s.keys))
	for _, m := range s.keys {
		out = append(out, &m.share)
	}
	return out
}

// reset starts the accounts over.
func (s *members) reset() {
	for _, x := range s.shares() {
		x.used.Store(0)
		x.waited.Store(0)
	}
}

// watch ends the connections of peers that stay silent, and of keys that are
// not known any more, until ctx ends. Evict ends the latter at once; a key that
// was forgotten while its connection was being admitted is only found here.
func (r *Relay) watch(ctx context.Context) {
	t := time.NewTicker(max(r.cfg.PingAfter/2, time.Millisecond))
	defer t.Stop()
	var pings sync.WaitGroup
	defer pings.Wait()
	audited := time.Now()
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case now = <-t.C:
		}
		for _, l := range r.members.all() {
			silent := now.Sub(time.Unix(0, l.heard.Load()))
			switch {
			case silent >= r.cfg.GoneAfter:
				r.silenced.Add(1)
				_ = l.Close()
			case silent >= r.cfg.PingAfter && l.member.Load() != nil && now.Sub(time.Unix(0, l.pinged.Load())) >= r.cfg.PingAfter:
				l.pinged.Store(now.UnixNano())
				pings.Go(func() { l.ping(now) })
			}
		}
		if r.cfg.Knows != nil && now.Sub(audited) >= r.cfg.AuditEvery {
			audited = now
			r.members.forget(now.Add(-r.cfg.AuditEvery))
			for _, k := range r.members.verified() {
				if !r.cfg.Knows(k.String()) {
					r.members.evict(k)
				}
			}
		}
	}
}

// Evict ends the connections of a node key that no longer belongs here. It does
// not block. A key that Verify still admits may come back.
func (r *Relay) Evict(nodeKey string) {
	var k key.NodePublic
	if k.UnmarshalText([]byte(nodeKey)) != nil || k.IsZero() {
		return
	}
	r.members.evict(k)
}
