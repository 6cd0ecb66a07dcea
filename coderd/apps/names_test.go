package apps_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/coderdtest"
)

// again writes another workspace of alice, which has the same applications.
func (w *world) again(name string) {
	w.Helper()
	w.exec(`update templates set name = id::text`)
	w.exec(`update workspaces set name = 'kept' where name = 'dev'`)
	w.makeWorkspace()
	w.exec(`update workspaces set name = $1 where name = 'dev'`, name)
	w.exec(`update workspaces set name = 'dev' where name = 'kept'`)
}

// TestOldNames: a name of the first release leads to that of today, for those who may
// open it, and nothing is served by it.
func TestOldNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := func(label string) string { return "http://" + label + ".apps.test:" + w.d.URL.Port() + "/a%2Fb?c=d" }
	now := func(label string) string {
		return "http://" + label + "--dev--alice.apps.test:" + w.d.URL.Port() + "/a%2Fb?c=d"
	}
	nobody := w.browser(nil).once()
	res, _ := nobody.do(http.MethodPost, old("public--alice"), "x")
	require.Equal(t, http.StatusTemporaryRedirect, res.StatusCode)
	assert.Equal(t, now("public"), res.Header.Get("Location"), "what is public is known to everybody")
	for _, label := range []string{"owner--alice", "none--alice", w.port + "--dev-alice", w.port + "--none-alice", "owner--nobody"} {
		res, _ = nobody.get(old(label))
		require.Equal(t, http.StatusSeeOther, res.StatusCode, label)
		assert.Contains(t, res.Header.Get("Location"), "/api/v2/applications/auth-redirect?", "%s: who is nobody learns nothing", label)
		res, _ = nobody.do(http.MethodPost, old(label), "x")
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, label)
	}
	assert.Zero(t, w.count())
	for label, want := range map[string]string{"owner--alice": "owner", w.port + "--dev-alice": w.port} {
		res, text := w.browser(w.alice).get(old(label))
		require.Equal(t, http.StatusOK, res.StatusCode, text)
		assert.Equal(t, now(want), res.Request.URL.String())
		res, _ = w.browser(w.carol).get(old(label))
		assert.Equal(t, http.StatusNotFound, res.StatusCode, "%s: it is not shared with carol", label)
	}
	token := w.alice.Token.Reveal()
	res, _ = nobody.get(old("owner--alice"), api.SessionTokenHeader, token)
	assert.Equal(t, now("owner"), res.Header.Get("Location"), "programs are led too")
	res, _ = nobody.get(old("none--alice"), api.SessionTokenHeader, token)
	assert.Equal(t, http.StatusNotFound, res.StatusCode)

	// A second workspace makes one of the names mean two things.
	w.again("other")
	res, text := w.browser(w.alice).get(old("owner--alice"), "Accept", "text/html")
	require.Equal(t, http.StatusMultipleChoices, res.StatusCode)
	for _, label := range []string{"owner--dev", "owner--other"} {
		assert.Contains(t, text, `href="http://`+label+`--alice.apps.test`)
	}
	eventually(t, "a decision of a second ago is made again", func() bool {
		res, text = nobody.get(old("public--alice"), "Accept", "text/html")
		return res.StatusCode == http.StatusMultipleChoices
	})
	assert.Contains(t, text, "public of the workspace other of alice")
	_, text = nobody.get(old("public--alice"))
	assert.Contains(t, text, "\n  http://public--other--alice.apps.test", "programs see them too")
	res, _ = w.browser(w.alice).get(old(w.port + "--other-alice"))
	assert.Equal(t, http.StatusOK, res.StatusCode)
}

// TestOldNamesWithHyphens: every hyphen may be the one between workspace and person.
func TestOldNamesWithHyphens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`update workspaces set name = 'a-b'`)
	w.exec(`update users set username = 'c-d' where username = 'alice'`)
	res, _ := w.browser(w.alice).get("http://" + w.port + "--a-b-c-d.apps.test:" + w.d.URL.Port() + "/")
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, w.port+"--a-b--c-d.apps.test:"+w.d.URL.Port(), res.Request.URL.Host)
}

// TestPortsByPath: without a wildcard each person opens the ports of their own
// workspaces by path, in one spelling.
func TestPortsByPath(t *testing.T) {
	t.Parallel()
	site := "http://paths.test"
	on := func(c *coderdtest.Config) { c.Wildcard, c.PathAppsURL = "", site }
	w := newWorld(t, on)
	port := "/@alice/dev.main/apps/" + w.port
	alice := w.browser(w.alice)
	res, text := alice.get(w.d.URL.String() + "/%40Alice/dev.main/apps/" + w.port + "/x?y")
	require.Equal(t, http.StatusOK, res.StatusCode, text)
	assert.Equal(t, site+port+"/x?y", res.Request.URL.String())
	assert.Equal(t, "/x?y", decodeEcho(t, text).URI)
	res, _ = alice.once().get(site + port + "?q")
	assert.Equal(t, site+port+"/?q", res.Header.Get("Location"))
	coderdtest.Do[api.PortShare](t, w.alice, http.StatusOK, http.MethodPost, "/api/v2/workspaces/"+w.workspace.String()+"/port-share",
		api.UpsertPortShareRequest{AgentName: "main", Port: atoi(t, w.port), ShareLevel: api.ShareLevelPublic})
	before := w.count()
	for _, who := range []*coderdtest.Client{w.bob, w.root} {
		res, _ = w.browser(who).get(site + port + "/")
		assert.Equal(t, http.StatusNotFound, res.StatusCode, "a shared port is not shared on an origin of many")
	}
	for _, bad := range []string{"/@Alice/dev.main/apps/" + w.port + "/", "/%40alice/dev.main/apps/" + w.port + "/", "/@alice/dev.main/apps/0" + w.port + "/",
		"/@alice/dev.main/apps/+" + w.port + "/", "/@alice/dev.main/apps/" + w.port + "S/", "/@alice/dev.main/apps/8/", "/@alice/dev.main/apps/65536/",
		"/@alice/dev.MAIN/apps/" + w.port + "/", "/@alice/dev./apps/" + w.port + "/", "//@alice/dev.main/apps/" + w.port + "/", "/@alice/dev.main//apps/" + w.port + "/"} {
		res, _ = alice.once().get(site + bad)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, bad)
	}
	for _, host := range []string{"PATHS.test", "paths.test.", "paths.test:80", "paths.test:1234"} {
		res, _ = alice.once().get("http://" + host + port + "/")
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, host)
		res, _ = alice.once().get("http://" + host + "/api/v2/buildinfo")
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, "%s: the API is there in no spelling", host)
	}
	assert.Equal(t, before, w.count())

	res, text = alice.get(site+"/@alice/dev.main/apps/9/", "Accept", "text/plain")
	assert.Equal(t, http.StatusBadGateway, res.StatusCode)
	assert.Contains(t, text, "Nothing listens there")

	shared := newWorld(t, on, switches(func(o *apps.Options) { o.AllowPathSharing = true }))
	coderdtest.Do[api.PortShare](t, shared.alice, http.StatusOK, http.MethodPost, "/api/v2/workspaces/"+shared.workspace.String()+"/port-share",
		api.UpsertPortShareRequest{AgentName: "main", Port: atoi(t, shared.port), ShareLevel: api.ShareLevelPublic})
	res, _ = shared.browser(nil).get(site + "/@alice/dev.main/apps/" + shared.port + "/")
	assert.Equal(t, http.StatusOK, res.StatusCode)
}

// TestSockets: an application at a unix socket, beside others of the same agent.
func TestSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, err := os.MkdirTemp("", "sock") // short: a path of a socket is
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, name := range []string{"one", "two"} {
		path := filepath.Join(dir, name)
		l, err := net.Listen("unix", path)
		require.NoError(t, err)
		srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = rw.Write([]byte(name + " " + r.Host + r.RequestURI))
		})}} //nolint:gosec // a test
		srv.Start()
		t.Cleanup(srv.Close)
		w.addApp(name, api.WorkspaceApp{URL: "unix://" + path, SharingLevel: "public"})
	}
	b := w.browser(nil)
	for range 2 {
		for _, name := range []string{"one", "two"} {
			_, text := b.get(w.url(name, "/x?y"))
			assert.Equal(t, name+" "+w.host(name)+"/x?y", text, "a kept connection is used for its own application alone")
		}
	}
	w.addApp("gone", api.WorkspaceApp{URL: "unix://" + dir + "/gone", SharingLevel: "public"})
	res, text := b.get(w.url("gone", "/"), "Accept", "text/html")
	assert.Equal(t, http.StatusBadGateway, res.StatusCode)
	assert.Contains(t, text, dir+"/gone")
	for i, bad := range []string{"unix://host/x", "unix:/a/../b", "unix:relative", "unix:///", "unix:///a/", "unix:///a?b", "unix:///" + strings.Repeat("a", 107), "unix:///a%00b"} {
		slug := "bad" + string(rune('a'+i))
		w.addApp(slug, api.WorkspaceApp{URL: bad, SharingLevel: "public"})
		res, text = b.get(w.url(slug, "/"))
		assert.Equal(t, http.StatusNotFound, res.StatusCode, bad)
		assert.Contains(t, text, "a socket that is none", bad)
	}
}

// TestNoOpenRedirect: a path that begins with two slashes leads nowhere else.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.browser(w.alice)
	ticket := alice.begin(w.url("owner", "//evil.example/x?y"))
	res, _ := alice.once().get(ticket)
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	to, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, w.host("owner"), to.Host)
	res, text := alice.once().get(ticket, "Accept", "text/html")
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	assert.Contains(t, text, `href="http://`+w.host("owner")+`//evil.example/x"`)
	w.backend.Close()
	res, text = alice.once().get(w.url("public", "//evil.example/x"), "Accept", "text/html")
	require.Equal(t, http.StatusBadGateway, res.StatusCode)
	assert.NotContains(t, text, `href="//`)
}

func atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// TestModes: everybody who is signed in learns which ways there are, and why not the
// others.
func TestModes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  func(*coderdtest.Config)
		want map[api.AppModeName]string // the option that is named
		on   string
		path string
	}{
		"a wildcard": {func(c *coderdtest.Config) { c.Wildcard = "*.apps.test" }, map[api.AppModeName]string{"subdomain": "--wildcard-access-url is set", "path": "No --path-apps-url"}, "subdomain port-forward", ""},
		"neither":    {func(*coderdtest.Config) {}, map[api.AppModeName]string{"subdomain": "No --wildcard-access-url", "path": "No --path-apps-url"}, "port-forward", ""},
		"paths":      {func(c *coderdtest.Config) { c.PathAppsURL = "http://paths.test" }, map[api.AppModeName]string{"subdomain": "No --wildcard", "path": "their own alone"}, "path port-forward", "http://paths.test"},
		"paths, off": {func(c *coderdtest.Config) {
			c.PathAppsURL = "http://paths.test"
			switches(func(o *apps.Options) { o.DisablePathApps = true })(c)
		}, map[api.AppModeName]string{"path": "--disable-path-apps"}, "port-forward", "http://paths.test"},
		"paths, open": {func(c *coderdtest.Config) {
			c.PathAppsURL = "http://paths.test"
			switches(func(o *apps.Options) { o.AllowPathSharing = true })(c)
		}, map[api.AppModeName]string{"path": "--dangerous-allow-path-app-sharing"}, "path port-forward", "http://paths.test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := coderdtest.New(t, c.set)
			somebody := d.NewUser(t, d.FirstUser(t), "somebody")
			modes := coderdtest.Do[api.AppModes](t, somebody, http.StatusOK, http.MethodGet, "/api/v2/applications/modes", nil).Modes
			require.Len(t, modes, 3)
			for _, m := range modes {
				assert.Contains(t, m.Reason, c.want[m.Name])
				assert.Equal(t, contains(c.on, string(m.Name)), m.Enabled, m.Name)
				assert.True(t, m.Enabled || m.URL == "" && !m.Sharing, m.Name)
			}
			regions := coderdtest.Do[api.RegionsResponse](t, somebody, http.StatusOK, http.MethodGet, "/api/v2/regions", nil).Regions
			want := c.path
			if want == "" {
				want = d.URL.String()
			}
			assert.Equal(t, want, regions[0].PathAppURL)
		})
	}
}
