package coordinator

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// Hooks tell an agent's owner of its connection. Nil ones are left out. They
// are called one after another, outside of any lock; a slow one delays only
// this agent.
type Hooks struct {
	OnConnect func(ctx context.Context)
	OnAlive   func(ctx context.Context) // after each answered ping
	// OnDisconnect is not called for a connection that a newer one replaced.
	OnDisconnect func(ctx context.Context)
}

const newerAgent = "a newer connection of this agent took over"

// hookTimeout bounds OnDisconnect, whose own connection is over.
const hookTimeout = 10 * time.Second

func call(ctx context.Context, f func(context.Context)) {
	if f != nil {
		f(ctx)
	}
}

// ServeAgent serves an agent's connection until it ends or ctx does. The caller
// has authenticated agentID. A goodbye of the agent gives nil.
func (c *Coordinator) ServeAgent(ctx context.Context, ws *wsconn.Conn, agentID api.ID, hooks Hooks) error {
	s := newSession(ws, agentID, c.opts.RelayMap())
	if err := c.begin(s); err != nil {
		_ = ws.Close(wsconn.CodeTryLater, err.Error())
		return err
	}
	defer c.finish(s)
	a := c.connectAgent(s)
	call(ctx, hooks.OnConnect)
	err := s.run(ctx, c.opts.PingInterval, func() { call(ctx, hooks.OnAlive) },
		func(m tailrpc.ClientMessage) error { return c.agentSaid(a, s, m) })
	if c.disconnectAgent(a, s, err == nil) {
		hctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hookTimeout)
		defer cancel()
		call(hctx, hooks.OnDisconnect)
	}
	if err != nil {
		return fmt.Errorf("serve agent %s: %w", agentID, err)
	}
	return nil
}

// AskStreams asks an agent that is connected here for a connection that carries
// streams; false where it is not. The agent need not follow.
func (c *Coordinator) AskStreams(id api.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[id]
	if a == nil || a.sess == nil {
		return false
	}
	a.sess.askStreams()
	return true
}

// connectAgent makes s the agent's connection, in place of an older one.
func (c *Coordinator) connectAgent(s *session) *agent {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agentOf(s.self)
	if a.sess != nil {
		a.sess.replaced = true
		a.sess.end(wsconn.CodePolicy, newerAgent)
	}
	a.sess = s
	for cl := range a.clients {
		s.upsert(cl.node)
	}
	return a
}

// agentOf returns the record of an agent, a new one if need be.
func (c *Coordinator) agentOf(id api.ID) *agent {
	a := c.agents[id]
	if a == nil {
		a = &agent{id: id, clients: map[*client]struct{}{}}
		c.agents[id] = a
	}
	return a
}

// agentSaid takes over what an agent says of itself.
func (c *Coordinator) agentSaid(a *agent, s *session, m tailrpc.ClientMessage) error {
	if m.Node == nil {
		return nil
	}
	n, err := c.checkNode(*m.Node, a.id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.sess != s {
		return nil // replaced; its last words do not count
	}
	if !c.learnKey(a, a.node, n.Key) {
		return errKeyTaken
	}
	a.take(s)
	a.node = &n
	c.tellAgent(a, lives)
	for cl := range a.clients {
		if cl.sess != nil {
			cl.sess.upsert(a.node)
		}
	}
	return nil
}

// disconnectAgent reports whether the agent is away now, not merely s.
func (c *Coordinator) disconnectAgent(a *agent, s *session, goodbye bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.sess != s {
		return !s.replaced
	}
	a.sess = nil
	if a.remote {
		return true // it never spoke over s
	}
	a.fadesAt = c.clock.Now().Add(tailrpc.GoneDelay)
	if goodbye || a.node == nil {
		c.tellAgent(a, departs)
		c.forgetAgent(a, (*session).left)
		return true
	}
	c.tellAgent(a, lives)
	return true
}

// forgetAgent tells the clients and drops what nobody asks for.
func (c *Coordinator) forgetAgent(a *agent, say farewell) {
	if a.node != nil {
		for cl := range a.clients {
			if cl.sess != nil {
				say(cl.sess, a.id)
			}
		}
		c.forgetKey(a, a.node.Key)
		a.node, a.holding = nil, holding{sess: a.sess}
	}
	if len(a.clients) == 0 && a.sess == nil {
		delete(c.agents, a.id)
	}
}
