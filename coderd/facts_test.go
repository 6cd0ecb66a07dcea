package coderd_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
)

func TestFacts(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	member := d.NewUser(t, owner, "bob")
	get := http.MethodGet

	e := coderdtest.Do[api.Entitlements](t, member, http.StatusOK, get, "/api/v2/entitlements", nil)
	assert.False(t, e.HasLicense)
	assert.Empty(t, e.Warnings)
	for _, name := range api.FeatureNames() {
		assert.Equal(t, api.Entitled, e.Features[name].Entitlement, name)
	}
	assert.True(t, e.Features["audit_log"].Enabled)

	regions := coderdtest.Do[api.RegionsResponse](t, member, http.StatusOK, get, "/api/v2/regions", nil).Regions
	require.Len(t, regions, 1)
	assert.True(t, regions[0].Healthy)
	assert.Equal(t, d.URL.String(), regions[0].PathAppURL)

	for _, path := range []string{"/experiments", "/experiments/available"} {
		_, text := member.Raw(t, get, "/api/v2"+path, nil)
		assert.JSONEq(t, "[]", string(text), path)
	}
	assert.Empty(t, coderdtest.Do[api.AppHost](t, member, http.StatusOK, get, "/api/v2/applications/host", nil).Host)
	check := coderdtest.Do[api.UpdateCheck](t, d.Client(""), http.StatusOK, get, "/api/v2/updatecheck", nil)
	assert.True(t, check.Current)
	look := coderdtest.Do[api.Appearance](t, d.Client(""), http.StatusOK, get, "/api/v2/appearance", nil)
	assert.NotNil(t, look.SupportLinks)
	assert.NotNil(t, look.AnnouncementBanners)
}

// TestStats counts workspaces by the outcome of their newest build. What nobody has
// measured is absent, not zero.
func TestStats(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	_, err := d.DB.Pool().Exec(t.Context(), `
do $$
declare person uuid; org uuid; file uuid := gen_random_uuid(); version uuid := gen_random_uuid(); template uuid := gen_random_uuid();
	job uuid; w uuid; s record;
begin
	select id into person from users limit 1;
	select id into org from organizations where is_default;
	insert into files (id, hash, mimetype, data, created_by) values (file, 'h', 'application/x-tar', '', person);
	insert into templates (id, organization_id, name, active_version_id, created_by) values (template, org, 'plain', version, person);
	job := gen_random_uuid();
	insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id)
		values (job, org, person, 'template_version_import', 'succeeded', file, version);
	insert into template_versions (id, template_id, organization_id, name, job_id, file_id, created_by)
		values (version, template, org, 'v1', job, file, person);
	for s in select * from (values (1, 'succeeded', 'start', false), (2, 'succeeded', 'start', false), (3, 'succeeded', 'stop', false),
		(4, 'failed', 'start', false), (5, 'canceled', 'stop', false), (6, 'pending', 'start', false), (7, 'canceling', 'start', false),
		(8, 'succeeded', 'start', true)) x(n, status, transition, gone) loop
		w := gen_random_uuid();
		insert into workspaces (id, organization_id, owner_id, template_id, name, deleted) values (w, org, person, template, 'w' || s.n, s.gone);
		for number in 1..2 loop
			job := gen_random_uuid();
			insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id)
				values (job, org, person, 'workspace_build', case number when 1 then 'failed' else s.status end, file, w);
			insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
				values (gen_random_uuid(), w, version, number, s.transition, person, job);
		end loop;
	end loop;
end $$`)
	require.NoError(t, err)
	stats := coderdtest.Do[api.DeploymentStats](t, owner, http.StatusOK, http.MethodGet, "/api/v2/deployment/stats", nil)
	assert.Equal(t, api.WorkspaceDeploymentStats{Pending: 1, Building: 1, Running: 2, Stopped: 1, Failed: 2,
		ConnectionLatencyMS: api.ConnectionLatency{P50: -1, P95: -1}}, stats.Workspaces)
	assert.True(t, stats.NextUpdateAt.After(stats.CollectedAt))
}

// TestDocumentAndPage: anybody gets the document and a page of it that loads nothing
// from elsewhere.
func TestDocumentAndPage(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	anonymous := d.Client("")
	_, text := anonymous.Raw(t, http.MethodGet, "/api/v2/openapi.json", nil)
	var doc struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]any
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	assert.Equal(t, "3.1.0", doc.OpenAPI)
	info := coderdtest.Do[api.BuildInfo](t, anonymous, http.StatusOK, http.MethodGet, "/api/v2/buildinfo", nil)
	assert.Equal(t, strings.TrimPrefix(info.Version, "v"), doc.Info.Version)
	for _, r := range d.Server.Routes() {
		assert.Contains(t, doc.Paths, r.Path, "run make gen")
	}

	res, page := anonymous.Raw(t, http.MethodGet, "/api/v2/docs", nil)
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
	base, err := url.Parse(d.URL.String() + "/api/v2/docs")
	require.NoError(t, err)
	links := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, links, 4)
	for _, m := range links {
		to, err := base.Parse(m[1])
		require.NoError(t, err)
		require.Equal(t, base.Host, to.Host)
		res, _ := anonymous.Raw(t, http.MethodGet, to.Path, nil)
		assert.Equal(t, http.StatusOK, res.StatusCode, to.Path)
	}
	for _, name := range []string{"index.html", "absent", "..%2Fapipage.go"} {
		res, _ := anonymous.Raw(t, http.MethodGet, "/api/v2/docs/"+name, nil)
		assert.Equal(t, http.StatusNotFound, res.StatusCode, name)
	}
	e := coderdtest.Do[api.Error](t, anonymous, http.StatusNotFound, http.MethodGet, "/swagger/doc.json", nil)
	assert.Contains(t, e.Message, "--swagger-enable")
}
