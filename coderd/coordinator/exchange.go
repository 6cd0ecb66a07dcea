package coordinator

import (
	"time"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// Exchange carries what this replica knows of its nodes to the other replicas. Its
// methods are called with the coordinator's lock held: they must not block, and must
// not call the coordinator. What the others say comes back through Learn, Took,
// Refused and Unlisted.
type Exchange interface {
	// Say tells the newest state of a node whose newest websocket is or was here.
	Say(State)
	// End ends a node of another replica: one that has faded or, when departed, an
	// agent that is not wanted any more. Connection 0 is any connection of it.
	End(id NodeID, connection int64, departed bool)
	// Fresh says whether the others were heard of lately. While they are not, nobody
	// is forgotten: a node that left us may be with another replica.
	Fresh() bool
}

// NodeID names a node. Ordinary clients live within their agent, so that an id which
// leaks in one workspace means nothing in another; Agent is zero for all others.
type NodeID struct{ ID, Agent api.ID }

// Kind is what a node is to the others.
type Kind string

// The kinds of nodes.
const (
	KindAgent  Kind = "agent"
	KindClient Kind = "client"
	KindRouter Kind = "router"
)

// State is what replicas tell each other of a node.
type State struct {
	NodeID
	Kind  Kind
	Node  tailrpc.Node
	Wants []api.ID // in no order; not of agents
	// Connection orders all websockets of the node, on whatever replica: the largest
	// is the newest. 0: it has no number yet.
	Connection int64
	// Session is the number of the websocket on its replica.
	Session uint64
	Fading  bool // its websocket broke, or its replica was lost
	Gone    bool
	// Departed is Gone for good: goodbye, Revoke, DropAgent.
	Departed bool
	// Brief says that nothing of the node was written yet, so far as is known here:
	// when it ends before anything is, there is nothing to write.
	Brief bool
	// Mine is set in Learn where the node's row is this replica's own.
	Mine bool
}

// Refusal is why a state that was told did not become that of the node.
type Refusal int

// The refusals.
const (
	Newer   Refusal = iota // a newer websocket of the node is elsewhere
	IDTaken                // the id belongs to another key
	KeyTaken
	Dropped // DropAgent elsewhere
)

// String names a refusal for logs.
func (r Refusal) String() string {
	return [...]string{"a newer websocket is elsewhere", "the id belongs to another key", "the key belongs to another node", "dropped"}[r]
}

// holding is where a node's newest websocket is. Of an agent that has no node nothing
// of it counts but sess.
type holding struct {
	sess    *session // nil while fading, elsewhere, or never seen
	session uint64   // of the websocket that spoke for the node last
	conn    int64    // State.Connection
	known   bool     // others may know the node from an earlier websocket

	remote  bool // the newest websocket is another replica's
	fading  bool // and broke, by what that one says
	missing bool // and its row was lost
	round   uint64
	// fadesAt is when a node that fades, or whose row is missing, is given up.
	fadesAt time.Time
}

// take makes s the websocket that speaks for the node.
func (h *holding) take(s *session) {
	if h.session == s.number && !h.remote {
		return
	}
	h.known = h.known || h.remote || h.conn != 0
	h.session, h.conn = s.number, 0
	h.remote, h.fading, h.missing = false, false, false
}

// Join connects the coordinator with the other replicas. It must be called before
// anything is served.
func (c *Coordinator) Join(x Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchange = x
}

// end is how the state of a node ends.
type end int

const (
	lives end = iota
	gone
	departs
)

// tellAgent tells the others of an agent that is held here. mu is held, as in all
// that follows.
func (c *Coordinator) tellAgent(a *agent, e end) {
	if c.exchange == nil || a.node == nil || a.remote {
		return
	}
	c.tell(&a.holding, State{NodeID: NodeID{ID: a.id}, Kind: KindAgent, Node: *a.node}, e)
}

func (c *Coordinator) tellClient(cl *client, e end) {
	if c.exchange == nil || cl.remote {
		return
	}
	kind := KindClient
	if cl.key.Agent.IsZero() {
		kind = KindRouter
	}
	wants := make([]api.ID, 0, len(cl.wants))
	for id := range cl.wants {
		wants = append(wants, id)
	}
	c.tell(&cl.holding, State{NodeID: cl.key, Kind: kind, Node: *cl.node, Wants: wants}, e)
}

func (c *Coordinator) tell(h *holding, st State, e end) {
	st.Connection, st.Session, st.Brief = h.conn, h.session, !h.known && h.conn == 0
	st.Gone, st.Departed = e != lives, e == departs
	st.Fading = e != lives || h.sess == nil
	c.exchange.Say(st)
}

// SayAll tells the others of every node that is held here again.
func (c *Coordinator) SayAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.agents {
		c.tellAgent(a, lives)
	}
	for _, cl := range c.clients {
		c.tellClient(cl, lives)
	}
}
