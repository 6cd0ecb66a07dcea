package apps_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 50*time.Millisecond, what)
}

// TestHeaders: nothing of ours reaches a workspace, and a workspace sets nothing of
// ours.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice)
	res, text := alice.get(w.url("owner", "/%2Fa//b%20c?q=%7e&;x"), "Cookie", "mine=1; coder_session_token=stolen; __Host-coder_app_state=2",
		"X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil", "X-Forwarded-Proto", "https", "Forwarded", "for=6.6.6.6", "X-Real-Ip", "6.6.6.6")
	require.Equal(t, http.StatusOK, res.StatusCode)
	got := decodeEcho(t, text)
	assert.Equal(t, "/%2Fa//b%20c?q=%7e&;x", got.URI)
	assert.Equal(t, w.host("owner"), got.Host)
	assert.Equal(t, "127.0.0.1", got.Header.Get("X-Forwarded-For"))
	assert.Equal(t, w.host("owner"), got.Header.Get("X-Forwarded-Host"))
	assert.Equal(t, "http", got.Header.Get("X-Forwarded-Proto"))
	assert.Empty(t, got.Header.Get("Forwarded")+got.Header.Get("X-Real-Ip"))
	for _, line := range got.Header["Cookie"] {
		assert.NotContains(t, line, "coder_")
	}

	w.does(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Set-Cookie"] = []string{"coder_session_token=evil; Domain=apps.test", sessionCookie + "=evil", "app=1; Domain=apps.test; Path=/x"}
		rw.Header().Set("Strict-Transport-Security", "max-age=1; includeSubDomains")
	})
	res, _ = alice.get(w.url("owner", "/"))
	assert.Equal(t, []string{"app=1; Path=/x"}, res.Header["Set-Cookie"])
	assert.Empty(t, res.Header.Get("Strict-Transport-Security"))
}

// TestTransparent: what HTTP can do works.
func TestTransparent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(nil)
	step := make(chan struct{})
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			rw.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				_, _ = fmt.Fprintf(rw, "data: %d\n\n", i)
				_ = http.NewResponseController(rw).Flush()
				<-step
			}
		case "/trailer":
			rw.Header().Set("Trailer", "Sum")
			_, _ = rw.Write([]byte("body"))
			rw.Header().Set("Sum", "42")
		case "/range":
			http.ServeContent(rw, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
		case "/upload":
			n, err := io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprintf(rw, "%d %v %d", n, err, r.ContentLength)
		case "/status":
			rw.Header().Set("X-A", "b")
			rw.WriteHeader(http.StatusTeapot)
		}
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url("public", "/events"), nil)
	require.NoError(t, err)
	res, err := b.Do(req)
	require.NoError(t, err)
	lines := bufio.NewReader(res.Body)
	for i := range 3 { // each event is read before the next is sent
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("data: %d\n", i), line)
		_, _ = lines.ReadString('\n')
		step <- struct{}{}
	}
	_ = res.Body.Close()

	res, text := b.get(w.url("public", "/trailer"))
	assert.Equal(t, "body", text)
	assert.Equal(t, "42", res.Trailer.Get("Sum"))
	res, text = b.get(w.url("public", "/range"), "Range", "bytes=2-4")
	assert.Equal(t, http.StatusPartialContent, res.StatusCode)
	assert.Equal(t, "234", text)
	res, _ = b.do(http.MethodHead, w.url("public", "/range"), "")
	assert.Equal(t, int64(10), res.ContentLength)
	res, _ = b.do("PROPFIND", w.url("public", "/status"), "")
	assert.Equal(t, http.StatusTeapot, res.StatusCode)
	assert.Equal(t, "b", res.Header.Get("X-A"))

	const size = 64 << 20
	req, err = http.NewRequestWithContext(t.Context(), http.MethodPut, w.url("public", "/upload"), io.LimitReader(zeros{}, size))
	require.NoError(t, err)
	req.Header.Set("Expect", "100-continue")
	res, err = b.Do(req)
	require.NoError(t, err)
	got, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	assert.Equal(t, strconv.Itoa(size)+" <nil> -1", string(got))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// upgrade is a backend that takes any protocol and sends back what it gets.
func upgrade(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		ws, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer ws.CloseNow() //nolint:errcheck // over
		for {
			kind, p, err := ws.Read(r.Context())
			if err != nil || ws.Write(r.Context(), kind, p) != nil {
				return
			}
		}
	}
	conn, buf, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // over
	_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
	_ = buf.Flush()
	_, _ = io.Copy(conn, buf)
}

func (b *browser) socket(app string) *websocket.Conn {
	b.w.Helper()
	b.get(b.w.url(app, "/plain"), "Accept", "text/html") // signs in
	ws, res, err := websocket.Dial(b.w.Context(), b.w.url(app, "/ws"), &websocket.DialOptions{HTTPClient: &http.Client{Transport: b.Transport, Jar: b.jar},
		HTTPHeader: http.Header{"Origin": {"http://" + b.w.host(app)}}})
	if res != nil && res.Body != nil {
		_ = res.Body.Close()
	}
	require.NoError(b.w, err)
	b.w.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

func echoes(t testing.TB, ws *websocket.Conn, text string) error {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		return err
	}
	_, p, err := ws.Read(t.Context())
	if err == nil {
		assert.Equal(t, text, string(p))
	}
	return err
}

func TestUpgrades(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgrade(rw, r)
		}
	})
	ws := w.browser(w.alice).socket("owner")
	require.NoError(t, echoes(t, ws, "hello"))

	conn, err := net.Dial("tcp", w.d.URL.Host)
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // over
	_, err = fmt.Fprintf(conn, "GET /x HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n", w.host("public"))
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	_, err = conn.Write([]byte("raw"))
	require.NoError(t, err)
	got := make([]byte, 3)
	_, err = io.ReadFull(r, got)
	require.NoError(t, err)
	assert.Equal(t, "raw", string(got))
}

// TestLowering: a level that is lowered ends what is open by it, on every replica.
func TestLowering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.does(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgrade(rw, r)
		}
	})
	port, err := strconv.Atoi(w.port)
	require.NoError(t, err)
	path := "/api/v2/workspaces/" + w.workspace.String() + "/port-share"
	level := func(l api.ShareLevel) {
		coderdtest.Do[api.PortShare](t, w.alice, http.StatusOK, http.MethodPost, path, api.UpsertPortShareRequest{AgentName: "main", Port: port, ShareLevel: l})
	}
	level(api.ShareLevelAuthenticated)
	carol, alice := w.browser(w.carol).socket(w.port), w.browser(w.alice).socket(w.port)
	require.NoError(t, echoes(t, carol, "a"))
	level(api.ShareLevelOrganization)
	_, _, err = carol.Read(t.Context()) // ends when the stream does
	require.Error(t, err)
	require.NoError(t, echoes(t, alice, "b"))
	bob := w.browser(w.bob).socket(w.port)
	require.NoError(t, echoes(t, bob, "c"))

	// The template's maximum counts for shares that are there.
	owner := string(api.ShareLevelOwner)
	coderdtest.Do[api.Template](t, w.root, http.StatusOK, http.MethodPatch, "/api/v2/templates/"+w.template.String(), api.UpdateTemplateRequest{MaxPortShareLevel: &owner})
	_, _, err = bob.Read(t.Context())
	require.Error(t, err)
	res, text := w.alice.Raw(t, http.MethodPost, path, api.UpsertPortShareRequest{AgentName: "main", Port: port, ShareLevel: api.ShareLevelPublic})
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	assert.Contains(t, string(text), "The template lets ports be shared with owner at most.")
	require.NoError(t, echoes(t, alice, "d"))

	// A session that is gone ends its streams too.
	coderdtest.Do[api.Response](t, w.alice, http.StatusOK, http.MethodPost, "/api/v2/users/logout", nil)
	_, _, err = alice.Read(t.Context())
	require.Error(t, err)
}

// TestSpellings: every odd spelling is refused and never reaches a workspace.
func TestSpellings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := func(request string) int {
		conn, err := net.Dial("tcp", w.d.URL.Host)
		require.NoError(t, err)
		defer conn.Close() //nolint:errcheck // over
		_, err = conn.Write([]byte(request))
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, request)
		return res.StatusCode
	}
	good := "public--main--dev--alice.apps.test"
	for _, host := range []string{good + ".", strings.ToUpper(good), "Public--main--dev--alice.apps.test", "x." + good, "08080--main--dev--alice.apps.test",
		"+80--main--dev--alice.apps.test", "0" + w.port + "--main--dev--alice.apps.test", w.port + "S--main--dev--alice.apps.test", good + ":080", good + ":",
		"8080--dev.apps.test", "x---public--alice.apps.test", "public----main--dev--alice.apps.test", good + ".:80"} {
		assert.Equal(t, http.StatusBadRequest, raw("GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"), host)
	}
	for _, line := range []string{"GET /../x HTTP/1.1", "GET /a/%2e%2E/b HTTP/1.1", "GET http://" + good + "/ HTTP/1.1", "GET http://u@" + good + "/ HTTP/1.1",
		`GET /a\b HTTP/1.1`, "CONNECT " + good + ":80 HTTP/1.1"} {
		assert.Equal(t, http.StatusBadRequest, raw(line+"\r\nHost: "+good+"\r\nConnection: close\r\n\r\n"), line)
	}
	for name, shape := range map[string]string{
		"two lengths":       "Content-Length: 3\r\nContent-Length: 4\r\n",
		"length and chunks": "Content-Length: 3\r\nTransfer-Encoding: chunked, x\r\n",
		"odd chunks":        "Transfer-Encoding: xchunked\r\n",
		"two hosts":         "Host: evil\r\n",
		"a space":           "Content-Length : 3\r\n",
	} {
		status := raw("POST / HTTP/1.1\r\nHost: " + good + "\r\nConnection: close\r\n" + shape + "\r\nabc")
		assert.True(t, status >= 400 && status < 600, "%s: %d", name, status)
	}
	assert.Zero(t, w.count())
	assert.Equal(t, http.StatusOK, raw("GET / HTTP/1.1\r\nHost: "+good+"\r\nConnection: close\r\n\r\n"))
}

// TestReuse: connections to an application are kept and used again.
func TestReuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := map[string]bool{}
	w.does(func(_ http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		from[r.RemoteAddr] = true
	})
	b := w.browser(nil)
	for range 20 {
		res, _ := b.get(w.url("public", "/"))
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	assert.Len(t, from, 1)
}

// TestNotes: an opening is noted once, and counts as use of the workspace.
func TestNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`update workspaces set last_used_at = now() - interval '1 day'`)
	b := w.browser(w.bob)
	for range 3 {
		res, _ := b.get(w.url("organization", "/"))
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	logs := coderdtest.Do[api.ConnectionLogResponse](t, w.root, http.StatusOK, http.MethodGet, "/api/v2/connectionlog?q=type:workspace_app", nil).ConnectionLogs
	require.Len(t, logs, 1)
	assert.Equal(t, "organization", logs[0].WebInfo.SlugOrPort)
	assert.Equal(t, "bob", logs[0].WebInfo.User.Username)
	assert.Equal(t, "main", logs[0].AgentName)
	eventually(t, "the workspace is used", func() bool {
		var used bool
		require.NoError(t, w.d.DB.Pool().QueryRow(t.Context(), `select last_used_at > now() - interval '1 hour' from workspaces`).Scan(&used))
		return used
	})
	var rows string
	require.NoError(t, w.d.DB.Pool().QueryRow(t.Context(), `select string_agg(distinct p.username || ' ' || u.slug_or_port || ' ' || u.access_form, ',')
		from application_usage u join users p on p.id = u.user_id`).Scan(&rows))
	assert.Equal(t, "bob organization subdomain", rows)
}

// TestBase: an application with a path and a query of its own.
func TestBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addApp("deep", api.WorkspaceApp{URL: "http://127.0.0.1:" + w.port + "/base/?folder=/home", SharingLevel: "public"})
	b := w.browser(nil)
	for path, want := range map[string]string{"/": "/base/?folder=/home", "/x": "/base/x", "/base/y?z": "/base/y?z", "/?a": "/base/?a"} {
		res, text := b.get(w.url("deep", path))
		require.Equal(t, http.StatusOK, res.StatusCode)
		assert.Equal(t, want, decodeEcho(t, text).URI, path)
	}
	var all bytes.Buffer
	for slug, app := range map[string]api.WorkspaceApp{"away": {URL: "https://example.com", External: true}, "cmd": {Command: "htop"},
		"far": {URL: "http://169.254.169.254/"}, "bad": {URL: "file:///etc/passwd"}, "low": {URL: "http://localhost:1"}} {
		app.SharingLevel = "public"
		w.addApp(slug, app)
		before := w.count()
		res, text := b.get(w.url(slug, "/"), "Accept", "text/html")
		assert.Equal(t, http.StatusNotFound, res.StatusCode, slug)
		assert.Equal(t, before, w.count(), slug)
		all.WriteString(text)
	}
	for _, why := range []string{"outside of the workspace", "is a command", "the host &#34;169.254.169.254&#34;", "not one of HTTP", "the port &#34;1&#34;",
		`<a href="https://example.com">`} {
		assert.Contains(t, all.String(), why)
	}
	assert.NotContains(t, all.String(), "htop", "what it is, those learn who may use the workspace")
	w.addApp("own", api.WorkspaceApp{Command: "htop"})
	res, text := w.browser(w.alice).get(w.url("own", "/"), "Accept", "text/html")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	assert.Contains(t, text, "coder ssh alice/dev): htop")
}
