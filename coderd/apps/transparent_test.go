package apps_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// within gives what comes on ch, which must come.
func within[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		require.Fail(t, what+" does not come")
		panic("not reached")
	}
}

// raw is a connection to the server with a request on it, to the public application
// where host is empty.
func (w *world) raw(request string) (net.Conn, *bufio.Reader) {
	w.Helper()
	conn, err := net.Dial("tcp", w.d.URL.Host)
	require.NoError(w, err)
	w.Cleanup(func() { _ = conn.Close() })
	require.NoError(w, conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, request, w.host("public"))
	require.NoError(w, err)
	return conn, bufio.NewReader(conn)
}

// TestBothWays: an answer may begin, and end, before the request has.
func TestBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(rw)
		if r.URL.Path == "/enough" {
			rw.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = rw.Write([]byte("too much"))
			return
		}
		_ = rc.EnableFullDuplex()
		_ = rc.Flush()
		b := make([]byte, 16)
		for {
			n, err := r.Body.Read(b)
			if _, werr := rw.Write(b[:n]); werr != nil || err != nil {
				return
			}
			_ = rc.Flush()
		}
	})
	b := w.browser(nil)
	pr, pw := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url("public", "/talk"), pr)
	require.NoError(t, err)
	go func() { _, _ = pw.Write([]byte("one")) }()
	res, err := b.Do(req)
	require.NoError(t, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	got := make([]byte, 3)
	_, err = io.ReadFull(res.Body, got)
	require.NoError(t, err)
	assert.Equal(t, "one", string(got))
	_, err = pw.Write([]byte("two"))
	require.NoError(t, err)
	_, err = io.ReadFull(res.Body, got)
	require.NoError(t, err)
	assert.Equal(t, "two", string(got))
	require.NoError(t, pw.Close())
	rest, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Empty(t, rest)

	// No more than a part of the body is ever sent: the answer must not wait for it.
	_, r := w.raw("PUT /enough HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000000\r\n\r\npart")
	early, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusRequestEntityTooLarge, early.StatusCode)
	text, err := io.ReadAll(early.Body)
	require.NoError(t, err)
	_ = early.Body.Close()
	assert.Equal(t, "too much", string(text))
}

// TestRequestTrailers: what follows a body goes with it.
func TestRequestTrailers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(rw, "%s %v %v %s", body, err, r.TransferEncoding, r.Trailer.Get("Sum"))
	})
	_, r := w.raw("POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n3\r\nabc\r\n0\r\nSum: 42\r\n\r\n")
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, "abc <nil> [chunked] 42", string(text))
}

// TestExpect: the application says itself whether it wants a body.
func TestExpect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			rw.WriteHeader(http.StatusExpectationFailed)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = rw.Write(body)
	})
	conn, r := w.raw("PUT /yes HTTP/1.1\r\nHost: %s\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	_, _ = r.ReadString('\n')
	_, err = conn.Write([]byte("abc"))
	require.NoError(t, err)
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, "abc", string(text))

	_, r = w.raw("PUT /no HTTP/1.1\r\nHost: %s\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n")
	line, err = r.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 417 Expectation Failed\r\n", line)
}

// TestAnswers: statuses and headers are those of the application, and nothing is
// guessed.
func TestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("ETag", `"v1"`)
		switch r.URL.Path {
		case "/early":
			rw.Header().Set("Link", "</a.css>; rel=preload")
			rw.Header().Set("Set-Cookie", "coder_session_token=evil; Domain=apps.test")
			rw.WriteHeader(http.StatusEarlyHints)
			_, _ = rw.Write([]byte("late"))
		case "/untyped":
			rw.Header()["Content-Type"] = nil
			_, _ = rw.Write(bytes.Repeat([]byte("<html>"), 2000))
		case "/head":
			rw.Header().Set("Content-Length", "12345")
		case "/multi":
			rw.Header()["X-Twice"] = []string{"1", "2"}
		default:
			var n int
			_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
			rw.WriteHeader(n)
		}
	})
	b := w.browser(nil).once()
	for _, n := range []int{204, 205, 304, 301, 418, 503, 599} {
		res, text := b.get(w.url("public", fmt.Sprintf("/%d", n)))
		assert.Equal(t, n, res.StatusCode)
		assert.Equal(t, `"v1"`, res.Header.Get("ETag"))
		assert.Empty(t, text)
	}
	res, _ := b.do(http.MethodHead, w.url("public", "/head"), "")
	assert.Equal(t, int64(12345), res.ContentLength)
	res, _ = b.get(w.url("public", "/untyped"))
	assert.NotContains(t, res.Header, "Content-Type")
	res, _ = b.get(w.url("public", "/multi"))
	assert.Equal(t, []string{"1", "2"}, res.Header["X-Twice"])

	hints := map[int]http.Header{}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints[code] = http.Header(h)
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url("public", "/early"), nil)
	require.NoError(t, err)
	res, err = b.Do(req)
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, map[int]http.Header{http.StatusEarlyHints: {"Link": {"</a.css>; rel=preload"}}}, hints)
}

// TestBreaks: an answer that breaks off is no whole one, and none is a 502.
func TestBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // it is what breaks
		switch r.URL.Path {
		case "/length":
			_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
		case "/chunked":
			_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
		case "/nonsense":
			_, _ = buf.WriteString("220 mail.example.com ESMTP\r\n")
		}
		_ = buf.Flush()
	})
	b := w.browser(nil)
	for _, path := range []string{"/length", "/chunked"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url("public", path), nil)
		require.NoError(t, err)
		res, err := b.Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, path)
		assert.Equal(t, "half", string(text), path)
	}
	for _, path := range []string{"/nothing", "/nonsense"} {
		res, text := b.get(w.url("public", path))
		assert.Equal(t, http.StatusBadGateway, res.StatusCode, path)
		assert.Contains(t, text, "The application did not answer", path)
	}
}

// TestLeaving: when the browser leaves, the application hears it.
func TestLeaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began, ended := make(chan struct{}, 8), make(chan error, 8)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(rw)
		if r.URL.Path == "/drip" {
			_ = rc.Flush()
		}
		began <- struct{}{}
		if r.URL.Path == "/upload" {
			_, err := io.Copy(io.Discard, r.Body)
			ended <- err
			return
		}
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	for path, request := range map[string]string{
		"/wait":   "GET /wait HTTP/1.1\r\nHost: %s\r\n\r\n",
		"/drip":   "GET /drip HTTP/1.1\r\nHost: %s\r\n\r\n",
		"/upload": "POST /upload HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nhalf",
	} {
		conn, _ := w.raw(request)
		within(t, path, began)
		require.NoError(t, conn.Close())
		require.Error(t, within(t, "the end of "+path, ended), path)
	}
}

// TestWebsocketTerms: what the two sides agree on is theirs.
func TestWebsocketTerms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"chat.v2"},
			CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			return
		}
		ws.SetReadLimit(1 << 22)
		kind, p, err := ws.Read(r.Context())
		if err == nil {
			_ = ws.Write(r.Context(), kind, p)
			_ = ws.Close(4321, "as asked")
		}
	})
	tr := w.browser(nil).Transport
	ws, res, err := websocket.Dial(t.Context(), w.url("public", "/"), &websocket.DialOptions{HTTPClient: &http.Client{Transport: tr}, //nolint:bodyclose // there is none after an upgrade
		Subprotocols: []string{"chat.v1", "chat.v2"}, CompressionMode: websocket.CompressionContextTakeover})
	require.NoError(t, err)
	defer ws.CloseNow() //nolint:errcheck // over
	assert.Equal(t, "chat.v2", ws.Subprotocol())
	assert.Contains(t, res.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate")
	ws.SetReadLimit(1 << 22)
	sent := bytes.Repeat([]byte("compresses well "), 1<<16)
	require.NoError(t, ws.Write(t.Context(), websocket.MessageBinary, sent))
	_, got, err := ws.Read(t.Context())
	require.NoError(t, err)
	assert.True(t, bytes.Equal(sent, got))
	_, _, err = ws.Read(t.Context())
	assert.Equal(t, websocket.StatusCode(4321), websocket.CloseStatus(err))
}

// TestHalves: of a protocol that nobody knows, a half that has ended is passed on.
func TestHalves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // over
		_, _ = fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\nfirst ", r.Header.Get("Upgrade"))
		_ = buf.Flush()
		all, err := io.ReadAll(buf)
		_, _ = fmt.Fprintf(conn, "%d %v", len(all), err)
	})
	conn, r := w.raw("GET / HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: made-up/1.0\r\n\r\n")
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	assert.Equal(t, "made-up/1.0", res.Header.Get("Upgrade"))
	_, err = conn.Write(make([]byte, 100_000))
	require.NoError(t, err)
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	require.NoError(t, tcp.CloseWrite())
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "first 100000 <nil>", string(rest))
}

// TestTLSPort: a port that speaks TLS is spoken to so, and the pages tell which is
// which.
func TestTLSPort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	safe := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgrade(rw, r)
			return
		}
		_, _ = fmt.Fprintf(rw, "%v %s %s", r.TLS != nil, r.Host, r.Header.Get("X-Forwarded-Proto"))
	}))
	t.Cleanup(safe.Close)
	_, port, err := net.SplitHostPort(safe.Listener.Addr().String())
	require.NoError(t, err)
	b, token := w.browser(nil), w.alice.Token.Reveal()
	res, text := b.get(w.url(port+"s", "/"), api.SessionTokenHeader, token)
	require.Equal(t, http.StatusOK, res.StatusCode, text)
	assert.Equal(t, "true "+w.host(port+"s")+" http", text)
	require.NoError(t, echoes(t, w.browser(w.alice).socket(port+"s"), "hello"))

	res, text = b.get(w.url(w.port+"s", "/"), api.SessionTokenHeader, token)
	assert.Equal(t, http.StatusBadGateway, res.StatusCode)
	assert.Contains(t, text, "leave out the s after the port")
	res, text = b.get(w.url(port, "/"), api.SessionTokenHeader, token)
	assert.Equal(t, http.StatusBadRequest, res.StatusCode) // the application's own words
	assert.True(t, strings.Contains(text, "HTTPS"), text)
}
