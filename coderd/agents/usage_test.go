package agents_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/coderdtest"
	"coder.internal/internal/clock"
)

// TestUsage: a report counts once however often it is sent, makes its workspace
// used, and is seen in the figures of the deployment, in metrics and in the agent.
func TestUsage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, a := r.running("dev", "tok")
	idle, b := r.running("idle", "tok2")
	long := "update workspaces set last_used_at = now() - interval '1 day'"
	_, err := r.d.DB.Pool().Exec(t.Context(), long)
	require.NoError(t, err)
	connected := "update workspace_agents set first_connected_at = now(), last_connected_at = now()"
	_, err = r.d.DB.Pool().Exec(t.Context(), connected)
	require.NoError(t, err)
	stats := func(c *coderdtest.Client) api.DeploymentStats {
		return coderdtest.Do[api.DeploymentStats](t, c, http.StatusOK, http.MethodGet, "/api/v2/deployment/stats", nil)
	}
	latency := 12.5
	report := agentrpc.Usage{ID: api.NewID(), Seconds: 30, Open: agentrpc.Sessions{SSH: 2, VSCode: 1, ReconnectingPTY: 1},
		Opened: agentrpc.Sessions{SSH: 3}, Direct: 1, Relayed: 2, LatencyMS: &latency,
		Received: agentrpc.Traffic{Packets: 10, Bytes: 1000}, Sent: agentrpc.Traffic{Packets: 20, Bytes: 5000},
		Relays: map[string]float64{"999": 4, "77": 1, "x": 2}, HomeRelay: 999}
	agentOf := r.d.Client("tok")
	for range 2 {
		r.call(agentOf, http.StatusNoContent, http.MethodPost, me+"/usage", report)
	}
	quiet := agentrpc.Usage{ID: api.NewID(), Relays: map[string]float64{"999": 8}}
	r.call(r.d.Client("tok2"), http.StatusNoContent, http.MethodPost, me+"/usage", quiet)

	got := stats(r.owner)
	assert.Equal(t, api.SessionCounts{SSH: 2, VSCode: 1, ReconnectingPTY: 1}, got.SessionCount)
	assert.Equal(t, int64(1000), got.Workspaces.RxBytes)
	assert.Equal(t, int64(5000), got.Workspaces.TxBytes)
	assert.Equal(t, int64(2), got.Workspaces.Running)
	assert.Equal(t, api.ConnectionLatency{P50: 12.5, P95: 12.5}, got.Workspaces.ConnectionLatencyMS)
	assert.WithinDuration(t, got.CollectedAt, got.AggregatedFrom, 31*time.Minute)
	assert.Equal(t, got, stats(r.owner), "the figures are kept for a moment")
	r.call(r.member, http.StatusNotFound, http.MethodGet, "/api/v2/deployment/stats", nil)

	used := func(id api.ID) time.Time {
		return coderdtest.Do[api.Workspace](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+id.String(), nil).LastUsedAt
	}
	assert.WithinDuration(t, time.Now(), used(w.ID), time.Hour)
	assert.Greater(t, time.Since(used(idle.ID)), 20*time.Hour, "that nobody uses it is not use")
	assert.Equal(t, map[string]api.AgentLatency{"Test relay": {Preferred: true, LatencyMS: 4}}, r.agent(a.ID).Latency)
	assert.Equal(t, map[string]api.AgentLatency{"Test relay": {LatencyMS: 8}}, r.agent(b.ID).Latency)
	var rows, opened, seconds int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select count(*), sum(opened_ssh), sum(seconds_vscode)
		from workspace_agent_stats`).Scan(&rows, &opened, &seconds))
	assert.Equal(t, []int{1, 3, 30}, []int{rows, opened, seconds})

	version := coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/templateversions/"+r.template.ActiveVersionID.String(), nil).Name
	registry := prometheus.NewRegistry()
	registry.MustRegister(agents.NewCollector(r.d.DB, slog.New(slog.DiscardHandler), clock.Real(), true))
	families, err := registry.Gather()
	require.NoError(t, err)
	series := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			series[f.GetName()+" "+strings.Join(labels, " ")] = m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"coderd_agentstats_session_count_ssh main bob dev":                                 2,
		"coderd_agentstats_session_count_ssh main bob idle":                                0,
		"coderd_agentstats_connection_median_latency_seconds main bob dev":                 0.0125,
		"coderd_agentstats_currently_reachable_peers main derp plain bob dev":              2,
		"coderd_agents_up plain " + version + " bob dev":                                   1,
		"coderd_agents_up plain " + version + " bob idle":                                  1,
		"coderd_agents_connection_latencies_seconds main Test relay true bob dev":          0.004,
		"coderd_agents_apps main code initializing bob dev":                                1,
		"coderd_agents_connections main created connected " + addressOf(a.ID) + " bob dev": 1,
	} {
		got, ok := series[name]
		assert.True(t, ok, "%s is not in %v", name, series)
		assert.InDelta(t, want, got, 1e-9, name)
	}
}

func addressOf(id api.ID) string { return tailrpc.AddressOf(id).String() }

// TestBadUsage: what an agent could make up is refused or bounded.
func TestBadUsage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.running("dev", "tok")
	agentOf := r.d.Client("tok")
	for name, bad := range map[string]any{
		"id":       agentrpc.Usage{},
		"ssh":      agentrpc.Usage{ID: api.NewID(), Open: agentrpc.Sessions{SSH: -1}},
		"bytes":    agentrpc.Usage{ID: api.NewID(), Received: agentrpc.Traffic{Bytes: 1 << 60}},
		"seconds":  agentrpc.Usage{ID: api.NewID(), Seconds: 1 << 30},
		"received": map[string]any{"id": api.NewID(), "received": "much"},
	} {
		e := coderdtest.Do[api.Error](t, agentOf, http.StatusBadRequest, http.MethodPost, me+"/usage", bad)
		require.NotEmpty(t, e.Validations, "%s: %+v", name, e)
	}
	many := agentrpc.Usage{ID: api.NewID(), Seconds: 86400, Open: agentrpc.Sessions{SSH: 1}}
	r.call(agentOf, http.StatusNoContent, http.MethodPost, me+"/usage", many)
	var seconds int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), "select sum(seconds_ssh) from workspace_agent_stats").Scan(&seconds))
	require.Equal(t, 600, seconds)
	r.call(r.member, http.StatusUnauthorized, http.MethodPost, me+"/usage", many)
}
