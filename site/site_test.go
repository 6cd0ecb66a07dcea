package site_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/site"
)

func get(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	return w.Code, string(body)
}

func TestLandingPageEscapesWhatItShows(t *testing.T) {
	t.Parallel()
	h, err := site.Handler(site.Options{AccessURL: `https://x.example/"><script>`, Version: "v1.2.3"})
	require.NoError(t, err)
	code, body := get(t, h, http.MethodGet, "/")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "v1.2.3", nil)
	require.NotContains(t, body, "<script>")
}

func TestOnlyKnownPathsAreServed(t *testing.T) {
	t.Parallel()
	h, err := site.Handler(site.Options{AccessURL: "https://x.example", Version: "v1"})
	require.NoError(t, err)
	for path, want := range map[string]int{"/static/page.css": 200, "/static/icon.svg": 200, "/static/": 404,
		"/static/index.html": 404, "/static/../site.go": 404, "/nope": 404} {
		code, _ := get(t, h, http.MethodGet, path)
		require.Equal(t, want, code, path)
	}
	code, _ := get(t, h, http.MethodPost, "/")
	require.Equal(t, http.StatusMethodNotAllowed, code)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	plain, err := site.Policy(nil)
	require.NoError(t, err)
	require.NotContains(t, plain, "unsafe")
	got, err := site.Policy([]string{"img-src https://a.example", "frame-ancestors  https://b.example 'self'", "media-src 'self'", "img-src https://c.example"})
	require.NoError(t, err)
	require.Equal(t, "default-src 'none'; style-src 'self'; img-src 'self' https://a.example https://c.example; base-uri 'none'; "+
		"form-action 'none'; frame-ancestors https://b.example 'self'; media-src 'self'", got)
	again, err := site.Policy(nil)
	require.NoError(t, err)
	require.Equal(t, plain, again, "nothing is kept")
	for _, bad := range []string{"", "img-src", "img-src a; script-src *", "img-src a,b", "Img-src a", "img-src a\r\nX: y", "img-src ü", "img_src a"} {
		_, err := site.Policy([]string{bad})
		require.Error(t, err, "%q", bad)
	}
}
