package workspaces_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
)

// withPresets adds presets to the routes of d and returns them.
func withPresets(d *deployment, routes map[string]http.HandlerFunc) []api.Preset {
	all := []api.Preset{
		{ID: api.NewID(), Name: "Small", Default: true, Parameters: []api.PresetParameter{{Name: "cpus", Value: "2"}}},
		{ID: api.NewID(), Name: "Big", Description: "for builds", Parameters: []api.PresetParameter{{Name: "cpus", Value: "8"}}}}
	routes["GET /api/v2/templateversions/{id}/presets"] = clitest.JSON(200, all)
	routes["GET /api/v2/workspacebuilds/{id}/parameters"] = clitest.JSON(200, []api.ParameterValue{{Name: "cpus", Value: "4"}})
	d.job = api.ProvisionerJob{Status: api.JobSucceeded}
	return all
}

func TestCreateWithPreset(t *testing.T) {
	t.Parallel()
	d := &deployment{}
	routes := d.routes(t)
	all := withPresets(d, routes)
	c := clitest.Signed(t, routes)

	r := c.Run("create", "ws", "-t", "host", "-y")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "Using preset Small: cpus=2\n")
	require.Equal(t, all[0].ID, d.created.PresetID, "the default one")
	require.Empty(t, d.created.ParameterValues)

	r = c.Run("create", "ws", "-t", "host", "-y", "--preset", "Big", "--parameter", "cpus=6")
	require.Zero(t, r.Code, r.Stderr)
	require.Equal(t, all[1].ID, d.created.PresetID)
	require.Equal(t, []api.ParameterValue{{Name: "cpus", Value: "6"}}, d.created.ParameterValues)

	require.Contains(t, c.Run("create", "ws", "-t", "host", "-y", "--preset", "none").Stderr, "--parameter cpus=")
	c.Env["CODER_PRESET_NAME"] = "Huge"
	require.Contains(t, c.Run("create", "ws", "-t", "host", "-y").Stderr, `no preset "Huge"; it has Small, Big`)
}

func TestCreateAsksForAPreset(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{"\ny\n": 0, "2\ny\n": 1, "Big\ny\n": 1, "3\n5\ny\n": -1} {
		d := &deployment{}
		routes := d.routes(t)
		all := withPresets(d, routes)
		c := clitest.Signed(t, routes)
		c.Stdin = strings.NewReader(answer)
		r := c.Run("create", "ws", "-t", "host", "--force-tty")
		require.Zero(t, r.Code, r.Stderr)
		require.Contains(t, r.Stderr, "  1) Small - (default)\n  2) Big - for builds\n  3) none - choose every parameter\n")
		if want < 0 {
			require.True(t, d.created.PresetID.IsZero())
			require.Equal(t, []api.ParameterValue{{Name: "cpus", Value: "5"}}, d.created.ParameterValues)
			continue
		}
		require.Equal(t, all[want].ID, d.created.PresetID, "%q", answer)
	}
}

func TestStartWithPreset(t *testing.T) {
	t.Parallel()
	d := &deployment{}
	routes := d.routes(t)
	all := withPresets(d, routes)
	d.ws.LatestBuild = api.WorkspaceBuild{ID: api.NewID(), Status: api.WorkspaceStopped}
	c := clitest.Signed(t, routes)
	r := c.Run("start", "ws", "-y")
	require.Zero(t, r.Code, r.Stderr)
	require.True(t, d.build.PresetID.IsZero(), "a start keeps the values unless it is told otherwise")
	for _, command := range []string{"start", "restart", "update"} {
		args := []string{command, "ws", "--preset", "Big"}
		if command != "update" {
			args = append(args, "-y")
		}
		r = c.Run(args...)
		require.Zero(t, r.Code, r.Stderr)
		require.Equal(t, all[1].ID, d.build.PresetID, command)
	}
}
