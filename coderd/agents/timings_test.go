package agents_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/coderdtest"
)

// TestTimingsOfStages: a later cron or stop run does not hide the start.
func TestTimingsOfStages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, a := r.running("dev", "tok")
	c := r.d.Client("tok")
	at := time.Now().Truncate(time.Second)
	report := func(stage string, minute int, code int) {
		r.call(c, http.StatusNoContent, http.MethodPost, me+"/script-result", agentrpc.ScriptResult{ScriptID: a.Scripts[0].ID,
			Stage: stage, Status: "exit_failure", ExitCode: code, StartedAt: at.Add(time.Duration(minute) * time.Minute), EndedAt: at.Add(time.Hour)})
	}
	report("start", 0, 1)
	report("cron", 1, 2)
	report("cron", 2, 3)
	report("stop", 3, 4)
	got := coderdtest.Do[api.WorkspaceBuildTimings](t, r.member, http.StatusOK, http.MethodGet,
		"/api/v2/workspacebuilds/"+w.LatestBuild.ID.String()+"/timings", nil).AgentScriptTimings
	require.Len(t, got, 3)
	for i, want := range []struct {
		stage string
		code  int
	}{{"start", 1}, {"cron", 3}, {"stop", 4}} {
		assert.Equal(t, want.stage, got[i].Stage)
		assert.Equal(t, want.code, got[i].ExitCode)
	}
}

// TestEmptyLinesAreLimited: lines without text count too.
func TestEmptyLinesAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, a := r.running("dev", "tok")
	logs := make([]agentrpc.Log, 9000)
	for i := range 10 {
		for j := range logs {
			logs[j] = agentrpc.Log{CreatedAt: time.Unix(int64(i*len(logs)+j), 0)}
		}
		r.call(r.d.Client("tok"), http.StatusOK, http.MethodPatch, me+"/logs", agentrpc.PatchLogs{LogSourceID: a.LogSources[0].ID, Logs: logs})
	}
	assert.True(t, r.agent(a.ID).LogsOverflowed)
	_, text := r.member.Raw(t, http.MethodGet, "/api/v2/workspaceagents/"+a.ID.String()+"/logs?format=text", nil)
	assert.LessOrEqual(t, strings.Count(string(text), "\n"), agentrpc.MaxLogBytes/agentrpc.MinLogCost+1)
}
