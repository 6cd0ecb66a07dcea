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
	h, err := site.Handler(`https://x.example/"><script>`, "v1.2.3")
	require.NoError(t, err)
	code, body := get(t, h, http.MethodGet, "/")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "v1.2.3")
	require.NotContains(t, body, "<script>")
}

func TestOnlyKnownPathsAreServed(t *testing.T) {
	t.Parallel()
	h, err := site.Handler("https://x.example", "v1")
	require.NoError(t, err)
	for path, want := range map[string]int{"/static/page.css": 200, "/static/icon.svg": 200, "/static/": 404,
		"/static/index.html": 404, "/static/../site.go": 404, "/nope": 404} {
		code, _ := get(t, h, http.MethodGet, path)
		require.Equal(t, want, code, path)
	}
	code, _ := get(t, h, http.MethodPost, "/")
	require.Equal(t, http.StatusMethodNotAllowed, code)
}
