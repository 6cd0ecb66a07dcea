//go:build linux

package matrix_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/pipe"
)

// box is a middlebox of HTTP/1.1 that serves one request per connection and then,
// where the request was an upgrade that it passes, copies bytes. It knows no
// other protocol.
type box struct {
	dial func(context.Context) (net.Conn, error)
	// passes says which upgrades go through; nil means all.
	passes func(upgrade string) bool
	// idle cuts what was silent for so long, without a word to either side.
	idle time.Duration
	// clock is how far the dates of answers are off.
	clock time.Duration

	refused, upgraded, cut atomic.Int64

	mu     sync.Mutex
	dead   bool                  // relays are; see killRelay
	relays map[net.Conn]struct{} // connections that became the relay's
}

// killRelay ends the connections of the relay behind the box, and refuses others
// until reviveRelay. The rest of the server stays in reach.
func (b *box) killRelay() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = true
	for nc := range b.relays {
		_ = nc.Close()
	}
}

func (b *box) reviveRelay() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = false
}

// relay notes a connection to the relay, or says that it is dead.
func (b *box) relay(nc net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return false
	}
	if b.relays == nil {
		b.relays = map[net.Conn]struct{}{}
	}
	b.relays[nc] = struct{}{}
	return true
}

func (b *box) handle(ctx context.Context, nc net.Conn) {
	br := bufio.NewReader(nc)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return // anything but HTTP/1.x, the preface of HTTP/2 included
		}
		up, err := b.dial(ctx)
		if err != nil {
			return
		}
		if !b.exchange(ctx, nc, br, req, up) {
			return
		}
	}
}

// exchange passes one request on and reports whether the connection serves another.
func (b *box) exchange(ctx context.Context, nc net.Conn, br *bufio.Reader, req *http.Request, up net.Conn) bool {
	defer up.Close()
	stop := context.AfterFunc(ctx, func() { _ = up.Close() })
	defer stop()
	upgrade := req.Header.Get("Upgrade")
	if strings.HasSuffix(req.URL.Path, "/derp") && !b.relay(nc) {
		return false
	}
	if upgrade != "" && b.passes != nil && !b.passes(upgrade) {
		b.refused.Add(1)
		_, _ = io.WriteString(nc, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		return true
	}
	if req.Write(up) != nil {
		return false
	}
	ubr := bufio.NewReader(up)
	resp, err := http.ReadResponse(ubr, req)
	if err != nil || resp.ProtoMajor != 1 {
		return false
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		resp.Header.Set("Date", date.Add(b.clock).Format(http.TimeFormat))
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return resp.Write(nc) == nil && !resp.Close && !req.Close
	}
	b.upgraded.Add(1)
	// The header alone: the body is the stream.
	resp.Body = http.NoBody
	if resp.Write(nc) != nil {
		return false
	}
	b.join(ctx, &ahead{nc, br}, &ahead{up, ubr})
	return false
}

func (b *box) join(ctx context.Context, a, c net.Conn) {
	if b.idle == 0 {
		_, _ = pipe.Join(ctx, a, c)
		return
	}
	var wg sync.WaitGroup
	way := func(to, from net.Conn) {
		if err := copyUntil(to, from, b.idle); isTimeout(err) {
			b.cut.Add(1)
		}
		_, _ = to.Close(), from.Close()
	}
	wg.Go(func() { way(a, c) })
	way(c, a)
	wg.Wait()
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// ahead is a connection with bytes that were read ahead.
type ahead struct {
	net.Conn
	r *bufio.Reader
}

func (a *ahead) Read(p []byte) (int, error) { return a.r.Read(p) }

// CloseWrite lets a copy end one half.
func (a *ahead) CloseWrite() error {
	if h, ok := a.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return a.Conn.Close()
}

// proxy is a company's HTTP proxy: CONNECT for all, requests without Upgrade.
type proxy struct {
	w        *world
	user     string // user:password, empty for none
	connects atomic.Int64
	plain    atomic.Int64
	strange  atomic.Int64 // requests without the right password
}

func (p *proxy) handle(ctx context.Context, nc net.Conn) {
	br := bufio.NewReader(nc)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user))
		if p.user != "" && req.Header.Get("Proxy-Authorization") != want {
			p.strange.Add(1)
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(nc, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		req.Header.Del("Proxy-Authorization")
		up, err := p.w.hub.dial(ctx, "tcp", req.Host)
		if err != nil {
			_, _ = io.WriteString(nc, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			return
		}
		if req.Method == http.MethodConnect {
			p.connects.Add(1)
			_, _ = io.WriteString(nc, "HTTP/1.1 200 Connection established\r\n\r\n")
			_, _ = pipe.Join(ctx, &ahead{nc, br}, up)
			return
		}
		p.plain.Add(1)
		req.Header.Del("Upgrade")
		req.Header.Del("Connection")
		again := (&box{}).exchange(ctx, nc, br, req, up)
		if !again {
			return
		}
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate, for those who trust it
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	return &authority{cert, key, file}
}

// config is that of a server with this address.
func (a *authority) config(t *testing.T, address string) *tls.Config {
	t.Helper()
	return serverConfig(a.leaf(t, address, a.cert.NotBefore))
}

func serverConfig(c tls.Certificate) *tls.Config {
	return &tls.Config{NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{c}}
}

// leaf is a certificate of the server with this address, valid from then on.
func (a *authority) leaf(t *testing.T, address string, from time.Time) tls.Certificate {
	t.Helper()
	host, _, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: host}, IPAddresses: []net.IP{net.ParseIP(host)},
		NotBefore: from, NotAfter: from.Add(48 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
}

func (a *authority) sign(t *testing.T, tmpl *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl.SerialNumber = big.NewInt(2)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// clientFiles are the environment of somebody who has a certificate of a.
func (a *authority) clientFiles(t *testing.T) []string {
	t.Helper()
	c := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ann"}, NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o644))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	return []string{"CODER_CLIENT_TLS_CERT_FILE=" + cert, "CODER_CLIENT_TLS_KEY_FILE=" + keyFile}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// toServer dials the server from the hub.
func (w *world) toServer(ctx context.Context) (net.Conn, error) {
	return w.hub.dial(ctx, "tcp", w.address)
}

// front is a load balancer that ends TLS, in the hub at host. It returns its
// address.
func (w *world) front(t *testing.T, ca *authority, host string) string {
	t.Helper()
	ln := w.hub.listen(t, net.JoinHostPort(host, "0"))
	at := ln.Addr().String()
	b := &box{dial: w.toServer}
	serve(t, tls.NewListener(ln, ca.config(t, at)), b.handle)
	return at
}

func websocketOnly(upgrade string) bool { return strings.EqualFold(upgrade, "websocket") }
