package coordinator

import (
	"time"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

const (
	// regainTime is what nodes get to be heard of again, once the others are.
	regainTime = 10 * time.Second
	// sweepSpread keeps replicas from giving up the same node at the same moment.
	sweepSpread = 5 * time.Second
)

const unwanted = "this agent is no longer wanted"

// DropAgent ends an agent's connection and its tunnels at once, on whatever replica
// it is. Its clients stay connected and learn that it is gone.
func (c *Coordinator) DropAgent(id api.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[id]
	if c.exchange != nil && (a == nil || a.node == nil || a.remote) {
		var conn int64
		if a != nil {
			conn = a.conn
		}
		c.exchange.End(NodeID{ID: id}, conn, true)
	}
	if a != nil {
		c.tellAgent(a, departs)
		c.dropAgent(a)
	}
}

func (c *Coordinator) dropAgent(a *agent) {
	if a.sess != nil {
		a.sess.end(wsconn.CodePolicy, unwanted)
		a.sess = nil
	}
	c.forgetAgent(a, (*session).left)
}

// Revoke ends a client's connection over ws with reason, and its tunnels at once:
// its agents hear that it has left, without GoneDelay. What does not serve ws is
// not touched, also where it goes by the same id.
func (c *Coordinator) Revoke(ws *wsconn.Conn, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sessions {
		if s.ws == ws {
			s.end(wsconn.CodePolicy, reason)
		}
	}
	for _, cl := range c.clients {
		if cl.sess != nil && cl.sess.ws == ws {
			cl.sess = nil
			c.tellClient(cl, departs)
			c.forgetClient(cl, (*session).left)
		}
	}
}

// sweep forgets nodes whose time to come back is over.
func (c *Coordinator) sweep() {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exchange != nil && !c.exchange.Fresh() {
		c.held = true
		return
	}
	if c.held {
		c.held = false
		c.extend(now.Add(regainTime))
	}
	for _, a := range c.agents {
		if a.node != nil && c.over(NodeID{ID: a.id}, &a.holding, now) {
			c.tellAgent(a, gone)
			c.forgetAgent(a, (*session).gone)
		}
	}
	for _, cl := range c.clients {
		if c.over(cl.key, &cl.holding, now) {
			c.tellClient(cl, gone)
			c.forgetClient(cl, (*session).gone)
		}
	}
}

// over reports whether a node is to be forgotten now. Of a node that another replica
// held everybody must hear; it is forgotten here with them.
func (c *Coordinator) over(id NodeID, h *holding, now time.Time) bool {
	fades := h.sess == nil
	if h.remote {
		fades = h.fading || h.missing
	}
	if !fades || now.Before(h.fadesAt) {
		return false
	}
	if !h.remote || h.missing {
		return true
	}
	c.exchange.End(id, h.conn, false)
	h.fadesAt = now.Add(regainTime) // should that be lost
	return false
}

// extend gives every node that fades time until then at least.
func (c *Coordinator) extend(then time.Time) {
	for _, a := range c.agents {
		if a.fadesAt.Before(then) {
			a.fadesAt = then
		}
	}
	for _, cl := range c.clients {
		if cl.fadesAt.Before(then) {
			cl.fadesAt = then
		}
	}
}

// fade starts the time that a node of another replica has to come back.
func (c *Coordinator) fade(h *holding) {
	h.fadesAt = c.clock.Now().Add(tailrpc.GoneDelay + time.Duration(c.opts.Rand()*float64(sweepSpread)))
}
