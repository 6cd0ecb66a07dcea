package workspaces_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/internal/wsconn"
)

// keeping is a deployment whose running workspace is outdated and has a volume
// that a stop keeps. The plan of its update has changes.
func keeping(t *testing.T, changes ...api.ResourceChange) (*deployment, *clitest.CLI, *int) {
	d := &deployment{job: api.ProvisionerJob{Status: api.JobSucceeded}}
	routes := d.routes(t)
	plans := new(int)
	plan := api.WorkspacePlan{Job: api.ProvisionerJob{ID: api.NewID(), Status: api.JobSucceeded}, Changes: changes, Resources: []api.WorkspaceResource{}}
	routes["POST /api/v2/workspaces/{id}/plan"] = func(w http.ResponseWriter, r *http.Request) {
		var req api.PlanWorkspaceRequest
		require.NoError(t, json.NewDecoder(r.Body).Decode(&req))
		require.Equal(t, api.TransitionStart, req.Transition)
		require.Equal(t, d.ws.TemplateActiveVersionID, req.TemplateVersionID)
		*plans++
		clitest.JSON(201, plan)(w, r)
	}
	routes["GET /api/v2/workspaces/{id}/plan/{job}"] = clitest.JSON(200, plan)
	routes["GET /api/v2/workspaces/{id}/plan/{job}/logs"] = func(w http.ResponseWriter, r *http.Request) {
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{})
		require.NoError(t, err)
		_ = ws.Close(wsconn.CodeNormal, "")
	}
	routes["GET /api/v2/workspacebuilds/{id}/parameters"] = clitest.JSON(200, []api.ParameterValue{{Name: "cpus", Value: "2"}})
	d.ws.Outdated, d.ws.TemplateActiveVersionID = true, api.NewID()
	d.ws.LatestBuild.Transition, d.ws.LatestBuild.Status = api.TransitionStart, api.WorkspaceRunning
	d.ws.LatestBuild.Resources = []api.WorkspaceResource{
		{Type: "docker_container", Name: "workspace", Address: "docker_container.workspace[0]"},
		{Type: "docker_volume", Name: "home", Address: "docker_volume.home", Persistent: true},
		{Type: "coder_agent", Name: "main", Address: "coder_agent.main"}}
	return d, clitest.Signed(t, routes), plans
}

func TestStopSaysWhatGoesAndWhatStays(t *testing.T) {
	t.Parallel()
	d, c, _ := keeping(t)
	const says = "Stopping destroys docker_container.workspace[0] and keeps docker_volume.home.\n"
	require.Contains(t, c.Run("stop", "ws", "-y").Stdout, says)
	require.Contains(t, c.Run("restart", "ws", "-y").Stdout, says)
	require.Contains(t, c.Run("show", "ws").Stdout, "docker_volume.home (kept by a stop)")
	d.ws.LatestBuild.Resources = d.ws.LatestBuild.Resources[:1]
	require.Contains(t, c.Run("stop", "ws", "-y").Stdout, "Stopping destroys docker_container.workspace[0] and keeps nothing.\n")
	d.ws.LatestBuild.Resources = nil
	require.NotContains(t, c.Run("stop", "ws", "-y").Stdout, "Stopping")
}

func TestUpdateAsksBeforeALoss(t *testing.T) {
	t.Parallel()
	d, c, plans := keeping(t, api.ResourceChange{Address: "docker_volume.home", Action: api.ResourceReplace, Persistent: true, Reasons: []string{"name"}},
		api.ResourceChange{Address: "docker_container.workspace[0]", Action: api.ResourceReplace})
	r := c.Run("update", "ws")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "  docker_volume.home is destroyed and made anew, because of a change of name\n")
	require.Contains(t, r.Stderr, "--allow-destroy-persistent")
	require.NotContains(t, r.Stderr, "docker_container")
	require.Zero(t, d.builds.Load(), "not even the stop was made")
	require.Equal(t, 1, *plans)

	r = c.Run("update", "ws", "--allow-destroy-persistent")
	require.Zero(t, r.Code, r.Stderr)
	require.True(t, d.build.AllowDestroyPersistent)
	require.Equal(t, 1, *plans, "a loss that is allowed needs no plan")
}

func TestUpdateWithoutLoss(t *testing.T) {
	t.Parallel()
	d, c, plans := keeping(t, api.ResourceChange{Address: "docker_volume.home", Action: api.ResourceKeep, Persistent: true})
	r := c.Run("update", "ws")
	require.Zero(t, r.Code, r.Stderr)
	require.False(t, d.build.AllowDestroyPersistent)
	require.Equal(t, 1, *plans)
	d.ws.LatestBuild.Resources = d.ws.LatestBuild.Resources[:1]
	require.Zero(t, c.Run("update", "ws").Code)
	require.Equal(t, 1, *plans, "nothing to lose, nothing to plan")
}
