package workspaces_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

// BenchmarkList measures one page of 25 among 1,000 and 10,000 running
// workspaces with an agent each, over HTTP. The copies are made in SQL.
func BenchmarkList(b *testing.B) {
	for _, total := range []int{1_000, 10_000} {
		b.Run(map[int]string{1_000: "of-1000", 10_000: "of-10000"}[total], func(b *testing.B) {
			d := coderdtest.New(b)
			owner := d.FirstUser(b)
			seed(b, d, total)
			b.ResetTimer()
			start := time.Now()
			for range b.N {
				res := coderdtest.Do[api.WorkspacesResponse](b, owner, http.StatusOK, http.MethodGet, "/api/v2/workspaces?limit=25", nil)
				require.Len(b, res.Workspaces, 25)
				require.Equal(b, total, res.Count)
			}
			b.ReportMetric(float64(time.Since(start).Milliseconds())/float64(b.N), "ms/page")
		})
	}
}

// seed fills the tables with n workspaces of the first user.
func seed(b *testing.B, d *coderdtest.Deployment, n int) {
	b.Helper()
	_, err := d.DB.Pool().Exec(b.Context(), `
do $$
declare owner uuid; org uuid; file uuid := gen_random_uuid(); job uuid := gen_random_uuid();
	version uuid := gen_random_uuid(); template uuid := gen_random_uuid();
begin
	select id into owner from users limit 1;
	select id into org from organizations where is_default;
	insert into files (id, hash, mimetype, data, created_by) values (file, 'h', 'application/x-tar', '', owner);
	insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id)
		values (job, org, owner, 'template_version_import', 'succeeded', file, version);
	insert into templates (id, organization_id, name, active_version_id, created_by) values (template, org, 'plain', version, owner);
	insert into template_versions (id, template_id, organization_id, name, job_id, file_id, created_by)
		values (version, template, org, 'v1', job, file, owner);
	create temp table seeds on commit drop as select i, gen_random_uuid() w, gen_random_uuid() bu, gen_random_uuid() j,
		gen_random_uuid() r, gen_random_uuid() a from generate_series(1, `+strconv.Itoa(n)+`) i;
	insert into workspaces (id, organization_id, owner_id, template_id, name, last_used_at)
		select w, org, owner, template, 'ws-' || i, now() - i * interval '1 second' from seeds;
	insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id)
		select j, org, owner, 'workspace_build', 'succeeded', file, bu from seeds;
	insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
		select bu, w, version, 1, 'start', owner, j from seeds;
	insert into workspace_resources (id, job_id, ordinal, transition, type, name) select r, j, 0, 'start', 't', 'n' from seeds;
	insert into workspace_agents (id, resource_id, workspace_build_id, ordinal, name, operating_system, architecture)
		select a, r, bu, 0, 'main', 'linux', 'amd64' from seeds;
end $$;`)
	require.NoError(b, err)
	_, err = d.DB.Pool().Exec(b.Context(), "analyze")
	require.NoError(b, err)
}
