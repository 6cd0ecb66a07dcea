package workspaces_test

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

const org = "/api/v2/organizations/default"

// rig is a deployment with a daemon that the test plays itself.
type rig struct {
	*testing.T
	d      *coderdtest.Deployment
	owner  *coderdtest.Client
	member *coderdtest.Client
	daemon jobrpc.AcquireRequest
}

func newRig(t *testing.T, set ...func(*coderdtest.Config)) *rig {
	t.Helper()
	r := &rig{T: t, d: coderdtest.New(t, set...)}
	r.owner = r.d.FirstUser(t)
	r.member = r.d.NewUser(t, r.owner, "bob")
	r.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test", Wait: 20 * time.Second}
	return r
}

// acquire takes the next job as the daemon.
func (r *rig) acquire() *jobrpc.Job {
	r.Helper()
	job, err := r.d.Jobs.Acquire(r.Context(), r.daemon)
	require.NoError(r, err)
	require.NotNil(r, job)
	return job
}

// version pushes a version, of a template if id is not zero, and imports it.
func (r *rig) version(template api.ID, res jobrpc.ImportResult) api.TemplateVersion {
	r.Helper()
	v := coderdtest.Do[api.TemplateVersion](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templateversions",
		api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host", TemplateID: template})
	job := r.acquire()
	require.Equal(r, v.Job.ID, job.ID)
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &res}))
	return v
}

func (r *rig) template(name string, parameters ...api.TemplateVersionParameter) api.Template {
	r.Helper()
	v := r.version(api.ID{}, jobrpc.ImportResult{Parameters: parameters})
	return coderdtest.Do[api.Template](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: name, VersionID: v.ID})
}

// create makes a workspace for c.
func (r *rig) create(c *coderdtest.Client, t api.Template, name string, values ...api.ParameterValue) api.Workspace {
	r.Helper()
	return coderdtest.Do[api.Workspace](r, c, http.StatusCreated, http.MethodPost, "/api/v2/users/me/workspaces",
		api.CreateWorkspaceRequest{Name: name, TemplateID: t.ID, ParameterValues: values})
}

// build asks for a transition of w as its owner.
func (r *rig) build(c *coderdtest.Client, w api.Workspace, req api.CreateWorkspaceBuildRequest) api.WorkspaceBuild {
	r.Helper()
	return coderdtest.Do[api.WorkspaceBuild](r, c, http.StatusCreated, http.MethodPost, "/api/v2/workspaces/"+w.ID.String()+"/builds", req)
}

func (r *rig) workspace(c *coderdtest.Client, id api.ID) api.Workspace {
	r.Helper()
	return coderdtest.Do[api.Workspace](r, c, http.StatusOK, http.MethodGet, "/api/v2/workspaces/"+id.String()+"?include_deleted=true", nil)
}

// complete ends a job with success.
func (r *rig) complete(job *jobrpc.Job, res jobrpc.BuildResult) {
	r.Helper()
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Build: &res}))
}

// running makes a workspace and completes its first build with one agent.
func (r *rig) running(c *coderdtest.Client, t api.Template, name string, token api.Secret) api.Workspace {
	r.Helper()
	w := r.create(c, t, name)
	r.complete(r.acquire(), jobrpc.BuildResult{State: []byte(`{"serial":1}`), Resources: resources(token)})
	return r.workspace(c, w.ID)
}

// refused makes a request that must fail with status and name field.
func (r *rig) refused(c *coderdtest.Client, status int, field, method, path string, body any) api.Error {
	r.Helper()
	e := coderdtest.Do[api.Error](r, c, status, method, path, body)
	if field != "" {
		require.NotEmpty(r, e.Validations, "%s %s: %+v", method, path, e)
		require.Equal(r, field, e.Validations[0].Field, "%s %s: %+v", method, path, e)
	}
	return e
}

func resources(token api.Secret) []jobrpc.Resource {
	return []jobrpc.Resource{{Type: "terraform_data", Name: "ws", Address: "terraform_data.ws[0]", DailyCost: 7,
		Metadata: []api.WorkspaceResourceMetadata{{Key: "disk", Value: "10G"}, {Key: "pw", Value: "hunter2", Sensitive: true}},
		Agents: []jobrpc.Agent{{Name: "main", Token: token, OperatingSystem: "linux", Architecture: "amd64",
			Directory: "/home/x", Env: map[string]string{"A": "b"}, ConnectionTimeoutSeconds: 120,
			DisplayApps: []string{"vscode"},
			Apps: []api.WorkspaceApp{{Slug: "code", DisplayName: "Code", URL: "http://localhost:1", Subdomain: true,
				Healthcheck: api.Healthcheck{URL: "http://localhost:1/healthz", Interval: 5, Threshold: 3}}},
			Scripts:  []api.AgentScript{{DisplayName: "Startup Script", Script: "echo hi", RunOnStart: true}},
			Metadata: []jobrpc.AgentMetadata{{Key: "cpu", DisplayName: "CPU", Script: "cat /proc/loadavg", Interval: 10, Timeout: 1}}}}}}
}

// parameter declares a mutable one.
func parameter(name, typ string, set ...func(*api.TemplateVersionParameter)) api.TemplateVersionParameter {
	p := api.TemplateVersionParameter{Name: name, Type: typ, Mutable: true, Options: []api.TemplateVersionParameterOption{}}
	for _, s := range set {
		s(&p)
	}
	return p
}
