package templates_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/templates"
)

func versionPath(v api.TemplateVersion) string { return "/api/v2/templateversions/" + v.ID.String() }

func TestImport(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.push(api.CreateTemplateVersionRequest{Message: "first", UserVariableValues: []api.VariableValue{
		{Name: "region", Value: "eu"}, {Name: "password", Value: "hunter2"}}})
	assert.Equal(t, api.JobPending, v.Job.Status)
	assert.Equal(t, 1, v.Job.QueuePosition)
	assert.Equal(t, v.ID, *v.Job.Input.TemplateVersionID)
	assert.NotEmpty(t, v.Name)
	assert.Equal(t, "admin", v.CreatedBy.Username)

	job := r.acquire()
	require.NotNil(t, job.Import)
	assert.Equal(t, []api.VariableValue{{Name: "region", Value: "eu"}, {Name: "password", Value: "hunter2"}}, job.Import.Variables)
	assert.Equal(t, "admin", job.Import.Meta.OwnerName)
	assert.Equal(t, r.d.URL.String(), job.Import.Meta.AccessURL)
	resource := jobrpc.Resource{Type: "terraform_data", Name: "ws", Agents: []jobrpc.Agent{{Name: "main", OperatingSystem: "linux", Architecture: "amd64"}}}
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Import: &jobrpc.ImportResult{
		Readme: "hello\x00",
		Variables: []api.TemplateVersionVariable{{Name: "region", Type: "string", DefaultValue: "us"},
			{Name: "password", Type: "string", Required: true, Sensitive: true}, {Name: "size", Type: "number", DefaultValue: "3"}},
		Parameters: []api.TemplateVersionParameter{{Name: "cpu", Type: "number", DefaultValue: "2", Options: []api.TemplateVersionParameterOption{{Name: "two", Value: "2"}}}},
		Start:      []jobrpc.Resource{resource}, Stop: []jobrpc.Resource{{Type: "terraform_data", Name: "home"}},
	}}))

	v = coderdtest.Do[api.TemplateVersion](t, r.member, http.StatusOK, http.MethodGet, versionPath(v), nil)
	assert.Equal(t, api.JobSucceeded, v.Job.Status)
	assert.Equal(t, "hello\uFFFD", v.Readme)
	vars := coderdtest.Do[[]api.TemplateVersionVariable](t, r.member, http.StatusOK, http.MethodGet, versionPath(v)+"/variables", nil)
	require.Len(t, vars, 3)
	assert.Equal(t, "eu", vars[0].Value)
	assert.Equal(t, "", vars[1].Value, "a sensitive value was sent out")
	assert.Equal(t, "3", vars[2].Value)
	params := coderdtest.Do[[]api.TemplateVersionParameter](t, r.member, http.StatusOK, http.MethodGet, versionPath(v)+"/rich-parameters", nil)
	require.Len(t, params, 1)
	assert.Equal(t, "two", params[0].Options[0].Name)
	resources := coderdtest.Do[[]api.WorkspaceResource](t, r.member, http.StatusOK, http.MethodGet, versionPath(v)+"/resources", nil)
	require.Len(t, resources, 2)

	values, err := templates.VariablesOf(t.Context(), r.d.DB.Queries, r.d.Ring, v.ID)
	require.NoError(t, err)
	assert.Contains(t, values, api.VariableValue{Name: "password", Value: "hunter2"})
	var stored int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), `select count(*) from template_version_variables where value like '%hunter2%'`).Scan(&stored))
	assert.Zero(t, stored, "a sensitive value is stored in clear")
}

func TestNewVersionInheritsValues(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	result := jobrpc.ImportResult{Variables: []api.TemplateVersionVariable{{Name: "region", Type: "string", Required: true},
		{Name: "token", Type: "string", Sensitive: true, Required: true}, {Name: "size", Type: "number", DefaultValue: "3"}}}
	v := r.imported(api.CreateTemplateVersionRequest{UserVariableValues: []api.VariableValue{
		{Name: "region", Value: "eu"}, {Name: "token", Value: "s3cret"}}}, result)
	tpl := coderdtest.Do[api.Template](t, r.owner, http.StatusCreated, http.MethodPost, org+"/templates", api.CreateTemplateRequest{Name: "t", VersionID: v.ID})
	r.push(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: "v2", UserVariableValues: []api.VariableValue{{Name: "region", Value: "us"}}})
	job := r.acquire()
	assert.Equal(t, []api.VariableValue{{Name: "region", Value: "us"}, {Name: "token", Value: "s3cret"}}, job.Import.Variables)
	assert.Equal(t, "t", job.Import.Meta.TemplateName)
	assert.Equal(t, "v2", job.Import.Meta.TemplateVersion)
}

func TestBadResultFailsTheImport(t *testing.T) {
	t.Parallel()
	for name, res := range map[string]jobrpc.ImportResult{
		"variable twice":  {Variables: []api.TemplateVersionVariable{{Name: "a"}, {Name: "a"}}},
		"no name":         {Parameters: []api.TemplateVersionParameter{{Type: "string"}}},
		"unknown type":    {Parameters: []api.TemplateVersionParameter{{Name: "p", Type: "map"}}},
		"agent name":      {Start: []jobrpc.Resource{{Type: "a", Name: "b", Agents: []jobrpc.Agent{{Name: "../x", OperatingSystem: "linux", Architecture: "amd64"}}}}},
		"parameter twice": {Parameters: []api.TemplateVersionParameter{{Name: "p", Type: "string"}, {Name: "p", Type: "string"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			v := r.push(api.CreateTemplateVersionRequest{})
			job := r.acquire()
			err := r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Import: &res})
			require.Equal(t, api.CodeInvalid, api.CodeOf(err), "%v", err)
			v = coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodGet, versionPath(v), nil)
			assert.Equal(t, api.JobFailed, v.Job.Status)
			assert.Contains(t, v.Job.Error, "refused")
		})
	}
}

func TestPushBadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("base")
	good := api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host"}
	for name, tc := range map[string]struct {
		change func(*api.CreateTemplateVersionRequest)
		status int
		field  string
	}{
		"no source":        {func(q *api.CreateTemplateVersionRequest) { q.ExampleID = "" }, 400, "file_id"},
		"two sources":      {func(q *api.CreateTemplateVersionRequest) { q.FileID = api.NewID() }, 400, "file_id"},
		"unknown example":  {func(q *api.CreateTemplateVersionRequest) { q.ExampleID = "nope" }, 400, "example_id"},
		"unknown file":     {func(q *api.CreateTemplateVersionRequest) { q.ExampleID, q.FileID = "", api.NewID() }, 400, "file_id"},
		"bad name":         {func(q *api.CreateTemplateVersionRequest) { q.Name = "a/b" }, 400, "name"},
		"long name":        {func(q *api.CreateTemplateVersionRequest) { q.Name = strings.Repeat("a", 65) }, 400, "name"},
		"taken name":       {func(q *api.CreateTemplateVersionRequest) { q.Name, q.TemplateID = "taken", tpl.ID }, 409, "name"},
		"echo":             {func(q *api.CreateTemplateVersionRequest) { q.Provisioner = "echo" }, 400, "provisioner"},
		"storage":          {func(q *api.CreateTemplateVersionRequest) { q.StorageMethod = "s3" }, 400, "storage_method"},
		"unknown template": {func(q *api.CreateTemplateVersionRequest) { q.TemplateID = api.NewID() }, 404, ""},
		"value twice": {func(q *api.CreateTemplateVersionRequest) {
			q.UserVariableValues = []api.VariableValue{{Name: "a"}, {Name: "a"}}
		}, 400, "user_variable_values"},
		"nul in message": {func(q *api.CreateTemplateVersionRequest) { q.Message = "a\x00" }, 400, "message"},
		"bad tag":        {func(q *api.CreateTemplateVersionRequest) { q.ProvisionerTags = map[string]string{"scope": "moon"} }, 400, "tags"},
	} {
		req := good
		tc.change(&req)
		if name == "taken name" {
			r.push(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: "taken"})
		}
		t.Log(name)
		r.refused(r.owner, tc.status, tc.field, http.MethodPost, org+"/templateversions", req)
	}
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, org+"/templateversions", good)
	r.refused(r.owner, http.StatusNotFound, "", http.MethodPost, "/api/v2/organizations/nowhere/templateversions", good)
}

func TestUpdateVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("base")
	v := r.push(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: "one"})
	r.push(api.CreateTemplateVersionRequest{TemplateID: tpl.ID, Name: "two"})
	name, message := "renamed", "why"
	got := coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodPatch, versionPath(v), api.UpdateTemplateVersionRequest{Name: &name, Message: &message})
	assert.Equal(t, "renamed", got.Name)
	assert.Equal(t, "why", got.Message)
	taken, bad := "TWO", "no good"
	r.refused(r.owner, http.StatusConflict, "name", http.MethodPatch, versionPath(v), api.UpdateTemplateVersionRequest{Name: &taken})
	r.refused(r.owner, http.StatusBadRequest, "name", http.MethodPatch, versionPath(v), api.UpdateTemplateVersionRequest{Name: &bad})
	r.refused(r.member, http.StatusForbidden, "", http.MethodPatch, versionPath(v), api.UpdateTemplateVersionRequest{Name: &bad})
	r.refused(r.owner, http.StatusBadRequest, "templateversion", http.MethodPatch, "/api/v2/templateversions/nonsense", api.UpdateTemplateVersionRequest{})
}

func TestCancelVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.push(api.CreateTemplateVersionRequest{})
	r.refused(r.member, http.StatusForbidden, "", http.MethodPatch, versionPath(v)+"/cancel", nil)
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPatch, versionPath(v)+"/cancel", nil)
	got := coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodGet, versionPath(v), nil)
	assert.Equal(t, api.JobCanceled, got.Job.Status)
	r.refused(r.owner, http.StatusConflict, "", http.MethodPatch, versionPath(v)+"/cancel", nil)
}

func TestLogs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.push(api.CreateTemplateVersionRequest{})
	job := r.acquire()
	send := func(offset int, text string) {
		_, err := r.d.Jobs.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, LogOffset: offset,
			Logs: []jobrpc.Log{{Source: "provisioner", Level: api.LogInfo, Stage: "Planning", Output: text}}})
		require.NoError(t, err)
	}
	send(0, "one")
	send(1, "two")
	path := versionPath(v) + "/logs"
	all := coderdtest.Do[[]api.ProvisionerJobLog](t, r.member, http.StatusOK, http.MethodGet, path, nil)
	require.Len(t, all, 2)
	first := all[0]
	after := coderdtest.Do[[]api.ProvisionerJobLog](t, r.member, http.StatusOK, http.MethodGet, path+"?after="+jsonOf(t, first.ID), nil)
	require.Len(t, after, 1)
	assert.Equal(t, "two", after[0].Output)
	before := coderdtest.Do[[]api.ProvisionerJobLog](t, r.member, http.StatusOK, http.MethodGet, path+"?before="+jsonOf(t, all[1].ID), nil)
	require.Len(t, before, 1)
	res, text := r.member.Raw(t, http.MethodGet, path+"?format=text", nil)
	assert.Contains(t, res.Header.Get("Content-Type"), "text/plain")
	assert.Contains(t, string(text), "[info] [provisioner|Planning] one\n")
	for query, field := range map[string]string{"after=x": "after", "before=-1": "before", "format=xml": "format", "follow=maybe": "follow", "follow&format=text": "format"} {
		r.refused(r.member, http.StatusBadRequest, field, http.MethodGet, path+"?"+query, nil)
	}
	r.refused(r.owner, http.StatusNotFound, "", http.MethodGet, "/api/v2/templateversions/"+api.NewID().String()+"/logs", nil)

	ws, _, err := websocket.Dial(t.Context(), strings.Replace(r.d.URL.String(), "http", "ws", 1)+path+"?follow&after="+jsonOf(t, first.ID),
		&websocket.DialOptions{HTTPHeader: http.Header{api.SessionTokenHeader: {r.member.Token.Reveal()}}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = ws.CloseNow() })
	next := func() (l api.ProvisionerJobLog) {
		typ, msg, err := ws.Read(t.Context())
		require.NoError(t, err)
		require.Equal(t, websocket.MessageText, typ)
		require.NoError(t, json.Unmarshal(msg, &l), "%s", msg)
		return l
	}
	assert.Equal(t, "two", next().Output)
	send(2, "three")
	assert.Equal(t, "three", next().Output)
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Error: "main.tf line 3: no"}))
	_, _, err = ws.Read(t.Context())
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "%v", err)
	got := coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusOK, http.MethodGet, versionPath(v), nil)
	assert.Equal(t, "main.tf line 3: no", got.Job.Error)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
