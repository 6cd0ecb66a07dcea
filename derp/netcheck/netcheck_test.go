package netcheck_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/netcheck"
	"coder.internal/derp/relay"
)

// deployment is a server with a real relay and our build info, and room for a
// fault in front of them.
type deployment struct {
	relay *relay.Relay
	srv   *httptest.Server
	url   *url.URL
}

type fault func(w http.ResponseWriter, r *http.Request) (answered bool)

func start(t *testing.T, secure bool, broken fault) *deployment {
	t.Helper()
	rl, err := relay.New(relay.Config{Log: slog.New(slog.DiscardHandler), STUNAddr: "127.0.0.1:0",
		Verify: func(context.Context, string) bool { return false }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- rl.Run(ctx) }()
	// Its own listener answers once it runs; before, the relay refuses everybody.
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Get("http://" + rl.LoopbackAddr().String() + "/derp/latency-check")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v2/buildinfo", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"version":"v9.9.9"}`) })
	mux.Handle("/derp", rl.Handler())
	mux.Handle("/derp/", rl.Handler())
	d := &deployment{relay: rl}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken == nil || !broken(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
	if d.srv = httptest.NewUnstartedServer(handler); secure {
		d.srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		d.srv.StartTLS()
	} else {
		d.srv.Start()
	}
	t.Cleanup(func() {
		d.srv.CloseClientConnections()
		d.srv.Close()
		cancel()
		require.NoError(t, <-ended)
	})
	d.url, err = url.Parse(d.srv.URL)
	require.NoError(t, err)
	return d
}

func (d *deployment) config() netcheck.Config {
	m := derpmap.Build(derpmap.Config{STUNAddresses: []string{d.relay.STUNAddr().String()}})
	return netcheck.Config{URL: d.url, Relays: &m}
}

func (d *deployment) trusted() *http.Transport {
	pool := x509.NewCertPool()
	pool.AddCert(d.srv.Certificate())
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
}

// statuses are the hops by name.
func statuses(r *netcheck.Report) map[string]netcheck.Status {
	out := map[string]netcheck.Status{}
	for _, s := range r.Steps {
		out[s.Name] = s.Status
	}
	return out
}

// failsAt checks that hop is the first that fails, with a cure, and that what is
// behind it is not blamed.
func failsAt(t *testing.T, r *netcheck.Report, hop, detail, cure string) {
	t.Helper()
	s, ok := r.FirstFailure()
	require.True(t, ok, "%+v", r.Steps)
	require.Equal(t, hop, s.Name, "%+v", r.Steps)
	assert.Contains(t, s.Detail, detail)
	assert.Contains(t, s.Cure, cure)
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	d := start(t, false, nil)
	r := netcheck.Run(t.Context(), d.config())
	require.Equal(t, map[string]netcheck.Status{"dns": "ok", "tcp": "ok", "tls": "skipped", "http": "ok", "upgrade": "ok",
		"websocket": "ok", "relay": "ok", "stun": "ok"}, statuses(r), "%+v", r.Steps)
	s, _ := r.Step("http")
	assert.Equal(t, "Coder v9.9.9", s.Detail)
	s, _ = r.Step("stun")
	assert.Contains(t, s.Detail, "seen as 127.0.0.1:")
	_, failed := r.FirstFailure()
	assert.False(t, failed)
}

func TestHealthyTLS(t *testing.T) {
	t.Parallel()
	d := start(t, true, nil)
	c := d.config()
	c.Transport = d.trusted()
	r := netcheck.Run(t.Context(), c)
	s, _ := r.Step("tls")
	assert.Equal(t, netcheck.OK, s.Status, "%+v", r.Steps)
	assert.Contains(t, s.Detail, "TLS 1.3, certificate of O=Acme Co")
	assert.Equal(t, netcheck.OK, statuses(r)["websocket"])
}

func TestNameDoesNotResolve(t *testing.T) {
	t.Parallel()
	c := netcheck.Config{URL: &url.URL{Scheme: "https", Host: "coder.test"},
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}}
	r := netcheck.Run(t.Context(), c)
	failsAt(t, r, "dns", "coder.test does not resolve", "spelling")
	for _, hop := range []string{"tcp", "tls", "http", "upgrade", "websocket", "relay"} {
		assert.Equal(t, netcheck.Skipped, statuses(r)[hop], hop)
	}
}

func TestPortRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	failsAt(t, netcheck.Run(t.Context(), netcheck.Config{URL: &url.URL{Scheme: "http", Host: addr}}), "tcp", "refuses the connection", "Nothing listens on port")
}

// TestDeadAddressFirst: one address of a name is dead, another works.
func TestDeadAddressFirst(t *testing.T) {
	t.Parallel()
	d := start(t, false, nil)
	c := d.config()
	c.URL = &url.URL{Scheme: "http", Host: "coder.test:" + d.url.Port()}
	c.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.99.99.99"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	r := netcheck.Run(t.Context(), c)
	s, _ := r.Step("tcp")
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Detail, "127.99.99.99")
	assert.Contains(t, s.Cure, "out of DNS")
	assert.Equal(t, netcheck.OK, statuses(r)["http"], "%+v", r.Steps)
}

func TestTLSFaults(t *testing.T) {
	t.Parallel()
	d := start(t, true, nil)
	far := d.config()
	failsAt(t, netcheck.Run(t.Context(), far), "tls", "signed by O=Acme Co, which is not trusted", "--client-tls-ca-file")

	name := d.config()
	name.Transport = d.trusted()
	name.URL = &url.URL{Scheme: "https", Host: "coder.test:" + d.url.Port()}
	name.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	failsAt(t, netcheck.Run(t.Context(), name), "tls", "not for coder.test but for example.com", "Use a name of the certificate")

	late := d.config()
	late.Transport = d.trusted()
	late.Transport.TLSClientConfig.Time = func() time.Time { return time.Now().AddDate(200, 0, 0) }
	failsAt(t, netcheck.Run(t.Context(), late), "tls", "the certificate is valid from", "clock")

	plain := start(t, false, nil)
	c := plain.config()
	c.URL = &url.URL{Scheme: "https", Host: plain.url.Host}
	failsAt(t, netcheck.Run(t.Context(), c), "tls", "not TLS", "http://")
}

func TestClientCertificateWanted(t *testing.T) {
	t.Parallel()
	d := start(t, true, nil)
	wants := httptest.NewUnstartedServer(http.NotFoundHandler())
	wants.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	wants.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	wants.StartTLS()
	t.Cleanup(wants.Close)
	u, err := url.Parse(wants.URL)
	require.NoError(t, err)
	failsAt(t, netcheck.Run(t.Context(), netcheck.Config{URL: u, Transport: d.trusted()}), "tls", "refuses the handshake", "--client-tls-cert-file")
}

func TestHTTPFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer       http.HandlerFunc
		detail, cure string
	}{
		"balancer": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "a balancer answers 502", "start the server"},
		"hotspot":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "not from Coder", "hotspot"},
		"moved": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://else.test/x", 302) },
			"redirected to https://else.test/x", "Use the address"},
		"path": {http.NotFound, "404", "Check the URL"},
		"silent": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"no answer", "log of the server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, false, func(w http.ResponseWriter, r *http.Request) bool { tc.answer(w, r); return true })
			c := d.config()
			c.Timeout = time.Second
			failsAt(t, netcheck.Run(t.Context(), c), "http", tc.detail, tc.cure)
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	d := start(t, false, nil)
	c := d.config()
	c.Now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
	s, ok := netcheck.Run(t.Context(), c).Step("clock")
	require.True(t, ok)
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Detail, "behind the server's")
}

func upgradeTo(r *http.Request) string { return strings.ToLower(r.Header.Get("Upgrade")) }

func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	d := start(t, false, func(w http.ResponseWriter, r *http.Request) bool {
		if upgradeTo(r) == "derp" {
			http.Error(w, "no", http.StatusForbidden)
		}
		return upgradeTo(r) == "derp"
	})
	r := netcheck.Run(t.Context(), d.config())
	s, _ := r.Step("upgrade")
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Detail, "403")
	assert.Contains(t, s.Cure, "Websockets pass")
	assert.Equal(t, netcheck.OK, statuses(r)["websocket"])
}

func TestWebsocketRefused(t *testing.T) {
	t.Parallel()
	d := start(t, false, func(w http.ResponseWriter, r *http.Request) bool {
		if upgradeTo(r) == "websocket" {
			http.Error(w, "no", http.StatusBadRequest)
		}
		return upgradeTo(r) == "websocket"
	})
	s, _ := netcheck.Run(t.Context(), d.config()).Step("websocket")
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Cure, "terminals")
}

func TestNoUpgradeAtAll(t *testing.T) {
	t.Parallel()
	d := start(t, false, func(w http.ResponseWriter, r *http.Request) bool {
		if upgradeTo(r) != "" {
			http.Error(w, "no", http.StatusBadRequest)
		}
		return upgradeTo(r) != ""
	})
	failsAt(t, netcheck.Run(t.Context(), d.config()), "upgrade", "400", "Neither way")
}

// TestStrangerBehindUpgrade: the upgrade is taken by somebody who is no relay.
func TestStrangerBehindUpgrade(t *testing.T) {
	t.Parallel()
	d := start(t, false, func(w http.ResponseWriter, r *http.Request) bool {
		if upgradeTo(r) != "derp" {
			return false
		}
		nc, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\nthis is some other protocol")
			_ = nc.Close()
		}
		return true
	})
	s, _ := netcheck.Run(t.Context(), d.config()).Step("upgrade")
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Detail, "no relay")
}

func TestRelayRegions(t *testing.T) {
	t.Parallel()
	d := start(t, false, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "latency-check") && strings.HasPrefix(r.URL.Path, "/derp") {
			http.NotFound(w, r)
			return true
		}
		return false
	})
	failsAt(t, netcheck.Run(t.Context(), d.config()), "relay", "answered with 404", "No relay is reached")

	well := start(t, false, nil)
	c := well.config()
	c.Relays.Regions[7] = tailrpc.Region{ID: 7, Name: "Far", Nodes: []tailrpc.RelayNode{{Name: "7a", URL: "http://127.0.0.1:1"}}}
	c.Relays.Regions[1000] = c.Relays.Regions[7]
	delete(c.Relays.Regions, 7)
	s, _ := netcheck.Run(t.Context(), c).Step("relay")
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Detail, "Far: ")
}

func TestSTUN(t *testing.T) {
	t.Parallel()
	d := start(t, false, nil)
	deaf, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = deaf.Close() })
	m := derpmap.Build(derpmap.Config{STUNAddresses: []string{deaf.LocalAddr().String()}})
	c := d.config()
	c.Relays = &m
	s, _ := netcheck.Run(t.Context(), c).Step("stun")
	assert.Equal(t, netcheck.Warning, s.Status)
	assert.Contains(t, s.Detail, "UDP does not pass")

	c.NoDirect = true
	s, _ = netcheck.Run(t.Context(), c).Step("stun")
	assert.Equal(t, netcheck.Skipped, s.Status)
}

// proxy is an HTTP proxy that lets through only whom it knows.
func proxy(t *testing.T, status string) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				req, err := http.ReadRequest(bufio.NewReader(nc))
				if err != nil {
					return
				}
				if status != "" {
					_, _ = io.WriteString(nc, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
					return
				}
				up, err := net.Dial("tcp", req.Host)
				if err != nil {
					return
				}
				defer up.Close()
				_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
				go func() { _, _ = io.Copy(up, nc); _ = up.Close() }()
				_, _ = io.Copy(nc, up)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	d := start(t, true, nil)
	through := func(p *url.URL) *netcheck.Report {
		c := d.config()
		c.Transport = d.trusted()
		c.Transport.Proxy = http.ProxyURL(p)
		return netcheck.Run(t.Context(), c)
	}
	r := through(proxy(t, ""))
	assert.Equal(t, netcheck.OK, statuses(r)["proxy"], "%+v", r.Steps)
	assert.Equal(t, netcheck.OK, statuses(r)["websocket"], "%+v", r.Steps)
	failsAt(t, through(proxy(t, "407 Proxy Authentication Required")), "proxy", "Proxy Authentication Required", "name:password@")
	failsAt(t, through(proxy(t, "403 Forbidden")), "proxy", "Forbidden", "NO_PROXY")
}
