package tailnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"tailscale.com/types/nettype"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// backlog bounds the connections that nobody has accepted yet. Beyond it new
// ones are refused.
const backlog = 128

// Stream is a TCP connection with a peer.
type Stream interface {
	net.Conn
	// CloseWrite ends our half; the peer reads end of file.
	CloseWrite() error
}

// stream knows its addresses from the start; the library's own conn does not
// while its handshake is under way.
type stream struct {
	*gonet.TCPConn
	local, remote net.Addr
	far           netip.Addr
	once          sync.Once
	closed        func()
	large         bool // the peer may be sent large packets; Conn.mu guards it
}

func (s *stream) LocalAddr() net.Addr  { return s.local }
func (s *stream) RemoteAddr() net.Addr { return s.remote }

func (s *stream) Close() error {
	s.once.Do(s.closed)
	return s.TCPConn.Close()
}

// Listen opens a port of this node to its peers. The network must be "tcp". The
// listener's connections are Streams.
func (c *Conn) Listen(network string, port uint16) (net.Listener, error) {
	if network != "tcp" || port == 0 {
		return nil, fmt.Errorf("listen on %s port %d: only tcp and a port from 1 to 65535 are possible", network, port)
	}
	if !c.cfg.Inbound {
		return nil, errors.New("this node takes no connections")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if c.listeners[port] != nil {
		return nil, fmt.Errorf("port %d of the network node is in use", port)
	}
	l := &listener{
		conn: c, addr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.addr, port)),
		queue: make(chan *stream, backlog), done: make(chan struct{}),
	}
	c.listeners[port] = l
	return l, nil
}

type listener struct {
	conn  *Conn
	addr  *net.TCPAddr
	queue chan *stream
	once  sync.Once
	done  chan struct{}
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case s := <-l.queue:
		return s, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.conn.mu.Lock()
		delete(l.conn.listeners, uint16(l.addr.Port))
		l.conn.mu.Unlock()
		close(l.done)
		for {
			select {
			case s := <-l.queue:
				_ = s.Close()
			default:
				return
			}
		}
	})
	return nil
}

func (l *listener) deliver(s *stream) {
	select {
	case <-l.done:
	default:
		select {
		case l.queue <- s:
			return
		default:
		}
	}
	_ = s.Close()
}

// tcpFlow answers for every TCP flow to this node: a listener takes it or it is
// refused. "Not ours" is never said, because then the library would dial the
// same port on the host.
func (c *Conn) tcpFlow(src, dst netip.AddrPort) (func(net.Conn), bool) {
	c.mu.Lock()
	l := c.listeners[dst.Port()]
	c.mu.Unlock()
	if l == nil || dst.Addr() != c.addr {
		return nil, true
	}
	began := c.sizes(src.Addr())
	return func(nc net.Conn) {
		tc, ok := nc.(*gonet.TCPConn)
		if !ok {
			_ = nc.Close()
			return
		}
		l.deliver(c.track(tc, dst, src, api.ID{}, began))
	}, true
}

// udpFlow refuses every UDP flow, for the same reason.
func (c *Conn) udpFlow(_, _ netip.AddrPort) (func(nettype.ConnPacketConn), bool) { return nil, true }

// endStreams closes the streams with peers that do not come back. The last
// packets of a process that ends may be lost; without them our side would wait
// for a peer that is no more.
func (c *Conn) endStreams(left []api.ID) {
	if len(left) == 0 {
		return
	}
	away := map[netip.Addr]bool{}
	for _, id := range left {
		away[tailrpc.AddressOf(id)] = true
	}
	var ends []*stream
	c.mu.Lock()
	for s := range c.streams {
		if a, ok := s.remote.(*net.TCPAddr); ok && away[a.AddrPort().Addr()] {
			ends = append(ends, s)
		}
	}
	c.mu.Unlock()
	for _, s := range ends {
		_ = s.Close()
	}
}

// track wraps a connection so that Close ends it. peer is the agent that it
// keeps wanted, zero for inbound ones. began is what held before its first packet.
func (c *Conn) track(tc *gonet.TCPConn, local, remote netip.AddrPort, peer api.ID, began sizes) *stream {
	s := &stream{TCPConn: tc, local: net.TCPAddrFromAddrPort(local), remote: net.TCPAddrFromAddrPort(remote),
		far: remote.Addr()}
	now := c.sizes(s.far)
	s.large = began.large || now.large
	promised := began.promised || now.promised
	s.closed = func() {
		c.mu.Lock()
		delete(c.streams, s)
		c.mu.Unlock()
		if promised {
			c.closedLarge()
		}
		if !peer.IsZero() {
			c.wanted.release(peer)
		}
	}
	c.mu.Lock()
	c.streams[s] = struct{}{}
	if promised {
		c.large++
	}
	closed := c.closed
	c.mu.Unlock()
	if closed {
		_ = s.Close()
	}
	return s
}
