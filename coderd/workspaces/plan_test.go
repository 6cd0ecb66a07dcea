package workspaces_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
)

// home is what a stop keeps of the templates of these tests.
func home() jobrpc.Resource {
	return jobrpc.Resource{Type: "terraform_data", Name: "home", Address: "terraform_data.home"}
}

// keeping is an import that found a machine and a home.
func keeping(parameters ...api.TemplateVersionParameter) jobrpc.ImportResult {
	return jobrpc.ImportResult{Parameters: parameters, Start: append(resources(""), home()), Stop: []jobrpc.Resource{home()}}
}

// keeper makes a template of keeping and a running workspace of it.
func (r *rig) keeper(parameters ...api.TemplateVersionParameter) (api.Template, api.Workspace) {
	r.Helper()
	v := r.version(api.ID{}, keeping(parameters...))
	t := coderdtest.Do[api.Template](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templates", api.CreateTemplateRequest{Name: "keeper", VersionID: v.ID})
	w := r.create(r.member, t, "dev")
	r.complete(r.acquire(), jobrpc.BuildResult{State: []byte(`{"serial":1}`), Resources: append(resources("token"), home())})
	return t, r.workspace(r.member, w.ID)
}

func (r *rig) fail(job *jobrpc.Job, code string) {
	r.Helper()
	require.NoError(r, r.d.Jobs.Fail(r.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Code: code, Error: "no"}))
}

func TestWhatAStopKeepsIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, w := r.keeper()
	kept := map[string]bool{}
	for _, res := range w.LatestBuild.Resources {
		kept[res.Address] = res.Persistent
	}
	require.Equal(t, map[string]bool{"terraform_data.ws[0]": false, "terraform_data.home": true}, kept)
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop})
	r.complete(r.acquire(), jobrpc.BuildResult{State: []byte(`{"serial":2}`), Resources: []jobrpc.Resource{home()}})
	left := r.workspace(r.member, w.ID).LatestBuild.Resources
	require.Len(t, left, 1)
	require.True(t, left[0].Persistent)
}

func TestUpdateIsGuardedAndARefusalChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl, w := r.keeper(parameter("zone", "string", func(p *api.TemplateVersionParameter) { p.DefaultValue = "eu" }))
	first := w.LatestBuild.TemplateVersionID

	// The same version with the same values needs no guard.
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	job := r.acquire()
	require.Nil(t, job.Build.Guard)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":2}`), Resources: append(resources("token2"), home())})

	second := r.version(tpl.ID, keeping())
	update := api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, TemplateVersionID: second.ID}
	refused := r.build(r.member, w, update)
	job = r.acquire()
	require.Equal(t, &jobrpc.Guard{Persistent: []string{"terraform_data.home"}}, job.Build.Guard)
	r.fail(job, jobrpc.CodePersistentResources)

	// The workspace is what it was; the history knows.
	now := r.workspace(r.member, w.ID)
	require.Equal(t, api.WorkspaceRunning, now.LatestBuild.Status)
	require.Equal(t, first, now.LatestBuild.TemplateVersionID)
	require.NotEmpty(t, now.LatestBuild.Resources)
	found := coderdtest.Do[api.WorkspacesResponse](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaces?q=status:running", nil)
	require.Equal(t, 1, found.Count)
	old := coderdtest.Do[api.WorkspaceBuild](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspacebuilds/"+refused.ID.String(), nil)
	require.Equal(t, api.WorkspaceFailed, old.Status)
	require.Equal(t, jobrpc.CodePersistentResources, old.Job.ErrorCode)

	// The next build is of the version that the workspace runs, with a new number;
	// another try at the update is guarded again.
	next := r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	require.Equal(t, first, next.TemplateVersionID)
	require.Equal(t, refused.BuildNumber+1, next.BuildNumber)
	r.fail(r.acquire(), "")
	require.Equal(t, api.WorkspaceFailed, r.workspace(r.member, w.ID).LatestBuild.Status, "any other failure counts")
	r.build(r.member, w, update)
	job = r.acquire()
	require.NotNil(t, job.Build.Guard)
	r.fail(job, "")
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	job = r.acquire()
	require.NotNil(t, job.Build.Guard, "a failed update leads to no unguarded one")
	r.fail(job, "")

	confirmed := update
	confirmed.AllowDestroyPersistent = true
	r.build(r.member, w, confirmed)
	job = r.acquire()
	require.Nil(t, job.Build.Guard)
	r.complete(job, jobrpc.BuildResult{State: []byte(`{"serial":3}`), Resources: []jobrpc.Resource{home()}})

	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete})
	require.Nil(t, r.acquire().Build.Guard)
}

// TestRefusalOfAnUnguardedBuildIsAFailure: a daemon cannot hide a build.
func TestRefusalOfAnUnguardedBuildIsAFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, w := r.keeper()
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart})
	r.fail(r.acquire(), jobrpc.CodePersistentResources)
	require.Equal(t, api.WorkspaceFailed, r.workspace(r.member, w.ID).LatestBuild.Status)
}

func TestPlanOfAWorkspace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl, w := r.keeper(parameter("zone", "string"))
	path := "/api/v2/workspaces/" + w.ID.String() + "/plan"
	r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, path,
		api.PlanWorkspaceRequest{Transition: api.TransitionStart, ParameterValues: []api.ParameterValue{{Name: "nope", Value: "1"}}})
	second := r.version(tpl.ID, keeping(parameter("zone", "string")))
	p := coderdtest.Do[api.WorkspacePlan](t, r.member, http.StatusCreated, http.MethodPost, path,
		api.PlanWorkspaceRequest{Transition: api.TransitionStart, TemplateVersionID: second.ID, ParameterValues: []api.ParameterValue{{Name: "zone", Value: "us"}}})
	require.Equal(t, api.JobPending, p.Job.Status)
	require.Equal(t, api.JobTemplateVersionDryRun, p.Job.Type)

	job := r.acquire()
	require.Equal(t, p.Job.ID, job.ID)
	require.JSONEq(t, `{"serial":1}`, string(job.Plan.State))
	require.Equal(t, []string{"terraform_data.home"}, job.Plan.Persistent)
	require.Equal(t, []api.ParameterValue{{Name: "shell", Value: "/bin/bash"}, {Name: "zone", Value: "us"}}, job.Plan.Parameters)
	require.Equal(t, w.ID, job.Plan.Meta.WorkspaceID)
	require.Equal(t, "dev", job.Plan.Meta.WorkspaceName)
	require.Equal(t, "bob", job.Plan.Meta.OwnerName)
	change := api.ResourceChange{Address: "terraform_data.home", Type: "terraform_data", Name: "home",
		Action: api.ResourceReplace, Persistent: true, Reasons: []string{"input"}}
	_, err := r.d.Jobs.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt, State: []byte(`{"serial":9}`), StateSerial: 9})
	require.NoError(t, err)
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Plan: &jobrpc.PlanResult{Resources: append(resources("token"), home()), Changes: []api.ResourceChange{change}}}))

	one := path + "/" + p.Job.ID.String()
	got := coderdtest.Do[api.WorkspacePlan](t, r.member, http.StatusOK, http.MethodGet, one, nil)
	require.Equal(t, api.JobSucceeded, got.Job.Status)
	require.Equal(t, []api.ResourceChange{change}, got.Changes)
	require.Len(t, got.Resources, 2)
	require.Equal(t, api.WorkspaceRunning, r.workspace(r.member, w.ID).LatestBuild.Status)
	r.refused(r.d.NewUser(t, r.owner, "eve"), http.StatusNotFound, "", http.MethodGet, one, nil)

	// The plan of a build is canceled as a dry run is, by those who may change the workspace.
	p = coderdtest.Do[api.WorkspacePlan](t, r.member, http.StatusCreated, http.MethodPost, path, api.PlanWorkspaceRequest{Transition: api.TransitionStop})
	cancel := func(version api.ID) string {
		return "/api/v2/templateversions/" + version.String() + "/dry-run/" + p.Job.ID.String() + "/cancel"
	}
	r.refused(r.d.NewUser(t, r.owner, "mallory"), http.StatusNotFound, "", http.MethodPatch, cancel(tpl.ActiveVersionID), nil)
	r.refused(r.member, http.StatusNotFound, "", http.MethodPatch, cancel(second.ID), nil)
	coderdtest.Do[api.Response](t, r.member, http.StatusOK, http.MethodPatch, cancel(tpl.ActiveVersionID), nil)
	require.Equal(t, api.JobCanceled, coderdtest.Do[api.WorkspacePlan](t, r.member, http.StatusOK, http.MethodGet, path+"/"+p.Job.ID.String(), nil).Job.Status)

	// What the next build starts from was not touched.
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop})
	require.JSONEq(t, `{"serial":1}`, string(r.acquire().Build.State))
	r.refused(r.member, http.StatusConflict, "", http.MethodPost, path, api.PlanWorkspaceRequest{Transition: api.TransitionStart})
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl, _ := r.keeper(parameter("zone", "string", func(p *api.TemplateVersionParameter) { p.DefaultValue = "eu" }))
	path := "/api/v2/templateversions/" + tpl.ActiveVersionID.String() + "/dry-run"
	job := coderdtest.Do[api.ProvisionerJob](t, r.member, http.StatusCreated, http.MethodPost, path,
		api.CreateTemplateVersionDryRunRequest{WorkspaceName: "maybe", ParameterValues: []api.ParameterValue{{Name: "zone", Value: "us"}}})
	work := r.acquire()
	require.Equal(t, job.ID, work.ID)
	require.Empty(t, work.Plan.State)
	require.Equal(t, "maybe", work.Plan.Meta.WorkspaceName)
	require.Equal(t, "bob", work.Plan.Meta.OwnerName)
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: work.ID, Attempt: work.Attempt,
		Plan: &jobrpc.PlanResult{Resources: []jobrpc.Resource{home()}}}))
	one := path + "/" + job.ID.String()
	require.Equal(t, api.JobSucceeded, coderdtest.Do[api.ProvisionerJob](t, r.member, http.StatusOK, http.MethodGet, one, nil).Status)
	found := coderdtest.Do[[]api.WorkspaceResource](t, r.member, http.StatusOK, http.MethodGet, one+"/resources", nil)
	require.Len(t, found, 1)
	require.Equal(t, "terraform_data.home", found[0].Address)
	res, _ := r.member.Raw(t, http.MethodGet, one+"/logs", nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	eve := r.d.NewUser(t, r.owner, "eve")
	r.refused(eve, http.StatusNotFound, "", http.MethodGet, one, nil)
	r.refused(eve, http.StatusNotFound, "", http.MethodPatch, one+"/cancel", nil)

	r.refused(r.member, http.StatusBadRequest, "user_variable_values", http.MethodPost, path,
		api.CreateTemplateVersionDryRunRequest{VariableValues: []api.VariableValue{{Name: "nope", Value: "1"}}})
	waiting := coderdtest.Do[api.ProvisionerJob](t, r.member, http.StatusCreated, http.MethodPost, path, api.CreateTemplateVersionDryRunRequest{})
	listed := coderdtest.Do[api.ProvisionerJob](t, r.member, http.StatusOK, http.MethodGet, "/api/v2/organizations/default/provisionerjobs/"+waiting.ID.String(), nil)
	require.Equal(t, &tpl.ActiveVersionID, listed.Input.TemplateVersionID)
	require.Equal(t, tpl.Name, listed.Metadata.TemplateName)
	coderdtest.Do[api.Response](t, r.member, http.StatusOK, http.MethodPatch, path+"/"+waiting.ID.String()+"/cancel", nil)
	require.Equal(t, api.JobCanceled, coderdtest.Do[api.ProvisionerJob](t, r.member, http.StatusOK, http.MethodGet, path+"/"+waiting.ID.String(), nil).Status)

	// A day later nothing is left.
	for _, id := range []api.ID{job.ID, waiting.ID} {
		_, err := r.d.DB.Pool().Exec(t.Context(), "update provisioner_jobs set created_at = now() - interval '25 hours' where id = $1", id)
		require.NoError(t, err)
	}
	n, err := r.d.DB.DeleteOldPlans(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	r.refused(r.member, http.StatusNotFound, "", http.MethodGet, one, nil)
}

func TestMembersStartTheActiveVersionWhereItIsRequired(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tpl, w := r.keeper()
	first := w.LatestBuild.TemplateVersionID
	second := r.version(tpl.ID, keeping())
	coderdtest.Do[api.Response](t, r.owner, http.StatusOK, http.MethodPatch, "/api/v2/templates/"+tpl.ID.String()+"/versions", api.UpdateActiveTemplateVersionRequest{ID: second.ID})
	yes := true
	coderdtest.Do[api.Template](t, r.owner, http.StatusOK, http.MethodPatch, "/api/v2/templates/"+tpl.ID.String(), api.UpdateTemplateRequest{RequireActiveVersion: &yes})

	require.Equal(t, second.ID, r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart}).TemplateVersionID)
	r.fail(r.acquire(), "")
	r.refused(r.member, http.StatusBadRequest, "template_version_id", http.MethodPost, "/api/v2/workspaces/"+w.ID.String()+"/builds",
		api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, TemplateVersionID: first})
	require.Equal(t, first, r.build(r.owner, w, api.CreateWorkspaceBuildRequest{Transition: api.TransitionStart, TemplateVersionID: first}).TemplateVersionID)
}
