package workspaces_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

const liveTemplate = `
data "coder_workspace_owner" "me" {}
data "coder_workspace" "me" {}
data "coder_parameter" "region" {
  name    = "region"
  default = "eu"
  option {
    name  = "Europe"
    value = "eu"
  }
  option {
    name  = "America"
    value = "us"
  }
}
data "coder_parameter" "zone" {
  count   = data.coder_parameter.region.value == "us" ? 1 : 0
  name    = "zone"
  mutable = true
}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  mutable = true
  default = 2
  validation {
    min       = 1
    max       = 9
    monotonic = "increasing"
  }
}
data "coder_parameter" "slug" {
  name    = "slug"
  mutable = true
  default = data.coder_workspace_owner.me.name
  validation {
    regex = "^[a-z]+$"
    error = "small letters"
  }
}
data "coder_parameter" "once" {
  name      = "once"
  type      = "bool"
  mutable   = true
  ephemeral = true
  default   = false
}
data "coder_parameter" "motd" {
  count   = data.coder_workspace.me.start_count
  name    = "motd"
  mutable = true
  default = "hello"
}
data "coder_workspace_tags" "t" {
  tags = { region = data.coder_parameter.region.value }
}
`

// upload stores a template of one file.
func (r *rig) upload(src string) api.ID {
	r.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(r, w.WriteHeader(&tar.Header{Name: "main.tf", Mode: 0o644, Size: int64(len(src)), Typeflag: tar.TypeReg}))
	_, err := w.Write([]byte(src))
	require.NoError(r, err)
	require.NoError(r, w.Close())
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.d.URL.String()+"/api/v2/files", &b)
	require.NoError(r, err)
	req.Header.Set("Content-Type", api.ContentTypeTar)
	req.Header.Set(api.SessionTokenHeader, r.owner.Token.Reveal())
	res, err := http.DefaultClient.Do(req)
	require.NoError(r, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	var out api.UploadResponse
	require.NoError(r, json.NewDecoder(res.Body).Decode(&out))
	return out.ID
}

// live makes a template of src; the import reports what a real one would.
func (r *rig) live(name, src string, classic bool, declared ...api.TemplateVersionParameter) api.Template {
	r.Helper()
	v := r.liveVersion(api.ID{}, src, declared...)
	return coderdtest.Do[api.Template](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: name, VersionID: v.ID, UseClassicParameterFlow: classic})
}

// liveVersion is a version with sources of its own; of no template where that is zero.
func (r *rig) liveVersion(template api.ID, src string, declared ...api.TemplateVersionParameter) api.TemplateVersion {
	r.Helper()
	v := coderdtest.Do[api.TemplateVersion](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templateversions",
		api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", TemplateID: template, FileID: r.upload(src)})
	job := r.acquire()
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Import: &jobrpc.ImportResult{Parameters: declared}}))
	return v
}

func given(pairs ...string) (out []api.ParameterValue) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, api.ParameterValue{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func sent(list []api.ParameterValue) map[string]string {
	out := map[string]string{}
	for _, v := range list {
		out[v.Name] = v.Value
	}
	return out
}

// TestLiveParameters drives conditional parameters through the raw API.
func TestLiveParameters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.daemon.Tags = map[string]string{"scope": "organization", "owner": "", "region": "eu"}
	tpl := r.live("live", liveTemplate, false, parameter("region", "string"), parameter("size", "number"))
	for _, bad := range []struct{ name, value, want string }{
		{"region", "mars", `"mars" is not one of the options`}, {"size", "x", "not a number"}, {"size", "2.5", "not a whole number"},
		{"size", "0", "below the minimum of 1"}, {"size", "10", "above the maximum of 9"}, {"slug", "A1", "small letters"},
		{"slug", "${path.module}", "small letters"}, {"slug", "a\x00", "NUL"}, {"slug", strings.Repeat("a", 1_000_000), "larger than 64 KiB"},
		{"zone", "z", "no such parameter with these values; it has: motd, once, region, size, slug"},
		{"once", "maybe", "not a bool"}, {"nope", "1", "no such parameter"}} {
		e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, "/api/v2/users/me/workspaces",
			api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID, ParameterValues: given(bad.name, bad.value)})
		assert.Contains(t, e.Message, bad.want)
		assert.Contains(t, e.Message, bad.name)
	}
	e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, "/api/v2/users/me/workspaces",
		api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID, ParameterValues: given("region", "us")})
	assert.Contains(t, e.Message, `"zone": a value is required`)

	r.refused(r.member, http.StatusRequestEntityTooLarge, "", http.MethodPost, "/api/v2/users/me/workspaces",
		api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID, ParameterValues: given("slug", strings.Repeat("a", 1<<20))})

	w := r.create(r.member, tpl, "dev", given("size", "3", "once", "true")...)
	job := r.acquire()
	assert.Equal(t, map[string]string{"region": "eu", "size": "3", "once": "true", "motd": "hello", "slug": "bob"}, sent(job.Build.Parameters),
		"what was given, and the defaults that it begins with")
	r.complete(job, jobrpc.BuildResult{})
	path := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	for name, bad := range map[string]string{"region": "us", "size": "2"} {
		e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, path,
			api.CreateWorkspaceBuildRequest{Transition: "start", ParameterValues: given(name, bad)})
		assert.Contains(t, e.Message, name)
	}
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "start", ParameterValues: given("size", "4")})
	job = r.acquire()
	assert.Equal(t, map[string]string{"region": "eu", "size": "4", "motd": "hello", "slug": "bob"}, sent(job.Build.Parameters))
	r.complete(job, jobrpc.BuildResult{})

	// The tags of a build are those of its values, and conditional parameters keep
	// their values through a stop.
	far := r.create(r.member, tpl, "far", given("region", "us", "zone", "z1", "motd", "m")...)
	r.daemon.Tags["region"] = "us"
	r.complete(r.acquire(), jobrpc.BuildResult{})
	r.build(r.member, far, api.CreateWorkspaceBuildRequest{Transition: "stop"})
	job = r.acquire()
	assert.Equal(t, map[string]string{"region": "us", "zone": "z1", "motd": "m", "size": "2", "slug": "bob"}, sent(job.Build.Parameters))
	r.complete(job, jobrpc.BuildResult{})
	r.build(r.member, far, api.CreateWorkspaceBuildRequest{Transition: "start"})
	assert.Equal(t, map[string]string{"region": "us", "zone": "z1", "motd": "m", "size": "2", "slug": "bob"}, sent(r.acquire().Build.Parameters))
}

// TestDefaultsStay: a workspace keeps the defaults that it began with, also where a
// later version has others.
func TestDefaultsStay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const size = "data \"coder_parameter\" \"size\" {\nname = \"size\"\ntype = \"number\"\nmutable = true\ndefault = %d\n" +
		"validation {\nmonotonic = \"increasing\"\n}\n}\n"
	tpl := r.live("disk", fmt.Sprintf(size, 20), false, parameter("size", "number"))
	w := r.create(r.member, tpl, "dev")
	r.complete(r.acquire(), jobrpc.BuildResult{})
	second := r.liveVersion(tpl.ID, fmt.Sprintf(size, 10), parameter("size", "number"))
	path := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, path,
		api.CreateWorkspaceBuildRequest{Transition: "start", TemplateVersionID: second.ID, ParameterValues: given("size", "15")})
	assert.Contains(t, e.Message, "size", "it has grown to 20 already")
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "start", TemplateVersionID: second.ID})
	assert.Equal(t, map[string]string{"size": "20"}, sent(r.acquire().Build.Parameters))
}

// TestClassicParameters: the import's list counts, whatever is answered.
func TestClassicParameters(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.daemon.Tags = map[string]string{"scope": "organization", "owner": "", "region": "eu"}
	tpl := r.live("classic", liveTemplate, true, parameter("region", "string"), parameter("size", "number"))
	assert.True(t, tpl.UseClassicParameterFlow)
	e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, "/api/v2/users/me/workspaces",
		api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID, ParameterValues: given("slug", "a")})
	assert.Contains(t, e.Message, "it has: region, size")
	w := r.create(r.member, tpl, "dev", given("region", "anything")...)
	assert.True(t, r.workspace(r.member, w.ID).TemplateClassicParameters)
	assert.Equal(t, map[string]string{"region": "anything"}, sent(r.acquire().Build.Parameters))

	off := false
	tpl = coderdtest.Do[api.Template](t, r.owner, http.StatusOK, http.MethodPatch, "/api/v2/templates/"+tpl.ID.String(),
		api.UpdateTemplateRequest{UseClassicParameterFlow: &off})
	assert.False(t, tpl.UseClassicParameterFlow)
}

// TestTagsThatOnlyABuildKnows are refused when the template is pushed.
func TestTagsThatOnlyABuildKnows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	file := r.upload("data \"http\" \"x\" { url = \"u\" }\ndata \"coder_workspace_tags\" \"t\" { tags = { a = data.http.x.body } }\n")
	e := r.refused(r.owner, http.StatusBadRequest, "file_id", http.MethodPost, org+"/templateversions",
		api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", FileID: file})
	assert.Contains(t, e.Message, "main.tf:2")
}
