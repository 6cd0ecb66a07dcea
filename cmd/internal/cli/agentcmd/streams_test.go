package agentcmd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent/network"
	"coder.internal/agent/streams"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/client"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/agentconn"
	"coder.internal/coderd/coordinator"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/relay"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// plane is a replica with nothing but its network: coordinator, relay, a node of its
// own, and streams.
type plane struct {
	*testing.T
	agent       api.ID
	coordinator *coordinator.Coordinator
	node        *tailnet.Conn
	streams     *agentconn.Streams
	url         *url.URL
	carried     chan struct{} // one for each connection that the agent holds
}

// background runs f until the test ends, and waits for it.
func background(t *testing.T, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = f(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// DialAgent implements agentconn.Tunnel.
func (p *plane) DialAgent(ctx context.Context, id api.ID, port uint16) (net.Conn, error) {
	return p.node.DialTCP(ctx, id, port)
}

// newPlane starts a replica. A middlebox may refuse the upgrade to streams.
func newPlane(t *testing.T, refuse bool) *plane {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := &plane{T: t, agent: api.NewID(), carried: make(chan struct{}, 8)}
	var r *relay.Relay
	var err error
	p.coordinator, err = coordinator.New(coordinator.Options{Log: log, Forgotten: func(k string) { r.Evict(k) },
		RelayMap: func() tailrpc.RelayMap { return derpmap.Build(derpmap.Config{}) }})
	require.NoError(t, err)
	r, err = relay.New(relay.Config{Log: log, Verify: p.coordinator.AwaitKnown})
	require.NoError(t, err)
	background(t, r.Run)
	background(t, p.coordinator.Run)
	p.streams, err = agentconn.New(agentconn.Options{Log: log, Clock: quartz.NewReal(), Tunnel: p, Ask: p.coordinator.AskStreams})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/derp", r.Handler())
	mux.Handle("/derp/", r.Handler())
	mux.HandleFunc(agentrpc.PathCoordinate, func(w http.ResponseWriter, req *http.Request) {
		ws, err := wsconn.Accept(w, req, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
		if err == nil {
			_ = p.coordinator.ServeAgent(req.Context(), ws, p.agent, coordinator.Hooks{})
		}
	})
	mux.HandleFunc(agentrpc.PathStreams, func(w http.ResponseWriter, _ *http.Request) {
		if refuse {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+agentrpc.StreamsProtocol+"\r\n\r\n")
		p.carried <- struct{}{}
		_ = p.streams.ServeAgent(context.Background(), conn, p.agent)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.url, err = url.Parse(srv.URL)
	require.NoError(t, err)
	id := api.NewID()
	p.node, err = tailnet.New(tailnet.Config{ID: id, Log: log, AccessURL: p.url, Relay: r.LoopbackAddr()})
	require.NoError(t, err)
	background(t, func(ctx context.Context) error {
		dial, wait := p.coordinator.Local(ctx, id)
		err := p.node.Run(ctx, dial)
		wait()
		return errors.Join(err, p.node.Close())
	})
	background(t, p.streams.Run)
	return p
}

// startAgent starts an agent with nothing but its network.
func (p *plane) startAgent() {
	p.Helper()
	log := slog.New(slog.DiscardHandler)
	wanted := make(chan struct{}, 1)
	ac := &client.AgentClient{URL: p.url.String(), Token: "tok"}
	s, err := streams.New(streams.Options{Log: log, Connect: ac.Streams, Wanted: wanted})
	require.NoError(p, err)
	n, err := network.New(agentrpc.Manifest{AgentID: p.agent},
		network.Options{URL: p.url, HTTP: http.DefaultClient, Log: log, Direct: true, Streams: wanted})
	require.NoError(p, err)
	l, err := n.Listen(agentrpc.PortStreams)
	require.NoError(p, err)
	background(p.T, func(ctx context.Context) error {
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _ = s.Run(ctx) })
		wg.Go(func() { _ = s.Serve(ctx, l) })
		return n.Run(ctx)
	})
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	require.NoError(p, p.node.AwaitReachable(ctx, p.agent))
}

// get asks an app of the workspace through the replica.
func (p *plane) get(app string) {
	p.Helper()
	hc := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return p.streams.DialAgent(ctx, p.agent, network, address)
		}}}
	res, err := hc.Get("http://" + app + "/")
	require.NoError(p, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(p, err)
	require.Equal(p, "hello from the app", string(text))
}

// TestStreamsOfAnAgent: an agent that is asked over its websocket comes, and where it
// cannot, the tunnel carries the same streams.
func TestStreamsOfAnAgent(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello from the app")
	}))
	t.Cleanup(app.Close)
	for name, refuse := range map[string]bool{"held": false, "tunnel": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t, refuse)
			p.startAgent()
			start := time.Now()
			p.get(app.Listener.Addr().String())
			t.Logf("the first request took %s", time.Since(start))
			if !refuse {
				<-p.carried
			}
			p.get(app.Listener.Addr().String())
			_, err := p.streams.DialAgent(t.Context(), p.agent, "tcp", "192.0.2.1:80")
			require.Equal(t, api.CodeForbidden, api.CodeOf(err), "%v", err)
		})
	}
}
