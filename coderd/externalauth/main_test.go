package externalauth_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/externalauth/externalauthtest"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	mine  = "/api/v2/external-auth"
	forge = mine + "/" + externalauthtest.ID
	agent = "/api/v2/workspaceagents/me/external-auth"
	org   = "/api/v2/organizations/default"
)

// rig is a deployment with a provider and a user bob.
type rig struct {
	*testing.T
	p             *externalauthtest.Provider
	d             *coderdtest.Deployment
	owner, member *coderdtest.Client
	browser       *externalauthtest.Browser
	daemon        jobrpc.AcquireRequest
}

func newRig(t *testing.T, set ...func(*externalauth.Config)) *rig {
	t.Helper()
	r := &rig{T: t, p: externalauthtest.New(t)}
	r.d = coderdtest.New(t, r.configured(set...))
	r.owner = r.d.FirstUser(t)
	r.member = r.d.NewUser(t, r.owner, "bob")
	r.browser = externalauthtest.NewBrowser(t, r.d.URL.String(), r.member.Token.Reveal())
	r.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test"}
	return r
}

func (r *rig) configured(set ...func(*externalauth.Config)) func(*coderdtest.Config) {
	return func(c *coderdtest.Config) { c.ExternalAuth = []externalauth.Config{r.p.Config(set...)} }
}

// link returns bob's sign-in as the list shows it.
func (r *rig) link() api.ExternalAuthLink {
	r.Helper()
	all := coderdtest.Do[api.ListUserExternalAuthResponse](r, r.member, http.StatusOK, http.MethodGet, mine, nil)
	require.Len(r, all.Providers, 1)
	require.Len(r, all.Links, 1)
	return all.Links[0]
}

func (r *rig) exec(sql string) {
	r.Helper()
	_, err := r.d.DB.Pool().Exec(r.Context(), sql)
	require.NoError(r, err)
}

// acquire takes the next job; nil is none.
func (r *rig) acquire() *jobrpc.Job {
	r.Helper()
	job, err := r.d.Jobs.Acquire(r.Context(), r.daemon)
	require.NoError(r, err)
	return job
}

// template imports one that asks for the provider.
func (r *rig) template(name string, optional bool) api.Template {
	r.Helper()
	v := coderdtest.Do[api.TemplateVersion](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templateversions",
		api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", ExampleID: "host"})
	job := r.acquire()
	require.Equal(r, []string{externalauthtest.ID}, job.Import.Providers)
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Import: &jobrpc.ImportResult{ExternalAuth: []jobrpc.ExternalAuth{{ID: externalauthtest.ID, Optional: optional}}}}))
	return coderdtest.Do[api.Template](r, r.owner, http.StatusCreated, http.MethodPost, org+"/templates",
		api.CreateTemplateRequest{Name: name, VersionID: v.ID})
}

// running makes a workspace of bob's with an agent.
func (r *rig) running(t api.Template, name string, token api.Secret, scope string) *coderdtest.Client {
	r.Helper()
	coderdtest.Do[api.Workspace](r, r.member, http.StatusCreated, http.MethodPost, "/api/v2/users/me/workspaces",
		api.CreateWorkspaceRequest{Name: name, TemplateID: t.ID})
	job := r.acquire()
	require.NotNil(r, job)
	require.NoError(r, r.d.Jobs.Complete(r.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte("{}"), Resources: []jobrpc.Resource{{Type: "terraform_data", Name: "ws",
			Agents: []jobrpc.Agent{{Name: "main", Token: token, OperatingSystem: "linux", Architecture: "amd64", APIKeyScope: scope}}}}}}))
	return r.d.Client(token)
}
