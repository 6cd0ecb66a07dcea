package resume

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// ErrLost is the end of a session that cannot go on: the other side has forgotten it,
// or nobody carried it for too long.
var ErrLost = errors.New("the session was lost")

// errEnded is what writers hear once the other side is gone in order.
var errEnded = errors.New("the other side has closed the session")

// Session is a stream. Its methods are those of net.Conn, and CloseWrite.
type Session struct {
	id            ID
	local, remote net.Addr

	mu       sync.Mutex
	readable sync.Cond // in, err, read deadline
	writable sync.Cond // out, err, write deadline
	idle     sync.Cond // writing, carrier, err
	carrier  *carrier
	turn     uint32
	err      error // why the session is over
	closed   bool  // by Close

	out      ring
	sent     uint64 // handed to the carrier; one more than there are bytes with the end
	acked    uint64
	busyFrom uint64 // what a write under way reads begins here
	writing  bool   // somebody writes to the carrier
	taken    bool   // a carrier is there, or about to be
	limit    uint64 // up to where we may send
	fin      bool   // no more bytes will be written

	in     ring
	finIn  bool
	told   uint64 // what we have acknowledged
	limitT uint64 // and up to where the other side may send

	readBy, writeBy deadline
	// ended is closed with err; onEnd is called once, without the lock.
	ended chan struct{}
	onEnd func()
}

// errOver is the end of a session of which nothing is left to do.
var errOver = errors.New("the session is over")

func newSession(id ID, local, remote net.Addr) *Session {
	s := &Session{id: id, local: local, remote: remote, limit: window, limitT: window,
		ended: make(chan struct{}), onEnd: func() {}}
	s.readable.L, s.writable.L, s.idle.L = &s.mu, &s.mu, &s.mu
	s.readBy.wake, s.writeBy.wake = &s.readable, &s.writable
	return s
}

// Read returns what has come, as soon as there is something.
func (s *Session) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return 0, net.ErrClosed
		case s.in.len() > 0:
			n := s.in.get(p)
			if s.in.first+window-s.limitT >= window/4 {
				s.tell()
			}
			return n, nil
		case s.finIn:
			return 0, io.EOF
		case s.err != nil:
			return 0, s.err
		case s.readBy.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		}
		s.readable.Wait()
	}
}

// Write returns once p was taken; it blocks while more is under way than is kept.
func (s *Session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := 0
	for len(p) > 0 {
		for s.out.room() == 0 && s.writeErr() == nil {
			s.writable.Wait()
		}
		if err := s.writeErr(); err != nil {
			return taken, err
		}
		n := s.out.put(p[:min(len(p), maxData)])
		p, taken = p[n:], taken+n
		s.flush()
	}
	return taken, nil
}

func (s *Session) writeErr() error {
	switch {
	case s.closed || s.fin:
		return net.ErrClosed
	case s.err != nil:
		return s.err
	case s.writeBy.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// CloseWrite ends our direction; the other side reads the end after what was written.
func (s *Session) CloseWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.fin {
		return net.ErrClosed
	}
	s.fin = true
	s.flush()
	return nil
}

// Close ends both directions. What was written goes on to be sent; see linger.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed, s.fin = true, true
	s.in.first = s.in.last // nobody reads it
	s.readable.Broadcast()
	s.writable.Broadcast()
	s.flush()
	s.mu.Unlock()
	s.checkOver()
	return nil
}

// linger waits until what was written before Close has reached the other side, for
// at most that long, and ends the session.
func (s *Session) linger(most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-s.ended:
	case <-t.C:
		s.end(errOver)
	}
}

// drained waits until all that was written was handed to a carrier, for at most that
// long.
func (s *Session) drained(most time.Duration) {
	late := false
	t := time.AfterFunc(most, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.idle.Broadcast()
	})
	defer t.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !late && s.err == nil && (s.writing || s.sent < s.lastOffset()) {
		s.idle.Wait()
	}
}

// lastOffset is where sent ends.
func (s *Session) lastOffset() uint64 {
	if s.fin {
		return s.out.last + 1
	}
	return s.out.last
}

// checkOver ends a closed session of which both directions have ended.
func (s *Session) checkOver() {
	s.mu.Lock()
	over := s.closed && s.finIn && s.acked >= s.lastOffset()
	s.mu.Unlock()
	if over {
		s.end(errOver)
	}
}

// end is the end of the session. The other side is told if it can be.
func (s *Session) end(why error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = why
	s.readable.Broadcast()
	s.writable.Broadcast()
	s.idle.Broadcast()
	c := s.carrier
	s.carrier = nil
	free := !s.writing
	s.mu.Unlock()
	if c != nil {
		if free { // nobody else writes any more, since there is no carrier
			c.farewell()
		}
		c.shut()
	}
	close(s.ended)
	s.onEnd()
}

// LocalAddr and RemoteAddr are those that the session was made with.
func (s *Session) LocalAddr() net.Addr  { return s.local }
func (s *Session) RemoteAddr() net.Addr { return s.remote }

// SetDeadline bounds reads and writes, of which those under way hear too.
func (s *Session) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads.
func (s *Session) SetReadDeadline(t time.Time) error { return s.setDeadline(&s.readBy, t) }

// SetWriteDeadline bounds writes.
func (s *Session) SetWriteDeadline(t time.Time) error { return s.setDeadline(&s.writeBy, t) }

// deadline is a point in time after which an operation fails.
type deadline struct {
	timer  *time.Timer
	passed bool
	wake   *sync.Cond
}

func (s *Session) setDeadline(d *deadline, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer, d.passed = nil, false
	if t.IsZero() {
		return nil
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		d.wake.Broadcast()
		return nil
	}
	var own *time.Timer
	own = time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.timer == own {
			d.passed = true
			d.wake.Broadcast()
		}
	})
	d.timer = own
	return nil
}
