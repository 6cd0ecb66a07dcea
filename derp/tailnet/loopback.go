package tailnet

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"coder.internal/internal/pipe"
)

// loopback is the inner end of the way to one relay region: the engine dials it
// in plain HTTP, it dials the region in whatever way works.
type loopback struct {
	ln   net.Listener
	host string // the secret Host header; keeps other users of the machine out
	up   *upstream
	log  *slog.Logger
	slot chan struct{}
}

const (
	maxLoopback        = 16 // connections at a time; the engine needs one
	loopbackHeaderTime = 5 * time.Second
	maxLoopbackHeader  = 16 << 10
)

func newLoopback(ln net.Listener, up *upstream, log *slog.Logger) *loopback {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return &loopback{
		ln: ln, up: up, log: log, slot: make(chan struct{}, maxLoopback),
		host: hex.EncodeToString(b[:]) + ".derp.invalid",
	}
}

func (l *loopback) addr() netip.AddrPort { return addrPort(l.ln.Addr()) }

// serve accepts until the listener closes or ctx ends, and waits for what it
// has accepted. Connections outlive the listener: the engine drops them when it
// has another way.
func (l *loopback) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = l.ln.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		nc, err := l.ln.Accept()
		if err != nil {
			return
		}
		select {
		case l.slot <- struct{}{}:
		default:
			_ = nc.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-l.slot }()
			l.handle(ctx, nc)
		})
	}
}

// handle joins one connection of the engine with the relay.
func (l *loopback) handle(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()

	_ = nc.SetReadDeadline(time.Now().Add(loopbackHeaderTime))
	lim := &io.LimitedReader{R: nc, N: maxLoopbackHeader}
	br := bufio.NewReader(lim)
	req, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	if host, _, err := net.SplitHostPort(req.Host); err == nil {
		req.Host = host
	}
	if req.Host != l.host {
		_, _ = io.WriteString(nc, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return
	}
	lim.N = 1<<63 - 1
	_ = nc.SetReadDeadline(time.Time{})

	up, err := l.up.dial(ctx)
	if err != nil {
		l.log.Debug("relay is out of reach", "error", err)
		_, _ = io.WriteString(nc, "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, err = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n")
	if err != nil {
		_ = up.Close()
		return
	}
	_, _ = pipe.Join(ctx, &pipe.Ahead{Conn: nc, In: br}, up)
}
