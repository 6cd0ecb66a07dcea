package pipe

import (
	"net"
	"sync"
	"time"
)

// batchSize bounds what waits to be written, in bytes.
const batchSize = 128 << 10

// farewell bounds how long Close waits for the other side to take what waits.
const farewell = time.Second

// Buffers are what the batches of one owner share: an idle one has none. The zero
// value is ready.
type Buffers struct{ pool sync.Pool }

func (b *Buffers) get() *[batchSize]byte {
	if p, ok := b.pool.Get().(*[batchSize]byte); ok {
		return p
	}
	return new([batchSize]byte)
}

// Batch is a connection whose writes are joined. What arrives while a write is
// under way goes out in the next one, so that a writer of many small pieces costs
// the connection few large ones; a write that finds nothing under way goes out at
// once. An error is told to the writes after it.
//
// Its goroutine starts with the first Write and ends in Close, which must be
// called. Close sends what waits, for a second at most, and then closes the
// connection below.
type Batch struct {
	net.Conn
	buffers *Buffers

	mu      sync.Mutex
	changed sync.Cond // of what follows
	buf     *[batchSize]byte
	n       int   // bytes of buf that wait
	err     error // of the connection, or net.ErrClosed
	closed  bool
	done    chan struct{} // closed when the goroutine has ended; nil before it starts
}

// NewBatch returns a Batch above conn, which it owns.
func NewBatch(conn net.Conn, buffers *Buffers) *Batch {
	b := &Batch{Conn: conn, buffers: buffers}
	b.changed.L = &b.mu
	return b
}

// Write blocks while the buffer is full. It returns once p was taken.
func (b *Batch) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := 0
	for len(p) > 0 {
		for b.n == batchSize && b.err == nil {
			b.changed.Wait()
		}
		if b.err != nil {
			return taken, b.err
		}
		if b.buf == nil {
			b.buf = b.buffers.get()
		}
		n := copy(b.buf[b.n:], p)
		b.n += n
		p, taken = p[n:], taken+n
		if b.done == nil {
			b.done = make(chan struct{})
			go b.send() // Close waits for it
		}
		b.changed.Broadcast()
	}
	return taken, nil
}

// send writes until the connection fails or is closed.
func (b *Batch) send() {
	defer close(b.done)
	for {
		buf, n := b.next()
		if n == 0 {
			return
		}
		_, err := b.Conn.Write(buf[:n])
		b.buffers.pool.Put(buf)
		if err != nil {
			b.fail(err)
			return
		}
	}
}

// next waits for something to write; n is 0 when there will be no more.
func (b *Batch) next() (buf *[batchSize]byte, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.n == 0 && !b.closed {
		b.changed.Wait()
	}
	buf, n = b.buf, b.n
	b.buf, b.n = nil, 0
	b.changed.Broadcast()
	return buf, n
}

func (b *Batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.changed.Broadcast()
}

// Close may be called more than once.
func (b *Batch) Close() error {
	b.mu.Lock()
	b.closed = true
	if b.err == nil {
		b.err = net.ErrClosed
	}
	done := b.done
	b.changed.Broadcast()
	b.mu.Unlock()
	if done != nil {
		_ = b.SetWriteDeadline(time.Now().Add(farewell)) // it may be closed already
		<-done
	}
	return b.Conn.Close()
}
