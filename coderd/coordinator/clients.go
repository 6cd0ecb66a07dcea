package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

var (
	errKeyTaken = errors.New("this node key belongs to another node")
	errIDTaken  = errors.New("this client id belongs to another node")
	errCrowded  = errors.New("this agent has too many clients; try again later")
	errTooMany  = fmt.Errorf("at most %d agents may be asked for", tailrpc.MaxWant)
)

const newerClient = "a newer connection of this client took over"

// ServeClient serves a client's connection until it ends or ctx does. The
// caller has checked that the client may reach agentID, and took clientID from
// tailrpc.ClientIDParam or made one. The agent learns of the client with its
// first message. A goodbye gives nil.
func (c *Coordinator) ServeClient(ctx context.Context, ws *wsconn.Conn, clientID, agentID api.ID) error {
	return c.serveClient(ctx, ws, NodeID{ID: clientID, Agent: agentID}, nil)
}

// ServeRouter serves a node that asks for many agents, such as a server or a
// proxy, which names them in its messages. allow says whether it may have one;
// it must not block.
func (c *Coordinator) ServeRouter(ctx context.Context, ws *wsconn.Conn, nodeID api.ID, allow func(agentID api.ID) bool) error {
	if allow == nil {
		return errors.New("coordinator: ServeRouter needs a rule")
	}
	return c.serveClient(ctx, ws, NodeID{ID: nodeID}, allow)
}

// Local returns the exchange of a node within this process, which may reach
// every agent. Each call of it starts a ServeRouter that ends with ctx of Local
// or with the connection; wait waits for all of them.
func (c *Coordinator) Local(ctx context.Context, nodeID api.ID) (dial func(context.Context) (*wsconn.Conn, error), wait func()) {
	var wg sync.WaitGroup
	dial = func(dctx context.Context) (*wsconn.Conn, error) {
		if err := errors.Join(ctx.Err(), dctx.Err()); err != nil {
			return nil, err
		}
		near, far := wsconn.Pipe()
		wg.Go(func() {
			err := c.ServeRouter(ctx, far, nodeID, func(api.ID) bool { return true })
			if err != nil && ctx.Err() == nil && !wsconn.IsClosed(err) {
				c.log.Warn("own network node lost its coordinator", "error", err)
			}
		})
		return near, nil
	}
	return dial, wg.Wait
}

func (c *Coordinator) serveClient(ctx context.Context, ws *wsconn.Conn, k NodeID, allow func(api.ID) bool) error {
	s := newSession(ws, k.ID, c.opts.RelayMap())
	if err := c.begin(s); err != nil {
		_ = ws.Close(wsconn.CodeTryLater, err.Error())
		return err
	}
	defer c.finish(s)
	err := s.run(ctx, c.opts.PingInterval, nil, func(m tailrpc.ClientMessage) error {
		return c.clientSaid(k, s, m, allow)
	})
	c.disconnectClient(k, s, err == nil)
	if err != nil {
		return fmt.Errorf("serve client %s: %w", k.ID, err)
	}
	return nil
}

// clientSaid takes over what a client says of itself and asks for.
func (c *Coordinator) clientSaid(k NodeID, s *session, m tailrpc.ClientMessage, allow func(api.ID) bool) error {
	var node *tailrpc.Node
	if m.Node != nil {
		n, err := c.checkNode(*m.Node, k.ID)
		if err != nil {
			return err
		}
		node = &n
	}
	if len(m.Want) > tailrpc.MaxWant {
		return errTooMany
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.dropped() {
		return nil // its last words do not count
	}
	cl, err := c.claim(k, s, node)
	if err != nil || cl == nil {
		return err
	}
	if node != nil {
		cl.node = node
		for _, a := range cl.wants {
			if a.sess != nil {
				a.sess.upsert(node)
			}
		}
	}
	switch {
	case allow == nil:
		err = c.want(cl, k.Agent)
	case m.Want != nil:
		c.wantOnly(cl, m.Want, allow)
	case node == nil:
		return nil
	}
	c.tellClient(cl, lives)
	return err
}

// claim finds or makes the client of a connection that speaks with a node's
// key. Nil without an error means that it has not introduced itself yet.
func (c *Coordinator) claim(k NodeID, s *session, node *tailrpc.Node) (*client, error) {
	cl := c.clients[k]
	if cl != nil && cl.sess == s {
		if node != nil && node.Key != cl.node.Key {
			return nil, errIDTaken
		}
		return cl, nil
	}
	if node == nil {
		return nil, nil
	}
	if cl != nil {
		if cl.node.Key != node.Key {
			return nil, errIDTaken
		}
		if cl.sess != nil {
			cl.sess.end(wsconn.CodePolicy, newerClient)
		}
		cl.sess = s
		cl.take(s)
		for _, a := range cl.wants {
			if a.node != nil {
				s.upsert(a.node)
			}
		}
		return cl, nil
	}
	if c.foreignID(k) {
		return nil, errIDTaken
	}
	cl = &client{key: k, node: node, holding: holding{sess: s, session: s.number}, wants: map[api.ID]*agent{}}
	if !c.learnKey(cl, nil, node.Key) {
		return nil, errKeyTaken
	}
	c.clients[k] = cl
	return cl, nil
}

// foreignID reports whether an ordinary client took the id of an agent or of a
// router. It cannot have come upon it by chance.
func (c *Coordinator) foreignID(k NodeID) bool {
	if k.Agent.IsZero() {
		return false
	}
	_, isAgent := c.agents[k.ID]
	_, isRouter := c.clients[NodeID{ID: k.ID}]
	return isAgent || isRouter
}

// want opens the tunnel between a client and an agent.
func (c *Coordinator) want(cl *client, id api.ID) error {
	if cl.wants[id] != nil {
		return nil
	}
	a := c.agentOf(id)
	if len(a.clients) >= maxClients && !cl.remote { // another replica has let it in
		return errCrowded
	}
	a.clients[cl] = struct{}{}
	cl.wants[id] = a
	if a.node != nil && cl.sess != nil {
		cl.sess.upsert(a.node)
	}
	if a.sess != nil {
		a.sess.upsert(cl.node)
	}
	return nil
}

// wantOnly makes the client's tunnels exactly those in ids that are allowed.
func (c *Coordinator) wantOnly(cl *client, ids []api.ID, allow func(api.ID) bool) {
	keep := map[api.ID]bool{}
	for _, id := range ids {
		if !id.IsZero() && allow(id) {
			keep[id] = true
		}
	}
	for id, a := range cl.wants {
		if !keep[id] {
			c.unwant(cl, a, (*session).gone)
			if cl.sess != nil && a.node != nil {
				cl.sess.gone(id)
			}
		}
	}
	for id := range keep {
		if err := c.want(cl, id); err != nil {
			c.log.Warn("agent has too many clients", "agent_id", id)
		}
	}
}

// farewell is how the other end hears of a node that is forgotten: gone, when it
// may come back with its keys, or left.
type farewell func(to *session, id api.ID)

// unwant closes one tunnel.
func (c *Coordinator) unwant(cl *client, a *agent, say farewell) {
	delete(cl.wants, a.id)
	delete(a.clients, cl)
	if a.sess != nil {
		say(a.sess, cl.key.ID)
	}
	if a.node == nil && a.sess == nil && len(a.clients) == 0 {
		delete(c.agents, a.id)
	}
}

func (c *Coordinator) disconnectClient(k NodeID, s *session, goodbye bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.clients[k]
	if cl == nil || cl.sess != s {
		return
	}
	cl.sess = nil
	cl.fadesAt = c.clock.Now().Add(tailrpc.GoneDelay)
	if goodbye {
		c.tellClient(cl, departs)
		c.forgetClient(cl, (*session).left)
		return
	}
	c.tellClient(cl, lives)
}

func (c *Coordinator) forgetClient(cl *client, say farewell) {
	for _, a := range cl.wants {
		c.unwant(cl, a, say)
	}
	c.forgetKey(cl, cl.node.Key)
	delete(c.clients, cl.key)
}
