//go:build linux

package serve_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// workspace returns a workspace as the person sees it.
func workspace(t *testing.T, c *servetest.CLI, name string) api.Workspace {
	t.Helper()
	var list []api.Workspace
	require.NoError(t, json.Unmarshal([]byte(c.OK("list", "-o", "json")), &list))
	for _, w := range list {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("there is no workspace %s", name)
	return api.Workspace{}
}

func agents(s *servetest.Server) (out []servetest.Process) {
	for _, p := range s.Processes() {
		if p.InWorkspace {
			out = append(out, p)
		}
	}
	return out
}

func TestWorkspaceLife(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c := s.Admin(t)
	c.PushStarter("host")
	c.OK("create", "demo", "--template", "host", "--use-parameter-defaults", "-y")

	r := c.Run("ssh", "demo", "--", "echo out; echo err >&2; exit 7")
	require.Equal(t, 7, r.Code)
	require.Equal(t, "out\n", r.Stdout)
	require.True(t, strings.HasSuffix(r.Stderr, "err\n"), "%q", r.Stderr)

	blob := make([]byte, 4<<20)
	_, _ = rand.Read(blob) // never fails
	r = c.Pipe(bytes.NewReader(blob), "ssh", "demo", "--", "cat")
	require.Zero(t, r.Code, r.Stderr)
	require.True(t, r.Stdout == string(blob), "%d bytes came back of %d", len(r.Stdout), len(blob))

	// What was started in the workspace ends with it, also what left its session.
	c.OK("ssh", "demo", "--", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & touch kept")
	require.GreaterOrEqual(t, len(agents(s)), 2)
	c.OK("stop", "demo", "-y")
	require.Empty(t, agents(s))
	require.Contains(t, c.Fails("ssh", "--disable-autostart", "demo", "true"), "stopped")
	c.OK("start", "demo", "-y")
	c.OK("ssh", "demo", "--", "test -e kept")
	c.OK("delete", "demo", "-y")
	require.Empty(t, agents(s))
	require.Contains(t, c.Fails("show", "demo"), "demo")
}

func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	admin := s.Admin(t)
	admin.PushStarter("host")
	admin.OK("create", "mine", "--template", "host", "--use-parameter-defaults", "-y")
	ann := s.User(t, admin, "ann")
	ann.OK("create", "hers", "--template", "host", "--use-parameter-defaults", "-y")
	require.Equal(t, "ann\n", ann.OK("ssh", "hers", "--", "echo $CODER_WORKSPACE_OWNER_NAME"))

	require.NotContains(t, ann.OK("list", "--all"), "mine")
	absent := ann.Fails("show", "admin/absent")
	for _, verb := range []string{"show", "ssh", "ping"} {
		r := ann.Fails(verb, "admin/mine")
		require.Equal(t, ann.Fails(verb, "admin/absent"), strings.ReplaceAll(r, "mine", "absent"))
	}
	require.Contains(t, absent, "admin/absent")

	// The routes themselves answer as for things that do not exist.
	mine := workspace(t, admin, "mine")
	agent := mine.LatestBuild.Resources
	var id api.ID
	for _, r := range agent {
		for _, a := range r.Agents {
			id = a.ID
		}
	}
	require.False(t, id.IsZero())
	stranger := ann.Client()
	for _, path := range []string{
		"/api/v2/workspaces/" + mine.ID.String(),
		"/api/v2/workspacebuilds/" + mine.LatestBuild.ID.String(),
		"/api/v2/workspacebuilds/" + mine.LatestBuild.ID.String() + "/state",
		"/api/v2/workspacebuilds/" + mine.LatestBuild.ID.String() + "/logs",
		"/api/v2/workspaceagents/" + id.String(),
		"/api/v2/workspaceagents/" + id.String() + "/coordinate",
		"/api/v2/workspaceagents/" + id.String() + "/logs",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL.String()+path, nil)
		require.NoError(t, err)
		req.Header = stranger.Header()
		res, err := stranger.HTTPClient().Do(req)
		require.NoError(t, err)
		_ = res.Body.Close()
		require.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
}
