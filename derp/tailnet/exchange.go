package tailnet

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

const (
	dialTimeout  = 30 * time.Second
	pingInterval = 10 * time.Second
	pingMisses   = 2
	// checkTimeout bounds the answer of a coordinator that is in doubt.
	checkTimeout = 2 * time.Second
	sweepEvery   = time.Minute
	staleAfter   = tailrpc.GoneDelay + 5*time.Second
)

var errMove = errors.New("the server asks to connect elsewhere")

// Run keeps a connection to the coordinator until ctx ends (nil is returned) or
// an exchange error wraps ErrRefused. It may be called once; afterwards the
// Conn is of no use and should be closed.
func (c *Conn) Run(ctx context.Context, exchange Exchange) error {
	c.mu.Lock()
	again := c.running
	c.running = true
	c.mu.Unlock()
	if again {
		return errors.New("tailnet: Run was called twice")
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { c.sweep(ctx) })
	wg.Go(func() { c.watch(ctx) })
	wg.Go(func() { c.guard(ctx) })
	defer wg.Wait()
	defer c.relays.close()
	defer cancel()
	return c.exchangeForever(ctx, exchange)
}

func (c *Conn) exchangeForever(ctx context.Context, exchange Exchange) error {
	pause := newRetries()
	for first := true; ; {
		lasted := noSession
		dctx, cancel := context.WithTimeout(ctx, dialTimeout)
		ws, err := exchange(dctx)
		cancel()
		if err == nil {
			began := time.Now()
			c.setLink(nil)
			if first {
				c.noteLink()
			}
			err = c.session(ctx, ws, !first)
			first = false
			lasted = time.Since(began)
		}
		if ctx.Err() != nil {
			return nil
		}
		c.setLink(err)
		if errors.Is(err, ErrRefused) {
			return err
		}
		wait := pause.next(lasted, errors.Is(err, errMove), c.busy(), c.cfg.Jitter())
		c.log.Warn("coordinator is out of reach, dialling again", "error", err, "pause", wait)
		// A connection that was left over may have died in the same way.
		c.cfg.HTTPClient.CloseIdleConnections()
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// session speaks with one coordinator until either side ends it.
func (c *Conn) session(ctx context.Context, ws *wsconn.Conn, resumed bool) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer func() { _ = ws.CloseNow() }()
	c.peers.begin()
	wg.Go(func() { farewell(ctx, ws) })
	wg.Go(func() { c.dropUnnamed(ctx) })
	wg.Go(func() {
		if c.send(ctx, ws, resumed) != nil && ctx.Err() == nil {
			_ = ws.CloseNow() // the reader reports
		}
	})
	wg.Go(func() { _ = ws.Ping(ctx, pingInterval, pingMisses, c.noteLink) })
	wg.Go(func() { c.checkOnDoubt(ctx, ws) })
	// The end of ctx must not tear the connection under farewell's hands.
	rctx := context.WithoutCancel(ctx)
	for {
		var m tailrpc.ServerMessage
		if err := ws.Read(rctx, &m); err != nil {
			return err
		}
		if err := c.receive(m); err != nil {
			return err
		}
	}
}

// farewellTimeout bounds a goodbye that may be lost.
const farewellTimeout = 300 * time.Millisecond

// farewell says goodbye when ctx ends, so that the tunnel ends now and not
// after tailrpc.GoneDelay. It ends the reader too.
func farewell(ctx context.Context, ws *wsconn.Conn) {
	<-ctx.Done()
	t := time.AfterFunc(farewellTimeout, func() { _ = ws.CloseNow() })
	defer t.Stop()
	_ = ws.Close(wsconn.CodeNormal, "")
}

func (c *Conn) receive(m tailrpc.ServerMessage) error {
	if m.RelayMap != nil {
		c.setDirect(!m.RelayMap.BlockDirect)
		if err := c.relays.set(*m.RelayMap); err != nil {
			// The old map stays: better than none, and the next one may be right.
			c.log.Error("relay map is unusable", "error", err)
		}
		c.republish()
	}
	if len(m.Upsert) > 0 || len(m.Gone) > 0 {
		c.peers.apply(c.eng, c.cfg.ID, m.Upsert, m.Gone)
	}
	c.endStreams(m.Left)
	c.tellChanged(m.Left)
	if m.Streams && c.cfg.Streams != nil {
		c.cfg.Streams()
	}
	if m.Move {
		return errMove
	}
	return nil
}

// send tells the coordinator our state at once and whenever it changed.
func (c *Conn) send(ctx context.Context, ws *wsconn.Conn, resumed bool) error {
	var last tailrpc.ClientMessage
	for {
		if c.relays.home() == 0 {
			// The relay map is on its way. A peer that knew us without a relay
			// would throw away what it cannot yet send directly.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-c.publish:
				continue
			}
		}
		n := c.node()
		m := tailrpc.ClientMessage{Node: &n, Want: c.wanted.ids()}
		if !sameMessage(last, m) {
			// A write that ctx interrupts would break the connection before
			// farewell; without ctx it ends with the connection or in 10 s.
			if err := ws.Write(context.WithoutCancel(ctx), m); err != nil {
				return err
			}
			last = m
		}
		if resumed {
			// What cost us the coordinator may have cost us the relay, which
			// would notice by itself only after two minutes.
			resumed = false
			c.resume()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.publish:
		}
	}
}

// resume follows the loss of a coordinator, once another is there.
func (c *Conn) resume() {
	c.mu.Lock()
	away := time.Since(c.linkAt.Round(0)) // in wall time, which goes on in sleep
	c.linkAt = time.Now()
	c.mu.Unlock()
	c.peers.doubt()
	if away > tailrpc.GoneDelay/2 || away < 0 {
		// Peers were told by now that we are gone, and forgot our keys. New ones
		// are made as soon as the peer is heard again; ours would be tried for
		// 15 s first.
		c.peers.suspect()
	}
	c.renew("coordinator-lost")
}

// noteLink notes that the coordinator is in reach.
func (c *Conn) noteLink() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linkAt = time.Now()
}

// checkOnDoubt asks the coordinator for an answer when there is reason to doubt
// it, and ends the connection if none comes.
func (c *Conn) checkOnDoubt(ctx context.Context, ws *wsconn.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.check:
		}
		cctx, cancel := context.WithTimeout(ctx, checkTimeout)
		err := ws.PingOnce(cctx)
		cancel()
		if err != nil && ctx.Err() == nil {
			_ = ws.CloseNow() // the reader reports
			return
		}
	}
}

// sameMessage compares all but the time.
func sameMessage(a, b tailrpc.ClientMessage) bool {
	if a.Node == nil || b.Node == nil {
		return false
	}
	x, y := *a.Node, *b.Node
	x.AsOf = y.AsOf
	return reflect.DeepEqual(x, y) && reflect.DeepEqual(a.Want, b.Want)
}

// dropUnnamed forgets the peers of former sessions that this one did not name
// again in the time that a peer has to come back itself.
func (c *Conn) dropUnnamed(ctx context.Context) {
	if c.awaitStale(ctx) != nil {
		return
	}
	if ids := c.peers.unnamed(); len(ids) > 0 {
		c.peers.apply(c.eng, c.cfg.ID, nil, ids)
		c.tellChanged(nil)
	}
}

// sweep unsubscribes from agents that nobody uses any more.
func (c *Conn) sweep(ctx context.Context) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if len(c.wanted.sweep(now)) > 0 {
				c.republish()
			}
		}
	}
}

// Connected reports whether a coordinator is reached now, and else why not.
func (c *Conn) Connected() (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.relays.current()
	return known && c.lastErr == nil, c.lastErr
}
