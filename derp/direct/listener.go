package direct

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxHalfOpen bounds the connections whose other side is not known yet, and maxOpen
	// those whose is. More are closed at once.
	maxHalfOpen = 64
	maxOpen     = 2048
	// logEvery is the least time between two lines about strangers.
	logEvery = time.Minute
	// acceptPause follows an accept that failed.
	acceptPause = 100 * time.Millisecond
)

// Options of a Listener. All are required.
type Options struct {
	Log *slog.Logger
	// Known waits until the key belongs to a peer, for as long as ctx allows, and says
	// who that is; false where it does not.
	Known func(ctx context.Context, key []byte) (peer string, ok bool)
	// Serve owns a connection with a peer. It returns when the connection has ended.
	Serve func(ctx context.Context, conn net.Conn, peer string)
	// Counts counts the bytes of peers.
	Counts *Counts
}

// Listener takes connections of peers.
type Listener struct {
	opts     Options
	ln       net.Listener
	conf     *tls.Config
	halfOpen chan struct{}
	open     chan struct{}

	strangers atomic.Int64
	lastLog   atomic.Int64 // in seconds of Unix time
}

// Listen opens an ephemeral TCP port on all addresses. Nobody is answered before Run,
// which closes it.
func (i *Identity) Listen(o Options) (*Listener, error) {
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		return nil, fmt.Errorf("listen for direct streams: %w", err)
	}
	conf := i.config()
	conf.ClientAuth = tls.RequireAnyClientCert
	name := []byte(nameOf(i.public))
	conf.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if subtle.ConstantTimeCompare([]byte(h.ServerName), name) != 1 {
			return nil, errHello // before anything of ours is shown
		}
		return nil, nil
	}
	return &Listener{opts: o, ln: ln, conf: conf, halfOpen: make(chan struct{}, maxHalfOpen), open: make(chan struct{}, maxOpen)}, nil
}

// Port returns the port of the listener.
func (l *Listener) Port() uint16 {
	if a, ok := l.ln.Addr().(*net.TCPAddr); ok {
		return a.AddrPort().Port()
	}
	return 0
}

// Run serves until ctx ends, and returns after the last connection has ended. The
// error is nil then.
func (l *Listener) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = l.ln.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for {
		nc, err := l.ln.Accept()
		if ctx.Err() != nil {
			if nc != nil {
				_ = nc.Close()
			}
			return nil
		}
		if err != nil { // out of descriptors, most likely: others must end first
			l.opts.Log.Warn("accept failed", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(acceptPause):
			}
			continue
		}
		select {
		case l.halfOpen <- struct{}{}:
			wg.Go(func() { l.serve(ctx, nc) })
		default:
			_ = nc.Close()
			l.stranger("too many at once")
		}
	}
}

// serve owns nc.
func (l *Listener) serve(ctx context.Context, nc net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	defer nc.Close()
	c, peer, err := l.meet(ctx, nc)
	<-l.halfOpen
	if err != nil {
		l.stranger(err.Error())
		return
	}
	select {
	case l.open <- struct{}{}:
		defer func() { <-l.open }()
		l.opts.Serve(ctx, c, peer)
	default:
		l.opts.Log.Warn("direct stream refused", "limit", maxOpen)
	}
}

// meet finds out who the other side is.
func (l *Listener) meet(ctx context.Context, nc net.Conn) (*Conn, string, error) {
	deadline := time.Now().Add(handshakeTime)
	_ = nc.SetDeadline(deadline)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	w := newWire(nc)
	c := &Conn{Conn: tls.Server(w, l.conf), wire: w, counts: l.opts.Counts}
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, "", err
	}
	key, err := keyOf(c.ConnectionState())
	if err != nil {
		return nil, "", err
	}
	peer, ok := l.opts.Known(ctx, key)
	if !ok {
		return nil, "", errHello
	}
	w.known()
	return c, peer, nil
}

// stranger counts, and says so now and then.
func (l *Listener) stranger(why string) {
	n := l.strangers.Add(1)
	now, last := time.Now().Unix(), l.lastLog.Load()
	if now-last < int64(logEvery/time.Second) || !l.lastLog.CompareAndSwap(last, now) {
		return
	}
	l.strangers.Add(-n)
	l.opts.Log.Debug("strangers at the port for direct streams", "connections", n, "last", why)
}
