package resume

import (
	"context"
	"net"
	"time"
)

const (
	beatEvery = 500 * time.Millisecond
	// idlePing is how often an idle carrier is asked for an answer.
	idlePing = 5 * time.Second
	// stalledAfter is how long an answer may take before the carrier is given up.
	stalledAfter = 1500 * time.Millisecond
	// sleptAfter is a gap between beats that only a process that stood still has.
	sleptAfter = 2 * time.Second
)

// ride is one carrier while it serves, and what goes on beside it.
type ride struct {
	c    *Client
	car  *carrier
	fast bool
	born time.Time
	last time.Time     // beat, by the clock of the wall, which goes on in sleep
	ping time.Duration // when an unanswered question was sent, since car.began; 0 for none
	sent time.Duration // when the last one was
}

// ride serves on a carrier until it breaks, stalls, or a better one is there.
func (c *Client) ride(ctx context.Context, m made) {
	car := newCarrier(m.conn)
	car.watched = m.fast
	r := &ride{c: c, car: car, fast: m.fast, born: time.Now(), last: time.Now().Round(0)}
	c.turnNow++
	served := make(chan error, 1)
	go func() { served <- c.greet(car, c.turnNow) }()
	side, cancel := context.WithCancel(ctx)
	found := make(chan made)
	aside := make(chan struct{})
	go func() {
		defer close(aside)
		if r.fast {
			c.fetchSpare(side, found)
		} else {
			c.fetchFast(side, found)
		}
	}()
	err := r.until(ctx, served, found)
	cancel()
	<-aside
	c.burnt = r.fast
	switch {
	case r.fast && time.Since(r.born) > steady:
		c.pause = firstPause
	case r.fast:
		c.pause = min(2*c.pause, lastPause)
	}
	c.ways.Log.Debug("a carrier of the stream has ended", "direct", r.fast, "error", err)
}

func (r *ride) until(ctx context.Context, served <-chan error, found <-chan made) error {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	over := r.c.ended
	for {
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
			r.car.shut()
			return <-served
		case <-over:
			over = nil
			r.car.shut()
		case <-t.C:
			if r.fast {
				r.beat(time.Now().Round(0))
			}
		case m := <-found:
			if !m.fast {
				r.c.drop(&r.c.spare)
				r.c.spare = m.conn
				continue
			}
			r.c.next = m
			r.car.shut()
		}
	}
}

// beat asks for an answer and gives up a carrier that gives none.
func (r *ride) beat(now time.Time) {
	gap := now.Sub(r.last)
	r.last = now
	at := time.Since(r.car.began)
	heard := time.Duration(r.car.heard.Load())
	if heard == 0 {
		if at > stalledAfter && gap < sleptAfter { // not greeted back
			r.car.shut()
		}
		return
	}
	if r.ping > 0 && heard >= r.ping {
		r.ping = 0
	}
	if gap > sleptAfter || gap < 0 {
		r.ping = 0 // nothing could be heard meanwhile
	}
	if r.ping > 0 && at-r.ping >= stalledAfter {
		r.c.ways.Log.Debug("the direct stream stands still")
		r.car.shut()
		return
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.c.carrier == r.car && (r.c.acked < r.c.out.last || at-r.sent >= idlePing || r.ping > 0) && at-r.sent >= beatEvery/2 {
		r.sent = at
		if r.ping == 0 {
			r.ping = at
		}
		r.car.ping = true
		r.car.wake()
	}
}

// fetchSpare finds a carrier to fall back to.
func (c *Client) fetchSpare(ctx context.Context, found chan<- made) {
	if c.spare != nil || !wait(ctx, spareAfter) {
		return
	}
	for {
		conn, err := c.ways.Sure(ctx)
		if err == nil {
			give(ctx, found, made{conn: conn})
			return
		}
		if !wait(ctx, firstPause) {
			return
		}
	}
}

// fetchFast tries now and then to get back to the fast way.
func (c *Client) fetchFast(ctx context.Context, found chan<- made) {
	for {
		again := c.again()
		t := time.NewTimer(c.pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-again:
			t.Stop()
			c.pause = firstPause
		case <-t.C:
			c.pause = min(3*c.pause, lastPause)
		}
		if conn, err := c.fast(ctx); err == nil {
			give(ctx, found, made{conn: conn, fast: true})
			return
		}
	}
}

func (c *Client) again() <-chan struct{} {
	if c.ways.Again == nil {
		return nil
	}
	return c.ways.Again()
}

var _ net.Conn = (*Client)(nil)
