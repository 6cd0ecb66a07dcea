package agents_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	org = "/api/v2/organizations/default"
	me  = "/api/v2/workspaceagents/me"
)

// rig is a deployment with a template and a daemon that the test plays itself.
type rig struct {
	*testing.T
	d        *coderdtest.Deployment
	owner    *coderdtest.Client
	member   *coderdtest.Client
	daemon   jobrpc.AcquireRequest
	template api.Template
}

func newRig(t *testing.T, set ...func(*coderdtest.Config)) *rig {
	t.Helper()
	r := &rig{T: t, d: coderdtest.New(t, set...)}
	r.owner = r.d.FirstUser(t)
	r.member = r.d.NewUser(t, r.owner, "bob")
	r.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test", Wait: 20 * time.Second}
	v := coderdtest.Do[api.TemplateVersion](t, r.owner, http.StatusCreated, http.MethodPost, org+"/templateversions",
		api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host"})
	job := r.acquire()
	require.NoError(t, r.d.Jobs.Complete(t.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &jobrpc.ImportResult{}}))
	r.template = coderdtest.Do[api.Template](t, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: "plain", VersionID: v.ID})
	return r
}

func (r *rig) acquire() *jobrpc.Job {
	r.Helper()
	job, err := r.d.Jobs.Acquire(r.Context(), r.daemon)
	require.NoError(r, err)
	require.NotNil(r, job)
	return job
}

// building makes a workspace of bob's and takes the job of its first build.
func (r *rig) building(name string) (api.Workspace, *jobrpc.Job) {
	r.Helper()
	w := coderdtest.Do[api.Workspace](r, r.member, http.StatusCreated, http.MethodPost, "/api/v2/users/me/workspaces",
		api.CreateWorkspaceRequest{Name: name, TemplateID: r.template.ID})
	return w, r.acquire()
}

// complete ends a build with one agent that has token.
func (r *rig) complete(job *jobrpc.Job, token api.Secret) {
	r.Helper()
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte("{}"), Resources: []jobrpc.Resource{{Type: "terraform_data", Name: "ws",
			Agents: []jobrpc.Agent{{Name: "main", Token: token, OperatingSystem: "linux", Architecture: "amd64",
				Env:      map[string]string{"A": "b"},
				Apps:     []api.WorkspaceApp{{Slug: "code", Healthcheck: api.Healthcheck{URL: "http://localhost:1", Interval: 5, Threshold: 3}}, {Slug: "shell", Command: "bash"}},
				Scripts:  []api.AgentScript{{DisplayName: "Startup Script", Script: "echo hi", RunOnStart: true}},
				Metadata: []jobrpc.AgentMetadata{{Key: "cpu", Script: "uptime", Interval: 10, Timeout: 1}}}}}}}}))
}

// running makes a workspace whose agent has token, and returns both.
func (r *rig) running(name string, token api.Secret) (api.Workspace, api.WorkspaceAgent) {
	r.Helper()
	w, job := r.building(name)
	r.complete(job, token)
	w = coderdtest.Do[api.Workspace](r, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+w.ID.String(), nil)
	return w, w.LatestBuild.Resources[0].Agents[0]
}

func (r *rig) agent(id api.ID) api.WorkspaceAgent {
	r.Helper()
	return coderdtest.Do[api.WorkspaceAgent](r, r.member, http.StatusOK, http.MethodGet, "/api/v2/workspaceagents/"+id.String(), nil)
}

// call makes a request that has to end with status and drops the answer.
func (r *rig) call(c *coderdtest.Client, status int, method, path string, body any) {
	r.Helper()
	res, text := c.Raw(r, method, path, body)
	require.Equal(r, status, res.StatusCode, "%s %s: %s", method, path, text)
}
