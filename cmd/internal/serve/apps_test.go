//go:build linux

package serve_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// TestAppOfARealAgent: a port of a workspace is opened with a token, through the
// agent, and a closed one is told apart.
func TestAppOfARealAgent(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.Host, r.URL.Path)
	}))
	t.Cleanup(backend.Close)
	_, port, err := net.SplitHostPort(backend.Listener.Addr().String())
	require.NoError(t, err)
	s, c := demo(t, servetest.Options{Args: []string{"--wildcard-access-url", "*.apps.test"}})
	client := c.Client()
	get := func(host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL.String()+"/hello", nil)
		require.NoError(t, err)
		req.Host = host + ".apps.test"
		req.Header.Set(api.SessionTokenHeader, client.Token().Reveal())
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close() //nolint:errcheck // read to the end
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text)
	}
	host := port + "--demo--admin"
	// Editors in the workspace are told where ports are.
	uri := strings.TrimSpace(c.OK("ssh", "demo", "--", "echo $VSCODE_PROXY_URI"))
	require.Equal(t, "http://{{port}}--main--demo--admin.apps.test:"+s.URL.Port(), uri)
	status, text := get(strings.TrimSuffix(strings.Replace(uri, "{{port}}", port, 1)[len("http://"):], ".apps.test:"+s.URL.Port()))
	require.Equal(t, http.StatusOK, status, text)
	status, text = get(host)
	require.Equal(t, http.StatusOK, status, text)
	require.Equal(t, host+".apps.test /hello", text)
	backend.Close()
	status, text = get(host)
	require.Equal(t, http.StatusBadGateway, status, text)
}
