package site

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func dist() fstest.MapFS {
	return fstest.MapFS{
		"index.html":          file("<head>" + baseTag + "</head>"),
		"index.html.br":       file("page in br"),
		"terminal.html":       file("<head>" + baseTag + rendererTag + "</head>"),
		"terminal.html.br":    file("terminal in br"),
		"theme.js":            file("theme"),
		"assets/a-1234.js":    file("script"),
		"assets/a-1234.js.gz": file("script in gz"),
		"assets/a-1234.js.br": file("script in br"),
		"assets/f-1234.woff2": file("font"),
	}
}

func ask(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "script-src 'self';")
	if where, _, _ := strings.Cut(path, "?"); !terminalPath.MatchString(where) {
		require.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe")
	}
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	return w
}

func TestDashboardFiles(t *testing.T) {
	t.Parallel()
	h, err := newDashboard(dist(), Options{Base: "/"})
	require.NoError(t, err)
	for _, c := range []struct {
		path, accept, body, form, cache string
		code                            int
	}{
		{"/", "", "<head>" + baseTag + "</head>", "", "no-cache", 200},
		{"/", "gzip, br", "page in br", "br", "no-cache", 200},
		{"/index.html", "br;q=0", "<head>" + baseTag + "</head>", "", "no-cache", 200},
		{"/@alice/dev?tab=builds", "", "<head>" + baseTag + "</head>", "", "no-cache", 200},
		{"/static/../../etc/passwd", "", "<head>" + baseTag + "</head>", "", "no-cache", 200},
		{"/terminal", "br", "page in br", "br", "no-cache", 200},
		{"/@alice/dev/terminal", "br", "terminal in br", "br", "no-cache", 200},
		{"/@alice/dev.main/terminal?command=vim", "br", "terminal in br", "br", "no-cache", 200},
		{"/@alice/dev/x/terminal", "br", "page in br", "br", "no-cache", 200},
		{"/terminal.html", "br", "page in br", "br", "no-cache", 200},
		{"/theme.js", "br", "theme", "", "no-cache", 200},
		{"/assets/a-1234.js", "", "script", "", "public, max-age=31536000, immutable", 200},
		{"/assets/a-1234.js", "gzip", "script in gz", "gzip", "public, max-age=31536000, immutable", 200},
		{"/assets/a-1234.js", "gzip;q=1.0, BR;q=0.1", "script in br", "br", "public, max-age=31536000, immutable", 200},
		{"/assets/a-1234.js.br", "", "404 page not found\n", "", "no-store", 404},
		{"/assets/old-9999.js", "", "404 page not found\n", "", "no-store", 404},
		{"/icon/code.svg", "", "404 page not found\n", "", "no-store", 404},
	} {
		w := ask(t, h, http.MethodGet, c.path, "Accept-Encoding", c.accept)
		require.Equal(t, c.code, w.Code, c.path)
		require.Equal(t, c.body, w.Body.String(), c.path)
		require.Equal(t, c.form, w.Header().Get("Content-Encoding"), c.path)
		require.Equal(t, c.cache, w.Header().Get("Cache-Control"), c.path)
	}
	require.Equal(t, "font/woff2", ask(t, h, http.MethodGet, "/assets/f-1234.woff2").Header().Get("Content-Type"))
	require.Equal(t, http.StatusMethodNotAllowed, ask(t, h, http.MethodPost, "/").Code)
	require.Empty(t, ask(t, h, http.MethodHead, "/").Body.String())
}

func TestDashboardIsNotSentTwice(t *testing.T) {
	t.Parallel()
	h, err := newDashboard(dist(), Options{Base: "/"})
	require.NoError(t, err)
	plain := ask(t, h, http.MethodGet, "/").Header().Get("ETag")
	packed := ask(t, h, http.MethodGet, "/", "Accept-Encoding", "br").Header().Get("ETag")
	require.NotEqual(t, plain, packed, "the forms differ, so must their tags")
	require.Equal(t, http.StatusNotModified, ask(t, h, http.MethodGet, "/x", "If-None-Match", plain).Code)
	require.Equal(t, http.StatusOK, ask(t, h, http.MethodGet, "/x", "If-None-Match", packed).Code)
	require.Equal(t, "page in br", ask(t, h, http.MethodGet, "/", "Accept-Encoding", "br", "Range", "bytes=0-3").Body.String())
}

func TestDashboardBelowAPath(t *testing.T) {
	t.Parallel()
	h, err := newDashboard(dist(), Options{Base: `/team/"x"/`})
	require.NoError(t, err)
	w := ask(t, h, http.MethodGet, "/workspaces", "Accept-Encoding", "br")
	require.Equal(t, `<head><base href="/team/&#34;x&#34;/"></head>`, w.Body.String())
	require.Empty(t, w.Header().Get("Content-Encoding"))
}

func TestDashboardThatWasNotBuilt(t *testing.T) {
	t.Parallel()
	_, err := newDashboard(fstest.MapFS{"assets/a.js": file("x")}, Options{Base: "/"})
	require.ErrorContains(t, err, "make site")
}

// TestTerminalPolicy: the document of terminals may write styles, and is as strict as
// the others in all else.
func TestTerminalPolicy(t *testing.T) {
	t.Parallel()
	h, err := newDashboard(dist(), Options{Base: "/", CSP: []string{"img-src https://img.example.com"}})
	require.NoError(t, err)
	page := ask(t, h, http.MethodGet, "/@alice/dev").Header().Get("Content-Security-Policy")
	terminal := ask(t, h, http.MethodGet, "/@alice/dev.main/terminal").Header().Get("Content-Security-Policy")
	require.Contains(t, page, "https://img.example.com")
	require.Equal(t, page, strings.Replace(terminal, " 'unsafe-inline'", "", 1))
	require.Contains(t, terminal, "style-src 'self' 'unsafe-inline';")
}

func TestTerminalRenderer(t *testing.T) {
	t.Parallel()
	h, err := newDashboard(dist(), Options{Base: "/team/", Renderer: "dom"})
	require.NoError(t, err)
	require.Equal(t, `<head><base href="/team/"><meta name="terminal-renderer" content="dom"></head>`,
		ask(t, h, http.MethodGet, "/@alice/dev/terminal", "Accept-Encoding", "br").Body.String())
}
