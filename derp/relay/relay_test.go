package relay_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/net/stun"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/derp/relay"
)

// running starts a relay behind real HTTP and returns it with its base URL.
func running(t *testing.T, cfg relay.Config) (*relay.Relay, string) {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	r, err := relay.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	srv := httptest.NewServer(r.Handler())
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		srv.Close()
	})
	return r, srv.URL
}

func everybody(context.Context, string) bool { return true }

// client speaks the relay protocol with a key.
func client(t *testing.T, url string, k key.NodePrivate) *derphttp.Client {
	t.Helper()
	c, err := derphttp.NewClient(k, url+"/derp", t.Logf, netmon.NewStatic())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// connected waits for the server's greeting, which only admitted clients get.
// The relay may still be starting, so refusals before that are tried again.
func connected(t *testing.T, c *derphttp.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var err error
	for ctx.Err() == nil {
		if err = c.Connect(ctx); err == nil {
			var m derp.ReceivedMessage
			m, err = c.Recv()
			require.NoError(t, err)
			require.IsType(t, derp.ServerInfoMessage{}, m)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	require.NoError(t, err)
}

func TestPacketsPassBetweenAdmitted(t *testing.T) {
	t.Parallel()
	r, url := running(t, relay.Config{Verify: everybody})
	ka, kb := key.NewNode(), key.NewNode()
	a, b := client(t, url, ka), client(t, "http://"+r.LoopbackAddr().String(), kb)
	connected(t, a)
	connected(t, b)
	require.GreaterOrEqual(t, r.Connections(), 2)
	require.NoError(t, a.Send(kb.Public(), []byte("sealed")))
	m, err := b.Recv()
	require.NoError(t, err)
	require.Equal(t, derp.ReceivedPacket{Source: ka.Public(), Data: []byte("sealed")}, m)
}

func TestEvictEndsTheConnection(t *testing.T) {
	t.Parallel()
	r, url := running(t, relay.Config{Verify: everybody})
	k, other := key.NewNode(), key.NewNode()
	c, stays := client(t, url, k), client(t, url, other)
	connected(t, c)
	connected(t, stays)
	r.Evict("nonsense")
	r.Evict(k.Public().String())
	_, err := c.Recv()
	require.Error(t, err)
	// Who was not named is not disturbed.
	again := client(t, url, k)
	connected(t, again)
	require.NoError(t, again.Send(other.Public(), []byte("x")))
	m, err := stays.Recv()
	require.NoError(t, err)
	require.IsType(t, derp.ReceivedPacket{}, m)
}

func TestUnknownKeyIsRefused(t *testing.T) {
	t.Parallel()
	good, bad := key.NewNode(), key.NewNode()
	var asked atomic.Pointer[string]
	_, url := running(t, relay.Config{Verify: func(_ context.Context, k string) bool {
		if k != good.Public().String() {
			asked.Store(&k)
			return false
		}
		return true
	}})
	connected(t, client(t, url, good))
	c := client(t, url, bad)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := c.Connect(ctx)
	if err == nil {
		_, err = c.Recv()
	}
	require.Error(t, err)
	require.Equal(t, bad.Public().String(), *asked.Load())
}

func TestVerifierWithoutAnswerRefuses(t *testing.T) {
	t.Parallel()
	called := make(chan struct{}, 1)
	_, url := running(t, relay.Config{Verify: func(ctx context.Context, _ string) bool {
		select {
		case called <- struct{}{}:
		default:
		}
		<-ctx.Done() // knows nothing, ever
		return false
	}})
	// The relay answers once it runs; only then is the next refusal the verifier's.
	require.Eventually(t, func() bool {
		resp, err := http.Get(url + "/derp")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusUpgradeRequired
	}, 10*time.Second, time.Millisecond)
	c := client(t, url, key.NewNode())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := c.Connect(ctx)
	if err == nil {
		_, err = c.Recv()
	}
	require.Error(t, err)
	<-called
}

func TestHTTPAnswers(t *testing.T) {
	t.Parallel()
	_, url := running(t, relay.Config{Verify: everybody})
	for path, want := range map[string]int{"/derp/latency-check": 200, "/some/prefix/derp/latency-check": 200} {
		resp, err := http.Get(url + path)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, path)
	}
}

func TestNotRunningIsUnavailable(t *testing.T) {
	t.Parallel()
	r, err := relay.New(relay.Config{Verify: everybody, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer r.Close()
	rec := httptest.NewRecorder()
	r.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/derp", nil))
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
}

func TestFullRelayRefuses(t *testing.T) {
	t.Parallel()
	_, url := running(t, relay.Config{Verify: everybody, MaxConns: 1})
	connected(t, client(t, url, key.NewNode()))
	resp, err := http.Get(url + "/derp")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
}

func TestSTUN(t *testing.T) {
	t.Parallel()
	r, _ := running(t, relay.Config{Verify: everybody, STUNAddr: "127.0.0.1:0"})
	pc, err := net.Dial("udp", r.STUNAddr().String())
	require.NoError(t, err)
	defer pc.Close()
	require.NoError(t, pc.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = pc.Write([]byte("not a question")) // no answer, no harm
	require.NoError(t, err)
	tx := stun.NewTxID()
	_, err = pc.Write(stun.Request(tx))
	require.NoError(t, err)
	buf := make([]byte, 1500)
	n, err := pc.Read(buf)
	require.NoError(t, err)
	gotTx, addr, err := stun.ParseResponse(buf[:n])
	require.NoError(t, err)
	require.Equal(t, tx, gotTx)
	require.Equal(t, netip.MustParseAddrPort(pc.LocalAddr().String()), addr)
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	secret := "privkey:" + strings.Repeat("zz", 32)
	for name, cfg := range map[string]relay.Config{
		"no verifier": {Log: log},
		"key":         {Log: log, Verify: everybody, Key: api.Secret(secret)},
		"mesh key":    {Log: log, Verify: everybody, MeshKey: "short"},
		"stun":        {Log: log, Verify: everybody, STUNAddr: "127.0.0.1:99999"},
	} {
		_, err := relay.New(cfg)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "zzzz", name)
	}
	k, err := relay.NewKey()
	require.NoError(t, err)
	r, err := relay.New(relay.Config{Log: log, Verify: everybody, Key: k, MeshKey: api.Secret(strings.Repeat("ab", 32))})
	require.NoError(t, err)
	r.Close()
}

// The request of a connection is over once it is upgraded, so that HTTP keeps
// nothing of it; the connection goes on, is counted, and ends with the relay.
func TestRequestEndsBeforeTheConnection(t *testing.T) {
	t.Parallel()
	r, err := relay.New(relay.Config{Verify: everybody, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		requests.Add(1)
		defer requests.Add(-1)
		r.Handler().ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	ka, kb := key.NewNode(), key.NewNode()
	a, b := client(t, srv.URL, ka), client(t, srv.URL, kb)
	connected(t, a)
	connected(t, b)
	require.Eventually(t, func() bool { return requests.Load() == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, 2, r.Connections())
	require.NoError(t, a.Send(kb.Public(), []byte("sealed")))
	m, err := b.Recv()
	require.NoError(t, err)
	require.Equal(t, derp.ReceivedPacket{Source: ka.Public(), Data: []byte("sealed")}, m)
	cancel()
	require.NoError(t, <-done)
	require.Zero(t, r.Connections())
	_, err = b.Recv()
	require.Error(t, err)
}
