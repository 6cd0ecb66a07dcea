package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/quartz"

	"coder.internal/agent/streams"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
	"coder.internal/coderd/agentconn"
)

// proxies are the processes of the streams group: a backend, a replica with a plain
// reverse proxy whose backend connections are streams or, where direct, TCP, and the
// agent that carries the streams. There is no policy in between.
type proxies struct {
	listen, backend, url string
	direct               bool
}

// httpd serves until ctx ends. opened counts the connections, unless it is nil.
func httpd(ctx context.Context, address string, h http.Handler, opened *atomic.Int64) error {
	srv := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Hour}
	if opened != nil {
		srv.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveBackend answers /small with a few bytes, /big?size=N with N, /up with the
// number of bytes that came, /opened and /answered with the number of connections and
// of small answers so far, and an upgrade with an echo.
func (p *proxies) serveBackend(ctx context.Context) error {
	block := make([]byte, copyBuffer)
	var opened, answered atomic.Int64
	return httpd(ctx, p.listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") != "":
			upgraded(w)
		case r.URL.Path == "/big":
			size, _ := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
			for ; size > 0; size -= int64(len(block)) {
				if _, err := w.Write(block[:min(size, int64(len(block)))]); err != nil {
					return
				}
			}
		case r.URL.Path == "/up":
			n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, make([]byte, copyBuffer))
			fmt.Fprintln(w, n)
		case r.URL.Path == "/opened":
			fmt.Fprintln(w, opened.Load())
		case r.URL.Path == "/answered":
			fmt.Fprintln(w, answered.Load())
		default:
			answered.Add(1)
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "A small answer, such as an API gives, of a hundred bytes or so: that is what most requests ask for.\n")
		}
	}), &opened)
}

// upgraded sends back what comes, with little memory.
func upgraded(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	echo(conn)
}

// serveReplica proxies to the backend. An agent may connect at any time.
func (p *proxies) serveReplica(ctx context.Context) error {
	dial := (&net.Dialer{}).DialContext
	mux := http.NewServeMux()
	if !p.direct {
		s, err := agentconn.New(agentconn.Options{Log: slog.New(slog.DiscardHandler), Clock: quartz.NewReal(), Tunnel: noTunnel{},
			Ask: func(api.ID) bool { return false }})
		if err != nil {
			return err
		}
		agent := api.NewID()
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			return s.DialAgent(ctx, agent, network, address)
		}
		mux.HandleFunc(agentrpc.PathStreams, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+agentrpc.StreamsProtocol+"\r\n\r\n")
			_ = s.ServeAgent(ctx, conn, agent)
		})
		go func() { _ = s.Run(ctx) }()
	}
	target := &url.URL{Scheme: "http", Host: p.backend}
	mux.Handle("/", &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport:  &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, DisableCompression: true},
		BufferPool: buffers{make(chan []byte, 64)},
	})
	return httpd(ctx, p.listen, mux, nil)
}

type noTunnel struct{}

func (noTunnel) DialAgent(context.Context, api.ID, uint16) (net.Conn, error) {
	return nil, errors.New("there is no tunnel here")
}

// buffers are those of copies.
type buffers struct{ free chan []byte }

func (b buffers) Get() []byte {
	select {
	case p := <-b.free:
		return p
	default:
		return make([]byte, 32<<10)
	}
}

func (b buffers) Put(p []byte) {
	select {
	case b.free <- p:
	default:
	}
}

// carry is the agent: it holds one connection to the replica.
func (p *proxies) carry(ctx context.Context) error {
	if !strings.HasPrefix(p.url, "http") {
		return fmt.Errorf("-url %q is none", p.url)
	}
	c := &client.AgentClient{URL: p.url, Token: "none"}
	wanted := make(chan struct{}, 1)
	wanted <- struct{}{}
	s, err := streams.New(streams.Options{Log: slog.New(slog.DiscardHandler), Wanted: wanted, Connect: c.Streams})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
