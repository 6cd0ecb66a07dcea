package resume

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Options of a Server. The zero value is complete.
type Options struct {
	// Keep is how long a session waits for a carrier; 0 means 70 minutes, which is what
	// a computer may sleep.
	Keep time.Duration
	// Max bounds the sessions; 0 means 1,024.
	Max int
	// May says whether an owner may have carriers now; nil for all. It must not block.
	May func(owner string) bool
}

const (
	defaultKeep = 70 * time.Minute
	defaultMax  = 1024
	// backlog bounds the sessions that nobody has accepted yet.
	backlog = 128
	// serverLinger bounds what a closed session waits for its last bytes.
	serverLinger = 30 * time.Second
	answerTime   = 5 * time.Second
)

// Server holds sessions that clients have opened. It is a net.Listener of them.
type Server struct {
	opts  Options
	addr  net.Addr
	queue chan *Accepted
	done  chan struct{}
	wg    sync.WaitGroup // of carriers and of sessions that linger

	mu       sync.Mutex
	closed   bool
	sessions map[ID]*Accepted
	carriers map[net.Conn]string // with their owners
}

// Accepted is a session on the server's side.
type Accepted struct {
	*Session
	server *Server
	owner  string
	once   sync.Once
	late   *time.Timer // ends it without a carrier; Server.mu guards it
}

// NewServer returns a Server whose listener has that address. It starts nothing, and
// must be closed.
func NewServer(addr net.Addr, o Options) *Server {
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	if o.Max == 0 {
		o.Max = defaultMax
	}
	if o.May == nil {
		o.May = func(string) bool { return true }
	}
	return &Server{opts: o, addr: addr, queue: make(chan *Accepted, backlog), done: make(chan struct{}),
		sessions: map[ID]*Accepted{}, carriers: map[net.Conn]string{}}
}

// Accept returns the next session, an *Accepted.
func (v *Server) Accept() (net.Conn, error) {
	select {
	case <-v.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case s := <-v.queue:
		return s, nil
	case <-v.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (v *Server) Addr() net.Addr { return v.addr }

// Close ends all sessions and carriers and waits for them.
func (v *Server) Close() error {
	v.mu.Lock()
	first := !v.closed
	v.closed = true
	v.mu.Unlock()
	if first {
		close(v.done)
		v.cut(func(string) bool { return false })
		v.Drop(func(string) bool { return true })
	}
	v.wg.Wait()
	return nil
}

// Drop ends the sessions, and with them the carriers, of the owners that gone names.
func (v *Server) Drop(gone func(owner string) bool) {
	v.mu.Lock()
	var ends []*Accepted
	for _, s := range v.sessions {
		if gone(s.owner) {
			ends = append(ends, s)
		}
	}
	v.mu.Unlock()
	for _, s := range ends {
		s.end(ErrLost)
	}
	v.cut(func(owner string) bool { return !gone(owner) })
}

// Cut closes the carriers of owners that may not have any now. Their sessions wait.
func (v *Server) Cut() { v.cut(v.opts.May) }

func (v *Server) cut(may func(owner string) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for c, owner := range v.carriers {
		if !may(owner) {
			_ = c.Close()
		}
	}
}

// Len returns how many sessions there are.
func (v *Server) Len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.sessions)
}

var (
	errServerClosed = errors.New("sessions are not served any more")
	errNotNow       = errors.New("this owner may have no carrier")
)

// Serve carries a session of owner over conn, which it closes. remote is the address
// that a new session has. It blocks until the carrier has ended, or ctx, and returns
// why. A conn that must greet soon has a deadline, which is lifted.
func (v *Server) Serve(ctx context.Context, conn net.Conn, owner string, remote net.Addr) error {
	defer conn.Close()
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return errServerClosed
	}
	v.wg.Add(1)
	v.carriers[conn] = owner
	v.mu.Unlock()
	defer v.wg.Done()
	defer func() {
		v.mu.Lock()
		delete(v.carriers, conn)
		v.mu.Unlock()
	}()
	if !v.opts.May(owner) { // or Cut has come too early
		return errNotNow
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	g, err := readGreeting(conn)
	if err != nil {
		return fmt.Errorf("read greeting: %w", err)
	}
	s, status := v.find(g, owner, remote)
	if status != answerYes {
		return refuse(conn, status)
	}
	return v.carry(s, conn, g)
}

func refuse(conn net.Conn, status byte) error {
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	_, err := conn.Write(answer(status, 0))
	return errors.Join(fmt.Errorf("greeting refused with %d", status), err)
}

// find returns the session that a greeting means. One of another owner is unknown.
func (v *Server) find(g greeting, owner string, remote net.Addr) (*Accepted, byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.sessions[g.id]
	switch {
	case s != nil && s.owner == owner:
		// A client whose first greeting was not answered greets anew.
		return s, answerYes
	case s != nil || !g.fresh:
		return nil, answerUnknown
	case v.closed || len(v.sessions) >= v.opts.Max || len(v.queue) == cap(v.queue):
		return nil, answerFull
	}
	s = &Accepted{Session: newSession(g.id, v.addr, remote), server: v, owner: owner}
	s.onEnd = func() { v.forget(s) }
	v.sessions[g.id] = s
	select {
	case v.queue <- s:
	default: // cannot be: only this place fills it, under mu
	}
	return s, answerYes
}

func (v *Server) forget(s *Accepted) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sessions, s.id)
	if s.late != nil {
		s.late.Stop()
	}
}

// wait gives the session its time without a carrier, or, with false, takes it back.
func (v *Server) wait(s *Accepted, begin bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.late != nil {
		s.late.Stop()
		s.late = nil
	}
	if begin && v.sessions[s.id] == s {
		s.late = time.AfterFunc(v.opts.Keep, s.abandon)
	}
}

// abandon ends a session that nobody carries.
func (s *Accepted) abandon() {
	s.mu.Lock()
	carried := s.taken
	s.mu.Unlock()
	if !carried {
		s.end(ErrLost)
	}
}

func (v *Server) carry(s *Accepted, conn net.Conn, g greeting) error {
	received, ok := s.take(g.turn)
	if !ok {
		return refuse(conn, answerLate)
	}
	v.wait(s, false)
	defer v.wait(s, true)
	_ = conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := conn.Write(answer(answerYes, received)); err != nil {
		s.leave()
		return fmt.Errorf("answer a greeting: %w", err)
	}
	_ = conn.SetDeadline(time.Time{})
	c := newCarrier(conn)
	c.watched = g.watched
	return s.serve(c, g.received)
}

// Close ends the session. What was written before goes on to be sent for a while.
func (s *Accepted) Close() error {
	s.once.Do(func() {
		_ = s.Session.Close()
		s.server.mu.Lock()
		closed := s.server.closed
		if !closed {
			s.server.wg.Add(1)
		}
		s.server.mu.Unlock()
		if closed {
			s.end(errOver)
			return
		}
		go func() {
			defer s.server.wg.Done()
			s.linger(serverLinger)
		}()
	})
	return nil
}

var _ net.Listener = (*Server)(nil)
