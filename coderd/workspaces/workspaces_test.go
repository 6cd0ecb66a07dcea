package workspaces_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

func TestLifeOfAWorkspace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("plain", parameter("region", "string"))
	w := r.create(r.member, tpl, "dev", api.ParameterValue{Name: "region", Value: "eu"})
	assert.Equal(t, api.WorkspacePending, w.LatestBuild.Status)
	assert.Equal(t, "bob", w.OwnerName)

	job := r.acquire()
	require.NotNil(t, job.Build)
	assert.Equal(t, w.LatestBuild.ID, job.Build.BuildID)
	assert.Empty(t, job.Build.State)
	assert.Equal(t, []api.ParameterValue{{Name: "region", Value: "eu"}, {Name: "shell", Value: "/bin/bash"}}, job.Build.Parameters)
	m := job.Build.Meta
	assert.Equal(t, r.d.URL.String(), m.AccessURL)
	assert.Equal(t, []string{"Everyone"}, m.OwnerGroups)
	assert.Equal(t, "bob", m.OwnerName)
	assert.Equal(t, "plain", m.TemplateName)
	assert.Equal(t, api.TransitionStart, m.Transition)
	assert.Equal(t, api.WorkspaceStarting, r.workspace(r.member, w.ID).LatestBuild.Status)

	start := time.Now().UTC().Truncate(time.Millisecond)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":1}`), Resources: resources("tok"),
		Timings: []jobrpc.Timing{{Stage: "apply", Source: "terraform", Action: "create", Resource: "x", StartedAt: start, EndedAt: start.Add(time.Second)}}})
	w = r.workspace(r.member, w.ID)
	assert.Equal(t, api.WorkspaceRunning, w.LatestBuild.Status)
	assert.Equal(t, 7, w.LatestBuild.DailyCost)
	require.Len(t, w.LatestBuild.Resources, 1)
	res := w.LatestBuild.Resources[0]
	assert.Equal(t, "", res.Metadata[1].Value, "a sensitive value is not shown")
	require.Len(t, res.Agents, 1)
	agent := res.Agents[0]
	assert.Equal(t, api.AgentConnecting, agent.Status)
	assert.Equal(t, "code--main--dev--bob", agent.Apps[0].SubdomainName)
	assert.Equal(t, "initializing", agent.Apps[0].Health)
	assert.Equal(t, agent.LogSources[0].ID, agent.Scripts[0].LogSourceID)
	assert.Equal(t, []api.ID{agent.ID}, w.Health.FailingAgents)
	timings := coderdtest.Do[api.WorkspaceBuildTimings](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+w.LatestBuild.ID.String()+"/timings", nil)
	require.Len(t, timings.ProvisionerTimings, 1)

	stop := r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop})
	assert.Equal(t, 2, stop.BuildNumber)
	r.refused(r.member, http.StatusConflict, "", http.MethodPost, "/api/v2/workspaces/"+w.ID.String()+"/builds",
		api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	job = r.acquire()
	assert.JSONEq(t, `{"serial":1}`, string(job.Build.State))
	assert.Equal(t, []api.ParameterValue{{Name: "region", Value: "eu"}, {Name: "shell", Value: "/bin/bash"}}, job.Build.Parameters, "carried over")
	assert.Equal(t, job.Build.Parameters, job.Build.PreviousParameters)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":2}`)})
	assert.Equal(t, api.WorkspaceStopped, r.workspace(r.member, w.ID).LatestBuild.Status)

	// A delete that fails keeps the workspace and its state.
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete})
	job = r.acquire()
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Error: "boom", State: []byte(`{"serial":3}`)}))
	w = r.workspace(r.member, w.ID)
	assert.Equal(t, api.WorkspaceFailed, w.LatestBuild.Status)
	assert.Equal(t, "boom", w.LatestBuild.Job.Error)

	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete})
	job = r.acquire()
	assert.JSONEq(t, `{"serial":3}`, string(job.Build.State))
	r.complete(job, jobrpc.BuildResult{})
	assert.Equal(t, api.WorkspaceDeleted, r.workspace(r.member, w.ID).LatestBuild.Status)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, "/api/v2/workspaces/"+w.ID.String(), nil)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, "/api/v2/users/me/workspace/dev", nil)
	again := coderdtest.Do[api.Workspace](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/users/me/workspace/dev?include_deleted=true", nil)
	assert.Equal(t, w.ID, again.ID)
	r.create(r.member, tpl, "dev") // the name is free again
}

func TestCreateRefusesBadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("plain", parameter("n", "number"), parameter("must", "string", func(p *api.TemplateVersionParameter) { p.Required = true }))
	other := r.template("other")
	ok := []api.ParameterValue{{Name: "must", Value: "x"}}
	path := "/api/v2/users/me/workspaces"
	for name, tc := range map[string]struct {
		field string
		req   api.CreateWorkspaceRequest
	}{
		"no name":      {"name", api.CreateWorkspaceRequest{TemplateID: tpl.ID}},
		"reserved":     {"name", api.CreateWorkspaceRequest{Name: "new", TemplateID: tpl.ID}},
		"edge":         {"name", api.CreateWorkspaceRequest{Name: "-a", TemplateID: tpl.ID}},
		"long":         {"name", api.CreateWorkspaceRequest{Name: fmt.Sprintf("%033d", 1), TemplateID: tpl.ID}},
		"no template":  {"template_id", api.CreateWorkspaceRequest{Name: "a"}},
		"both":         {"template_id", api.CreateWorkspaceRequest{Name: "a", TemplateID: tpl.ID, TemplateVersionID: other.ActiveVersionID}},
		"missing":      {"rich_parameter_values", api.CreateWorkspaceRequest{Name: "a", TemplateID: tpl.ID}},
		"unknown":      {"rich_parameter_values", api.CreateWorkspaceRequest{Name: "a", TemplateID: tpl.ID, ParameterValues: []api.ParameterValue{{Name: "x", Value: "y"}}}},
		"wrong number": {"rich_parameter_values", api.CreateWorkspaceRequest{Name: "a", TemplateID: tpl.ID, ParameterValues: append([]api.ParameterValue{{Name: "n", Value: "y"}}, ok...)}},
		"twice":        {"rich_parameter_values", api.CreateWorkspaceRequest{Name: "a", TemplateID: tpl.ID, ParameterValues: append(ok, ok...)}},
	} {
		t.Run(name, func(*testing.T) { r.refused(r.member, http.StatusBadRequest, tc.field, http.MethodPost, path, tc.req) })
	}
	long := int64(1) << 60
	r.refused(r.member, http.StatusBadRequest, "ttl_ms", http.MethodPost, path, api.CreateWorkspaceRequest{Name: "a", TemplateID: other.ID, TTLMillis: &long})
	r.refused(r.member, http.StatusNotFound, "", http.MethodPost, path, api.CreateWorkspaceRequest{Name: "a", TemplateID: api.NewID()})
	r.refused(r.member, http.StatusBadRequest, "template_id", http.MethodPost, path, map[string]any{"name": "a", "template_id": "nonsense"})
	r.create(r.member, tpl, "dev", ok...)
	r.refused(r.member, http.StatusConflict, "name", http.MethodPost, path, api.CreateWorkspaceRequest{Name: "DEV", TemplateID: tpl.ID, ParameterValues: ok})

	// Who may not make workspaces for a user does not learn of them.
	a := r.refused(r.member, http.StatusNotFound, "", http.MethodPost, "/api/v2/users/admin/workspaces", api.CreateWorkspaceRequest{Name: "a", TemplateID: other.ID})
	b := r.refused(r.member, http.StatusNotFound, "", http.MethodPost, "/api/v2/users/nobody/workspaces", api.CreateWorkspaceRequest{Name: "a", TemplateID: other.ID})
	assert.Equal(t, a, b)
	older := coderdtest.Do[api.Workspace](t, r.owner, http.StatusCreated, http.MethodPost, org+"/members/bob/workspaces",
		api.CreateWorkspaceRequest{Name: "by-admin", TemplateVersionID: other.ActiveVersionID})
	assert.Equal(t, "bob", older.OwnerName)
}

func TestBuildRefusesBadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl, other := r.template("plain"), r.template("other")
	w := r.running(r.member, tpl, "dev", "tok")
	path := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	r.refused(r.member, http.StatusBadRequest, "transition", http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "dance"})
	r.refused(r.member, http.StatusBadRequest, "reason", http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "stop", Reason: "mood"})
	r.refused(r.member, http.StatusBadRequest, "orphan", http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "stop", Orphan: true})
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "delete", Orphan: true})
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, path, api.CreateWorkspaceBuildRequest{Transition: "stop", LogLevel: "debug"})
	r.refused(r.member, http.StatusBadRequest, "template_version_id", http.MethodPost, path,
		api.CreateWorkspaceBuildRequest{Transition: "start", TemplateVersionID: other.ActiveVersionID})
	r.refused(r.member, http.StatusNotFound, "", http.MethodPost, path,
		api.CreateWorkspaceBuildRequest{Transition: "start", TemplateVersionID: api.NewID()})
	carol := r.d.NewUser(t, r.owner, "carol")
	for _, id := range []api.ID{w.ID, api.NewID()} {
		r.refused(carol, http.StatusNotFound, "", http.MethodGet, "/api/v2/workspaces/"+id.String(), nil)
		r.refused(carol, http.StatusNotFound, "", http.MethodPost, "/api/v2/workspaces/"+id.String()+"/builds", api.CreateWorkspaceBuildRequest{Transition: "stop"})
	}
	r.refused(r.member, http.StatusBadRequest, "workspace", http.MethodGet, "/api/v2/workspaces/nonsense", nil)

	// An orphan delete ends the workspace at once.
	b := r.build(r.owner, w, api.CreateWorkspaceBuildRequest{Transition: "delete", Orphan: true})
	assert.Equal(t, api.WorkspaceDeleted, b.Status)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, "/api/v2/workspaces/"+w.ID.String(), nil)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("plain")
	w := r.create(r.member, tpl, "dev")
	cancel := "/api/v2/workspacebuilds/" + w.LatestBuild.ID.String() + "/cancel"
	r.refused(r.member, http.StatusBadRequest, "expect_status", http.MethodPatch, cancel+"?expect_status=failed", nil)
	r.refused(r.member, http.StatusConflict, "expect_status", http.MethodPatch, cancel+"?expect_status=running", nil)
	coderdtest.Do[api.Response](t, r.member, http.StatusOK, http.MethodPatch, cancel, nil)
	assert.Equal(t, api.WorkspaceCanceled, r.workspace(r.member, w.ID).LatestBuild.Status)
	r.refused(r.member, http.StatusConflict, "", http.MethodPatch, cancel, nil)

	b := r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "start"})
	job := r.acquire()
	_, err := r.d.Jobs.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt, State: []byte(`{"serial":9}`), StateSerial: 9})
	require.NoError(t, err)
	coderdtest.Do[api.Response](t, r.member, http.StatusOK, http.MethodPatch, "/api/v2/workspacebuilds/"+b.ID.String()+"/cancel", nil)
	assert.Equal(t, api.WorkspaceCanceling, r.workspace(r.member, w.ID).LatestBuild.Status)
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Canceled: true}))
	assert.Equal(t, api.WorkspaceCanceled, r.workspace(r.member, w.ID).LatestBuild.Status)
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "delete"})
	assert.JSONEq(t, `{"serial":9}`, string(r.acquire().Build.State), "the snapshot was kept")
}

func TestState(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.running(r.member, r.template("plain"), "dev", "tok")
	path := "/api/v2/workspacebuilds/" + w.LatestBuild.ID.String() + "/state"
	res, text := r.owner.Raw(t, http.MethodGet, path, nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.JSONEq(t, `{"serial":1}`, string(text))
	r.refused(r.member, http.StatusForbidden, "", http.MethodGet, path, nil)
	r.refused(r.member, http.StatusForbidden, "", http.MethodGet, path+"/resources", nil)
	put := func(serial int, lineage string, force bool) api.UpdateWorkspaceBuildStateRequest {
		return api.UpdateWorkspaceBuildStateRequest{State: stateOf(serial, lineage), ForceState: force}
	}
	r.refused(r.member, http.StatusForbidden, "", http.MethodPut, path, put(5, "a", true))
	for _, bad := range []string{"", "{}", "[", `{"version":3,"lineage":"a"}`, `{"version":4,"serial":1}`} {
		r.refused(r.owner, http.StatusBadRequest, "state", http.MethodPut, path, api.UpdateWorkspaceBuildStateRequest{State: []byte(bad), ForceState: true})
	}
	res, text = r.owner.Raw(t, http.MethodPut, path, put(5, "a", false))
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
	r.refused(r.owner, http.StatusConflict, "state", http.MethodPut, path, put(4, "a", false))
	r.refused(r.owner, http.StatusConflict, "state", http.MethodPut, path, put(6, "b", false))
	res, text = r.owner.Raw(t, http.MethodPut, path, put(5, "b", true))
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
	b := r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "stop"})
	job := r.acquire()
	assert.JSONEq(t, string(stateOf(5, "b")), string(job.Build.State))
	r.refused(r.owner, http.StatusConflict, "", http.MethodPut, "/api/v2/workspacebuilds/"+b.ID.String()+"/state", put(9, "b", false))
	var stored []byte
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), "select state from workspace_build_states limit 1").Scan(&stored))
	assert.NotContains(t, string(stored), "serial", "encrypted at rest")

	// A build may be given the state to start from, under the same rules.
	r.complete(job, jobrpc.BuildResult{State: stateOf(6, "b")})
	start := api.CreateWorkspaceBuildRequest{Transition: "start", State: stateOf(5, "b")}
	builds := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	r.refused(r.member, http.StatusForbidden, "", http.MethodPost, builds, start)
	r.refused(r.owner, http.StatusConflict, "state", http.MethodPost, builds, start)
	r.refused(r.owner, http.StatusBadRequest, "state", http.MethodPost, builds, api.CreateWorkspaceBuildRequest{Transition: "start", State: []byte("{}")})
	r.refused(r.owner, http.StatusBadRequest, "state", http.MethodPost, builds, api.CreateWorkspaceBuildRequest{Transition: "delete", Orphan: true, State: stateOf(7, "b")})
	start.ForceState = true
	r.build(r.owner, w, start)
	assert.JSONEq(t, string(stateOf(5, "b")), string(r.acquire().Build.State))
}

// stateOf is a whole state with one resource.
func stateOf(serial int, lineage string) []byte {
	return []byte(fmt.Sprintf(`{"version":4,"serial":%d,"lineage":%q,"resources":[{"mode":"managed","type":"docker_volume","name":"home",`+
		`"provider":"provider[\"registry.terraform.io/kreuzwerker/docker\"]","instances":[{"attributes":{"id":"vol-%d"}}]}]}`, serial, lineage, serial))
}

// What an attempt brings after it is over can be seen and fetched.
func TestStrays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	first := r.acquire()
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: first.ID, Attempt: first.Attempt, Retry: true}))
	second := r.acquire()
	err := r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: first.ID, Attempt: first.Attempt, Build: &jobrpc.BuildResult{State: stateOf(9, "a")}})
	require.Equal(t, api.CodeConflict, api.CodeOf(err))
	r.complete(second, jobrpc.BuildResult{State: stateOf(3, "a")})
	path := "/api/v2/workspacebuilds/" + w.LatestBuild.ID.String()
	r.refused(r.member, http.StatusForbidden, "", http.MethodGet, path+"/strays", nil)
	list := coderdtest.Do[[]api.WorkspaceBuildStray](t, r.owner, http.StatusOK, http.MethodGet, path+"/strays", nil)
	require.Len(t, list, 1)
	assert.Equal(t, 1, list[0].Attempt)
	assert.Equal(t, "complete", list[0].Kind)
	assert.Equal(t, int64(9), list[0].Serial)
	assert.Equal(t, []api.WorkspaceStateResource{{Address: "docker_volume.home", Type: "docker_volume", Name: "home",
		Provider: "registry.terraform.io/kreuzwerker/docker", ResourceID: "vol-9"}}, list[0].Resources)
	file := path + "/strays/" + list[0].ID.String() + "/state"
	res, text := r.owner.Raw(t, http.MethodGet, file, nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	assert.JSONEq(t, string(stateOf(9, "a")), string(text))
	r.refused(r.member, http.StatusForbidden, "", http.MethodGet, file, nil)
	r.refused(r.owner, http.StatusNotFound, "", http.MethodGet, path+"/strays/"+api.NewID().String()+"/state", nil)
	// Not under the build of another workspace.
	other := r.create(r.member, r.template("more"), "more")
	r.refused(r.owner, http.StatusNotFound, "", http.MethodGet, "/api/v2/workspacebuilds/"+other.LatestBuild.ID.String()+"/strays/"+list[0].ID.String()+"/state", nil)
}

// An orphan delete tells what it leaves behind: before, in its log, in the audit.
func TestOrphanListsWhatIsLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	r.complete(r.acquire(), jobrpc.BuildResult{State: stateOf(1, "a")})
	before := coderdtest.Do[[]api.WorkspaceStateResource](t, r.owner, http.StatusOK, http.MethodGet,
		"/api/v2/workspacebuilds/"+w.LatestBuild.ID.String()+"/state/resources", nil)
	require.Len(t, before, 1)
	assert.Equal(t, "vol-1", before[0].ResourceID)
	b := r.build(r.owner, w, api.CreateWorkspaceBuildRequest{Transition: "delete", Orphan: true})
	assert.Equal(t, api.WorkspaceDeleted, b.Status)
	logs := coderdtest.Do[[]api.ProvisionerJobLog](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+b.ID.String()+"/logs", nil)
	require.Len(t, logs, 2)
	assert.Equal(t, "docker_volume.home (id vol-1)", logs[1].Output)
	var audited int
	require.NoError(t, r.d.DB.Pool().QueryRow(t.Context(), "select count(*) from audit_logs where audit_logs::text like '%vol-1%'").Scan(&audited))
	assert.Equal(t, 1, audited)
}

// A second cancel may force: the daemon is told to kill.
func TestForcedCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	job := r.acquire()
	path := "/api/v2/workspacebuilds/" + w.LatestBuild.ID.String() + "/cancel"
	for n, want := range []jobrpc.UpdateResponse{{Cancel: true}, {Cancel: true, ForceCancel: true}} {
		hints, stop := r.d.Jobs.CancelHints(job.ID)
		res, text := r.member.Raw(t, http.MethodPatch, path+[]string{"", "?force=true"}[n], nil)
		require.Equal(t, http.StatusOK, res.StatusCode, "%s", text)
		select {
		case <-hints:
		case <-t.Context().Done():
		}
		stop()
		got, err := r.d.Jobs.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *coderdtest.Config) { c.AllowRenames = true })
	tpl := r.template("plain")
	w := r.create(r.member, tpl, "dev")
	r.create(r.member, tpl, "taken")
	path := "/api/v2/workspaces/" + w.ID.String()
	r.refused(r.member, http.StatusConflict, "name", http.MethodPatch, path, api.UpdateWorkspaceRequest{Name: "Taken"})
	r.refused(r.member, http.StatusBadRequest, "name", http.MethodPatch, path, api.UpdateWorkspaceRequest{Name: "create"})
	res, text := r.member.Raw(t, http.MethodPatch, path, api.UpdateWorkspaceRequest{Name: "better"})
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
	assert.Equal(t, "better", r.workspace(r.member, w.ID).Name)
}

func TestBadReportFailsTheBuildAndKeepsItsState(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	job := r.acquire()
	bad := resources("tok")
	bad[0].Agents[0].Name = "../evil"
	err := r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte(`{"serial":4}`), Resources: bad}})
	require.Equal(t, api.CodeInvalid, api.CodeOf(err))
	w = r.workspace(r.member, w.ID)
	assert.Equal(t, api.WorkspaceFailed, w.LatestBuild.Status)
	assert.Contains(t, w.LatestBuild.Job.Error, "letters, digits")
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "delete"})
	assert.JSONEq(t, `{"serial":4}`, string(r.acquire().Build.State))
}

func TestVersionsAndBuildsAreListed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl := r.template("plain")
	w := r.running(r.member, tpl, "dev", "tok")
	v := r.version(tpl.ID, jobrpc.ImportResult{})
	b := r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "start", TemplateVersionID: v.ID})
	r.complete(r.acquire(), jobrpc.BuildResult{State: []byte("{}")})
	builds := coderdtest.Do[[]api.WorkspaceBuild](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+w.ID.String()+"/builds", nil)
	require.Len(t, builds, 2)
	assert.Equal(t, b.ID, builds[0].ID)
	assert.Equal(t, v.ID, builds[0].TemplateVersionID)
	older := coderdtest.Do[[]api.WorkspaceBuild](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+w.ID.String()+"/builds?after_id="+b.ID.String(), nil)
	require.Len(t, older, 1)
	first := coderdtest.Do[api.WorkspaceBuild](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/users/bob/workspace/dev/builds/1", nil)
	assert.Equal(t, older[0].ID, first.ID)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, "/api/v2/users/bob/workspace/dev/builds/9", nil)
	assert.Equal(t, first.ID, coderdtest.Do[api.WorkspaceBuild](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+first.ID.String(), nil).ID)
	assert.Len(t, coderdtest.Do[[]api.WorkspaceResource](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+first.ID.String()+"/resources", nil), 1)
	assert.Equal(t, []api.ParameterValue{{Name: "shell", Value: "/bin/bash"}}, coderdtest.Do[[]api.ParameterValue](t, r.member,
		http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+first.ID.String()+"/parameters", nil), "the default that it began with")
	coderdtest.Do[[]api.ProvisionerJobLog](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+first.ID.String()+"/logs", nil)
}

func TestList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl, other := r.template("plain"), r.template("other")
	r.running(r.member, tpl, "dev", "tok")
	r.create(r.member, other, "test")
	r.create(r.owner, tpl, "admins")
	count := func(c *coderdtest.Client, q string) int {
		res := coderdtest.Do[api.WorkspacesResponse](t, c, http.StatusOK, http.MethodGet, "/api/v2/workspaces?q="+q, nil)
		assert.Len(t, res.Workspaces, res.Count, q)
		return res.Count
	}
	for q, want := range map[string]int{"": 3, "owner:me": 1, "owner:bob": 2, "owner:nobody": 0, "template:plain": 2,
		"name:e": 2, "de": 1, "status:running": 1, "status:pending": 2, "owner:bob+status:running": 1, "bob/dev": 1,
		"organization:coder": 3, "organization:none": 0, "%22name:dev%22": 1} {
		assert.Equal(t, want, count(r.owner, q), q)
	}
	assert.Equal(t, 2, count(r.member, ""), "members see their own")
	assert.Equal(t, 0, count(r.member, "owner:admin"))
	for _, q := range []string{"status:odd", "flavour:sweet", "owner:", "%22open"} {
		r.refused(r.owner, http.StatusBadRequest, "q", http.MethodGet, "/api/v2/workspaces?q="+q, nil)
	}
	page := coderdtest.Do[api.WorkspacesResponse](t, r.owner, http.StatusOK, http.MethodGet, "/api/v2/workspaces?limit=1&offset=1", nil)
	assert.Len(t, page.Workspaces, 1)
	assert.Equal(t, 3, page.Count)
}

// TestOneBuildAtATime: of many requests at once, one makes a build.
func TestOneBuildAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.running(r.member, r.template("plain"), "dev", "tok")
	const n = 8
	statuses := make(chan int, n)
	for range n {
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.d.URL.String()+"/api/v2/workspaces/"+w.ID.String()+"/builds",
				strings.NewReader(`{"transition":"stop"}`))
			if err != nil {
				statuses <- 0
				return
			}
			req.Header.Set(api.SessionTokenHeader, r.member.Token.Reveal())
			req.Header.Set("Content-Type", "application/json")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				statuses <- 0
				return
			}
			_ = res.Body.Close()
			statuses <- res.StatusCode
		}()
	}
	got := map[int]int{}
	for range n {
		got[<-statuses]++
	}
	assert.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: n - 1}, got)
}

// TestAnotherAttemptStartsFromTheSnapshot: a daemon that gives a job back loses
// nothing of what it had made, and the attempt before cannot write any more.
func TestAnotherAttemptStartsFromTheSnapshot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.create(r.member, r.template("plain"), "dev")
	first := r.acquire()
	_, err := r.d.Jobs.Update(t.Context(), jobrpc.UpdateRequest{JobID: first.ID, Attempt: first.Attempt, State: []byte(`{"serial":1}`), StateSerial: 1})
	require.NoError(t, err)
	require.NoError(t, r.d.Jobs.Fail(t.Context(), jobrpc.FailRequest{JobID: first.ID, Attempt: first.Attempt, Retry: true, State: []byte(`{"serial":2}`)}))
	assert.Equal(t, api.WorkspacePending, r.workspace(r.member, w.ID).LatestBuild.Status)
	second := r.acquire()
	assert.Equal(t, 2, second.Attempt)
	assert.JSONEq(t, `{"serial":2}`, string(second.Build.State))
	err = r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: first.ID, Attempt: first.Attempt, Build: &jobrpc.BuildResult{State: []byte(`{"serial":9}`)}})
	require.Equal(t, api.CodeConflict, api.CodeOf(err))
	r.complete(second, jobrpc.BuildResult{State: []byte(`{"serial":3}`)})
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "delete"})
	assert.JSONEq(t, `{"serial":3}`, string(r.acquire().Build.State))
}
