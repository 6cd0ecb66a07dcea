package apps_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/devurl"
)

// TestUnready: the page names the cause to those who may know it.
func TestUnready(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := func(as *coderdtest.Client, app string) (int, string) {
		res, text := w.browser(as).get(w.url(app, "/x"), "Accept", "text/html")
		return res.StatusCode, text
	}
	w.exec(`update workspace_agents set disconnected_at = last_connected_at`)
	status, text := page(w.alice, "owner")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, "The workspace does not answer")
	w.exec(`update workspace_agents set disconnected_at = null`)

	status, text = page(w.alice, "9")
	assert.Equal(t, http.StatusBadGateway, status)
	assert.Contains(t, text, "Nothing listens there")
	assert.NotContains(t, text, "looks again")
	w.addApp("late", api.WorkspaceApp{URL: "http://localhost:9", SharingLevel: "owner", Subdomain: true})
	status, text = page(w.alice, "late")
	assert.Equal(t, http.StatusBadGateway, status)
	assert.Contains(t, text, "This page looks again every few seconds.")
	status, text = page(w.alice, "none")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, text, "no application of this name")

	w.exec(`update workspace_builds set transition = 'stop'`)
	status, text = page(w.alice, "owner")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, "The workspace is stopped")
	assert.Contains(t, text, "Start it")
	status, _ = page(w.bob, "public")
	assert.Equal(t, http.StatusNotFound, status, "who may not use the workspace learns nothing")

	start := w.d.URL.String() + devurl.StartPath + "?" + url.Values{"workspace": {w.workspace.String()}, "redirect_uri": {w.url("owner", "/x")}}.Encode()
	res, text := w.browser(w.alice).get(start, "Accept", "text/html")
	require.Equal(t, http.StatusOK, res.StatusCode, text)
	assert.Contains(t, text, "Start dev")
	// With no-referrer a browser sends "Origin: null", and the form is refused.
	assert.Equal(t, "same-origin", res.Header.Get("Referrer-Policy"))
	var builds int
	require.NoError(t, w.d.DB.Pool().QueryRow(t.Context(), `select count(*) from workspace_builds`).Scan(&builds))
	assert.Equal(t, 1, builds, "a link starts nothing")
	form := url.Values{"workspace": {w.workspace.String()}, "redirect_uri": {w.url("owner", "/x")}}
	post := func(as *coderdtest.Client, origin string) *http.Response {
		res, _ := w.browser(as).once().do(http.MethodPost, w.d.URL.String()+devurl.StartPath, form.Encode(), "Origin", origin, "Content-Type", "application/x-www-form-urlencoded")
		return res
	}
	assert.Equal(t, http.StatusForbidden, post(w.alice, "http://"+w.host("public")).StatusCode)
	assert.Equal(t, http.StatusNotFound, post(w.bob, w.d.URL.String()).StatusCode)
	res = post(w.alice, w.d.URL.String())
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	assert.Equal(t, w.url("owner", "/x"), res.Header.Get("Location"))
	status, text = page(w.alice, "owner")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, "The workspace is starting")
}

// silent is an agent that is connected and says nothing.
type silent struct{}

func (silent) DialAgent(context.Context, api.ID, string, string) (net.Conn, error) {
	return nil, fmt.Errorf("dial agent: %w", context.DeadlineExceeded)
}

// TestSilentAgent: an agent that says nothing is no port that is closed.
func TestSilentAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *coderdtest.Config) { c.Streams = silent{} })
	res, text := w.browser(nil).get(w.url("public", "/"), "Accept", "text/html")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	assert.Contains(t, text, "The workspace does not answer")
}

// TestPathForm: on the access URL it leads elsewhere, or nowhere.
func TestPathForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := func(path string) string { return w.d.URL.String() + path }
	b := w.browser(w.alice).once()
	res, _ := b.get(at("/@Alice/dev.main/apps/public/a%2Fb?c"))
	assert.Equal(t, http.StatusTemporaryRedirect, res.StatusCode)
	assert.Equal(t, w.url("public", "/a%2Fb?c"), res.Header.Get("Location"))
	res, _ = b.get(at("/%40alice/dev/apps/public"))
	assert.Equal(t, "http://public--dev--alice.apps.test:"+w.d.URL.Port()+"/", res.Header.Get("Location"))
	for _, bad := range []string{"/@alice/dev/apps/Public/", "/@alice/dev/apps/public/%2e%2e/x", "/@al%69ce/dev/apps/public/", "/@alice/dev/apps/evil.example/"} {
		res, _ = b.get(at(bad))
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, bad)
	}
	assert.Zero(t, w.count())
	nowhere := newWorld(t, func(c *coderdtest.Config) { c.Wildcard = "" })
	res, text := nowhere.browser(nowhere.alice).get(nowhere.d.URL.String() + "/@alice/dev/apps/public/")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	assert.Contains(t, text, "--wildcard-access-url")
}

// TestPathSite: applications of one origin are for their owner alone.
func TestPathSite(t *testing.T) {
	t.Parallel()
	site := "http://paths.test"
	on := func(c *coderdtest.Config) { c.Wildcard, c.PathAppsURL = "", site }
	w := newWorld(t, on)
	alice := w.browser(w.alice)
	res, text := alice.get(w.d.URL.String() + "/@alice/dev/apps/public/x?y")
	require.Equal(t, http.StatusOK, res.StatusCode, text)
	assert.Equal(t, "paths.test", res.Request.URL.Host)
	got := decodeEcho(t, text)
	assert.Equal(t, "/x?y", got.URI)
	assert.Empty(t, got.Header["Cookie"])
	require.NotEmpty(t, alice.cookie(site, "coder_path_app_session_token"))
	w.does(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Add("Set-Cookie", "a=1; Path=/")
		rw.Header().Set("Service-Worker-Allowed", "/")
	})
	res, _ = alice.get(site + "/@alice/dev/apps/public/")
	assert.Equal(t, []string{"a=1; Path=/@alice/dev/apps/public/"}, res.Header["Set-Cookie"])
	assert.Empty(t, res.Header.Get("Service-Worker-Allowed"))
	for _, who := range []*coderdtest.Client{w.bob, w.root} {
		res, _ = w.browser(who).get(site + "/@alice/dev/apps/public/")
		assert.Equal(t, http.StatusNotFound, res.StatusCode)
	}
	res, _ = alice.get(site + "/api/v2/buildinfo")
	assert.Equal(t, http.StatusBadRequest, res.StatusCode, "the API is not there")

	shared := newWorld(t, on, switches(func(o *apps.Options) { o.AllowPathSharing = true }))
	res, _ = shared.browser(shared.bob).get(site + "/@alice/dev/apps/organization/")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	owners := newWorld(t, on, switches(func(o *apps.Options) { o.AllowPathOwners = true }))
	res, _ = owners.browser(owners.root).get(site + "/@alice/dev/apps/owner/")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	off := newWorld(t, on, switches(func(o *apps.Options) { o.DisablePathApps = true }))
	res, _ = off.browser(off.alice).get(site + "/@alice/dev/apps/owner/")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
}

// TestShares: what is refused says what to give instead.
func TestShares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/api/v2/workspaces/" + w.workspace.String() + "/port-share"
	ok := api.UpsertPortShareRequest{AgentName: "MAIN", Port: 8080, ShareLevel: api.ShareLevelOrganization, Protocol: api.PortHTTPS}
	share := coderdtest.Do[api.PortShare](t, w.alice, http.StatusOK, http.MethodPost, path, ok)
	want := api.PortShare{WorkspaceID: w.workspace, AgentName: "main", Port: 8080, ShareLevel: api.ShareLevelOrganization, Protocol: api.PortHTTPS}
	assert.Equal(t, want, share)
	assert.Equal(t, []api.PortShare{want}, coderdtest.Do[api.PortShares](t, w.alice, http.StatusOK, http.MethodGet, path, nil).Shares)
	for field, set := range map[string]func(*api.UpsertPortShareRequest){"port": func(r *api.UpsertPortShareRequest) { r.Port = 8 },
		"agent_name": func(r *api.UpsertPortShareRequest) { r.AgentName = "none" }, "share_level": func(r *api.UpsertPortShareRequest) { r.ShareLevel = "all" },
		"protocol": func(r *api.UpsertPortShareRequest) { r.Protocol = "ftp" }} {
		bad := ok
		set(&bad)
		res, text := w.alice.Raw(t, http.MethodPost, path, bad)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
		assert.Contains(t, string(text), `"`+field+`"`)
	}
	res, _ := w.bob.Raw(t, http.MethodPost, path, ok)
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	coderdtest.Do[api.Response](t, w.alice, http.StatusOK, http.MethodDelete, path, api.DeletePortShareRequest{AgentName: "main", Port: 8080})
	res, _ = w.alice.Raw(t, http.MethodDelete, path, api.DeletePortShareRequest{AgentName: "main", Port: 8080})
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
}
