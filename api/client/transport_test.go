package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/wsconn"
)

// corporate is a proxy as companies have: it wants a password, passes requests
// on without their Upgrade header, and tunnels what it may.
type corporate struct {
	url       *url.URL
	auth      string
	tunnels   bool
	connects  atomic.Int64
	forwarded atomic.Int64
}

func startProxy(t *testing.T, user *url.Userinfo, tunnels bool) *corporate {
	t.Helper()
	p := &corporate{tunnels: tunnels}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	if u.User = user; user != nil {
		r := http.Request{Header: http.Header{}}
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
		p.auth = r.Header.Get("Authorization")
	}
	p.url = u
	return p
}

func (p *corporate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.auth != "" && r.Header.Get("Proxy-Authorization") != p.auth {
		w.Header().Set("Proxy-Authenticate", `Basic realm="corp"`)
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.forwarded.Add(1)
		(&httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) { pr.Out.Header.Del("Upgrade") }}).ServeHTTP(w, r)
		return
	}
	p.connects.Add(1)
	if !p.tunnels {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	up, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer up.Close()
	nc, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(up, brw); _ = up.Close() }()
	_, _ = io.Copy(nc, up)
}

// echo answers requests, and websockets with what they say.
func echo(t *testing.T) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(w, "plain")
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
		if err != nil {
			return
		}
		var v string
		if ws.Read(r.Context(), &v) == nil {
			_ = ws.Write(r.Context(), v)
		}
		_ = ws.Close(wsconn.CodeNormal, "")
	})
}

func dialSocket(t *testing.T, hc *http.Client, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ws, err := wsconn.Dial(ctx, address, wsconn.DialOptions{HTTPClient: hc})
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	require.NoError(t, ws.Write(ctx, "hello"))
	var v string
	require.NoError(t, ws.Read(ctx, &v))
	require.Equal(t, "hello", v)
	return nil
}

func get200(t *testing.T, hc *http.Client, address string) error {
	t.Helper()
	resp, err := hc.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "plain", string(b))
	return nil
}

func through(t *testing.T, conf *tls.Config, proxy *url.URL) *http.Client {
	t.Helper()
	tr := newTransport(conf, func(*http.Request) (*url.URL, error) { return proxy, nil }, newDialer())
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]*url.Userinfo{"open": nil, "with a password": url.UserPassword("ann", "s3cret:@")} {
		for _, secure := range []bool{false, true} {
			scheme := map[bool]string{false: " http", true: " https"}[secure]
			t.Run(name+scheme, func(t *testing.T) {
				t.Parallel()
				srv := httptest.NewUnstartedServer(echo(t))
				conf := &tls.Config{}
				if secure {
					srv.StartTLS()
					conf.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
				} else {
					srv.Start()
				}
				t.Cleanup(srv.Close)
				p := startProxy(t, user, true)
				hc := through(t, conf, p.url)
				require.NoError(t, get200(t, hc, srv.URL))
				require.NoError(t, dialSocket(t, hc, srv.URL))
				if secure {
					require.Zero(t, p.forwarded.Load())
				} else {
					require.Equal(t, int64(1), p.forwarded.Load(), "plain requests need no tunnel")
					require.Equal(t, int64(1), p.connects.Load())
				}
				if user == nil {
					return
				}
				bare := *p.url
				bare.User = nil
				for _, err := range []error{get200(t, through(t, conf, &bare), srv.URL), dialSocket(t, through(t, conf, &bare), srv.URL)} {
					var re *ReachError
					require.ErrorAs(t, err, &re)
					require.ErrorContains(t, err, "407")
					require.Equal(t, "It wants a user and a password: set HTTP_PROXY and HTTPS_PROXY to http://user:password@"+
						p.url.Host+".", re.Cure)
					require.NotContains(t, err.Error(), "s3cret")
				}
			})
		}
	}
}

func TestProxyWithoutTunnels(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(echo(t))
	t.Cleanup(srv.Close)
	p := startProxy(t, nil, false)
	hc := through(t, &tls.Config{}, p.url)
	require.NoError(t, get200(t, hc, srv.URL))
	require.ErrorContains(t, dialSocket(t, hc, srv.URL), "200", "it was asked in the other way too")
	require.Equal(t, int64(1), p.connects.Load())
	require.Equal(t, int64(2), p.forwarded.Load())
	require.ErrorContains(t, get200(t, hc, "https://"+srv.Listener.Addr().String()), "NO_PROXY")
}

func TestProxyThatIsAway(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	u, err := url.Parse(dead.URL)
	require.NoError(t, err)
	hc := through(t, &tls.Config{}, u)
	for _, err := range []error{get200(t, hc, "http://192.0.2.1/"), dialSocket(t, hc, "http://192.0.2.1/")} {
		var re *ReachError
		require.ErrorAs(t, err, &re)
		require.Contains(t, re.Cure, "Check HTTP_PROXY")
	}
}

// pair makes a certificate and its key, signed by itself.
func pair(t *testing.T, from, until time.Time, usage x509.ExtKeyUsage) (certFile, keyFile string, cert *x509.Certificate, key tls.Certificate) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "corp"}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	require.NoError(t, err)
	raw, err := x509.MarshalECPrivateKey(k)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600))
	key, err = tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return certFile, keyFile, cert, key
}

func tlsServer(t *testing.T, conf *tls.Config) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(echo(t))
	srv.TLS = conf
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestWrongClockIsNamed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		from, until time.Time
		want        string
	}{
		"behind": {now.Add(24 * time.Hour), now.Add(48 * time.Hour), "is valid from "},
		"ahead":  {now.Add(-48 * time.Hour), now.Add(-24 * time.Hour), "must be renewed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca, _, _, key := pair(t, c.from, c.until, x509.ExtKeyUsageServerAuth)
			srv := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{key}})
			tr, err := NewTransport(TLSFiles{CA: ca})
			require.NoError(t, err)
			err = get200(t, &http.Client{Transport: tr}, srv.URL)
			require.ErrorContains(t, err, "The clock of this computer says ")
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca, _, _, serverKey := pair(t, now.Add(-time.Hour), now.Add(time.Hour), x509.ExtKeyUsageServerAuth)
	certFile, keyFile, cert, _ := pair(t, now.Add(-time.Hour), now.Add(time.Hour), x509.ExtKeyUsageClientAuth)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	srv := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{serverKey}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	tr, err := NewTransport(TLSFiles{CA: ca, Cert: certFile, Key: keyFile})
	require.NoError(t, err)
	hc := &http.Client{Transport: tr}
	require.NoError(t, get200(t, hc, srv.URL))
	require.NoError(t, dialSocket(t, hc, srv.URL))
	tr.CloseIdleConnections()

	tr, err = NewTransport(TLSFiles{CA: ca})
	require.NoError(t, err)
	require.ErrorContains(t, get200(t, &http.Client{Transport: tr}, srv.URL), "wants a client certificate")
	tr, err = NewTransport(TLSFiles{})
	require.NoError(t, err)
	err = get200(t, &http.Client{Transport: tr}, srv.URL)
	require.ErrorContains(t, err, `authority ("corp") that is not trusted here`)
	_, err = NewTransport(TLSFiles{Cert: certFile})
	require.ErrorContains(t, err, "go together")
}

// silent is a dialer whose host has addresses of which those in silent never
// answer and the others are served by srv.
func silent(srv net.Listener, addrs []string, mute ...string) (*dialer, *atomic.Int64) {
	asked := &atomic.Int64{}
	d := newDialer()
	d.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		var out []netip.Addr
		for _, a := range addrs {
			out = append(out, netip.MustParseAddr(a))
		}
		return out, nil
	}
	real := d.dial
	d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		for _, m := range mute {
			if host == m {
				asked.Add(1)
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		return real(ctx, network, srv.Addr().String())
	}
	return d, asked
}

func TestDeadFirstAddress(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(echo(t))
	t.Cleanup(srv.Close)
	d, asked := silent(srv.Listener, []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.9"}, "192.0.2.1", "192.0.2.2", "2001:db8::1")
	nc, err := d.DialContext(t.Context(), "tcp", "host:80")
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	require.Equal(t, int64(3), asked.Load())
	nc, err = d.DialContext(t.Context(), "tcp", "host:80")
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	require.Equal(t, int64(3), asked.Load(), "the address that answered is asked first")
}

func TestDialOrder(t *testing.T) {
	t.Parallel()
	d := newDialer()
	var in []netip.Addr
	for _, a := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "::ffff:192.0.2.1"} {
		in = append(in, netip.MustParseAddr(a))
	}
	text := func() (out []string) {
		for _, a := range d.order("h", in) {
			out = append(out, a.String())
		}
		return out
	}
	require.Equal(t, []string{"2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"}, text())
	d.remember("h", netip.MustParseAddr("2001:db8::3"))
	require.Equal(t, []string{"2001:db8::3", "2001:db8::1", "192.0.2.1", "2001:db8::2"}, text())
}

func TestDialGivesUp(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	_, port, err := net.SplitHostPort(dead.Listener.Addr().String())
	require.NoError(t, err)
	d := newDialer()
	d.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
	}
	_, err = d.DialContext(t.Context(), "tcp", "host:"+port)
	require.ErrorContains(t, err, "refused")
	mute, _ := silent(dead.Listener, []string{"192.0.2.1"}, "192.0.2.1")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = mute.DialContext(ctx, "tcp", "host:80")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A network that comes back answers the next question, not the one that was lost.
func TestDialAsksAgain(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(echo(t))
	t.Cleanup(srv.Close)
	d := newDialer()
	real := d.dial
	var asked atomic.Int64
	d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if asked.Add(1) == 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return real(ctx, network, address)
	}
	nc, err := d.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	require.Equal(t, int64(2), asked.Load())
}
