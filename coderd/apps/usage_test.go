package apps_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/devurl"
)

// seconds reads the metric: its values by its labels.
func seconds(t *testing.T, c *apps.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		require.Equal(t, "coderd_insights_applications_usage_seconds", f.GetName())
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			out[strings.Join(labels, " ")] = m.GetGauge().GetValue()
		}
	}
	return out
}

// TestUsage: a minute counts once for each user and application, whoever tells of it
// and however it was opened; the metric sums the last 30 days.
func TestUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addApp("code", api.WorkspaceApp{URL: "http://localhost:" + w.port, DisplayName: "code-server"})
	other := w.replica()
	w.exec(`update workspaces set last_used_at = now() - interval '1 day'`)
	minute := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	use := func(who api.ID, app string, ago int) devurl.Use {
		return devurl.Use{WorkspaceID: w.workspace, UserID: who, App: app, Minute: minute.Add(-time.Duration(ago) * time.Minute)}
	}
	alice, bob := w.alice.User.ID, w.bob.User.ID
	byPath := use(alice, "code", 0)
	byPath.Path = true
	gone := use(alice, "code", 0)
	gone.WorkspaceID = api.NewID()
	uses := []devurl.Use{use(alice, "code", 0), use(alice, "code", 0), byPath, use(alice, "code", 1), use(bob, "code", 0), gone,
		use(alice, "code", 31*24*60), use(alice, "owner", 0), use(alice, "8080", 0), use(alice, "8443s", 0), use(alice, "3000", 5),
		use(alice, "code", 181*24*60)}
	require.NoError(t, w.d.Apps.Used(t.Context(), uses))
	require.NoError(t, other.d.Apps.Used(t.Context(), uses))

	clock := quartz.NewMock(t)
	c := apps.NewCollector(w.d.DB, slog.New(slog.DiscardHandler), clock)
	series := func(name, slug string) string {
		return "application_name=" + name + " organization_name=coder slug=" + slug + " template_name=tpl"
	}
	want := map[string]float64{series("code-server", "code"): 180, series("owner", "owner"): 60, series("Ports", ""): 120}
	assert.Equal(t, want, seconds(t, c))
	require.NoError(t, w.d.Apps.Used(t.Context(), []devurl.Use{use(bob, "owner", 0)}))
	assert.Equal(t, want, seconds(t, c), "the sum is kept for a while")
	clock.Advance(5 * time.Minute)
	want[series("owner", "owner")] = 120
	assert.Equal(t, want, seconds(t, c))

	var fresh bool
	require.NoError(t, w.d.DB.Pool().QueryRow(t.Context(), `select last_used_at > now() - interval '1 hour' from workspaces`).Scan(&fresh))
	assert.True(t, fresh, "it is use of the workspace")

	n, err := w.d.Apps.DeleteOldUsage(t.Context(), 180*24*time.Hour, 1000)
	require.NoError(t, err)
	assert.Equal(t, int64(1), n)
	n, err = w.d.Apps.DeleteOldUsage(t.Context(), time.Minute, 3)
	require.NoError(t, err)
	assert.Equal(t, int64(3), n, "no more than the limit")
}
