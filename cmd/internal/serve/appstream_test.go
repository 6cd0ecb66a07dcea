//go:build linux

package serve_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// appPatience is how long a test waits for what has to come.
const appPatience = time.Minute

// TestAppStreams: what ends, breaks or flows both ways does so through the agent as
// it would without it, from HTTP/2 to an application that speaks TLS.
func TestAppStreams(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}, 1), make(chan error, 1)
	backend := httptest.NewTLSServer(streamsBackend(began, ended))
	t.Cleanup(backend.Close)
	_, port, err := net.SplitHostPort(backend.Listener.Addr().String())
	require.NoError(t, err)
	s, c := demo(t, servetest.Options{HTTPS: true, Args: []string{"--wildcard-access-url", "*.apps.test"}})
	c.OK("ssh", "demo", "true") // the agent is there
	a := &appClient{T: t, server: s.URL.Host, host: port + "s--demo--admin.apps.test:" + s.URL.Port(), token: c.Client().Token()}
	pem, err := os.ReadFile(s.CA)
	require.NoError(t, err)
	a.roots = x509.NewCertPool()
	require.True(t, a.roots.AppendCertsFromPEM(pem))
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	a.http = &http.Client{Transport: tr}

	res := a.do(t.Context(), http.MethodGet, "/plain", nil)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "HTTP/2.0 with TLS to "+a.host, res.Proto+" "+string(text))

	res = a.do(t.Context(), http.MethodGet, "/break", nil)
	text, err = io.ReadAll(res.Body)
	require.Error(t, err)
	require.Equal(t, "half", string(text))

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a.do(ctx, http.MethodGet, "/wait", nil)
	<-began
	cancel()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(appPatience):
		require.Fail(t, "the application does not hear that the client has left")
	}
	a.bothWays()
	a.halves()
}

// streamsBackend is an application; /wait says on began and ended what happens to it.
func streamsBackend(began chan<- struct{}, ended chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		switch r.URL.Path {
		case "/break":
			_, _ = w.Write([]byte("half"))
			_ = rc.Flush()
			panic(http.ErrAbortHandler)
		case "/wait":
			_ = rc.Flush()
			began <- struct{}{}
			<-r.Context().Done()
			ended <- r.Context().Err()
		case "/talk":
			_ = rc.EnableFullDuplex()
			_ = rc.Flush()
			b := make([]byte, 16)
			for {
				n, err := r.Body.Read(b)
				_, werr := w.Write(b[:n])
				_ = rc.Flush()
				if err != nil || werr != nil {
					return
				}
			}
		case "/upgrade":
			conn, buf, err := rc.Hijack()
			if err != nil {
				return
			}
			defer conn.Close() //nolint:errcheck // over
			_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: made-up\r\n\r\nfirst ")
			_ = buf.Flush()
			all, err := io.ReadAll(buf)
			_, _ = fmt.Fprintf(conn, "%d %v", len(all), err)
		default:
			_, _ = fmt.Fprintf(w, "with TLS to %s", r.Host)
		}
	})
}

// appClient asks one application with a token.
type appClient struct {
	*testing.T
	http         *http.Client
	roots        *x509.CertPool
	server, host string
	token        api.Secret
}

// do makes a request whose answer must begin; its body is closed with the test.
func (a *appClient) do(ctx context.Context, method, path string, body io.Reader) *http.Response {
	a.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "https://"+a.server+path, body)
	require.NoError(a, err)
	req.Host = a.host
	req.Header.Set(api.SessionTokenHeader, a.token.Reveal())
	res, err := a.http.Do(req)
	require.NoError(a, err)
	a.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// bothWays has a conversation in one request.
func (a *appClient) bothWays() {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), appPatience)
	defer cancel()
	pr, pw := io.Pipe()
	defer pw.Close() //nolint:errcheck // never an error
	go func() { _, _ = pw.Write([]byte("one")) }()
	res := a.do(ctx, http.MethodPost, "/talk", pr)
	got := make([]byte, 3)
	_, err := io.ReadFull(res.Body, got)
	require.NoError(a, err)
	require.Equal(a, "one", string(got))
	_, err = pw.Write([]byte("two"))
	require.NoError(a, err)
	_, err = io.ReadFull(res.Body, got)
	require.NoError(a, err)
	require.Equal(a, "two", string(got))
}

// halves ends its half of an upgraded connection and reads the other to its end.
func (a *appClient) halves() {
	a.Helper()
	conn, err := tls.Dial("tcp", a.server, &tls.Config{RootCAs: a.roots, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
	require.NoError(a, err)
	defer conn.Close() //nolint:errcheck // over
	require.NoError(a, conn.SetDeadline(time.Now().Add(appPatience)))
	_, err = fmt.Fprintf(conn, "GET /upgrade HTTP/1.1\r\nHost: %s\r\n%s: %s\r\nConnection: Upgrade\r\nUpgrade: made-up\r\n\r\n", a.host, api.SessionTokenHeader, a.token.Reveal())
	require.NoError(a, err)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	require.NoError(a, err)
	require.Equal(a, http.StatusSwitchingProtocols, res.StatusCode)
	_, err = conn.Write(make([]byte, 100_000))
	require.NoError(a, err)
	require.NoError(a, conn.CloseWrite())
	rest, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // a connection with TLS may end without a word
		require.NoError(a, err)
	}
	require.Equal(a, "first 100000 <nil>", string(rest))
}
