package workspaces_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

func (r *rig) templateOf(name string, res jobrpc.ImportResult) api.Template {
	r.Helper()
	v := r.version(api.ID{}, res)
	return coderdtest.Do[api.Template](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: name, VersionID: v.ID})
}

func (r *rig) presets(version api.ID) map[string]api.Preset {
	r.Helper()
	all := coderdtest.Do[[]api.Preset](r, r.member, http.StatusOK, http.MethodGet, "/api/v2/templateversions/"+version.String()+"/presets", nil)
	out := map[string]api.Preset{}
	for _, p := range all {
		out[p.Name] = p
	}
	return out
}

func TestPresetFillsParameters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	fixed := parameter("region", "string", func(p *api.TemplateVersionParameter) { p.Mutable, p.Required = false, true })
	res := jobrpc.ImportResult{Parameters: []api.TemplateVersionParameter{fixed, parameter("cpu", "number"), parameter("note", "string")},
		Presets: []jobrpc.Preset{
			{Name: "Small", Parameters: []api.ParameterValue{{Name: "region", Value: "eu"}, {Name: "cpu", Value: "2"}, {Name: "gone", Value: "x"}}},
			{Name: "Broken", Parameters: []api.ParameterValue{{Name: "region", Value: "eu"}, {Name: "cpu", Value: "many"}}},
			{Name: "Moved", Parameters: []api.ParameterValue{{Name: "region", Value: "us"}, {Name: "cpu", Value: "8"}}}}}
	tpl := r.templateOf("sized", res)
	presets := r.presets(tpl.ActiveVersionID)
	const path = "/api/v2/users/me/workspaces"
	req := api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID, PresetID: presets["Broken"].ID}
	r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, path, req)
	req.PresetID = api.NewID()
	r.refused(r.member, http.StatusBadRequest, "template_version_preset_id", http.MethodPost, path, req)

	small := presets["Small"].ID
	req.PresetID, req.ParameterValues = small, []api.ParameterValue{{Name: "cpu", Value: "4"}}
	w := coderdtest.Do[api.Workspace](t, r.member, http.StatusCreated, http.MethodPost, path, req)
	assert.Equal(t, &small, w.LatestBuild.PresetID)
	job := r.acquire()
	assert.ElementsMatch(t, []api.ParameterValue{{Name: "cpu", Value: "4"}, {Name: "region", Value: "eu"}, {Name: "shell", Value: "/bin/bash"}}, job.Build.Parameters,
		"what is given wins, the rest comes from the preset")
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":1}`)})

	builds := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	r.refused(r.member, http.StatusBadRequest, "template_version_preset_id", http.MethodPost, builds,
		api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop, PresetID: small})
	moved := presets["Moved"].ID
	b := r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, PresetID: moved})
	assert.Equal(t, &moved, b.PresetID)
	job = r.acquire()
	assert.ElementsMatch(t, []api.ParameterValue{{Name: "cpu", Value: "8"}, {Name: "region", Value: "eu"}, {Name: "shell", Value: "/bin/bash"}}, job.Build.Parameters,
		"what must not change stays")
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":2}`)})

	// A preset of another version is no preset of this one.
	v := r.version(tpl.ID, res)
	r.refused(r.member, http.StatusBadRequest, "template_version_preset_id", http.MethodPost, builds,
		api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, PresetID: r.presets(v.ID)["Small"].ID})
}

func TestWorkspaceTagsChooseTheDaemon(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.templateOf("tagged", jobrpc.ImportResult{Parameters: []api.TemplateVersionParameter{parameter("cluster", "string")},
		WorkspaceTags: []jobrpc.WorkspaceTag{{Key: "zone", Value: "one"}, {Key: "cluster", Value: "a", Parameter: "cluster"}}})
	w := r.create(r.member, tpl, "dev")
	assert.Equal(t, map[string]string{"cluster": "a", "zone": "one", "scope": "organization", "owner": ""}, w.LatestBuild.Job.Tags)
	w = r.create(r.member, tpl, "dev2", api.ParameterValue{Name: "cluster", Value: "b"})
	assert.Equal(t, "b", w.LatestBuild.Job.Tags["cluster"])
}

func TestOwnerIsFilledWhereItIsRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := r.template("plain")
	r.create(r.member, plain, "plain")
	job := r.acquire()
	assert.Empty(t, job.Build.Meta.OwnerSession)
	assert.Empty(t, job.Build.Meta.OwnerSSHPrivate)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{}`)})

	tpl := r.templateOf("reader", jobrpc.ImportResult{UsesOwnerSession: true, UsesOwnerSSHKey: true})
	w := r.create(r.member, tpl, "dev")
	job = r.acquire()
	m := job.Build.Meta
	assert.Equal(t, []string{"Everyone"}, m.OwnerGroups)
	require.GreaterOrEqual(t, len(m.OwnerRoles), 2)
	assert.Equal(t, jobrpc.OwnerRole{Name: "member"}, m.OwnerRoles[0])
	assert.True(t, strings.HasPrefix(m.OwnerSSHPublic, "ssh-ed25519 "), m.OwnerSSHPublic)
	assert.Contains(t, m.OwnerSSHPrivate.Reveal(), "OPENSSH PRIVATE KEY")
	var stored int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(),
		`select count(*) from git_ssh_keys where position('OPENSSH' in encode(private_key, 'escape')) > 0`).Scan(&stored))
	assert.Zero(t, stored, "the private key is stored in clear")
	me := func(token api.Secret, status int) {
		t.Helper()
		res, text := r.d.Client(token).Raw(t, http.MethodGet, "/api/v2/users/me", nil)
		require.Equal(t, status, res.StatusCode, string(text))
	}
	me(m.OwnerSession, http.StatusOK)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":1}`)})

	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop})
	job = r.acquire()
	assert.Empty(t, job.Build.Meta.OwnerSession)
	assert.Equal(t, m.OwnerSSHPublic, job.Build.Meta.OwnerSSHPublic, "the key stays")
	me(m.OwnerSession, http.StatusUnauthorized)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":2}`)})

	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	job = r.acquire()
	second := job.Build.Meta.OwnerSession
	assert.NotEqual(t, m.OwnerSession, second)
	me(second, http.StatusOK)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":3}`)})
	r.build(r.owner, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete, Orphan: true})
	me(second, http.StatusUnauthorized)
}

func TestExternalAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const token = "8f0a1f2c-0000-4000-8000-000000000001"
	tpl := r.templateOf("far", jobrpc.ImportResult{HasExternalAgent: true})
	v := coderdtest.Do[api.TemplateVersion](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/templateversions/"+tpl.ActiveVersionID.String(), nil)
	assert.True(t, v.HasExternalAgent)
	w := r.create(r.member, tpl, "dev")
	path := "/api/v2/workspaces/" + w.ID.String() + "/external-agent/"
	r.refused(r.member, http.StatusConflict, "", http.MethodGet, path+"far/credentials", nil)
	job := r.acquire()
	state := `{"version":4,"resources":[{"type":"coder_agent","name":"far","instances":[{"attributes":{"token":"` + token + `"}}]}]}`
	res := resources("other")
	res = append(res, jobrpc.Resource{Type: "coder_external_agent", Name: "far",
		Agents: []jobrpc.Agent{{Name: "far", Token: token, OperatingSystem: "linux", Architecture: "arm64"}}})
	r.complete(job, jobrpc.BuildResult{State: []byte(state), Resources: res, HasExternalAgent: true})
	assert.True(t, r.workspace(r.member, w.ID).LatestBuild.HasExternalAgent)

	got := coderdtest.Do[api.ExternalAgentCredentials](t, r.member, http.StatusOK, http.MethodGet, path+"far/credentials", nil)
	assert.Equal(t, api.Secret(token), got.AgentToken)
	assert.Equal(t, `curl -fsSL "`+strings.TrimRight(r.d.URL.String(), "/")+`/api/v2/init-script/linux/arm64" | CODER_AGENT_TOKEN="`+token+`" sh`, got.Command.Reveal())
	r.refused(r.member, http.StatusBadRequest, "agent", http.MethodGet, path+"main/credentials", nil)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, path+"nobody/credentials", nil)
	carol := r.d.NewUser(t, r.owner, "carol")
	r.refused(carol, http.StatusNotFound, "", http.MethodGet, path+"far/credentials", nil)
}
