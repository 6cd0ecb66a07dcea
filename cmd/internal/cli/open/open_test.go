package open_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
)

const secret = "klmnopqrst-9876543210987654321098"

// desk is a signed-in computer and how many sessions it made and ended.
type desk struct {
	*clitest.CLI
	made, ended atomic.Int32
}

func newDesk(t *testing.T, wildcard string, set ...func(*api.Workspace)) *desk {
	t.Helper()
	agent := api.WorkspaceAgent{ID: api.NewID(), Name: "main", Status: api.AgentConnected, OperatingSystem: "linux", ExpandedDirectory: "/home/alice",
		Apps: []api.WorkspaceApp{
			{Slug: "code", Subdomain: true, SubdomainName: "code--main--dev--Alice"},
			{Slug: "files"},
			{Slug: "top", Command: "htop"},
			{Slug: "wiki", External: true, URL: "https://wiki.example/a?b=c"},
			{Slug: "ide", External: true, URL: "jetbrains://open?token=$SESSION_TOKEN"},
			{Slug: "thief", External: true, URL: "https://evil.example/?t=$SESSION_TOKEN"},
			{Slug: "script", External: true, URL: "javascript:alert(1)"},
			{Slug: "option", External: true, URL: "--help"},
		}}
	ws := api.Workspace{ID: api.NewID(), Name: "dev", OwnerName: "Alice", LatestBuild: api.WorkspaceBuild{Status: api.WorkspaceRunning,
		Resources: []api.WorkspaceResource{{Agents: []api.WorkspaceAgent{agent}}}}}
	for _, s := range set {
		s(&ws)
	}
	d := &desk{}
	regions := func(w http.ResponseWriter, r *http.Request) {
		clitest.JSON(http.StatusOK, api.RegionsResponse{Regions: []api.DeploymentRegion{
			{Name: "primary", PathAppURL: "http://" + r.Host, WildcardHostname: wildcard},
			{Name: "far", PathAppURL: "https://far.example/", WildcardHostname: "*--apps.far.example:8443"}}})(w, r)
	}
	d.CLI = clitest.Signed(t, map[string]http.HandlerFunc{
		"GET /api/v2/users/me/workspace/dev": clitest.JSON(http.StatusOK, ws),
		"GET /api/v2/workspaces/{id}":        clitest.JSON(http.StatusOK, ws),
		"GET /api/v2/workspaces":             clitest.JSON(http.StatusOK, api.WorkspacesResponse{Workspaces: []api.Workspace{ws, {Name: "docs"}, {Name: "x\x1b[2J"}}, Count: 3}),
		"GET /api/v2/regions":                regions,
		"POST /api/v2/users/me/keys": func(w http.ResponseWriter, r *http.Request) {
			d.made.Add(1)
			clitest.JSON(http.StatusCreated, api.GenerateKeyResponse{Key: secret})(w, r)
		},
		"PUT /api/v2/users/me/keys/klmnopqrst/expire": func(w http.ResponseWriter, _ *http.Request) {
			d.ended.Add(1)
			w.WriteHeader(http.StatusNoContent)
		},
	})
	d.Env["CODER_NO_OPEN"] = "true"
	return d
}

// link runs a command that prints one.
func (d *desk) link(t *testing.T, args ...string) *url.URL {
	t.Helper()
	r := d.Run(args...)
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "was not opened")
	u, err := url.Parse(strings.TrimSuffix(r.Stdout, "\n"))
	require.NoError(t, err)
	return u
}

func TestAppLinks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "*.apps.example:3000")
	require.Equal(t, "http://code--main--dev--alice.apps.example:3000/", d.link(t, "open", "app", "dev", "code").String())
	require.Equal(t, "https://code--main--dev--alice--apps.far.example:8443/", d.link(t, "open", "app", "dev", "code", "--region", "far").String())
	d.Env["CODER_OPEN_APP_REGION"] = "far"
	require.Equal(t, "https://far.example/@Alice/dev.main/apps/files/", d.link(t, "open", "app", "dev.main", "files").String())
	delete(d.Env, "CODER_OPEN_APP_REGION")
	require.Equal(t, "/@Alice/dev.main/terminal?app=top", d.link(t, "open", "app", "dev", "top").RequestURI())
	require.Equal(t, "https://wiki.example/a?b=c", d.link(t, "open", "app", "dev", "wiki").String())
	require.Zero(t, d.made.Load())
}

func TestAppRefusals(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no such app":     {[]string{"dev", "none"}, `has no application "none"; it has code, files, top`},
		"no such region":  {[]string{"dev", "files", "--region", "moon"}, `no region "moon"; there are: primary, far`},
		"no wildcard":     {[]string{"dev", "code"}, "--wildcard-access-url"},
		"session for all": {[]string{"dev", "thief"}, "for a web site"},
		"script":          {[]string{"dev", "script"}, "must not choose its scheme"},
		"an option":       {[]string{"dev", "option"}, "no URL with a scheme"},
		"no slug":         {[]string{"dev"}, "missing argument <app slug>"},
		"no workspace":    {[]string{"gone", "code"}, "There is no workspace gone"},
		"no such agent":   {[]string{"dev.gpu", "code"}, `no agent "gpu"; it has main`},
	} {
		r := d.Run(append([]string{"open", "app"}, c.args...)...)
		assert.NotZero(t, r.Code, name)
		assert.Contains(t, r.Stderr, c.want, name)
		assert.Empty(t, r.Stdout, name)
	}
	require.Zero(t, d.made.Load())
	stopped := newDesk(t, "", func(w *api.Workspace) {
		w.LatestBuild.Status = api.WorkspaceStopped
		w.LatestBuild.Job.Status = api.JobSucceeded
	})
	require.Contains(t, stopped.Run("open", "app", "dev", "files").Stderr, "coder start dev")
}

// TestSessionOfALinkEnds: a link with a session that cannot be opened is not shown,
// and the session ends.
func TestSessionOfALinkEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	r := d.Run("open", "app", "dev", "ide")
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stderr, "so it is not printed")
	require.NotContains(t, r.Stderr+r.Stdout, secret)
	require.Equal(t, int32(1), d.made.Load())
	require.Equal(t, int32(1), d.ended.Load())
}

func TestVSCodeLinks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for dir, want := range map[string]string{"": "/home/alice", ".": "/home/alice", "src/../lib": "/home/alice/lib", "/srv/": "/srv"} {
		args := []string{"open", "vscode", "dev"}
		if dir != "" {
			args = append(args, dir)
		}
		u := d.link(t, args...)
		q := u.Query()
		assert.Equal(t, "vscode://coder.coder-remote/open", u.Scheme+"://"+u.Host+u.Path)
		assert.Equal(t, []string{"Alice", "dev", "main", want}, []string{q.Get("owner"), q.Get("workspace"), q.Get("agent"), q.Get("folder")}, dir)
		assert.True(t, strings.HasPrefix(q.Get("url"), "http://127.0.0.1:"))
		assert.False(t, q.Has("token"))
	}
	require.Zero(t, d.made.Load())
	require.Equal(t, secret, d.link(t, "open", "vscode", "dev", "--generate-token").Query().Get("token"))
	for dir, want := range map[string]string{"~/x": "home directory", "a\nb": "control characters"} {
		r := d.Run("open", "vscode", "dev", dir)
		assert.NotZero(t, r.Code)
		assert.Contains(t, r.Stderr, want)
	}
	require.Contains(t, d.Run("open", "vscode", "dev", "a", "b").Stderr, `unexpected argument "b"`)

	none := newDesk(t, "", func(w *api.Workspace) { w.LatestBuild.Resources[0].Agents[0].ExpandedDirectory = "" })
	require.Contains(t, none.Run("open", "vscode", "dev", "src").Stderr, "Agent main has no directory")
	require.Equal(t, "true", none.link(t, "open", "vscode", "dev").Query().Get("openRecent"))
}

func TestInsideAWorkspace(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	d.Env["CODER"], d.Env["CODER_NO_OPEN"], d.Env["DISPLAY"] = "true", "", ":0"
	r := d.Run("open", "app", "dev", "files")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "this is a workspace")
	require.Contains(t, r.Stdout, "/@Alice/dev.main/apps/files/")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	require.Equal(t, "dev\ndocs\n:4\n", d.Run("__complete", "open", "app", "d").Stdout)
	require.Equal(t, "top\nthief\n:4\n", d.Run("__complete", "open", "app", "dev", "t").Stdout)
	require.Equal(t, ":4\n", d.Run("__complete", "open", "app", "gone", "t").Stdout)
	require.Equal(t, "dev\ndocs\n:4\n", d.Run("__complete", "open", "vscode", "").Stdout)
}
