package workspaces_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// TestPageShowsWholeBuilds: a page reads the columns that are shown one by one. What it
// shows of a build is what the build by itself shows.
func TestPageShowsWholeBuilds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.running(r.member, r.template("plain"), "dev", "tok")
	for _, statement := range []string{
		`update provisioner_jobs set worker_id = gen_random_uuid(), worker_name = 'w', error = 'e', error_code = 'c', tags = '{"a": "b"}',
			logs_overflowed = true, started_at = '2020-01-01', canceled_at = '2020-01-02', completed_at = '2020-01-03'
			where type = 'workspace_build'`,
		`update workspace_builds set reason = 'autostart', daily_cost = 3, deadline = '2030-01-01', max_deadline = '2030-01-02',
			created_at = '2020-01-04', updated_at = '2020-01-05', has_external_agent = true`,
	} {
		_, err := r.d.DB.Pool().Exec(r.Context(), statement)
		require.NoError(t, err)
	}
	page := coderdtest.Do[api.WorkspacesResponse](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/workspaces", nil)
	require.Len(t, page.Workspaces, 1)
	build := coderdtest.Do[api.WorkspaceBuild](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+w.LatestBuild.ID.String(), nil)
	assert.Equal(t, build, page.Workspaces[0].LatestBuild)
	assert.Equal(t, "w", build.Job.WorkerName)
	assert.Equal(t, map[string]string{"a": "b"}, build.Job.Tags)
	assert.Equal(t, []api.WorkspaceResourceMetadata{{Key: "disk", Value: "10G"}, {Key: "pw", Sensitive: true}}, build.Resources[0].Metadata)
	assert.Equal(t, map[string]string{"A": "b"}, build.Resources[0].Agents[0].EnvironmentVariables)
}

// TestCountOfAPage: how many there are is the same whether they are counted beside the
// page or, while the pool is in use, with it.
func TestCountOfAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("plain")
	for _, name := range []string{"one", "two", "three"} {
		r.create(r.owner, tpl, name)
	}
	pool := r.d.DB.Pool()
	hold := func(n int32) (release func()) {
		var held []*pgxpool.Conn
		for range n {
			c, err := pool.Acquire(r.Context())
			require.NoError(t, err)
			held = append(held, c)
		}
		return func() {
			for _, c := range held {
				c.Release()
			}
		}
	}
	check := func(limit, offset, want int) {
		page := coderdtest.Do[api.WorkspacesResponse](t, r.owner, http.StatusOK, http.MethodGet,
			"/api/v2/workspaces?limit="+strconv.Itoa(limit)+"&offset="+strconv.Itoa(offset), nil)
		assert.Len(t, page.Workspaces, want)
		assert.Equal(t, 3, page.Count, "%d from %d", limit, offset)
	}
	all := func() {
		check(2, 0, 2)
		check(2, 2, 1)
		check(2, 1, 2)
		check(1, 9, 0)
	}
	hold(4)() // idle ones
	all()
	release := hold(pool.Config().MaxConns/2 + 1)
	defer release()
	all()
}
