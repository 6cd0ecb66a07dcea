package streams

import (
	"net"
	"sync"

	"coder.internal/internal/mux"
)

// listener hands out streams to a service of the agent.
type listener struct {
	queue chan net.Conn
	once  sync.Once
	done  chan struct{}
}

// deliver returns false where nobody takes the connection any more.
func (l *listener) deliver(c net.Conn) bool {
	select {
	case l.queue <- c:
		return true
	case <-l.done:
		return false
	}
}

func (l *listener) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return streamAddr{} }

type streamAddr struct{}

func (streamAddr) Network() string { return "stream" }
func (streamAddr) String() string  { return "stream" }

// owned tells when its service has closed it.
type owned struct {
	*mux.Stream
	once   sync.Once
	closed chan struct{}
}

func (o *owned) Close() error {
	o.once.Do(func() { close(o.closed) })
	return o.Stream.Close()
}
