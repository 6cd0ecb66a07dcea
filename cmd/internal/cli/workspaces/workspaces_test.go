package workspaces_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/internal/wsconn"
)

// deployment has one template with one parameter, and one workspace.
type deployment struct {
	job     api.ProvisionerJob
	ws      api.Workspace
	created api.CreateWorkspaceRequest
	build   api.CreateWorkspaceBuildRequest
	builds  atomic.Int32
}

func (d *deployment) routes(t *testing.T) map[string]http.HandlerFunc {
	d.ws.ID, d.ws.Name, d.ws.OwnerName, d.ws.TemplateName = api.NewID(), "ws", "alice", "host"
	build := func() api.WorkspaceBuild {
		return api.WorkspaceBuild{ID: api.NewID(), WorkspaceName: "ws", Transition: d.build.Transition, Job: d.job, BuildNumber: 3}
	}
	return map[string]http.HandlerFunc{
		"GET /api/v2/organizations/default/templates/host": clitest.JSON(200, api.Template{ID: api.NewID(), Name: "host", ActiveVersionID: api.NewID()}),
		"GET /api/v2/templateversions/{id}/rich-parameters": clitest.JSON(200, []api.TemplateVersionParameter{
			{Name: "cpus", Type: "number", Mutable: true, Required: true}}),
		"POST /api/v2/templateversions/{id}/dynamic-parameters/evaluate": clitest.JSON(200, api.DynamicParametersResponse{
			Parameters: []api.PreviewParameter{{Name: "cpus", Type: "number", Mutable: true, Required: true}}}),
		"POST /api/v2/users/{user}/workspaces": func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&d.created))
			d.build.Transition = api.TransitionStart
			ws := d.ws
			ws.LatestBuild = build()
			clitest.JSON(201, ws)(w, r)
		},
		"GET /api/v2/users/me/workspace/ws": func(w http.ResponseWriter, r *http.Request) { clitest.JSON(200, d.ws)(w, r) },
		"POST /api/v2/workspaces/{id}/builds": func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&d.build))
			d.builds.Add(1)
			clitest.JSON(201, build())(w, r)
		},
		"GET /api/v2/workspacebuilds/{id}": func(w http.ResponseWriter, r *http.Request) { clitest.JSON(200, build())(w, r) },
		"GET /api/v2/workspacebuilds/{id}/state/resources": clitest.JSON(200, []api.WorkspaceStateResource{
			{Address: "docker_volume.home", Type: "docker_volume", Name: "home", ResourceID: "vol-1"}}),
		"GET /api/v2/workspacebuilds/{id}/logs": func(w http.ResponseWriter, r *http.Request) {
			ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
			require.NoError(t, err)
			at := time.Now()
			for i, stage := range []string{"Starting", "Applying"} {
				require.NoError(t, ws.Write(r.Context(), api.ProvisionerJobLog{ID: int64(i + 1), Stage: stage, CreatedAt: at.Add(time.Duration(i) * 400 * time.Millisecond)}))
			}
			_ = ws.Close(wsconn.CodeNormal, "")
		},
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	d := &deployment{job: api.ProvisionerJob{Status: api.JobSucceeded}}
	c := clitest.Signed(t, d.routes(t))
	require.Contains(t, c.Run("create", "ws", "-t", "host", "-y").Stderr, "--parameter cpus=")
	require.Contains(t, c.Run("create", "ws", "-t", "host", "--parameter", "cpus=2").Stderr, "--yes")
	r := c.Run("create", "ws", "-t", "host", "--parameter", "cpus=2", "-y", "--stop-after", "1h")
	require.Zero(t, r.Code, r.Stderr)
	require.Regexp(t, `(?m)^✓ Starting +0\.4s\n✓ Applying +0\.0s\nws is running\. \(\d+\.\ds\) Open a shell with: coder ssh ws\n$`, r.Stdout)
	require.Equal(t, []api.ParameterValue{{Name: "cpus", Value: "2"}}, d.created.ParameterValues)
	require.EqualValues(t, 3_600_000, *d.created.TTLMillis)

	d.job = api.ProvisionerJob{Status: api.JobFailed, Error: "terraform apply: boom\n  on main.tf line 3"}
	r = c.Run("create", "ws", "-t", "host", "--parameter", "cpus=2", "-y")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "but its build did not succeed: The build failed: terraform apply: boom\n    on main.tf line 3\n")
	for _, bad := range []string{"-x", "new", "a/b/c", "this-name-is-longer-than-thirty-two-characters"} {
		require.Equal(t, 1, c.Run("create", "-t", "host", "-y", "--", bad).Code, bad)
	}
	require.Contains(t, c.Run("create", "ws", "-t", "nope", "-y").Stderr, "There is no template nope")
}

func TestStopStartDelete(t *testing.T) {
	t.Parallel()
	d := &deployment{job: api.ProvisionerJob{Status: api.JobSucceeded}}
	c := clitest.Signed(t, d.routes(t))
	d.ws.LatestBuild.Status = api.WorkspaceRunning
	require.Contains(t, c.Run("start", "ws").Stdout, "running already")
	require.Contains(t, c.Run("stop", "ws").Stderr, "--yes")
	require.Zero(t, d.builds.Load())
	require.Contains(t, c.Run("stop", "ws", "-y").Stdout, "ws is stopped.")
	require.Equal(t, api.TransitionStop, d.build.Transition)
	d.ws.LatestBuild.Status = api.WorkspaceStopped
	require.Contains(t, c.Run("start", "ws", "--no-wait").Stdout, "coder logs -f ws")
	require.Equal(t, api.TransitionStart, d.build.Transition)
	r := c.Run("delete", "ws", "-y", "--orphan")
	require.Contains(t, r.Stderr, "These will not be destroyed:")
	require.Regexp(t, `TYPE +NAME +ID\ndocker_volume +home +vol-1`, r.Stderr)
	require.Regexp(t, `was deleted[^\n]*\nNobody looks after these any more:\nTYPE +NAME +ID\ndocker_volume +home +vol-1`, r.Stdout)
	require.True(t, d.build.Orphan)
	require.EqualValues(t, 3, d.builds.Load())
}

func TestListPagesAndColumns(t *testing.T) {
	t.Parallel()
	const total = 250
	var requests atomic.Int32
	c := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/workspaces": func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		require.Equal(t, "owner:me", r.URL.Query().Get("q"))
		from, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		out := api.WorkspacesResponse{Count: total}
		for i := from; i < min(from+limit, total); i++ {
			out.Workspaces = append(out.Workspaces, api.Workspace{Name: "w" + strconv.Itoa(i), OwnerName: "alice"})
		}
		clitest.JSON(200, out)(w, r)
	}})
	var rows []api.Workspace
	require.NoError(t, json.Unmarshal([]byte(c.Run("list", "-o", "json").Stdout), &rows))
	require.Len(t, rows, total)
	require.EqualValues(t, 3, requests.Load())
	require.Contains(t, c.Run("list", "-c", "workspace").Stdout, "WORKSPACE\nalice/w0\n")

	empty := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/workspaces": clitest.JSON(200, api.WorkspacesResponse{})})
	r := empty.Run("list")
	require.Contains(t, r.Stderr, "coder create <name>")
	require.Equal(t, "[]\n", empty.Run("list", "-o", "json").Stdout)
}
