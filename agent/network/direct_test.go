package network

import (
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// strangers is a listener of connections that come from nobody.
type strangers struct {
	net.Listener
	left   int
	closed int
}

type stranger struct {
	net.Conn
	of *strangers
}

func (c stranger) Close() error {
	c.of.closed++
	return c.Conn.Close()
}

func (l *strangers) Accept() (net.Conn, error) {
	if l.left == 0 {
		return nil, net.ErrClosed
	}
	l.left--
	near, far := net.Pipe()
	_ = far.Close()
	return stranger{near, l}, nil
}

func (l *strangers) Close() error { return nil }

// Whoever is refused takes no slot from those who are let in.
func TestStrangersTakeNoSlots(t *testing.T) {
	t.Parallel()
	d, err := newDirect(api.NewID(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer d.sessions.Close()
	ln := &strangers{left: 5}
	d.packets = ln
	d.servePackets(t.Context())
	require.Equal(t, 5, ln.closed)
	require.Empty(t, d.slots)
}
