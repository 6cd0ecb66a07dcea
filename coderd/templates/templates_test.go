package templates_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database"
)

func templatePath(t api.Template) string { return "/api/v2/templates/" + t.ID.String() }

func TestCreateAndFindTemplates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("docker")
	assert.Equal(t, "terraform", tpl.Provisioner)
	assert.Equal(t, "admin", tpl.CreatedByName)
	assert.True(t, tpl.AllowUserCancelWorkspaceJobs)
	r.template("alpha")

	for _, path := range []string{templatePath(tpl), org + "/templates/docker", "/api/v2/organizations/" + tpl.OrganizationID.String() + "/templates/DOCKER"} {
		got := coderdtest.Do[api.Template](t, r.member, http.StatusOK, http.MethodGet, path, nil)
		assert.Equal(t, tpl, got, path)
	}
	for _, path := range []string{"/api/v2/templates", org + "/templates", "/api/v2/organizations/" + tpl.OrganizationName + "/templates"} {
		list := coderdtest.Do[[]api.Template](t, r.member, http.StatusOK, http.MethodGet, path, nil)
		require.Len(t, list, 2, path)
		assert.Equal(t, "alpha", list[0].Name)
		page := coderdtest.Do[[]api.Template](t, r.member, http.StatusOK, http.MethodGet, path+"?limit=1&offset=1", nil)
		require.Len(t, page, 1)
		assert.Equal(t, "docker", page[0].Name)
		r.refused(r.member, http.StatusBadRequest, "limit", http.MethodGet, path+"?limit=-1", nil)
	}
	for _, path := range []string{"/api/v2/templates/" + api.NewID().String(), org + "/templates/nope", org + "/templates/no%20pe"} {
		r.refused(r.member, http.StatusNotFound, "", http.MethodGet, path, nil)
	}
	r.refused(r.member, http.StatusBadRequest, "template", http.MethodGet, "/api/v2/templates/nonsense", nil)
}

func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("docker")
	other, err := r.d.DB.InsertOrganization(t.Context(), database.InsertOrganizationParams{ID: api.NewID(), Name: "strangers"})
	require.NoError(t, err)
	_, err = r.d.DB.Pool().Exec(t.Context(), `update organization_members set organization_id = $1 where user_id = $2`, other.ID, r.member.User.ID)
	require.NoError(t, err)
	absent, absentText := r.member.Raw(t, http.MethodGet, "/api/v2/templates/"+api.NewID().String(), nil)
	hidden, hiddenText := r.member.Raw(t, http.MethodGet, templatePath(tpl), nil)
	assert.Equal(t, absent.StatusCode, hidden.StatusCode)
	assert.Equal(t, string(absentText), string(hiddenText))
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, "/api/v2/templateversions/"+tpl.ActiveVersionID.String(), nil)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, org+"/templates", nil)
	assert.Empty(t, coderdtest.Do[[]api.Template](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/templates", nil))
}

func TestCreateTemplateBadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	used := r.template("base")
	ready := r.imported(api.CreateTemplateVersionRequest{}, jobrpc.ImportResult{})
	failed := r.push(api.CreateTemplateVersionRequest{})
	job := r.acquire()
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Error: "no"}))
	ttl := int64(-1)
	for name, tc := range map[string]struct {
		req    api.CreateTemplateRequest
		status int
		field  string
	}{
		"no name":         {api.CreateTemplateRequest{VersionID: ready.ID}, 400, "name"},
		"bad name":        {api.CreateTemplateRequest{Name: "a b", VersionID: ready.ID}, 400, "name"},
		"long name":       {api.CreateTemplateRequest{Name: strings.Repeat("a", 33), VersionID: ready.ID}, 400, "name"},
		"taken name":      {api.CreateTemplateRequest{Name: "BASE", VersionID: ready.ID}, 409, "name"},
		"icon":            {api.CreateTemplateRequest{Name: "a", Icon: "javascript:alert(1)", VersionID: ready.ID}, 400, "icon"},
		"ttl":             {api.CreateTemplateRequest{Name: "a", DefaultTTLMillis: &ttl, VersionID: ready.ID}, 400, "default_ttl_ms"},
		"nul":             {api.CreateTemplateRequest{Name: "a", Description: "\x00", VersionID: ready.ID}, 400, "description"},
		"unknown version": {api.CreateTemplateRequest{Name: "a", VersionID: api.NewID()}, 400, "template_version_id"},
		"used version":    {api.CreateTemplateRequest{Name: "a", VersionID: used.ActiveVersionID}, 400, "template_version_id"},
		"failed version":  {api.CreateTemplateRequest{Name: "a", VersionID: failed.ID}, 400, "template_version_id"},
	} {
		t.Log(name)
		r.refused(r.owner, tc.status, tc.field, http.MethodPost, org+"/templates", tc.req)
	}
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, org+"/templates", api.CreateTemplateRequest{Name: "a", VersionID: ready.ID})
}

func TestUpdateTemplate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("docker")
	r.template("other")
	name, text, no := "podman", "Said to be better", false
	got := coderdtest.Do[api.Template](t, r.owner, http.StatusOK, http.MethodPatch, templatePath(tpl),
		api.UpdateTemplateRequest{Name: &name, DeprecationMessage: &text, AllowUserCancelWorkspaceJobs: &no})
	assert.Equal(t, "podman", got.Name)
	assert.True(t, got.Deprecated)
	assert.False(t, got.AllowUserCancelWorkspaceJobs)
	assert.Equal(t, tpl.Description, got.Description)
	taken, bad := "other", "-"
	r.refused(r.owner, http.StatusConflict, "name", http.MethodPatch, templatePath(tpl), api.UpdateTemplateRequest{Name: &taken})
	r.refused(r.owner, http.StatusBadRequest, "name", http.MethodPatch, templatePath(tpl), api.UpdateTemplateRequest{Name: &bad})
	r.refused(r.member, http.StatusForbidden, "", http.MethodPatch, templatePath(tpl), api.UpdateTemplateRequest{Name: &name})
}

func TestDeleteTemplate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("docker")
	r.refused(r.member, http.StatusForbidden, "", http.MethodDelete, templatePath(tpl), nil)
	ws := api.NewID()
	_, err := r.d.DB.Pool().Exec(t.Context(), `insert into workspaces (id, organization_id, owner_id, template_id, name) values ($1, $2, $3, $4, 'w')`,
		ws, tpl.OrganizationID, r.member.User.ID, tpl.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, coderdtest.Do[api.Template](t, r.owner, http.StatusOK, http.MethodGet, templatePath(tpl), nil).ActiveUserCount)
	e := coderdtest.Do[api.Error](t, r.owner, http.StatusConflict, http.MethodDelete, templatePath(tpl), nil)
	assert.Contains(t, e.Message, "1 workspace")
	_, err = r.d.DB.Pool().Exec(t.Context(), `update workspaces set deleted = true where id = $1`, ws)
	require.NoError(t, err)
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodDelete, templatePath(tpl), nil)
	r.refused(r.owner, http.StatusNotFound, "", http.MethodGet, templatePath(tpl), nil)
	r.refused(r.owner, http.StatusNotFound, "", http.MethodDelete, templatePath(tpl), nil)
	r.template("docker") // the name is free again
	var entries int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select count(*) from audit_logs where resource_id = $1 and action = 'delete'`, tpl.ID).Scan(&entries))
	assert.Equal(t, 1, entries)
}

func TestPromoteAndArchive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("docker")
	stranger := r.template("other")
	v2 := r.imported(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: "v2"}, jobrpc.ImportResult{})
	pending := r.push(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: "v3"})
	promote := func(id api.ID) api.UpdateActiveTemplateVersionRequest {
		return api.UpdateActiveTemplateVersionRequest{ID: id}
	}
	path := templatePath(tpl) + "/versions"
	r.refused(r.owner, http.StatusBadRequest, "id", http.MethodPatch, path, promote(api.NewID()))
	r.refused(r.owner, http.StatusBadRequest, "id", http.MethodPatch, path, promote(stranger.ActiveVersionID))
	r.refused(r.owner, http.StatusBadRequest, "id", http.MethodPatch, path, promote(pending.ID))
	r.refused(r.member, http.StatusForbidden, "", http.MethodPatch, path, promote(v2.ID))
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPost, versionPath(v2)+"/archive", nil)
	r.refused(r.owner, http.StatusBadRequest, "id", http.MethodPatch, path, promote(v2.ID))
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, versionPath(v2)+"/unarchive", nil)
	for range 2 {
		coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPost, versionPath(v2)+"/unarchive", nil)
	}
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPatch, path, promote(v2.ID))
	got := coderdtest.Do[api.Template](t, r.owner, http.StatusOK, http.MethodGet, templatePath(tpl), nil)
	assert.Equal(t, v2.ID, got.ActiveVersionID)
	r.refused(r.owner, http.StatusConflict, "", http.MethodPost, versionPath(v2)+"/archive", nil)
}

func TestListVersions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("docker")
	var made []api.TemplateVersion
	for i := range 3 {
		made = append(made, r.push(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: fmt.Sprintf("v%d", i)}))
	}
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPost, versionPath(made[1])+"/archive", nil)
	path := templatePath(tpl) + "/versions"
	names := func(query string) (out []string) {
		for _, v := range coderdtest.Do[[]api.TemplateVersion](t, r.member, http.StatusOK, http.MethodGet, path+query, nil) {
			if v.ID != tpl.ActiveVersionID {
				out = append(out, v.Name)
			}
		}
		return out
	}
	assert.Equal(t, []string{"v2", "v0"}, names(""))
	assert.Equal(t, []string{"v2", "v1", "v0"}, names("?include_archived=true"))
	assert.Equal(t, []string{"v2"}, names("?limit=1"))
	assert.Equal(t, []string{"v0"}, names("?after_id="+made[2].ID.String()+"&limit=1"))
	r.refused(r.member, http.StatusBadRequest, "after_id", http.MethodGet, path+"?after_id="+api.NewID().String(), nil)
	r.refused(r.member, http.StatusBadRequest, "after_id", http.MethodGet, path+"?after_id=x", nil)

	for _, p := range []string{path + "/v1", org + "/templates/docker/versions/V1"} {
		got := coderdtest.Do[api.TemplateVersion](t, r.member, http.StatusOK, http.MethodGet, p, nil)
		assert.Equal(t, made[1].ID, got.ID)
		r.refused(r.member, http.StatusNotFound, "", http.MethodGet, p+"x", nil)
	}
}
