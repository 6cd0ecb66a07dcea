package devurl_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// rawApp is a server that answers with given bytes, and tells what it was asked.
type rawApp struct {
	closes bool // each connection after one answer
	heads  chan string
	more   chan struct{} // the next part of an answer may follow

	mu     sync.Mutex
	answer string // without a length it ends with the connection
	conns  int
}

func newRawApp(t *testing.T, closes bool) (*rawApp, *town) {
	t.Helper()
	a := &rawApp{closes: closes, heads: make(chan string, 16), more: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := newTown(t, http.NotFoundHandler())
	_ = w.session.Close()
	w.carry(l.Addr().String())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { a.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); _ = w.session.Close(); wg.Wait() })
	return a, w
}

func (a *rawApp) serve(conn net.Conn) {
	defer conn.Close()
	a.mu.Lock()
	a.conns++
	a.mu.Unlock()
	br := bufio.NewReader(conn)
	for {
		head, length := "", 0
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &length)
			head += line
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(br, body); err != nil {
			return
		}
		a.mu.Lock()
		answer := a.answer
		a.mu.Unlock()
		a.heads <- head + string(body)
		for i, part := range strings.Split(answer, "<pause>") {
			if i > 0 {
				<-a.more
			}
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
		if a.closes || !strings.Contains(answer, "ength:") && !strings.Contains(answer, "chunked") {
			return
		}
	}
}

// seen is what both ends of an exchange have seen.
type seen struct {
	first, rest string // of the request at the application
	status      int
	header      http.Header
	body        string
	broken      bool
}

// ask sends a request as it is, and the application answers with answer.
func (a *rawApp) ask(w *town, request, answer string) (s seen) {
	w.Helper()
	a.mu.Lock()
	a.answer = answer
	a.mu.Unlock()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(w, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(w, err)
	br := bufio.NewReader(conn)
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	require.NoError(w, err)
	head := ""
	select {
	case head = <-a.heads: // before it answered
	default: // the proxy refused it
	}
	for range strings.Count(answer, "<pause>") {
		a.more <- struct{}{}
	}
	body, err := io.ReadAll(res.Body)
	lines := strings.Split(head, "\r\n")
	slices.Sort(lines[1:])
	res.Header.Del("Date")
	for name, values := range res.Trailer {
		res.Header["Trailer:"+name] = values
	}
	return seen{first: lines[0], rest: strings.Join(lines[1:], "\n"), status: res.StatusCode, header: res.Header, body: string(body), broken: err != nil}
}

const (
	plainAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ngood"
	plainHead   = "GET /x HTTP/1.1\r\nHost: " + appHost + "\r\n"
)

// What goes the quick way is what goes the usual way, at both ends. An application
// that closes its connections is asked the usual way.
func TestQuickIsTheSame(t *testing.T) {
	t.Parallel()
	usual, far := newRawApp(t, true)
	quick, near := newRawApp(t, false)
	same := func(request, answer string) {
		t.Helper()
		want := usual.ask(far, request, answer)
		warm := quick.ask(near, plainHead+"\r\n", plainAnswer)
		require.Equal(t, "good", warm.body)
		require.Equal(t, want, quick.ask(near, request, answer), "%q %q", request, answer)
	}
	for _, lines := range []string{
		"", "Accept: */*\r\nUser-Agent: x\r\nUser-Agent: y\r\n", "Connection: keep-alive\r\n", "Connection: close\r\n",
		"Connection: X-Mine\r\nX-Mine: 1\r\n", "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\n", "TE: trailers\r\n", "Origin: http://evil.test\r\n",
		"Cookie: a=1; coder_session_token=x; b=2\r\nCookie: coder_subdomain_app_session_token=y\r\nCookie: c=3\r\n", "Coder-Session-Token: secret\r\n",
		"X-Forwarded-For: 1.2.3.4\r\nX_Forwarded_Proto: https\r\nX-Forwarded-Anything-Else-That-Is-Long-Enough: y\r\nForwarded: for=1.2.3.4\r\nX-Real-Ip: 1.2.3.4\r\n",
		"Proxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic x\r\nTrailer: X\r\n", "Content-Length: 0\r\n", "Upgrade: x\r\n",
		"Range: bytes=0-1\r\nAccept-Encoding: gzip\r\nAccept-Encoding: br\r\nx-odd_name.1: v\tw\r\nX-Empty:\r\nX-High: \xc3\xa9\r\n",
		strings.Repeat("X-Many: 1\r\n", 50), func() (s string) {
			for i := range 50 {
				s += fmt.Sprintf("X-Many-%d: %d\r\n", i, i)
			}
			return s
		}(),
	} {
		same(plainHead+lines+"\r\n", plainAnswer)
	}
	for _, target := range []string{"/", "//x", "/a%2Fb%20c", "/?", "/?a=b&c=%20", "/?a;b", "/?a=%", "/?a=%zz&b=1", "/x?coder=1?2", "/%E2%82%AC", "/a'(b)*", "/" + strings.Repeat("x", 5000) + "?" + strings.Repeat("y", 5000)} {
		same("GET "+target+" HTTP/1.1\r\nHost: "+appHost+"\r\n\r\n", plainAnswer)
	}
	same("GET /x HTTP/1.0\r\nHost: "+appHost+"\r\n\r\n", plainAnswer)
	same("POST /x HTTP/1.1\r\nHost: "+appHost+"\r\nContent-Length: 2\r\n\r\nhi", plainAnswer)
	same("HEAD /x HTTP/1.1\r\nHost: "+appHost+"\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
	for _, answer := range oddAnswers() {
		same(plainHead+"\r\n", answer)
	}
}

func oddAnswers() []string {
	head := func(lines string) string { return "HTTP/1.1 200 OK\r\n" + lines + "Content-Length: 4\r\n\r\ngood" }
	return []string{
		head(""), head("Strict-Transport-Security: max-age=1\r\nX-Mine: 1\r\n"), head("Access-Control-Allow-Origin: *\r\naccess-control-x: y\r\n"),
		head("Set-Cookie: coder_session_token=x\r\nSet-Cookie: a=1; Domain=evil.test\r\n"), head("Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"),
		head("Connection: X-Gone\r\nX-Gone: 1\r\n"), head("Connection: close\r\n"), head("Pragma: no-cache\r\n"), head("Vary: a\r\nvary: b\r\n"),
		head("Clear-Site-Data: \"*\"\r\nService-Worker-Allowed: /\r\n"), head("Content-Type:\r\n"), head("content-length: 4\r\n"), head("Content-Length: 5\r\n"),
		head("X-Space : 1\r\n"), head("X-Folded: 1\r\n 2\r\n"), head("no colon\r\n"), head("X-Control: a\x01b\r\n"), head("X-High: \xc3\xa9\r\n"), head("X-Tab: \ta\tb \r\n"),
		head("Trailer: X\r\nTe: x\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\n"), head("X-Mine: " + strings.Repeat("x", 5000) + "\r\n"), head(strings.Repeat("X-Many: 1\r\n", 40)),
		head("date: Thu, 01 Jan 1970 00:00:00 GMT\r\nETag: \"x\"\r\n"), "HTTP/1.1 200 OK\nContent-Length: 4\n\ngood", "HTTP/1.1 200\r\nContent-Length: 4\r\n\r\ngood",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\ngood", "HTTP/1.1 200 OK\r\nContent-Length: 04\r\n\r\ngood",
		"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<pause>good",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n4\r\ngood\r\n0\r\nSum: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n4\r\ngood\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nto the end", "HTTP/1.0 200 OK\r\n\r\nto the end",
		"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ngood", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", "HTTP/1.1 204 No Content\r\nX-Length: 1\r\n\r\n",
		"HTTP/1.1 404 Nothing here\r\nContent-Length: 4\r\n\r\nnone", "HTTP/1.1 599 ?\r\nContent-Length: 4\r\n\r\ngood", "HTTP/1.1 600 ?\r\nContent-Length: 4\r\n\r\ngood",
		"HTTP/1.1 99 ?\r\nContent-Length: 4\r\n\r\ngood", "HTTP/1.1 2000 ?\r\nContent-Length: 4\r\n\r\ngood", "ICY 200 OK\r\nContent-Length: 4\r\n\r\ngood",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	}
}

// A question that is asked the quick way ends with the right to its answer, and with
// the browser.
func TestQuickEnds(t *testing.T) {
	t.Parallel()
	asked, gone := make(chan struct{}, 1), make(chan struct{}, 1)
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			asked <- struct{}{}
			<-r.Context().Done()
			gone <- struct{}{}
			return
		}
		_, _ = io.WriteString(rw, "good")
	}))
	slow := func() net.Conn {
		t.Helper()
		require.Equal(t, "good", w.text(w.do(http.MethodGet, "/"))) // a line is kept
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: "+appHost+"\r\n\r\n")
		require.NoError(t, err)
		<-asked
		return conn
	}
	_ = slow().Close()
	<-gone
	conn := slow()
	w.stop() // it ends all decisions
	<-gone
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.NoError(t, res.Body.Close())
	require.Zero(t, w.session.Streams())
}
