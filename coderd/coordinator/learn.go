package coordinator

import (
	"reflect"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// Learn takes over what the replicas wrote about nodes. round counts whole readings:
// nodes of others that Unlisted does not find in its round are missing.
func (c *Coordinator) Learn(round uint64, states []State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range states {
		st := &states[i]
		switch {
		case st.Mine:
			c.learnMine(st)
		case st.Kind == KindAgent:
			c.learnAgent(round, st)
		default:
			c.learnClient(round, st)
		}
	}
}

// Unlisted says that all nodes have been read in round. What is not among them was
// lost, or never written, and has the time to come back that others have.
func (c *Coordinator) Unlisted(round uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	miss := func(h *holding) {
		if h.remote && h.round != round && !h.missing {
			h.missing = true
			c.fade(h)
		}
	}
	for _, a := range c.agents {
		miss(&a.holding)
	}
	for _, cl := range c.clients {
		miss(&cl.holding)
	}
}

// learnMine is about a row of this replica, written by another one or long ago.
func (c *Coordinator) learnMine(st *State) {
	h := c.holdingOf(st)
	if h == nil || h.remote {
		if !st.Gone { // nobody here speaks for it any more
			c.exchange.End(st.NodeID, st.Connection, true)
		}
		return
	}
	if h.conn != st.Connection {
		return // the newer one is being told
	}
	switch {
	case st.Gone && st.Departed:
		c.drop(st)
	case st.Gone && h.sess == nil:
		c.forget(st, (*session).gone)
	case st.Gone || st.Fading != (h.sess == nil):
		c.tellOf(st)
	}
}

// holdingOf returns where a node is held, nil where it is not known.
func (c *Coordinator) holdingOf(st *State) *holding {
	if st.Kind == KindAgent {
		if a := c.agents[st.ID]; a != nil && a.node != nil {
			return &a.holding
		}
		return nil
	}
	if cl := c.clients[st.NodeID]; cl != nil {
		return &cl.holding
	}
	return nil
}

func (c *Coordinator) tellOf(st *State) {
	if st.Kind == KindAgent {
		c.tellAgent(c.agents[st.ID], lives)
		return
	}
	c.tellClient(c.clients[st.NodeID], lives)
}

// forget is for a node that is known.
func (c *Coordinator) forget(st *State, say farewell) {
	if st.Kind == KindAgent {
		c.forgetAgent(c.agents[st.ID], say)
		return
	}
	c.forgetClient(c.clients[st.NodeID], say)
}

// drop is for a node that is known, and was ended elsewhere.
func (c *Coordinator) drop(st *State) {
	if st.Kind == KindAgent {
		c.dropAgent(c.agents[st.ID])
		return
	}
	cl := c.clients[st.NodeID]
	if cl.sess != nil {
		cl.sess.end(wsconn.CodePolicy, "this tunnel has been ended")
		cl.sess = nil
	}
	c.forgetClient(cl, (*session).left)
}

// stale reports whether st says nothing new of a node that is known.
func stale(h *holding, st *State) bool {
	if h.remote {
		return st.Connection < h.conn
	}
	// Without a number of its own, ours is being written and will be the newest.
	return h.conn == 0 || st.Connection < h.conn
}

// yield ends the websocket here that spoke for a node, since a newer one does. A
// websocket that has not spoken yet may be newer still.
func yield(h *holding, words string) {
	if h.sess != nil && !h.remote && h.sess.number == h.session {
		h.sess.replaced = true
		h.sess.end(wsconn.CodePolicy, words)
		h.sess = nil
	}
}

// follow notes what another replica says of a node that it holds.
func (c *Coordinator) follow(h *holding, round uint64, st *State) {
	if st.Fading && !(h.remote && h.fading) {
		c.fade(h)
	}
	h.remote, h.missing, h.fading = true, false, st.Fading
	h.conn, h.session, h.round = st.Connection, 0, round
}

// farewellOf is how peers hear of a node that another replica has ended.
func farewellOf(st *State) farewell {
	if st.Departed {
		return (*session).left
	}
	return (*session).gone
}

func (c *Coordinator) learnAgent(round uint64, st *State) {
	a := c.agents[st.ID]
	if a != nil && a.node != nil {
		if stale(&a.holding, st) {
			return
		}
		yield(&a.holding, newerAgent)
	}
	if st.Gone {
		if a != nil && a.node != nil {
			c.forgetAgent(a, farewellOf(st))
		}
		return
	}
	if a == nil && c.full() {
		return
	}
	a = c.agentOf(st.ID)
	before := a.node
	if !c.learnRemoteKey(a, before, st.Node.Key) {
		return
	}
	c.agents[a.id] = a // who was expelled for its key may have been the last that asked for it
	c.follow(&a.holding, round, st)
	if before != nil && sameNode(before, &st.Node) {
		return
	}
	node := st.Node
	a.node = &node
	for cl := range a.clients {
		if cl.sess != nil {
			cl.sess.upsert(a.node)
		}
	}
}

func (c *Coordinator) learnClient(round uint64, st *State) {
	cl := c.clients[st.NodeID]
	if cl != nil {
		other := cl.node.Key != st.Node.Key && !st.Gone
		if stale(&cl.holding, st) && !(other && cl.conn == 0 && !cl.remote) {
			return
		}
		if other && !cl.remote { // ours will be refused for that
			c.expel(cl, errIDTaken)
			cl = nil
		}
	}
	if cl != nil {
		yield(&cl.holding, newerClient)
	}
	if st.Gone {
		if cl != nil {
			c.forgetClient(cl, farewellOf(st))
		}
		return
	}
	if cl == nil {
		if c.full() {
			return
		}
		cl = &client{key: st.NodeID, wants: map[api.ID]*agent{}}
	}
	if !c.learnRemoteKey(cl, cl.node, st.Node.Key) {
		return
	}
	c.follow(&cl.holding, round, st)
	c.clients[st.NodeID] = cl
	if cl.node == nil || !sameNode(cl.node, &st.Node) {
		node := st.Node
		cl.node = &node
		for _, a := range cl.wants {
			if a.sess != nil {
				a.sess.upsert(cl.node)
			}
		}
	}
	c.wantOnly(cl, st.Wants, func(api.ID) bool { return true })
}

// full reports whether no more nodes of others are taken.
func (c *Coordinator) full() bool { return len(c.keys) >= maxNodes }

// sameNode compares what peers hear.
func sameNode(a, b *tailrpc.Node) bool { return reflect.DeepEqual(a, b) }

// learnRemoteKey binds a key to the node that has it by the word of all replicas. A
// node here that claims it at the same time is going to be refused.
func (c *Coordinator) learnRemoteKey(owner any, before *tailrpc.Node, key string) bool {
	switch has := c.keys[key].(type) {
	case *agent:
		if has != owner && !has.remote {
			c.expelAgent(has, errKeyTaken)
		}
	case *client:
		if has != owner && !has.remote {
			c.expel(has, errKeyTaken)
		}
	}
	if has := c.keys[key]; has != nil && has != owner {
		delete(c.keys, key) // of a node of which the newest is not known here yet
	}
	return c.learnKey(owner, before, key)
}
