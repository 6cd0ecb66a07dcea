package coordinator_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/coordinator"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/relay"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// world is a deployment with nothing but its network: a coordinator and a relay
// behind real HTTP.
type world struct {
	t      testing.TB
	coord  *coordinator.Coordinator
	relay  atomic.Pointer[relay.Relay]
	access *url.URL
	client *http.Client
	log    *slog.Logger
	rmap   derpmap.Config
	extra  []tailrpc.Region // besides our own
	direct atomic.Bool      // allowed in spite of rmap
	down   atomic.Bool      // everything answers 502
	cut    func()           // ends all open connections of the server
}

type worldOptions struct {
	tls         bool
	prefix      string
	blockDirect bool
	stun        bool
	// middlebox, where set, stands before everything.
	middlebox func(http.Handler) http.Handler
}

func testLog() *slog.Logger {
	if os.Getenv("TAILNET_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// background runs f until the test ends and waits for it.
func background(t testing.TB, f func(ctx context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("background part: %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("background part does not end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func (w *world) startRelay() (stop func()) {
	stun := ""
	if w.rmap.STUNAddresses != nil {
		stun = "127.0.0.1:0"
	}
	r, err := relay.New(relay.Config{Log: w.log, Verify: w.coord.AwaitKnown, STUNAddr: stun})
	require.NoError(w.t, err)
	w.relay.Store(r)
	return background(w.t, r.Run)
}

func newWorld(t testing.TB, o worldOptions) *world {
	w := &world{t: t, log: testLog(), rmap: derpmap.Config{BlockDirect: o.blockDirect}}
	if o.stun {
		w.rmap.STUNAddresses = []string{}
	}
	coord, err := coordinator.New(coordinator.Options{
		Log: w.log, RelayMap: w.relayMap, Forgotten: func(k string) { w.relay.Load().Evict(k) },
	})
	require.NoError(t, err)
	w.coord = coord
	w.startRelay()
	if o.stun {
		w.rmap.STUNAddresses = []string{w.relay.Load().STUNAddr().String()}
	}
	var h http.Handler = w.routes()
	if o.prefix != "" {
		h = http.StripPrefix(o.prefix, h)
	}
	if o.middlebox != nil {
		h = o.middlebox(h)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.down.Load() {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		h.ServeHTTP(rw, r)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)
	conns := &connSet{open: map[net.Conn]struct{}{}}
	srv.Config.ConnContext = conns.note
	w.cut = conns.cut
	if o.tls {
		srv.EnableHTTP2 = true // as ours has; upgrades must still be HTTP/1.1
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(func() { conns.cut(); srv.Close() })
	w.access, err = url.Parse(srv.URL + o.prefix)
	require.NoError(t, err)
	w.client = http.DefaultClient
	if o.tls {
		pool := x509.NewCertPool()
		pool.AddCert(srv.Certificate())
		tr := http.DefaultTransport.(*http.Transport).Clone()
		tr.TLSClientConfig.RootCAs = pool
		w.client = &http.Client{Transport: tr}
	}
	background(t, coord.Run)
	return w
}

func (w *world) relayMap() tailrpc.RelayMap {
	c := w.rmap
	if w.direct.Load() {
		c.BlockDirect = false
	}
	m := derpmap.Build(c)
	for _, r := range w.extra {
		m.Regions[r.ID] = r
	}
	return m
}

// connSet knows a server's connections, also the hijacked ones that the server
// itself forgets.
type connSet struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

func (c *connSet) note(ctx context.Context, nc net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[nc] = struct{}{}
	return ctx
}

func (c *connSet) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for nc := range c.open {
		_ = nc.Close()
	}
	clear(c.open)
}

func (w *world) routes() *http.ServeMux {
	mux := http.NewServeMux()
	derp := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.relay.Load().Handler().ServeHTTP(rw, r) })
	mux.Handle("/derp", derp)
	mux.Handle("/derp/", derp)
	mux.HandleFunc("/api/v2/workspaceagents/{id}/coordinate", func(rw http.ResponseWriter, r *http.Request) {
		ws, err := wsconn.Accept(rw, r, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
		if err != nil {
			return
		}
		ctx := context.WithoutCancel(r.Context())
		if r.PathValue("id") == "me" {
			_ = w.coord.ServeAgent(ctx, ws, api.MustParseID(r.Header.Get("X-Agent")), coordinator.Hooks{})
			return
		}
		_ = w.coord.ServeClient(ctx, ws, api.MustParseID(r.URL.Query().Get(tailrpc.ClientIDParam)), api.MustParseID(r.PathValue("id")))
	})
	return mux
}

// node makes a node; of is the agent that a client asks for, zero for an agent.
func (w *world) node(id, of api.ID, change ...func(*tailnet.Config)) *tailnet.Conn {
	cfg := tailnet.Config{ID: id, Log: w.log, Inbound: of.IsZero(), AccessURL: w.access, HTTPClient: w.client}
	for _, f := range change {
		f(&cfg)
	}
	c, err := tailnet.New(cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, c.Close()) })
	background(w.t, func(ctx context.Context) error { return c.Run(ctx, w.exchange(id, of)) })
	return c
}

func (w *world) exchange(id, of api.ID) tailnet.Exchange {
	return func(ctx context.Context) (*wsconn.Conn, error) {
		who, h := "me", http.Header{"X-Agent": {id.String()}}
		if !of.IsZero() {
			who, h = of.String(), nil
		}
		u := w.access.JoinPath("api/v2/workspaceagents", who, "coordinate")
		u.RawQuery = url.Values{tailrpc.ClientIDParam: {id.String()}}.Encode()
		return wsconn.Dial(ctx, u.String(), wsconn.DialOptions{HTTPClient: w.client, Header: h, ReadLimit: tailrpc.MaxMessage})
	}
}

// pair makes an agent that echoes on port 22, and a client of it.
func (w *world) pair() (agent, client *tailnet.Conn) {
	agentID := api.NewID()
	agent = w.node(agentID, api.ID{})
	echo(w.t, agent, 22)
	return agent, w.node(api.NewID(), agentID)
}

// echo serves a port until the node closes.
func echo(t testing.TB, c *tailnet.Conn, port uint16) {
	ln, err := c.Listen("tcp", port)
	require.NoError(t, err)
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(nc, nc)
				_ = nc.(tailnet.Stream).CloseWrite()
				_ = nc.Close()
			}()
		}
	}()
}

func deadline(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// say sends a line and expects it back.
func say(t testing.TB, s net.Conn, line string) {
	require.NoError(t, s.SetDeadline(time.Now().Add(20*time.Second)))
	_, err := io.WriteString(s, line)
	require.NoError(t, err)
	got := make([]byte, len(line))
	_, err = io.ReadFull(s, got)
	require.NoError(t, err)
	require.Equal(t, line, string(got))
}

// directPath waits until pings travel without a relay.
func directPath(t testing.TB, c *tailnet.Conn, agent api.ID) tailnet.PingResult {
	ctx := deadline(t, 20*time.Second)
	for {
		r, err := c.Ping(ctx, agent)
		require.NoError(t, err)
		if r.Direct {
			return r
		}
		select {
		case <-ctx.Done():
			t.Fatal("no direct path")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var errTest = errors.New("test")
