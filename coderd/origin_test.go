package coderd_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestNoRouteActsForOthers walks the route table: no route changes something, or opens
// a websocket, for a page of another site, with the cookie of who reads it or without;
// and none does for a page under another name of this server.
func TestNoRouteActsForOthers(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	do := func(method, path, host string, header ...string) (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), method, d.URL.String()+path, strings.NewReader("{}"))
		require.NoError(t, err)
		req.Host = host
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		if method == http.MethodGet {
			req.Body, req.ContentLength = http.NoBody, 0
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		defer res.Body.Close() //nolint:errcheck // read to the end
		if res.StatusCode == http.StatusSwitchingProtocols {
			return res.StatusCode, "", res.Header
		}
		text, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		require.NoError(t, err)
		return res.StatusCode, string(text), res.Header
	}
	cookie := api.SessionTokenCookie + "=" + owner.Token.Reveal()
	streams := 0
	for _, r := range d.Server.Routes() {
		name := r.Method + " " + r.Path
		path := placeholder.ReplaceAllStringFunc(r.Path, func(string) string { return api.NewID().String() })
		var upgrade []string
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			upgrade = []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
			streams++
		}
		for what, c := range map[string]struct {
			host   string
			header []string
		}{
			"another site":            {d.URL.Host, []string{"Origin", "https://evil.example"}},
			"another site's cookie":   {d.URL.Host, []string{"Origin", "https://evil.example", "Cookie", cookie}},
			"an application's cookie": {d.URL.Host, []string{"Origin", "http://8080--dev--bob.apps.test", "Sec-Fetch-Site", "same-site", "Cookie", cookie}},
			"a sandbox":               {d.URL.Host, []string{"Origin", "null", "Cookie", cookie}},
			"another name":            {"evil.example", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin", "Cookie", cookie}},
		} {
			status, text, header := do(r.Method, path, c.host, append(c.header, upgrade...)...)
			assert.Equal(t, http.StatusForbidden, status, "%s for %s: %s", name, what, text)
			assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), name)
			assert.Contains(t, header.Get("Content-Security-Policy"), "frame-ancestors 'none'", name)
		}
	}
	assert.Greater(t, streams, 50, "the walk found the routes")

	// Our own page, with the same cookie, gets past it.
	status, text, _ := do(http.MethodPost, "/api/v2/users/logout", d.URL.Host, "Origin", d.URL.String(), "Cookie", cookie)
	assert.Equal(t, http.StatusOK, status, text)
}

// TestFirstUserIsNotForPages: a deployment without users is set up by nobody's page
// but its own, whatever name leads to it.
func TestFirstUserIsNotForPages(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	body := `{"username":"mallory","email":"m@evil.example","password":"` + string(coderdtest.Password) + `"}`
	try := func(host string, header ...string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL.String()+"/api/v2/users/first", strings.NewReader(body))
		require.NoError(t, err)
		req.Host = host
		req.Header.Set("Content-Type", "text/plain") // as a form sends it
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	require.Equal(t, http.StatusForbidden, try(d.URL.Host, "Origin", "https://evil.example"))
	require.Equal(t, http.StatusForbidden, try(d.URL.Host, "Sec-Fetch-Site", "cross-site"))
	require.Equal(t, http.StatusForbidden, try("evil.example", "Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"))
	require.Equal(t, http.StatusCreated, try(d.URL.Host, "Origin", d.URL.String(), "Sec-Fetch-Site", "same-origin"))
}
