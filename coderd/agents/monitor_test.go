package agents_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/coderdtest"
)

// TestMonitors: each change is told once, the first calm state not at all that
// was calm before, and nothing that the template does not watch.
func TestMonitors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, a := r.running("dev", "tok")
	_, err := r.d.DB.Pool().Exec(t.Context(), `update workspace_agents set resource_monitors =
		'{"memory": {"enabled": true, "threshold": 80}, "volumes": [{"path": "/home", "enabled": true, "threshold": 90}, {"path": "/off"}]}' where id = $1`, a.ID)
	require.NoError(t, err)
	c := r.d.Client("tok")
	post := func(status int, states ...agentrpc.MonitorState) {
		r.call(c, status, http.MethodPost, me+"/monitors", agentrpc.Monitors{States: states})
	}
	lines := func() (out []string) {
		for _, l := range coderdtest.Do[[]api.AgentLog](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/"+a.ID.String()+"/logs", nil) {
			out = append(out, string(l.Level)+" "+l.Output)
		}
		return out
	}
	post(http.StatusNoContent, agentrpc.MonitorState{State: "ok", UsedPercent: 3})
	require.Empty(t, lines(), "what was never full is no news")
	full := agentrpc.MonitorState{Path: "/home", State: "nok", UsedPercent: 95}
	for range 3 {
		post(http.StatusNoContent, full, agentrpc.MonitorState{State: "nok", UsedPercent: 700})
	}
	require.Equal(t, []string{"warn The memory is 100 % full and has reached its threshold of 80 %.",
		"warn The volume of /home is 95 % full and has reached its threshold of 90 %."}, lines())
	full.State, full.UsedPercent = "ok", 40
	post(http.StatusNoContent, full)
	require.Equal(t, "info The volume of /home is 40 % full, below its threshold of 90 %.", lines()[2])
	require.Len(t, lines(), 3)
	post(http.StatusBadRequest, agentrpc.MonitorState{Path: "/etc", State: "nok"})
	post(http.StatusBadRequest, agentrpc.MonitorState{Path: "/off", State: "nok"})
	post(http.StatusBadRequest, agentrpc.MonitorState{State: "bad"})
}
