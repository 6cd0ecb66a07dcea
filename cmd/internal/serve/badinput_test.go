//go:build linux

package serve_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/serve/servetest"
)

// counted is a backend in the workspace that keeps what reaches it.
type counted struct {
	mu   sync.Mutex
	seen []string // method, URI and body
	head []http.Header
	port string
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	_, c.port, _ = net.SplitHostPort(srv.Listener.Addr().String())
	return c
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what came is what is kept
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body))
	c.head = append(c.head, r.Header)
	_, _ = w.Write([]byte("from the workspace"))
}

// take returns what has come since the last call.
func (c *counted) take() ([]string, []http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen, head := c.seen, c.head
	c.seen, c.head = nil, nil
	return seen, head
}

// rawStatus writes bytes as they are, and returns the status of the first answer and
// how many answers there were before the server closed the connection.
func rawStatus(t *testing.T, address, request string) (status, answers int, header http.Header) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // over
	_ = conn.SetDeadline(time.Now().Add(servetest.Patience))
	_, err = conn.Write([]byte(request))
	require.NoError(t, err)
	for r := bufio.NewReader(conn); ; answers++ {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			require.NotZero(t, answers, "no answer to %q: %v", request, err)
			return status, answers, header
		}
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		_ = res.Body.Close()
		if answers == 0 {
			status, header = res.StatusCode, res.Header
		}
	}
}

// badInput is a deployment with a port that everybody may open, and one origin for
// paths.
type badInput struct {
	*testing.T
	addr, port, token string
	good              string // the host of the port
	backend           *counted
}

func newBadInput(t *testing.T) *badInput {
	t.Helper()
	s, c := demo(t, servetest.Options{Args: []string{"--wildcard-access-url", "*.apps.test", "--path-apps-url", "http://paths.test"}})
	b := &badInput{T: t, addr: s.URL.Host, backend: newCounted(t), token: c.Client().Token().Reveal()}
	b.port = b.backend.port
	b.good = b.port + "--main--demo--admin.apps.test"
	sharePort(t, c.Client(), workspace(t, c, "demo").ID, b.port, api.ShareLevelPublic)
	c.OK("ssh", "demo", "true") // the agent is there
	return b
}

func sharePort(t *testing.T, c *client.Client, id api.ID, port string, level api.ShareLevel) {
	t.Helper()
	var n int
	_, err := fmt.Sscan(port, &n)
	require.NoError(t, err)
	body, err := json.Marshal(api.UpsertPortShareRequest{AgentName: "main", Port: n, ShareLevel: level, Protocol: api.PortHTTP})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL().String()+"/api/v2/workspaces/"+id.String()+"/port-share", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set(api.SessionTokenHeader, c.Token().Reveal())
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close() //nolint:errcheck // the status says it
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// refused wants an answer of 4xx, or 501 or 505 of net/http, and nothing at the
// workspace.
func (b *badInput) refused(what, request string) {
	b.Helper()
	status, _, _ := rawStatus(b.T, b.addr, request)
	assert.True(b, status >= 400 && status < 500 || status == http.StatusNotImplemented || status == http.StatusHTTPVersionNotSupported, "%s: status %d to %q", what, status, request)
	b.untouched(what)
}

func (b *badInput) untouched(what string) {
	b.Helper()
	seen, _ := b.backend.take()
	assert.Empty(b, seen, "%s: it reached the workspace", what)
}

const closing = "\r\nConnection: close\r\n\r\n"

// TestBadInput: every odd spelling and shape of a request gets 4xx from the real
// listener, and never reaches a workspace.
func TestBadInput(t *testing.T) {
	t.Parallel()
	b := newBadInput(t)
	status, _, _ := rawStatus(t, b.addr, "GET /x HTTP/1.1\r\nHost: "+b.good+closing)
	require.Equal(t, http.StatusOK, status)
	seen, _ := b.backend.take()
	require.Equal(t, []string{"GET /x "}, seen)
	b.hosts()
	b.requestLines()
	b.pathSite()
	b.framing()
	b.elsewhere()
	b.headers()
	status, _, _ = rawStatus(t, b.addr, "GET /x HTTP/1.1\r\nHost: "+b.good+closing)
	assert.Equal(t, http.StatusOK, status, "the good one still works")
}

func (b *badInput) hosts() {
	names := "--main--demo--admin.apps.test"
	for _, host := range []string{b.good + ".", b.good + "..", b.good + ".:80", b.good + ":", b.good + ":080", b.good + ":+80", b.good + ":80:80", b.good + ":65536", b.good + ":x",
		strings.ToUpper(b.good), b.port + "--Main--demo--admin.apps.test", b.port + "--main--demo--admin.APPS.test", "x." + b.good, "." + b.good,
		"0" + b.port + names, "+" + b.port + names, "-" + b.port + names, "0x1f90" + names[:6] + "%2d" + names[6:], b.port + "S" + names, b.port + ".0" + names, " " + b.port + " " + names,
		b.port + "%2e" + names, strings.ReplaceAll(b.good, ".", "%2e"), strings.ReplaceAll(b.good, "-", "%2d"), strings.ReplaceAll(b.good, "-", "%252d"), b.port + "%2f" + names,
		"u@" + b.good, "u:p@" + b.good, "http://" + b.good, b.good + "/", b.good + "/x", b.good + "?", b.good + "#", b.good + "\\", b.good + ", evil.example", b.good + " evil.example", b.good + "\tx",
		"[" + b.good + "]", "8" + names, "0" + names, "65536" + names, "99999999999999999999" + names, b.port + "----main--demo--admin.apps.test", b.port + "--main--demo.apps.test.admin.apps.test",
		b.port + "--main--demo--admin\xc2\xa0.apps.test", b.port + "--main--demo--\xe2\x84\xaaadmin.apps.test", b.port + "--main--demo--admin.apps.test\x00", "*.apps.test"} {
		b.refused("host "+host, "GET / HTTP/1.1\r\nHost: "+host+closing)
	}
	b.refused("two hosts", "GET / HTTP/1.1\r\nHost: "+b.good+"\r\nHost: evil.example"+closing)
	b.refused("the same host twice", "GET / HTTP/1.1\r\nHost: "+b.good+"\r\nHost: "+b.good+closing)
	b.refused("no host", "GET / HTTP/1.1\r\nX: "+b.good+closing)
	b.refused("a space before the colon", "GET / HTTP/1.1\r\nHost : "+b.good+closing)
}

func (b *badInput) requestLines() {
	for _, line := range []string{"GET /../x HTTP/1.1", "GET /a/../x HTTP/1.1", "GET /%2e%2e/x HTTP/1.1", "GET /a/%2E./x HTTP/1.1", "GET /. HTTP/1.1", `GET /a\..\b HTTP/1.1`,
		"GET http://" + b.good + "/ HTTP/1.1", "GET http://u:p@" + b.good + "/ HTTP/1.1", "GET //u@" + b.good + "/../ HTTP/1.1", "GET foo:@evil.example/ HTTP/1.1",
		"CONNECT " + b.good + ":80 HTTP/1.1", "OPTIONS * HTTP/1.1", "GET x HTTP/1.1", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/2.0", "GET / HTTP/1.2x", "GET /%zz HTTP/1.1",
		"GE T / HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /a\tb HTTP/1.1", "GET / http/1.1", "/ HTTP/1.1", "G\x00T / HTTP/1.1"} {
		b.refused(line, line+"\r\nHost: "+b.good+closing)
	}
}

// pathSite: the path form has one spelling too, and its origin nothing else.
func (b *badInput) pathSite() {
	good := "/@admin/demo.main/apps/" + b.port
	get := func(host, path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nCoder-Session-Token: " + b.token + closing
	}
	for _, path := range []string{"/@Admin/demo.main/apps/" + b.port + "/", "/%40admin/demo.main/apps/" + b.port + "/", "/%2540admin/demo.main/apps/" + b.port + "/", "/@admin%2fdemo.main/apps/" + b.port + "/",
		"/@admin/demo.main/apps%2f" + b.port + "/", "/@admin/demo%2emain/apps/" + b.port + "/", "/@admin/demo.main./apps/" + b.port + "/", "/@admin/demo.MAIN/apps/" + b.port + "/", "/@admin/demo.main/Apps/" + b.port + "/",
		"/@admin/demo.main/%61pps/" + b.port + "/", "/@admin/demo.main/apps/0" + b.port + "/", "/@admin/demo.main/apps/+" + b.port + "/", "/@admin/demo.main/apps/0x1f90%20/", "/@admin/demo.main/apps/" + b.port + "S/",
		"/@admin/demo.main/apps/%3" + b.port + "/", "//@admin/demo.main/apps/" + b.port + "/", "/@admin//demo.main/apps/" + b.port + "/", "/x/../@admin/demo.main/apps/" + b.port + "/", good + "/../x", good + "/%2e%2e/x",
		"/@admin;x/demo.main/apps/" + b.port + "/", "/@admin/demo.main;x/apps/" + b.port + "/", good + ";x/", good + "%00/", "/", "/api/v2/users/me", "/@admin/demo.main/apps/", "/@admin/demo.main/apps"} {
		b.refused(path, get("paths.test", path))
	}
	for _, host := range []string{"PATHS.test", "paths.test.", "paths.test:80", "paths.test:8080", "u@paths.test"} {
		b.refused(host, get(host, good+"/"))
		b.refused(host, get(host, "/api/v2/users/me"))
	}
	status, _, _ := rawStatus(b.T, b.addr, get("paths.test", good+"/y"))
	require.Equal(b, http.StatusOK, status)
	seen, _ := b.backend.take()
	assert.Equal(b, []string{"GET /y "}, seen)
}

// framing: shapes by which two readers of one connection see different requests.
func (b *badInput) framing() {
	post := "POST /in HTTP/1.1\r\nHost: " + b.good + "\r\n"
	hidden := "GET /smuggled HTTP/1.1\r\nHost: " + b.good + "\r\n\r\n"
	for what, rest := range map[string]string{
		"two lengths":             "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"a list of lengths":       "Content-Length: 3, 4\r\n\r\nabcd",
		"a signed length":         "Content-Length: +3\r\n\r\nabc",
		"a negative length":       "Content-Length: -1\r\n\r\nabc",
		"a length in hex":         "Content-Length: 0x3\r\n\r\nabc",
		"a length with a space":   "Content-Length : 3\r\n\r\nabc",
		"an empty length":         "Content-Length: \r\n\r\n",
		"a folded length":         "Content-Length: 3\r\n 4\r\n\r\nabcd",
		"an unknown coding":       "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"two codings":             "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"a coding twice":          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"a coding with a tab":     "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
		"a coding with a null":    "Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n",
		"a quoted coding":         "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
		"a vertical tab":          "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
		"a line without colon":    "Transfer-Encoding\r\n\r\n",
		"a fold before all":       " X: y\r\n\r\n",
		"a bare return in a name": "X\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"an empty name":           ": x\r\n\r\n",
	} {
		b.refused(what, post+strings.TrimSuffix(rest, "\r\n")+"\r\n"+hidden)
	}
	// A body has the end that its chunks tell; what follows is never another request.
	for what, rest := range map[string]string{
		"a length and chunks":     "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"chunks and a length":     "Transfer-Encoding: chunked\r\nContent-Length: 300\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"a folded coding":         "Transfer-Encoding:\r\n chunked\r\nContent-Length: 300\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"an extension of a chunk": "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\n\r\n",
	} {
		status, answers, _ := rawStatus(b.T, b.addr, post+rest+hidden)
		assert.Equal(b, http.StatusOK, status, what)
		assert.Equal(b, 1, answers, "%s: what follows is no request", what)
		seen, _ := b.backend.take()
		assert.Equal(b, []string{"POST /in abc"}, seen, what)
	}
}

// elsewhere: names that lead here and are of no application reach the pages at most.
func (b *badInput) elsewhere() {
	for _, host := range []string{"evil.example", "apps.test", b.good + ".evil.example", "evil" + b.good[strings.Index(b.good, ".")+1:], "127.0.0.1:" + b.port, "[::1]:" + b.port, "localhost", "169.254.169.254"} {
		for _, path := range []string{"/", "/x", "/api/v2/users/me"} {
			rawStatus(b.T, b.addr, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-Host: "+b.good+closing)
			b.untouched("host " + host)
		}
		status, _, header := rawStatus(b.T, b.addr, "GET /@admin/demo.main/apps/"+b.port+"/z HTTP/1.1\r\nHost: "+host+closing)
		assert.Equal(b, http.StatusTemporaryRedirect, status, host)
		assert.Contains(b, header.Get("Location"), "http://"+b.good, "%s: only the one origin serves it", host)
		b.untouched("host " + host)
	}
	for _, line := range []string{"GET / HTTP/1.0\r\n\r\n", "GET http://evil.example/ HTTP/1.1\r\nHost: " + b.good + closing} {
		rawStatus(b.T, b.addr, line)
		b.untouched(line)
	}
}

// headers: what strangers say of where they come from neither routes nor arrives.
func (b *badInput) headers() {
	lies := []string{"X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Anything", "X_Forwarded_For", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "X-Host",
		"X-HTTP-Host-Override", "X-Real-IP", "X_Real_IP", "True-Client-IP", "CF-Connecting-IP", "Coder_Session_Token"}
	var text strings.Builder
	for _, name := range lies {
		text.WriteString(name + ": /stranger\r\n")
	}
	status, _, _ := rawStatus(b.T, b.addr, "GET /x HTTP/1.1\r\nHost: "+b.good+"\r\n"+text.String()+"Connection: close, X-Forwarded-For, Host\r\n\r\n")
	require.Equal(b, http.StatusOK, status)
	seen, head := b.backend.take()
	require.Equal(b, []string{"GET /x "}, seen)
	for name, values := range head[0] {
		assert.NotContains(b, strings.Join(values, ","), "stranger", name)
	}
	assert.Equal(b, "127.0.0.1", head[0].Get("X-Forwarded-For"))
	assert.Equal(b, b.good, head[0].Get("X-Forwarded-Host"))
	assert.Equal(b, "http", head[0].Get("X-Forwarded-Proto"))
}
