package downloads_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // what is served
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/downloads"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// serve runs the routes over real HTTP with own as the server's executable.
func serve(t *testing.T, dir, own string) string {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := downloads.New(downloads.Options{Log: log, Dir: dir, CacheDir: t.TempDir(), AccessURL: "https://coder.example.com/x", Executable: own})
	require.NoError(t, err)
	router := chi.NewRouter()
	nobody := func(*http.Request) (context.Context, error) { return nil, errors.New("nobody signs in here") }
	a := httpapi.New(router, httpapi.Options{Version: "v1", Log: log, Session: nobody, Agent: nobody, Daemon: nobody})
	a.Handle(httpapi.Route{Method: http.MethodGet, Path: "/bin/{name}", Rule: rbac.Public()}, s.Binary(a))
	httpapi.Register(a, httpapi.Route{Method: http.MethodGet, Path: "/api/v2/init-script/{os}/{arch}", Rule: rbac.Public()}, s.HandleInitScript)
	srv := httptest.NewServer(router)
	t.Cleanup(srv.Close)
	return srv.URL
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(text)
}

func TestBinaries(t *testing.T) {
	t.Parallel()
	dir, own := t.TempDir(), filepath.Join(t.TempDir(), "self")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "coder-windows-arm64.exe"), []byte("windows program"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(own, []byte("own program"), 0o600))
	url := serve(t, dir, own)
	sum := sha1.Sum([]byte("windows program")) //nolint:gosec // see above
	etag := `"` + hex.EncodeToString(sum[:]) + `"`

	res, text := get(t, url+"/bin/coder-windows-arm64.exe")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "windows program", text)
	assert.Equal(t, etag, res.Header.Get("ETag"))
	assert.Equal(t, "15", res.Header.Get("X-Original-Content-Length"))
	res, _ = get(t, url+"/bin/coder-windows-arm64.exe", "If-None-Match", etag)
	assert.Equal(t, http.StatusNotModified, res.StatusCode)
	res, text = get(t, url+"/bin/coder-windows-arm64.exe", "Range", "bytes=8-")
	assert.Equal(t, http.StatusPartialContent, res.StatusCode)
	assert.Equal(t, "program", text)

	mine := "coder-" + runtime.GOOS + "-" + runtime.GOARCH
	_, text = get(t, url+"/bin/"+mine)
	assert.Equal(t, "own program", text, "the server's own executable is the last resort")
	_, text = get(t, url+"/bin/coder.sha1")
	assert.Contains(t, text, strings.Trim(etag, `"`)+"  coder-windows-arm64.exe\n")
	assert.Contains(t, text, mine)
	assert.NotContains(t, text, "secret")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "coder-windows-arm64.exe"), []byte("a newer windows program"), 0o600))
	res, _ = get(t, url+"/bin/coder-windows-arm64.exe", "If-None-Match", etag)
	assert.Equal(t, http.StatusOK, res.StatusCode, "a changed file has another sum")

	for _, name := range []string{"coder-darwin-arm64", "secret", "..%2Fsecret", "coder-linux-mips", "%2e%2e%2fsecret"} {
		res, text = get(t, url+"/bin/"+name)
		assert.Equal(t, http.StatusNotFound, res.StatusCode, name)
		assert.NotEqual(t, "x", text)
	}
	assert.Contains(t, text, mine, "a refusal names what there is")
}

func TestInitScripts(t *testing.T) {
	t.Parallel()
	url := serve(t, "", filepath.Join(t.TempDir(), "self"))
	res, text := get(t, url+"/api/v2/init-script/linux/arm64")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
	assert.True(t, strings.HasPrefix(text, "#!"), text)
	assert.Contains(t, text, "https://coder.example.com/x/bin/coder-linux-arm64")
	res, text = get(t, url+"/api/v2/init-script/plan9/amd64")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	assert.Contains(t, text, "linux/amd64")
}
