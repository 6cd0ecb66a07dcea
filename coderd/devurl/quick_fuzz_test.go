package devurl

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzPlain: an answer that is read quickly is one that net/http reads so too.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: y\r\n\r\ngoodmore", "HTTP/1.1 404\r\ncontent-length:0\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\n X: 1\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\nX:\r\n\r\n\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		a, ok := readPlain(p)
		if !ok || a.size > len(p)-a.head {
			return
		}
		br := bufio.NewReader(bytes.NewReader(p))
		res, err := http.ReadResponse(br, &http.Request{Method: http.MethodGet})
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, res.StatusCode, a.code)
		require.Equal(t, string(body), string(p[a.head:a.head+a.size]))
		rest, _ := io.ReadAll(br)
		require.Equal(t, string(rest), string(p[a.head+a.size:]))
		require.False(t, res.Close)
		require.Empty(t, res.TransferEncoding)
		got := http.Header{}
		a.copyTo(got, &hop{visit: Visit{Path: true}})
		want := maps.Clone(res.Header)
		for _, name := range []string{"Connection", "Keep-Alive", "Strict-Transport-Security"} {
			delete(want, name)
		}
		if _, typed := want["Content-Type"]; !typed {
			want["Content-Type"] = nil
		}
		require.Equal(t, want, got)
	})
}

// kept is a connection that keeps what is written to it, and answers with a byte.
type kept struct {
	net.Conn
	bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) { return k.Buffer.Write(p) }
func (k *kept) Read(p []byte) (int, error)  { p[0] = 'x'; return 1, nil }

// FuzzQuick: what is asked quickly is one request, of the same host and path, without
// a body and without anything that is not for the application.
func FuzzQuick(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a%2Fb?c=%20 HTTP/1.1\r\nHost: a:1\r\nCookie: coder_session_token=1; b=2\r\nX_Forwarded_For: 1\r\nX-Y: z\r\n\r\n",
		"GET //a? HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nProxy-Connection: x\r\nCoder-Session-Token: x\r\n\r\n", "GET /?a\tb HTTP/1.1\r\nHost: a\r\nX: \t1\r\n\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p)))
		if err != nil || !spelt(r) || !plainHost(r.Host) || r.Host == "" || !plainRequest(r) {
			return
		}
		for name, values := range r.Header { // the server refuses others
			for _, v := range values {
				if name == "" || strings.ContainsAny(name, " \"(),/:;<=>?@[\\]{}\x7f") || !plainText(name+v) || strings.Contains(name, "\t") {
					return
				}
			}
		}
		r.RemoteAddr = "192.0.2.1:1"
		conn := &kept{}
		l := &line{conn: conn}
		l.ready()
		require.NoError(t, l.send(r, &hop{visit: Visit{Origin: "https://x", Below: "/"}}))
		br := bufio.NewReader(&conn.Buffer)
		out, err := http.ReadRequest(br)
		require.NoError(t, err)
		rest, _ := io.ReadAll(br)
		require.Empty(t, rest)
		require.Equal(t, http.MethodGet, out.Method)
		require.Equal(t, r.Host, out.Host)
		require.Equal(t, r.URL.EscapedPath(), out.URL.EscapedPath())
		require.Equal(t, r.URL.RawQuery, out.URL.RawQuery)
		require.Zero(t, out.ContentLength)
		for _, name := range []string{"Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Te", "Expect", "Content-Length", "Coder-Session-Token"} {
			require.NotContains(t, out.Header, name)
		}
		require.Equal(t, []string{"192.0.2.1"}, out.Header["X-Forwarded-For"])
		require.Equal(t, []string{"https"}, out.Header["X-Forwarded-Proto"])
		for _, c := range out.Cookies() {
			require.False(t, isOurs(c.Name), c.Name)
		}
		for name := range out.Header {
			require.True(t, !isStrange(name) || strings.HasPrefix(name, "X-Forwarded-"), name)
		}
	})
}

// What most browsers ask for, and most web servers answer, goes the quick way.
func TestPlain(t *testing.T) {
	t.Parallel()
	for name := range strange {
		require.Less(t, len(name), maxStrange)
	}
	for name, want := range map[string]bool{"X-Forwarded-For": true, "X_forwarded-Port": true, "X-Real-Ip": true, "Coder-Session-Token": true, "Coder_session_token": true,
		"X-Forwarded-" + strings.Repeat("x", 100): true, "Cookie": false, "X-Forwarded": false, "Coder-Session-Token-2": false, "X-Real-Ip" + strings.Repeat("x", 100): false} {
		require.Equal(t, want, isStrange(name), name)
	}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/", RawQuery: "a=%20b"}, Header: http.Header{"User-Agent": {"Mozilla/5.0 (X11)"},
		"Accept": {"text/html,*/*;q=0.8"}, "Connection": {"keep-alive"}, "Cookie": {"a=1"}, "Sec-Fetch-Site": {"same-origin"}}}
	require.True(t, plainRequest(r))
	r.Header.Set("Upgrade", "websocket")
	require.False(t, plainRequest(r))
	a, ok := readPlain([]byte("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 12\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nabc"))
	require.True(t, ok)
	require.Equal(t, []int{200, 12, 4}, []int{a.code, a.size, a.n})
}

// Anybody can name many hosts, and what each stands for is the same each time.
func TestVisitsAreBounded(t *testing.T) {
	t.Parallel()
	sites := fuzzSites(t)
	c := newVisits(sites)
	for i := range 2*maxVisits + 10 {
		host := "x" + strings.Repeat("y", i%30) + "--ws--" + string(rune('a'+i%26)) + strings.Repeat("z", i/1000) + "--apps.example.com:" + "444"
		want, werr := sites.visit(host, "/")
		for range 2 {
			got, err := c.visit(host, &url.URL{Path: "/x"})
			require.Equal(t, werr, err)
			require.Equal(t, want, got)
		}
		require.LessOrEqual(t, len(c.of), maxVisits)
	}
	_, err := c.visit("paths.example.com:8443", &url.URL{Path: "/@alice/ws/apps/code/x"})
	require.NoError(t, err)
	require.NotContains(t, c.of, "paths.example.com:8443")
}
