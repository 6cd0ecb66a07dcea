// Package mesh links the relays of a deployment's replicas, so that nodes which
// are connected to different ones reach each other.
//
// It owns one connection to each other replica's relay. Over it this replica
// hears which nodes are there and hands on the packets for them; what comes the
// other way comes over the other's connection. A packet crosses one link at most,
// so every replica links to every other. The mesh never decides who belongs to
// it: Set says so. It never sees plain text and knows no database.
//
// A link is dialling, then up until its connection breaks, its peer is silent for
// some seconds or Set leaves it out; the nodes that it brought go with it. One
// that broke is dialled again after 50 ms to 2 s. What waits for a link is
// bounded: a node's packets lose their oldest, as in the relay, and neither a
// slow link nor a frozen replica holds up packets for other places.
package mesh

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/derp/relay"
)

// Peer is another replica. A Peer of which anything changes is another one.
type Peer struct {
	ID  string
	URL string // where its server is, with its path prefix; http or https
	Key string // of its relay, "nodekey:<hex>"
}

// Link is what is known of the connection to a peer.
type Link struct {
	Peer  Peer
	Up    time.Time     // zero while it is not
	Error string        // why it is not up, or why it was last not; empty at first
	Trip  time.Duration // there and back through both relays' queues; 0 before the first answer
	Nodes int           // that are connected there
	Lost  int64         // packets that found no room
}

// Config describes a Mesh. All but TLS and Jitter are required.
type Config struct {
	Relay   *relay.Relay
	MeshKey api.Secret // 64 hexadecimal digits, one for the deployment
	Log     *slog.Logger
	Clock   quartz.Clock
	TLS     *tls.Config // for https peers; nil means the system's roots
	// Jitter returns a number in [0, 1); nil means a random one.
	Jitter func() float64
}

// Mesh is this replica's side of all links. Its methods may be called
// concurrently.
type Mesh struct {
	cfg  Config
	log  *slog.Logger
	key  key.DERPMesh
	here table

	kick chan struct{} // peers changed; holds one

	mu    sync.Mutex // guards all below
	peers []Peer     // as Set wants them
	links map[Peer]*link
}

// New checks the configuration. Nothing is dialled before Run.
func New(cfg Config) (*Mesh, error) {
	if cfg.Relay == nil || cfg.Log == nil || cfg.Clock == nil {
		return nil, errors.New("mesh: Relay, Log and Clock are required")
	}
	k, err := key.ParseDERPMesh(cfg.MeshKey.Reveal())
	if err != nil || k.IsZero() {
		return nil, errors.New("mesh: the mesh key must be 64 hexadecimal digits") // not err, which may quote it
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
	m := &Mesh{cfg: cfg, log: cfg.Log.With("component", "mesh"), key: k, kick: make(chan struct{}, 1), links: map[Peer]*link{}}
	m.here.init(cfg.Relay)
	return m, nil
}

// Set names the other replicas. Links to those that are new are dialled and links
// to those that are not named are closed, at once. It does not block.
func (m *Mesh) Set(peers []Peer) {
	m.mu.Lock()
	m.peers = slices.Clone(peers)
	m.mu.Unlock()
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// Status lists the links by the ids of their peers.
func (m *Mesh) Status() []Link {
	m.mu.Lock()
	out := make([]Link, 0, len(m.links))
	for _, l := range m.links {
		out = append(out, l.status())
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b Link) int { return strings.Compare(a.Peer.ID+a.Peer.URL, b.Peer.ID+b.Peer.URL) })
	return out
}

// Run keeps the links until ctx ends, then closes them and returns nil.
func (m *Mesh) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		for _, l := range m.follow() {
			lctx, stop := context.WithCancelCause(ctx)
			l.stop = stop
			wg.Go(func() { l.run(lctx) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.kick:
		}
	}
}

// follow ends the links that nobody wants any more and returns those that are to
// be started.
func (m *Mesh) follow() []*link {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := map[Peer]bool{}
	var fresh []*link
	for _, p := range m.peers {
		if wanted[p] {
			continue
		}
		wanted[p] = true
		if m.links[p] == nil {
			l := newLink(m, p)
			m.links[p] = l
			fresh = append(fresh, l)
		}
	}
	for p, l := range m.links {
		if !wanted[p] {
			delete(m.links, p)
			l.stop(errUnwanted)
			m.here.leave(l)
		}
	}
	return fresh
}

var errUnwanted = errors.New("the replica is gone")
