// Package coordinator tells network nodes about each other.
//
// It owns who is connected, what each node said of itself, and which client has a
// tunnel with which agent: of the nodes that are connected here, and of those that
// are connected to other replicas, as an Exchange tells of them. It never decides who
// may connect: its callers authorize before they Serve. It never sees traffic, and it
// knows no database: what must outlive the replica is its callers' business, through
// Hooks and Exchange.
//
// A node is known from its first valid message until GoneDelay after its
// websocket broke, or until it said goodbye, was revoked or dropped. An agent's newest
// websocket wins. A client's id belongs to the node key that came with it first.
//
//	connected ──websocket breaks──▶ fading ──GoneDelay──▶ forgotten
//	    ▲────────comes back───────────┘
//	connected ──goodbye, Revoke, DropAgent──▶ forgotten
//
// Among several replicas the newest websocket of a node counts, wherever it is. What
// others say of a node is believed, because they have checked it; what comes over a
// websocket here is taken at once, and taken back when the others know better: a newer
// websocket, an id or a key that is somebody else's. A node of a replica that was lost
// fades like one whose websocket broke.
package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// Options describe a Coordinator. Log and RelayMap are required.
type Options struct {
	Log      *slog.Logger
	RelayMap func() tailrpc.RelayMap
	Clock    quartz.Clock // nil means the real one
	// Rand returns numbers in [0,1); nil means random ones.
	Rand func() float64
	// PingInterval is the pause between pings; 0 means 10 s. Two missed pings
	// end a connection.
	PingInterval time.Duration
	// Forgotten, where not nil, hears of node keys that are no longer known. It
	// must not block.
	Forgotten func(nodeKey string)
}

const (
	defaultPing = 10 * time.Second
	pingMisses  = 2
	sweepEvery  = time.Second
	// drainTime is what nodes get to leave after Move.
	drainTime = 2 * time.Second
	// maxClients bounds the clients of one agent, and maxNodes all nodes.
	maxClients = 1000
	maxNodes   = 100_000
)

var errStopped = errors.New("the coordinator is stopping")

// Coordinator connects the nodes of this replica.
type Coordinator struct {
	opts  Options
	log   *slog.Logger
	clock quartz.Clock

	mu       sync.Mutex
	stopped  bool
	agents   map[api.ID]*agent
	clients  map[NodeID]*client
	keys     map[string]any // node key → its *agent or *client
	keyAdded chan struct{}  // closed at the next new key
	sessions map[*session]struct{}
	begun    uint64   // sessions so far
	exchange Exchange // nil where there are no other replicas
	held     bool     // nobody was forgotten lately, for want of news of the others
	serving  sync.WaitGroup
}

// agent is what is known of an agent, or asked of it.
type agent struct {
	id   api.ID
	node *tailrpc.Node // nil until its first message
	holding
	clients map[*client]struct{}
}

// client is a node that asks for agents.
type client struct {
	key  NodeID
	node *tailrpc.Node // never nil
	holding
	wants map[api.ID]*agent
}

// New returns a Coordinator that serves nobody before Run.
func New(o Options) (*Coordinator, error) {
	if o.Log == nil || o.RelayMap == nil {
		return nil, errors.New("coordinator: Log and RelayMap are required")
	}
	if o.Clock == nil {
		o.Clock = quartz.NewReal()
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.PingInterval == 0 {
		o.PingInterval = defaultPing
	}
	return &Coordinator{
		opts: o, log: o.Log.With("component", "coordinator"), clock: o.Clock,
		agents: map[api.ID]*agent{}, clients: map[NodeID]*client{}, keys: map[string]any{},
		keyAdded: make(chan struct{}), sessions: map[*session]struct{}{},
	}, nil
}

// Run forgets nodes that stay away, until ctx ends. Then it asks every node to
// move, gives them two seconds and closes the rest. It returns nil after the
// last Serve call has.
func (c *Coordinator) Run(ctx context.Context) error {
	tick := c.clock.NewTicker(sweepEvery, "coordinator", "sweep")
	for {
		select {
		case <-tick.C:
			c.sweep()
		case <-ctx.Done():
			tick.Stop()
			c.drain()
			return nil
		}
	}
}

func (c *Coordinator) drain() {
	c.mu.Lock()
	c.stopped = true
	for s := range c.sessions {
		s.move()
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { c.serving.Wait(); close(done) }()
	t := c.clock.NewTimer(drainTime, "coordinator", "drain")
	defer t.Stop()
	select {
	case <-done:
		return
	case <-t.C:
	}
	c.mu.Lock()
	for s := range c.sessions {
		s.end(wsconn.CodeGoingAway, "this replica is stopping")
	}
	c.mu.Unlock()
	<-done
}

// begin registers a session; every one that began must finish.
func (c *Coordinator) begin(s *session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped || len(c.sessions) >= maxNodes {
		return errStopped
	}
	c.begun++
	s.number = c.begun
	c.sessions[s] = struct{}{}
	c.serving.Add(1)
	return nil
}

func (c *Coordinator) finish(s *session) {
	c.mu.Lock()
	delete(c.sessions, s)
	c.mu.Unlock()
	c.serving.Done()
}

// RelayMapChanged sends the map to every node again.
func (c *Coordinator) RelayMapChanged() {
	m := c.opts.RelayMap()
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sessions {
		s.relayMap(m)
	}
}

// AgentConnected reports whether an agent's websocket is open, on any replica.
func (c *Coordinator) AgentConnected(id api.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[id]
	return a != nil && (a.sess != nil || a.remote && !a.fading && !a.missing)
}

// Knows reports whether a node key ("nodekey:…") is that of a known node.
func (c *Coordinator) Knows(nodeKey string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.keys[nodeKey]
	return ok
}

// AwaitKnown is Knows for a relay: a node reaches the relay within the same
// moments as us, so it waits until the key is known or ctx ends.
func (c *Coordinator) AwaitKnown(ctx context.Context, nodeKey string) bool {
	for {
		c.mu.Lock()
		_, ok := c.keys[nodeKey]
		added := c.keyAdded
		c.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-added:
		}
	}
}

// learnKey binds a key to its node, in place of the node's former one. It fails
// where the key is another node's. mu is held, as in all that follows.
func (c *Coordinator) learnKey(owner any, before *tailrpc.Node, key string) bool {
	if has, ok := c.keys[key]; ok {
		return has == owner
	}
	if before != nil && before.Key != key {
		c.forgetKey(owner, before.Key)
	}
	c.keys[key] = owner
	close(c.keyAdded)
	c.keyAdded = make(chan struct{})
	return true
}

// forgetKey is for the key of owner's node.
func (c *Coordinator) forgetKey(owner any, key string) {
	if c.keys[key] != owner {
		return // another node of another replica has it by now
	}
	delete(c.keys, key)
	if c.opts.Forgotten != nil {
		c.opts.Forgotten(key)
	}
}
