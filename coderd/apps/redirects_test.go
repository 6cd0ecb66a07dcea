package apps_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/devurl"
)

// TestRedirectParameters: no parameter that says where to go on leads out of the
// deployment, however it is spelt.
func TestRedirectParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice).once()
	good := w.url("owner", "/")
	at := w.d.URL.String()
	for _, evil := range []string{"//evil.example", `\\evil.example`, `/\evil.example`, `\/evil.example`, "///evil.example", "/\t/evil.example", "/\r\n/evil.example", " //evil.example", "https:evil.example",
		"https:/evil.example", "http:evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "\x01javascript:alert(1)", "data:text/html,x", "https://evil.example", "https://" + w.host("owner") + "@evil.example/",
		good[:len(good)-1] + "@evil.example/", good[:len(good)-1] + ".evil.example/", "http://evil.example#" + good, "http://evil.example?" + good, "http://evil.example\\@" + w.host("owner") + "/", good + "\r\nSet-Cookie: a=b",
		good + "\x00", good + `..\..`, "http://" + w.host("owner") + ":80/", "http://[" + w.host("owner") + "]/", strings.Replace(good, "http", "HTTP", 1), good + "?\u00e9", "http://owner--main--dev--alice%2eapps.test/",
		"http://" + strings.ToUpper(w.host("owner")) + "/", "/", "", "/login?redirect=//evil.example", "x", "%2f%2fevil.example", "%68ttp://evil.example"} {
		q := url.Values{"redirect": {evil}, "redirect_uri": {evil}, "workspace": {w.workspace.String()}, "state": {"x"}}
		res, text := alice.get(at+"/login?"+q.Encode(), "Accept", "text/html")
		require.Equal(t, http.StatusOK, res.StatusCode)
		assert.Contains(t, text, `name="redirect" value="/"`, "%q", evil)
		for _, path := range []string{devurl.RedirectPath, devurl.StartPath} {
			res, text = alice.get(at + path + "?" + q.Encode())
			assert.Equal(t, http.StatusBadRequest, res.StatusCode, "%s %q: %s", path, evil, text)
			assert.Empty(t, res.Header.Get("Location"))
		}
		res, _ = alice.do(http.MethodPost, at+devurl.StartPath, q.Encode(), "Origin", at, "Content-Type", "application/x-www-form-urlencoded")
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, "%q", evil)
	}
	// What the page to sign in takes leads to the next that checks.
	for _, evil := range []string{"https://evil.example/", "//evil.example"} {
		to := devurl.RedirectPath + "?redirect_uri=" + url.QueryEscape(evil)
		_, text := alice.get(at+"/login?redirect="+url.QueryEscape(to), "Accept", "text/html")
		assert.NotContains(t, text, "form-action 'self' https://evil")
		res, _ := alice.get(at + to)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	}
	var builds int
	require.NoError(t, w.d.DB.Pool().QueryRow(t.Context(), `select count(*) from workspace_builds`).Scan(&builds))
	assert.Equal(t, 1, builds)
	assert.Zero(t, w.count())
}
