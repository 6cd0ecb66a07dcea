package resume

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// bothWriter is a carrier that sends two pieces as one.
type bothWriter interface {
	WriteBoth(head, data []byte) error
}

// silence is how long a carrier that is asked every few seconds may say nothing before
// the server gives it up.
const silence = 30 * time.Second

// farewellTime bounds the last word on a carrier.
const farewellTime = 100 * time.Millisecond

// carrier is one connection under a session. Reads of few bytes should be cheap on it.
type carrier struct {
	net.Conn
	kick chan struct{} // there is something to write; holds one
	done chan struct{} // closed when the carrier is given up
	once sync.Once
	// heard is when the last frame came, in nanoseconds since began.
	heard atomic.Int64
	began time.Time

	watched bool // falls silent only when it is broken

	// What follows is guarded by Session.mu.
	pong, ping, ack bool
	told            time.Duration // when we last acknowledged, since began

	scratch []byte // of whoever writes
	small   [64]byte
}

func newCarrier(conn net.Conn) *carrier {
	return &carrier{Conn: conn, kick: make(chan struct{}, 1), done: make(chan struct{}), began: time.Now()}
}

// shut closes the carrier; reads and writes on it end.
func (c *carrier) shut() {
	c.once.Do(func() {
		close(c.done)
		_ = c.Conn.Close()
	})
}

// quiet is how long nothing was heard.
func (c *carrier) quiet() time.Duration { return time.Since(c.began) - time.Duration(c.heard.Load()) }

func (c *carrier) hear() { c.heard.Store(int64(time.Since(c.began))) }

func (c *carrier) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// write sends both pieces. One caller at a time.
func (c *carrier) write(head, data []byte) error {
	if len(data) == 0 {
		_, err := c.Conn.Write(head)
		return err
	}
	if w, ok := c.Conn.(bothWriter); ok {
		return w.WriteBoth(head, data)
	}
	c.scratch = append(append(c.scratch[:0], head...), data...)
	_, err := c.Conn.Write(c.scratch)
	return err
}

// farewell says that the session is over.
func (c *carrier) farewell() {
	_ = c.SetWriteDeadline(time.Now().Add(farewellTime))
	_, _ = c.Conn.Write(appendHead(nil, frameEnd, 0))
}

// tell makes sure that the other side hears soon what we have received. mu is held,
// as in all of this file that has no other word.
func (s *Session) tell() {
	if c := s.carrier; c != nil && !c.ack {
		c.ack = true
		c.wake()
	}
}

// flush hands to the carrier what may go, and gives mu away meanwhile. Whoever is
// already writing does it.
func (s *Session) flush() {
	if s.writing {
		return
	}
	s.writing = true
	for s.carrier != nil && s.err == nil {
		c := s.carrier
		head, data, fin := s.next(c, c.small[:0])
		if len(head) == 0 {
			break
		}
		s.busyFrom = s.sent
		s.mu.Unlock()
		err := c.write(head, data)
		if err != nil {
			c.shut() // its reader reports
		}
		s.mu.Lock()
		if err != nil || s.carrier != c {
			break
		}
		s.sent += uint64(len(data))
		if fin {
			s.sent++
		}
		s.release()
	}
	s.writing = false
	s.release()
	s.idle.Broadcast()
}

// next returns the frames that are due: small ones and the head of one with data.
func (s *Session) next(c *carrier, head []byte) (_, data []byte, fin bool) {
	if c.pong || c.ack {
		c.told = time.Since(c.began)
	}
	switch {
	case c.pong:
		head = s.appendTold(head, framePong)
	case c.ack:
		head = s.appendTold(head, frameAck)
	}
	c.pong, c.ack = false, false
	if c.ping {
		head = appendHead(head, framePing, 0)
		c.ping = false
	}
	if to := min(s.out.last, s.limit); s.sent < to {
		data = s.out.part(s.sent, min(to, s.sent+maxData))
		return appendHead(head, frameData, len(data)), data, false
	}
	if s.fin && s.sent == s.out.last {
		return appendHead(head, frameFin, 0), nil, true
	}
	return head, nil, false
}

func (s *Session) appendTold(head []byte, kind byte) []byte {
	s.told = s.received()
	s.limitT = max(s.limitT, s.in.first+window)
	return appendAck(head, kind, s.told, s.limitT)
}

func (s *Session) received() uint64 {
	if s.finIn {
		return s.in.last + 1
	}
	return s.in.last
}

// release forgets what was acknowledged, but for what a write under way reads.
func (s *Session) release() {
	to := min(s.acked, s.out.last)
	if s.writing {
		to = min(to, max(s.busyFrom, s.out.first))
	}
	if to > s.out.first {
		s.out.first = to
		s.writable.Broadcast()
	}
}

// calm frees buffers that hold nothing. The reader calls it, who alone writes into in.
func (s *Session) calm() {
	if !s.writing {
		s.out.shrink()
	}
	s.in.shrink()
}

// take reserves the session for a new carrier and ends the one before. It fails where
// a newer carrier is there. It returns what was received. mu is not held.
func (s *Session) take(turn uint32) (received uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || turn <= s.turn {
		return 0, false
	}
	s.turn = turn
	if s.carrier != nil {
		s.carrier.shut()
	}
	for (s.taken || s.writing) && s.turn == turn && s.err == nil {
		s.idle.Wait()
	}
	if s.turn != turn || s.err != nil {
		return 0, false
	}
	s.taken = true
	return s.received(), true
}

// leave ends what take began. mu is not held.
func (s *Session) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.carrier, s.taken = nil, false
	s.idle.Broadcast()
}

// serve carries a taken session until the carrier breaks, and returns why. It owns the
// carrier. mu is not held.
func (s *Session) serve(c *carrier, peerReceived uint64) error {
	var wg sync.WaitGroup
	defer s.leave()
	defer wg.Wait()
	defer c.shut()
	if err := s.place(c, peerReceived); err != nil {
		return err
	}
	wg.Go(func() { s.control(c) })
	return s.read(c)
}

// place makes c the carrier, from the offset on that the other side has. mu is not
// held.
func (s *Session) place(c *carrier, peerReceived uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if peerReceived < s.acked || peerReceived > s.lastOffset() {
		return fmt.Errorf("%w: it has received %d of %d bytes", errProtocol, peerReceived, s.out.last)
	}
	s.sent, s.acked = peerReceived, peerReceived
	s.release()
	s.carrier = c
	c.ack = true
	c.wake()
	s.idle.Broadcast()
	return nil
}

// control writes what readers and timers have to say, and gives up a carrier that has
// fallen silent though it is asked. mu is not held.
func (s *Session) control(c *carrier) {
	var tick <-chan time.Time
	if c.watched {
		t := time.NewTicker(silence / 3)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-c.done:
			return
		case <-tick:
			if c.quiet() > silence {
				c.shut()
			}
		case <-c.kick:
			s.mu.Lock()
			if s.carrier == c {
				s.flush()
			}
			s.mu.Unlock()
		}
	}
}

// read takes frames until the carrier breaks. mu is not held.
func (s *Session) read(c *carrier) error {
	var head [frameHead]byte
	for {
		kind, n, err := readHead(c, &head)
		if err != nil {
			return err
		}
		c.hear()
		switch kind {
		case frameData:
			err = s.receive(c, n)
		case frameAck, framePong:
			err = s.heardAck(c, kind == framePong)
		case frameFin:
			err = s.heardFin()
		case framePing:
			s.mu.Lock()
			c.pong = true
			c.wake()
			s.calm()
			s.mu.Unlock()
		case frameEnd:
			s.heardEnd()
			return errOver
		}
		if err != nil {
			return err
		}
	}
}

// receive takes n bytes of data. It alone writes into the space of in. mu is not held.
func (s *Session) receive(c *carrier, n int) error {
	for n > 0 {
		s.mu.Lock()
		if s.finIn || s.in.last+uint64(n) > s.limitT {
			s.mu.Unlock()
			return fmt.Errorf("%w: more data than it may send", errProtocol)
		}
		dst := s.in.space(n)
		s.mu.Unlock()
		m, err := c.Read(dst)
		s.mu.Lock()
		s.in.last += uint64(m)
		if s.closed {
			s.in.first = s.in.last
		}
		if m > 0 {
			s.readable.Signal()
		}
		c.hear()
		if more := s.in.last - s.told; more >= ackEvery || more >= ackSlow && time.Duration(c.heard.Load())-c.told >= ackPause {
			s.tell()
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
		n -= m
	}
	return nil
}

func (s *Session) heardAck(c *carrier, calm bool) error {
	received, limit, err := readAck(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	top := s.sent
	if s.writing {
		top = s.lastOffset() // what is under way is not counted yet
	}
	if received > top {
		s.mu.Unlock()
		return fmt.Errorf("%w: it acknowledges what was not sent", errProtocol)
	}
	s.acked = max(s.acked, received)
	s.limit = max(s.limit, limit)
	s.release()
	if s.sent < min(s.out.last, s.limit) || s.fin && s.sent == s.out.last {
		c.wake()
	}
	if calm {
		s.calm()
	}
	s.mu.Unlock()
	s.checkOver()
	return nil
}

func (s *Session) heardFin() error {
	s.mu.Lock()
	if s.finIn {
		s.mu.Unlock()
		return fmt.Errorf("%w: it ends twice", errProtocol)
	}
	s.finIn = true
	s.tell()
	s.readable.Broadcast()
	s.mu.Unlock()
	s.checkOver()
	return nil
}

// heardEnd: the other side neither reads nor sends any more.
func (s *Session) heardEnd() {
	s.mu.Lock()
	whole := s.finIn
	s.mu.Unlock()
	if whole {
		s.end(errEnded)
		return
	}
	s.end(ErrLost)
}
