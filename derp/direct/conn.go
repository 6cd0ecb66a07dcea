package direct

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

const (
	// wireBuffer holds eight records of TLS.
	wireBuffer = 8 * (16<<10 + 64)
	// recordData is the most that a record holds.
	recordData = 16 << 10
	recordHead = 5
)

// Conn is an encrypted connection with a peer. Its reads and writes are made for much
// data: one call of the system for eight records. One goroutine may write at a time.
type Conn struct {
	*tls.Conn
	wire    *wire
	scratch []byte
	counts  *Counts
}

// Counts are what went over connections.
type Counts struct {
	Received, Sent atomic.Int64 // bytes of payload
}

// Read returns what has come, over several records.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for err == nil && n < len(p) && c.wire.buffered() > recordHead {
		var m int
		m, err = c.Conn.Read(p[n:])
		n += m
	}
	if c.counts != nil {
		c.counts.Received.Add(int64(n))
	}
	return n, err
}

// Write sends p.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.WriteBoth(nil, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteBoth sends head and data in as few records as it takes.
func (c *Conn) WriteBoth(head, data []byte) error {
	c.wire.hold()
	n := min(len(data), max(0, recordData-len(head)))
	first := data[:n]
	if len(head) > 0 {
		c.scratch = append(append(c.scratch[:0], head...), first...)
		first = c.scratch
	}
	_, err := c.Conn.Write(first)
	if err == nil && n < len(data) {
		_, err = c.Conn.Write(data[n:])
	}
	if c.counts != nil {
		c.counts.Sent.Add(int64(len(head) + len(data)))
	}
	return errors.Join(err, c.wire.release())
}

// Close closes the connection at once. The other side's stream has an end of its own,
// so that nothing is said.
func (c *Conn) Close() error { return c.wire.Close() }

// wire is the TCP connection below TLS.
type wire struct {
	net.Conn
	in   *bufio.Reader // nil until the other side is known
	left int           // bytes that may be read until then

	mu   sync.Mutex
	held bool // writes gather
	out  []byte
}

func newWire(nc net.Conn) *wire { return &wire{Conn: nc, left: handshakeBytes} }

// known lifts the limits of the handshake.
func (w *wire) known() { w.in = bufio.NewReaderSize(w.Conn, wireBuffer) }

func (w *wire) buffered() int { return w.in.Buffered() }

var errLong = errors.New("the handshake is too long")

func (w *wire) Read(p []byte) (int, error) {
	if w.in != nil {
		return w.in.Read(p)
	}
	if w.left == 0 {
		return 0, errLong
	}
	n, err := w.Conn.Read(p[:min(len(p), w.left)])
	w.left -= n
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.held {
		return w.Conn.Write(p)
	}
	if len(w.out) > 0 && len(w.out)+len(p) > wireBuffer {
		if err := w.send(); err != nil {
			return 0, err
		}
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
}

func (w *wire) release() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	return w.send()
}

// send writes what has gathered; mu is held, because the pieces of a connection have an
// order.
func (w *wire) send() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.Conn.Write(w.out)
	w.out = w.out[:0]
	return err
}
