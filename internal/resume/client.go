package resume

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Ways are how a client gets carriers. Sure is the one that always works in the end:
// it waits as long as ctx allows, and what it makes heals by itself, so that it is
// never given up while it stands. Fast may fail at any time, and is preferred.
type Ways struct {
	Fast, Sure func(ctx context.Context) (net.Conn, error)
	// Again returns a channel that is closed when Fast may succeed where it failed
	// before; nil where nothing tells.
	Again func() <-chan struct{}
	Log   *slog.Logger
}

const (
	// headStart is how long Fast is tried alone.
	headStart = 150 * time.Millisecond
	// fastTimeout bounds one try of Fast.
	fastTimeout = 3 * time.Second
	// firstPause and lastPause bound the time between tries of Fast. A carrier that
	// lasts for steady begins at the first again.
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	steady     = time.Minute
	// spareAfter is the age of a session at which it gets a second carrier that waits.
	spareAfter = time.Second
	// openTries is how often Sure may fail before a session is given up that has not
	// begun.
	openTries = 3
	// clientLinger bounds what Close waits until all is handed to a carrier.
	clientLinger = time.Second
)

// Client is a session on the side that opens it, and the owner of its carriers.
type Client struct {
	*Session
	ways   Ways
	cancel context.CancelFunc
	wg     sync.WaitGroup
	once   sync.Once

	// What follows belongs to run.
	opened  bool // the server has answered once
	burnt   bool // the last carrier was a fast one, and broke
	first   chan error
	next    made // to be used before all others
	spare   net.Conn
	pause   time.Duration // before the next try of Fast; of whoever fetches it
	turnNow uint32
}

// made is a carrier, or why there is none.
type made struct {
	conn net.Conn
	fast bool
	err  error
}

// Open opens a session with the given addresses. It returns once the server has
// answered, or when Sure has failed a few times, or when ctx ends; the session does not end with ctx.
func Open(ctx context.Context, local, remote net.Addr, w Ways) (*Client, error) {
	var id ID
	_, _ = rand.Read(id[:]) // never fails
	c := &Client{Session: newSession(id, local, remote), ways: w, first: make(chan error, 1), pause: firstPause}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	c.wg.Go(func() { c.run(own) })
	var err error
	select {
	case err = <-c.first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the session, after what was written has gone out if that is soon.
func (c *Client) Close() error {
	c.once.Do(func() {
		_ = c.Session.Close()
		if c.carried() {
			c.drained(clientLinger)
		}
		c.end(errOver)
		c.cancel()
		c.wg.Wait()
	})
	return nil
}

// Fail ends the session; reads and writes return why.
func (c *Client) Fail(why error) {
	c.end(why)
	c.cancel()
}

// Ended reports whether the session is over.
func (c *Client) Ended() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (s *Session) carried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carrier != nil
}

func (c *Client) run(ctx context.Context) {
	defer func() {
		c.drop(&c.spare)
		c.drop(&c.next.conn)
	}()
	for {
		m := c.connect(ctx)
		if m.err != nil {
			c.first <- m.err // only before the first answer, or at the end
			c.end(m.err)
			return
		}
		c.ride(ctx, m)
		select {
		case <-c.ended:
			select {
			case c.first <- c.why():
			default:
			}
			return
		default:
		}
	}
}

func (c *Client) drop(conn *net.Conn) {
	if *conn != nil {
		_ = (*conn).Close()
		*conn = nil
	}
}

// connect returns the next carrier. The error is final.
func (c *Client) connect(ctx context.Context) made {
	if m := c.next; m.conn != nil {
		c.next = made{}
		return m
	}
	if conn := c.spare; conn != nil {
		c.spare = nil
		return made{conn: conn}
	}
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan made)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	failed := make(chan struct{})
	wg.Go(func() { c.tryFast(ctx, results, failed) })
	wg.Go(func() { c.trySure(ctx, results, failed) })
	select {
	case m := <-results:
		return m
	case <-ctx.Done():
		return made{err: ctx.Err()}
	}
}

// give hands over a result or closes it.
func give(ctx context.Context, results chan<- made, m made) {
	select {
	case results <- m:
	case <-ctx.Done():
		if m.conn != nil {
			_ = m.conn.Close()
		}
	}
}

// tryFast tries until it succeeds or ctx ends; it closes failed at the first failure.
func (c *Client) tryFast(ctx context.Context, results chan<- made, failed chan<- struct{}) {
	once := sync.OnceFunc(func() { close(failed) })
	defer once()
	if c.burnt && !wait(ctx, c.pause) {
		return
	}
	for pause := headStart; ; pause = min(2*pause, fastTimeout) {
		conn, err := c.fast(ctx)
		if err == nil {
			give(ctx, results, made{conn: conn, fast: true})
			return
		}
		once()
		if !wait(ctx, pause) {
			return
		}
	}
}

func (c *Client) fast(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, fastTimeout)
	defer cancel()
	conn, err := c.ways.Fast(ctx)
	if err != nil {
		c.ways.Log.Debug("no direct stream", "error", err)
	}
	return conn, err
}

func (c *Client) trySure(ctx context.Context, results chan<- made, failed <-chan struct{}) {
	if !c.burnt {
		t := time.NewTimer(headStart)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-failed:
		}
	}
	for tries := 1; ; tries++ {
		conn, err := c.ways.Sure(ctx)
		if err == nil || !c.opened && tries == openTries {
			give(ctx, results, made{conn: conn, err: err})
			return
		}
		if !wait(ctx, headStart*time.Duration(min(tries, 8))) {
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// errFull is what a client hears of a server that has too many sessions.
var errFull = errors.New("the other side has too many sessions open; close some")

func (s *Session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// errUnanswered is a carrier on which the greeting was not answered with yes.
var errUnanswered = errors.New("the greeting was refused")

// greet opens the session on a carrier and serves it until it breaks.
func (c *Client) greet(car *carrier, turn uint32) error {
	received, ok := c.take(turn)
	if !ok {
		car.shut()
		return ErrLost
	}
	peer, err := c.ask(car, greeting{id: c.id, fresh: !c.opened, watched: car.watched, turn: turn, received: received})
	if err != nil {
		car.shut()
		c.leave()
		return err
	}
	if !c.opened {
		c.opened = true
		c.first <- nil
	}
	return c.serve(car, peer)
}

func (c *Client) ask(car *carrier, g greeting) (received uint64, err error) {
	if _, err := car.Conn.Write(g.bytes()); err != nil {
		return 0, fmt.Errorf("greet: %w", err)
	}
	status, received, err := readAnswer(car)
	if err != nil {
		return 0, fmt.Errorf("await the answer to a greeting: %w", err)
	}
	car.hear()
	switch status {
	case answerYes:
		return received, nil
	case answerUnknown:
		c.end(ErrLost)
	case answerFull:
		c.end(errFull)
	}
	return 0, fmt.Errorf("%w: %d", errUnanswered, status)
}
