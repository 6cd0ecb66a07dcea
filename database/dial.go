package database

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// unackedLimit is how long sent data may stay without an acknowledgement
	// before the connection counts as dead.
	unackedLimit = 15 * time.Second
	// farewellLimit is how long a connection that ends may take for it, and the
	// attempt to cancel what runs on it. A frozen server answers neither, and the
	// connection has its place in the pool until then.
	farewellLimit = time.Second
)

// dial opens a connection whose death we notice within unackedLimit, idle or
// not, whatever the system's defaults are.
func dial(ctx context.Context, network, addr string) (*socket, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 2},
		Control:         setUnackedLimit,
	}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &socket{Conn: c, addr: addr}, nil
}

// socket is the connection below TLS.
type socket struct {
	net.Conn
	addr  string       // as it was dialed
	until atomic.Int64 // Unix time in ns; 0 while it is in use
}

// SetDeadline implements net.Conn. Nothing prolongs the life of a socket that ends.
func (s *socket) SetDeadline(t time.Time) error {
	if ns := s.until.Load(); ns != 0 && (t.IsZero() || t.UnixNano() > ns) {
		t = time.Unix(0, ns)
	}
	return s.Conn.SetDeadline(t)
}

// end bounds what is still said on the socket. The time is the system's, because
// deadlines of sockets are; one that jumps makes it longer or shorter, no more.
func (s *socket) end() {
	t := time.Now().Add(farewellLimit)
	s.until.Store(t.UnixNano())
	_ = s.Conn.SetDeadline(t) // fails where it is closed already
}

// socketOf returns what is below a connection, nil where it is not ours.
func socketOf(conn *pgx.Conn) *socket { return rawSocket(conn.PgConn().Conn()) }

func rawSocket(c net.Conn) *socket {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, _ := c.(*socket)
	return s
}
