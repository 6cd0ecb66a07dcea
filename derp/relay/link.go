package relay

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/derp"
	"tailscale.com/types/key"
)

// frameHeader is a type byte and a big-endian length.
const frameHeader = 5

// pingTimeout bounds the write of a ping. It is the library's own limit for a
// client that does not read.
const pingTimeout = derpWriteTimeout

// link is one connection under the library: it sees every byte of the relay's
// protocol, whatever carries it. It knows whose it is, when it last heard of
// them, and where frames begin on the way out, so that a ping fits in between.
type link struct {
	net.Conn
	mesh bool   // another replica's; it has shown that it has the mesh key
	head []byte // what came with the HTTP request and was not read yet; then the connection

	heard   atomic.Int64 // when something was last read; Unix nanoseconds
	pinged  atomic.Int64
	doubted atomic.Bool            // its node was seen elsewhere, and it is being asked
	member  atomic.Pointer[member] // nil until admitted
	closed  chan struct{}
	once    sync.Once
	trust   func(*link) // called once the library has admitted the peer

	// Used by the library's one goroutine before it trusts the peer, and then
	// by its reader alone.
	hello []byte // header and key of the first frame; nil once complete
	key   key.NodePublic

	wmu  sync.Mutex
	out  [frameHeader]byte // of the frame that is being written
	have int               // bytes of out
	left uint32            // bytes of its body that are still to come
}

// newLink wraps c; trust hears of it once the peer has proved its key and was
// admitted.
func newLink(c net.Conn, head []byte, now time.Time, trust func(*link)) *link {
	l := &link{Conn: c, head: head, closed: make(chan struct{}), trust: trust,
		hello: make([]byte, 0, frameHeader+derp.KeyLen)}
	l.heard.Store(now.UnixNano())
	return l
}

// SetDeadline implements derp.Conn. The library lifts the deadline when it has
// admitted the peer, and at no other moment.
func (l *link) SetDeadline(t time.Time) error {
	if t.IsZero() && l.trust != nil {
		l.trust(l)
		l.trust = nil
	}
	return l.Conn.SetDeadline(t)
}

// Read implements io.Reader. A member above its share waits here, so that its
// own TCP window closes and nobody else's does.
func (l *link) Read(p []byte) (int, error) {
	var n int
	var err error
	if len(l.head) > 0 {
		n = copy(p, l.head)
		l.head = l.head[n:]
	} else {
		n, err = l.Conn.Read(p)
	}
	if n > 0 {
		l.heard.Store(time.Now().UnixNano())
		if l.hello != nil {
			l.greet(p[:n])
		}
		if m := l.member.Load(); m != nil {
			m.pay(n, n == len(p), l.closed)
		}
	}
	return n, err
}

// greet collects the first frame's header and the key that follows it. The
// library checks both; a key that it does not accept is never used.
func (l *link) greet(p []byte) {
	l.hello = append(l.hello, p[:min(len(p), cap(l.hello)-len(l.hello))]...)
	if len(l.hello) < cap(l.hello) {
		return
	}
	_ = l.key.UnmarshalText([]byte("nodekey:" + hex.EncodeToString(l.hello[frameHeader:]))) // any 32 bytes are one
	l.hello = nil
}

// Write implements io.Writer and follows the frames.
func (l *link) Write(p []byte) (int, error) {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	n, err := l.Conn.Write(p)
	l.follow(p[:n])
	return n, err
}

func (l *link) follow(p []byte) {
	for len(p) > 0 {
		if l.left > 0 {
			n := min(uint64(l.left), uint64(len(p)))
			l.left -= uint32(n)
			p = p[n:]
			continue
		}
		n := copy(l.out[l.have:], p)
		l.have += n
		p = p[n:]
		if l.have == frameHeader {
			l.left, l.have = binary.BigEndian.Uint32(l.out[1:]), 0
		}
	}
}

// ping asks the client for a sign of life. Where a frame is under way it does
// nothing: the library notices by itself when that one does not get through.
func (l *link) ping(now time.Time) {
	if !l.wmu.TryLock() {
		return
	}
	defer l.wmu.Unlock()
	if l.have > 0 || l.left > 0 {
		return
	}
	var f [frameHeader + 8]byte
	f[0] = byte(derp.FramePing)
	binary.BigEndian.PutUint32(f[1:], 8)
	binary.BigEndian.PutUint64(f[frameHeader:], uint64(now.UnixNano()))
	_ = l.SetWriteDeadline(now.Add(pingTimeout))
	if _, err := l.Conn.Write(f[:]); err != nil {
		_ = l.Close() // it may have been cut in the middle
	}
}

// Close implements io.Closer; it also wakes a reader that waits for its share.
func (l *link) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}

var _ io.ReadWriteCloser = (*link)(nil)
