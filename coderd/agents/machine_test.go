package agents_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/coderdtest"
)

func TestManifestTellsOfTheMachine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, job := r.building("dev")
	sub := api.NewID()
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte("{}"), Resources: []jobrpc.Resource{{Type: "a", Name: "b", Agents: []jobrpc.Agent{{
			Name: "main", Token: "tok", OperatingSystem: "linux", Architecture: "amd64",
			Scripts:       []api.AgentScript{{DisplayName: "tool", Icon: "/icon/tool.svg", Script: "x"}},
			Devcontainers: []jobrpc.Devcontainer{{Name: "web", WorkspaceFolder: "/src", ConfigPath: "/c.json", SubagentID: sub.String()}},
			Monitors: &jobrpc.ResourceMonitors{Memory: &jobrpc.Monitor{Enabled: true, Threshold: 80},
				Volumes: []jobrpc.Monitor{{Path: "/a", Threshold: 90}}}}, {Name: "bare", Token: "tok2"}}}}}}))
	m := coderdtest.Do[agentrpc.Manifest](t, r.d.Client("tok"), http.StatusOK, http.MethodGet, me+"/manifest", nil)
	require.Len(t, m.Devcontainers, 1)
	assert.False(t, m.Devcontainers[0].ID.IsZero())
	m.Devcontainers[0].ID = api.ID{}
	assert.Equal(t, agentrpc.Devcontainer{Name: "web", WorkspaceFolder: "/src", ConfigPath: "/c.json", SubagentID: sub}, m.Devcontainers[0])
	assert.Equal(t, agentrpc.ResourceMonitors{Memory: &agentrpc.Monitor{Enabled: true, Threshold: 80},
		Volumes: []agentrpc.Monitor{{Path: "/a", Threshold: 90}}}, m.Monitors)
	bare := coderdtest.Do[agentrpc.Manifest](t, r.d.Client("tok2"), http.StatusOK, http.MethodGet, me+"/manifest", nil)
	assert.Empty(t, bare.Devcontainers)
	assert.NotNil(t, bare.Devcontainers)
	assert.Equal(t, agentrpc.ResourceMonitors{}, bare.Monitors)

	w = coderdtest.Do[api.Workspace](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+w.ID.String(), nil)
	a := w.LatestBuild.Resources[0].Agents[0]
	assert.Equal(t, "/icon/tool.svg", a.LogSources[0].Icon)
	assert.Empty(t, a.Scripts[0].Icon)
}

func TestCheckMachine(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]jobrpc.Agent{
		"no folder":     {Devcontainers: []jobrpc.Devcontainer{{Name: "a"}}},
		"no name":       {Devcontainers: []jobrpc.Devcontainer{{WorkspaceFolder: "/"}}},
		"twice":         {Devcontainers: []jobrpc.Devcontainer{{Name: "a", WorkspaceFolder: "/"}, {Name: "A", WorkspaceFolder: "/"}}},
		"bad id":        {Devcontainers: []jobrpc.Devcontainer{{Name: "a", WorkspaceFolder: "/", SubagentID: "x"}}},
		"threshold":     {Monitors: &jobrpc.ResourceMonitors{Memory: &jobrpc.Monitor{Threshold: 101}}},
		"no path":       {Monitors: &jobrpc.ResourceMonitors{Volumes: []jobrpc.Monitor{{Threshold: 1}}}},
		"many monitors": {Monitors: &jobrpc.ResourceMonitors{Volumes: make([]jobrpc.Monitor, 65)}},
	} {
		a.Name = "main"
		err := agents.CheckResources([]jobrpc.Resource{{Type: "a", Name: "b", Agents: []jobrpc.Agent{a}}})
		assert.Equal(t, api.CodeInvalid, api.CodeOf(err), name)
	}
}
