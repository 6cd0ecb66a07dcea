package mux

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const chunkSize = 16 << 10

// chunk is a piece of what a stream has received.
type chunk struct {
	r, w int
	b    [chunkSize]byte
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// Stream is one of a session. It is a net.Conn with CloseWrite and Reset.
type Stream struct {
	s  *Session
	id uint32

	writing sync.Mutex // one Write at a time

	mu   sync.Mutex
	cond sync.Cond // anything below has changed

	queue   []*chunk
	unread  int
	sink    syscall.RawConn // of who waits in WriteTo; nil otherwise
	lent    bool            // the session's reader writes to it
	handed  int64           // what it has written there
	credit  int             // what the peer may still send
	window  int
	owed    int // read, and not given back to the peer yet
	granted time.Time
	eof     bool          // the peer sends no more
	rerr    error         // the peer's, after which nothing is read
	gone    bool          // the peer reads no more
	left    chan struct{} // closed with gone; nil until somebody asks

	sendCredit int
	ended      bool // we send no more
	closed     bool
	read       deadline
	write      deadline
}

func newStream(s *Session, id uint32) *Stream {
	st := &Stream{s: s, id: id, credit: window, window: window, sendCredit: window}
	st.cond.L = &st.mu
	return st
}

// take is called by the session's reader; it keeps a copy of p, or hands it on.
func (st *Stream) take(p []byte) error {
	st.mu.Lock()
	if st.closed || st.eof || st.rerr != nil {
		st.mu.Unlock()
		return nil
	}
	if len(p) > st.credit {
		st.mu.Unlock()
		return errProtocol
	}
	st.credit -= len(p)
	if st.s.buffered.Add(int64(len(p))) > maxBuffered {
		st.s.buffered.Add(-int64(len(p)))
		st.mu.Unlock()
		st.broken(errors.New("too much waits to be read on this stream connection"))
		st.s.w.control(kindReset, 0, st.id, false)
		return nil
	}
	grant := 0
	if st.sink != nil && st.unread == 0 && len(p) <= maxDirect {
		n := st.direct(p)
		grant = st.consumed(n)
		if p = p[n:]; st.closed || st.rerr != nil {
			st.s.buffered.Add(-int64(len(p)))
			p = nil
		}
	}
	st.keep(p)
	wake := len(p) > 0
	st.mu.Unlock()
	if wake {
		st.cond.Broadcast()
	}
	if grant > 0 {
		st.s.w.control(kindWindow, grant, st.id, false)
	}
	return nil
}

// keep queues a copy of p. mu is held.
func (st *Stream) keep(p []byte) {
	st.unread += len(p)
	for len(p) > 0 {
		var c *chunk
		if n := len(st.queue); n > 0 && st.queue[n-1].w < chunkSize {
			c = st.queue[n-1]
		} else {
			c = chunks.Get().(*chunk) //nolint:forcetypeassert // nothing else is put
			c.r, c.w = 0, 0
			st.queue = append(st.queue, c)
		}
		n := copy(c.b[c.w:], p)
		c.w += n
		p = p[n:]
	}
}

// more lets us send n bytes more.
func (st *Stream) more(n int) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sendCredit += n
	st.cond.Broadcast()
	if st.sendCredit > 2*maxWindow {
		return errProtocol
	}
	return nil
}

func (st *Stream) peerEnded(closed bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.eof = true
	if closed {
		st.leave()
	}
	st.cond.Broadcast()
}

// leave notes that the peer is gone. mu is held.
func (st *Stream) leave() {
	if !st.gone && st.left != nil {
		close(st.left)
	}
	st.gone = true
}

// Gone is closed when the peer reads no more: it closed the stream or reset it, or
// the connection ended.
func (st *Stream) Gone() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.left == nil {
		st.left = make(chan struct{})
		if st.gone {
			close(st.left)
		}
	}
	return st.left
}

// broken ends the stream with an error for both directions.
func (st *Stream) broken(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.rerr == nil {
		st.rerr = err
	}
	st.leave()
	st.drop()
	st.cond.Broadcast()
}

// drop gives the unread bytes back. mu is held.
func (st *Stream) drop() {
	for _, c := range st.queue {
		chunks.Put(c)
	}
	st.s.buffered.Add(-int64(st.unread))
	st.queue, st.unread = nil, 0
}

// ready waits for something to read. mu is held.
func (st *Stream) ready() error {
	for {
		switch {
		case st.lent: // not for long
		case st.closed:
			return net.ErrClosed
		case st.rerr != nil:
			return st.rerr
		case st.read.passed():
			return os.ErrDeadlineExceeded
		case st.unread > 0:
			return nil
		case st.eof:
			return io.EOF
		}
		st.cond.Wait()
	}
}

// Read implements net.Conn.
func (st *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	st.mu.Lock()
	if err := st.ready(); err != nil {
		st.mu.Unlock()
		return 0, err
	}
	n := 0
	for n < len(p) && len(st.queue) > 0 {
		c := st.queue[0]
		k := copy(p[n:], c.b[c.r:c.w])
		c.r += k
		n += k
		if c.r == c.w {
			st.pop()
			chunks.Put(c)
		}
	}
	st.unread -= n
	grant := st.consumed(n)
	st.mu.Unlock()
	st.grant(grant)
	return n, nil
}

// pop takes the first chunk off. mu is held.
func (st *Stream) pop() {
	st.queue[0] = nil
	st.queue = st.queue[1:]
	if len(st.queue) == 0 {
		st.queue = nil // so that an idle stream holds nothing
	}
}

// WriteTo implements io.WriterTo: it needs no buffer while nothing comes. What is short
// the session's reader writes to w itself, where w is a socket that takes it at once.
func (st *Stream) WriteTo(w io.Writer) (total int64, err error) {
	sink := sinkOf(w)
	for {
		st.mu.Lock()
		st.sink = sink
		err := st.ready()
		st.sink = nil
		total += st.handed
		st.handed = 0
		if err != nil {
			st.mu.Unlock()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return total, err
		}
		c := st.queue[0]
		st.pop()
		size := c.w - c.r
		st.unread -= size
		st.mu.Unlock()
		n, err := w.Write(c.b[c.r:c.w])
		chunks.Put(c)
		total += int64(n)
		st.mu.Lock()
		grant := st.consumed(size)
		st.mu.Unlock()
		st.grant(grant)
		if err != nil {
			return total, err
		}
	}
}

// The buffer of ReadFrom is small until there is much to copy, so that thousands of
// idle streams cost little.
const (
	smallBuffer = 2 << 10
	largeBuffer = 32 << 10
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// ReadFrom implements io.ReaderFrom: it sends what r has, as soon as there is some.
func (st *Stream) ReadFrom(r io.Reader) (total int64, err error) {
	small := make([]byte, smallBuffer)
	buf := small
	var large *[largeBuffer]byte
	shrink := func() {
		if large != nil {
			largeBuffers.Put(large)
			large, buf = nil, small
		}
	}
	defer shrink()
	for {
		n, err := r.Read(buf)
		if n > 0 {
			m, err := st.Write(buf[:n])
			total += int64(m)
			if err != nil {
				return total, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return total, nil
		case err != nil:
			return total, err
		case n < smallBuffer/2:
			shrink()
		case large == nil && n == smallBuffer:
			large = largeBuffers.Get().(*[largeBuffer]byte) //nolint:forcetypeassert // nothing else is put
			buf = large[:]
		}
	}
}

// Quiet reports whether the peer is there and has sent nothing that is not read.
func (st *Stream) Quiet() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.unread == 0 && !st.eof && !st.gone && !st.closed && !st.ended && st.rerr == nil
}

// consumed notes bytes that are done with and returns what to grant. mu is held.
func (st *Stream) consumed(n int) (grant int) {
	st.s.buffered.Add(-int64(n))
	st.owed += n
	if st.eof || st.closed || st.rerr != nil || st.owed < st.window/2 {
		return 0
	}
	// A window that is used up in less than the way there and back is too small.
	now := time.Now()
	rtt := time.Duration(st.s.rtt.Load())
	if rtt > 0 && now.Sub(st.granted) < rtt && st.window < maxWindow {
		more := st.s.takeExtra(min(st.window, maxWindow-st.window))
		st.window += more
		st.owed += more
	}
	st.granted = now
	grant, st.owed = st.owed, 0
	st.credit += grant
	return grant
}

func (st *Stream) grant(n int) {
	if n > 0 {
		st.s.w.control(kindWindow, n, st.id, true)
	}
}

// Write implements net.Conn. It blocks while the other side does not read.
func (st *Stream) Write(p []byte) (total int, err error) {
	st.writing.Lock()
	defer st.writing.Unlock()
	for {
		n, err := st.spend(len(p))
		if err != nil || len(p) == 0 {
			return total, err
		}
		if err := st.s.w.data(st.id, p[:n]); err != nil {
			return total, err
		}
		total += n
		if p = p[n:]; len(p) == 0 {
			return total, nil
		}
	}
}

// spend waits until some of want bytes may be sent.
func (st *Stream) spend(want int) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		switch {
		case st.closed || st.ended:
			return 0, net.ErrClosed
		case st.rerr != nil:
			return 0, st.rerr
		case st.gone:
			return 0, ErrReset
		case st.write.passed():
			return 0, os.ErrDeadlineExceeded
		case st.sendCredit > 0 || want == 0:
			n := min(want, st.sendCredit, maxFrame)
			st.sendCredit -= n
			return n, nil
		}
		st.cond.Wait()
	}
}

// CloseWrite ends our half: the peer reads end of file. It waits for a Write that
// is under way.
func (st *Stream) CloseWrite() error {
	st.writing.Lock()
	defer st.writing.Unlock()
	st.mu.Lock()
	if st.ended || st.closed || st.gone {
		st.mu.Unlock()
		return nil
	}
	st.ended = true
	st.mu.Unlock()
	st.s.w.control(kindEnd, 0, st.id, true)
	return nil
}

// Close ends both halves. What was written is still read by the peer.
func (st *Stream) Close() error { return st.finish(kindClosing) }

// Reset ends both halves; the peer's next Read is an error, so that an answer cut
// short is not taken for a whole one.
func (st *Stream) Reset() { _ = st.finish(kindReset) }

func (st *Stream) finish(kind byte) error {
	st.mu.Lock()
	if st.closed {
		st.mu.Unlock()
		return nil
	}
	st.closed = true
	silent := st.gone || kind == kindClosing && st.ended && st.eof
	extra := st.window - window
	st.read.stop()
	st.write.stop()
	st.drop()
	st.mu.Unlock()
	st.cond.Broadcast()
	if !silent {
		st.s.w.control(kind, 0, st.id, true)
	}
	st.s.forget(st, extra)
	return nil
}

// LocalAddr implements net.Conn with that of the connection.
func (st *Stream) LocalAddr() net.Addr { return st.s.conn.LocalAddr() }

// RemoteAddr implements net.Conn with that of the connection.
func (st *Stream) RemoteAddr() net.Addr { return st.s.conn.RemoteAddr() }

// SetDeadline implements net.Conn.
func (st *Stream) SetDeadline(t time.Time) error {
	_ = st.SetReadDeadline(t)
	return st.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (st *Stream) SetReadDeadline(t time.Time) error { return st.setDeadline(&st.read, t) }

// SetWriteDeadline implements net.Conn. A connection that takes nothing holds a
// Write up for longer, and then ends.
func (st *Stream) SetWriteDeadline(t time.Time) error { return st.setDeadline(&st.write, t) }

func (st *Stream) setDeadline(d *deadline, t time.Time) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return net.ErrClosed
	}
	d.at = t
	switch wait := time.Until(t); {
	case t.IsZero():
		d.stop()
		return nil
	case wait <= 0:
		d.stop()
	case d.timer == nil:
		d.timer = time.AfterFunc(wait, func() { st.mu.Lock(); st.mu.Unlock(); st.cond.Broadcast() }) //nolint:staticcheck // whoever waits has seen the time before, or waits now
	default:
		d.timer.Reset(wait)
	}
	st.cond.Broadcast()
	return nil
}

// deadline is a moment that wakes whoever waits.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
