package mux

import (
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"
)

const (
	// maxPending is what may wait for the connection before writers do, maxControl
	// what ends a session: its other side asks for answers and takes none.
	maxPending = 256 << 10
	maxControl = maxPending + 1<<20
	// writeTimeout bounds one write to the connection.
	writeTimeout = silence
	pooled       = 64 << 10
	// worthWriting is what is written without a look at who else has something.
	worthWriting = 4 << 10
	// After so many times in vain it is left out so many times.
	vainLimit = 4
	leaveOut  = 64
)

// writer gathers frames. Who has something to send and finds nobody writing does
// it; what others added meanwhile goes out in one piece after it, by flushAll.
type writer struct {
	conn net.Conn
	kick chan struct{} // holds one: flushAll has work

	mu       sync.Mutex
	room     sync.Cond
	buf      *[]byte // nil while there is nothing
	flushing bool
	limited  time.Time // when the limit of a write was last set; by who is flushing
	vain     int       // how often gather was, one after the other
	leaveOut int       // how often it is left out
	pongID   uint32
	pongDue  bool
	err      error
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, pooled); return &b }}

func newWriter(conn net.Conn) *writer {
	w := &writer{conn: conn, kick: make(chan struct{}, 1)}
	w.room.L = &w.mu
	return w
}

func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.room.Broadcast()
}

// add appends a frame. mu is held.
func (w *writer) add(kind byte, size int, id uint32, p []byte) {
	if w.buf == nil {
		w.buf = buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put
	}
	b := append(*w.buf, kind, byte(size>>16), byte(size>>8), byte(size)) //nolint:gosec // sizes have 24 bits
	b = binary.BigEndian.AppendUint32(b, id)
	*w.buf = append(b, p...)
}

func (w *writer) pending() int {
	if w.buf == nil {
		return 0
	}
	return len(*w.buf)
}

// await waits for room. mu is held.
func (w *writer) await() error {
	for w.err == nil && w.pending() >= maxPending {
		w.room.Wait()
	}
	return w.err
}

// data sends a piece of a stream. It blocks while the connection is behind.
func (w *writer) data(id uint32, p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.await(); err != nil {
		return err
	}
	w.add(kindData, len(p), id, p)
	return w.flush()
}

// open is the first frame of a stream, with its first data.
func (w *writer) open(id uint32, head []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.await(); err != nil {
		return err
	}
	w.add(kindOpen, 0, id, nil)
	if len(head) > 0 {
		w.add(kindData, len(head), id, head)
	}
	return w.flush()
}

// control sends a frame without a payload. It does not wait for room; with now it
// may write itself, and never does without, as the reader must not.
func (w *writer) control(kind byte, size int, id uint32, now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if w.pending() >= maxControl {
		w.err = errors.New("the other side of the stream connection takes no answers")
		w.room.Broadcast()
		_ = w.conn.Close() // the reader sees it
		return
	}
	w.add(kind, size, id, nil)
	if now {
		_ = w.flush() // kept in err
		return
	}
	w.wake()
}

// pong answers a ping; of several that wait only the last is.
func (w *writer) pong(id uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pongID, w.pongDue = id, true
	w.wake()
}

func (w *writer) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// gather lets those who are ready to run add what they have to send: one piece costs
// less than many. It costs something too, so where it was in vain lately it is left
// out for a while. mu is held, but not while others run; flushing is set.
func (w *writer) gather() {
	before := w.pending()
	switch {
	case before >= worthWriting:
		return
	case w.leaveOut > 0:
		w.leaveOut--
		return
	}
	w.mu.Unlock()
	runtime.Gosched()
	w.mu.Lock()
	if w.pending() > before {
		w.vain = 0
	} else if w.vain++; w.vain == vainLimit {
		w.vain, w.leaveOut = 0, leaveOut
	}
}

// flush writes what is pending unless somebody does. mu is held, but not while
// the connection is written to.
func (w *writer) flush() error {
	if w.flushing || w.err != nil {
		return w.err
	}
	w.flushing = true
	w.gather()
	w.writeOut()
	w.flushing = false
	if w.pending() > 0 {
		w.wake()
	}
	return w.err
}

// flushAll writes until nothing is pending.
func (w *writer) flushAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flushing {
		return // who does wakes us
	}
	w.flushing = true
	for w.err == nil && (w.pending() > 0 || w.pongDue) {
		w.writeOut()
	}
	w.flushing = false
}

func (w *writer) writeOut() {
	if w.pongDue {
		w.pongDue = false
		w.add(kindPong, 0, w.pongID, nil)
	}
	b := w.buf
	w.buf = nil
	w.mu.Unlock()
	if now := time.Now(); now.Sub(w.limited) > time.Second { // it costs something
		w.limited = now
		_ = w.conn.SetWriteDeadline(now.Add(writeTimeout))
	}
	_, err := w.conn.Write(*b)
	if cap(*b) <= 2*maxPending {
		*b = (*b)[:0]
		buffers.Put(b)
	}
	if err != nil {
		_ = w.conn.Close() // the reader sees it
	}
	w.mu.Lock()
	if err != nil && w.err == nil {
		w.err = err
	}
	w.room.Broadcast()
}
