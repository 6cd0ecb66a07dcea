package coordinator

import "coder.internal/internal/wsconn"

// Took says that the state of a websocket was written, as that of a connection.
func (c *Coordinator) Took(st State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.holdingOf(&st)
	if h == nil || h.remote {
		return
	}
	if h.session != st.Session {
		h.known = true
		return
	}
	h.conn = st.Connection
}

// Refused says that the state of a websocket was not written, and why.
func (c *Coordinator) Refused(st State, why Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.holdingOf(&st)
	if h == nil || h.remote || h.session != st.Session {
		return
	}
	switch why {
	case Newer:
		words := newerClient
		if st.Kind == KindAgent {
			words = newerAgent
		}
		yield(h, words)
		// What the newer one said is read next; were it never, the node would fade.
		h.remote, h.conn, h.missing, h.fading = true, 0, true, false
		c.fade(h)
	case Dropped:
		c.drop(&st)
	case IDTaken, KeyTaken:
		err := errIDTaken
		if why == KeyTaken {
			err = errKeyTaken
		}
		if st.Kind == KindAgent {
			c.expelAgent(c.agents[st.ID], err)
			return
		}
		c.expel(c.clients[st.NodeID], err)
	}
}

// expel ends a client that has what belongs to another node.
func (c *Coordinator) expel(cl *client, why error) {
	if cl.sess != nil {
		cl.sess.end(wsconn.CodePolicy, why.Error())
		cl.sess = nil
	}
	c.forgetClient(cl, (*session).left)
}

func (c *Coordinator) expelAgent(a *agent, why error) {
	if a.sess != nil {
		a.sess.end(wsconn.CodePolicy, why.Error())
		a.sess = nil
	}
	c.forgetAgent(a, (*session).left)
}
