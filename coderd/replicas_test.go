package coderd_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/replicas"
	"coder.internal/internal/buildinfo"
)

// TestReplicas: each of two replicas lists both, and health says what is wrong between them.
func TestReplicas(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	<-d.Replicas.Ready()
	other := api.NewID()
	_, err := d.DB.Pool().Exec(t.Context(), `insert into replicas (id, beat, hostname, version, relay_url, relay_key, region_id, database_latency_us, error, latencies)
		values ($1, 1, 'far', 'v77.0.0', '', 'nodekey:00', 999, 25000, 'cannot reach test', jsonb_build_object($2::text, 15000))`, other, d.Replicas.Self().ID.String())
	require.NoError(t, err)
	_, err = d.DB.Pool().Exec(t.Context(), `insert into replicas (id, beat, hostname, version, relay_url, relay_key, region_id, database_latency_us, error, latencies, stopped_at)
		values ($1, 1, 'left', 'v1.0.0', '', '', 999, 0, '', '{}', now())`, api.NewID())
	require.NoError(t, err)
	list := coderdtest.Do[[]api.Replica](t, owner, http.StatusOK, http.MethodGet, "/api/v2/replicas", nil)
	require.Len(t, list, 3)
	require.Equal(t, other, list[0].ID)
	require.Equal(t, int64(25000), list[0].DatabaseLatency)
	require.Equal(t, map[string]int64{d.Replicas.Self().ID.String(): 15000}, list[0].Latencies)
	require.Nil(t, list[0].StoppedAt)
	require.Equal(t, d.Replicas.Self().ID, list[1].ID)
	require.Equal(t, buildinfo.Version(), list[1].Version)
	require.Equal(t, "left", list[2].Hostname)
	require.NotNil(t, list[2].StoppedAt)

	// Whenever this replica beats, the other one does.
	_, err = d.DB.Pool().Exec(t.Context(), `create function follow() returns trigger language plpgsql as $$
		begin update replicas set beat = beat + 1 where hostname = 'far'; return null; end $$;
		create trigger follow after update on replicas for each row when (new.hostname = 'test') execute function follow()`)
	require.NoError(t, err)
	require.NoError(t, d.PubSub.Publish(t.Context(), d.DB.Queries, replicas.Topic))
	require.Eventually(t, func() bool { return len(d.Replicas.Others()) == 1 }, 30*time.Second, 10*time.Millisecond)
	report := coderdtest.Do[api.HealthReport](t, owner, http.StatusOK, http.MethodGet, "/api/v2/debug/health?force=true", nil)
	require.Equal(t, 2, report.Replicas.Online)
	require.Equal(t, api.HealthWarning, report.Replicas.Severity)
	var codes []string
	for _, w := range report.Replicas.Warnings {
		codes = append(codes, w.Code)
	}
	require.Subset(t, codes, []string{"EREP01", "EREP02", "EREP03", "EREP04", "EREP05"}) // the own way to the database may be long now
}
