package coderd_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/externalauth/externalauthtest"
)

// world is a deployment in which the steps below happen one after another.
type world struct {
	*testing.T
	d             *coderdtest.Deployment
	p             *externalauthtest.Provider
	owner, member *coderdtest.Client
	agent         *coderdtest.Client
	daemon        jobrpc.AcquireRequest
	version       api.TemplateVersion
	template      api.Template
	workspace     api.Workspace
	user          api.User
	token         string // its id
	dryRun, file  api.ID
	group         api.ID
	device        api.ExternalAuthDevice
}

// request is what a step asks for; []byte bodies are archives.
type request struct {
	by     *coderdtest.Client
	method string
	path   string
	body   any
}

// step calls one route. Either it leaves exactly entry ("action resource_type"), or
// none says why it leaves nothing. do is nil where the reason is enough.
type step struct {
	route string
	entry string
	none  string
	do    func(w *world) request
	after func(w *world, answer []byte)
	// once says that a request which failed cannot be made again.
	once bool
}

func read[T any](w *world, answer []byte) T {
	w.Helper()
	var out T
	require.NoError(w, json.Unmarshal(answer, &out), "%s", answer)
	return out
}

func (w *world) acquire() *jobrpc.Job {
	w.Helper()
	job, err := w.d.Jobs.Acquire(w.Context(), w.daemon)
	require.NoError(w, err)
	require.NotNil(w, job)
	return job
}

// imported ends the import of a version.
func (w *world) imported() {
	w.Helper()
	job := w.acquire()
	require.NoError(w, w.d.Jobs.Complete(w.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Import: &jobrpc.ImportResult{}}))
}

const agentToken = api.Secret("the-token-of-the-agent")

const firstState = `{"version":4,"serial":1,"lineage":"a","resources":[]}`

// built ends a build with an agent.
func (w *world) built() {
	w.Helper()
	job := w.acquire()
	require.NoError(w, w.d.Jobs.Complete(w.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt,
		Build: &jobrpc.BuildResult{State: []byte(firstState), Resources: []jobrpc.Resource{{Type: "terraform_data", Name: "ws", Address: "terraform_data.ws",
			Agents: []jobrpc.Agent{{Name: "main", Token: agentToken, OperatingSystem: "linux", Architecture: "amd64"}}}}}}))
	w.agent = w.d.Client(agentToken)
}

func archiveOf(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	require.NoError(t, tw.WriteHeader(&tar.Header{Name: "main.tf", Mode: 0o600}))
	require.NoError(t, tw.Close())
	return b.Bytes()
}

func (w *world) send(r request) (int, []byte) {
	w.Helper()
	raw, isArchive := r.body.([]byte)
	if !isArchive {
		res, text := r.by.Raw(w, r.method, r.path, r.body)
		return res.StatusCode, text
	}
	req, err := http.NewRequestWithContext(w.Context(), r.method, w.d.URL.String()+r.path, bytes.NewReader(raw))
	require.NoError(w, err)
	req.Header.Set("Content-Type", api.ContentTypeTar)
	req.Header.Set(api.SessionTokenHeader, r.by.Token.Reveal())
	res, err := http.DefaultClient.Do(req)
	require.NoError(w, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	text, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	return res.StatusCode, text
}

func ptr[T any](v T) *T { return &v }

const (
	measured = "what an agent measures is no decision of anybody"
	noChange = "changes nothing"
	cloud    = "needs the signature of a cloud; its entry is written in the transaction of the sign-in"
	inOrg    = "/api/v2/organizations/default"
)

// steps are all routes that are not only read, in an order in which each succeeds.
func steps() []step {
	return slicesOf(userSteps(), settingSteps(), templateSteps(), workspaceSteps(), rightsSteps(), agentSteps(), containerSteps(), lastSteps())
}

func slicesOf(lists ...[]step) []step {
	var out []step
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

func userSteps() []step {
	user := func(w *world, rest string) string { return "/api/v2/users/" + w.user.ID.String() + rest }
	login := api.LoginRequest{Email: "admin@example.com", Password: coderdtest.Password}
	return []step{
		{route: "POST /api/v2/users/first", entry: "create user, create organization", do: func(w *world) request {
			return request{w.d.Client(""), "POST", "/api/v2/users/first", api.CreateFirstUserRequest{Email: "admin@example.com", Username: "admin", Password: coderdtest.Password}}
		}, after: func(w *world, _ []byte) { w.owner = w.d.Login(w, "admin@example.com") }},
		{route: "POST /api/v2/users/login", entry: "login user", do: func(w *world) request {
			return request{w.d.Client(""), "POST", "/api/v2/users/login", login}
		}, after: func(w *world, b []byte) { w.member = w.d.Client(read[api.LoginResponse](w, b).SessionToken) }},
		{route: "POST /api/v2/users/logout", entry: "logout user", do: func(w *world) request {
			return request{w.member, "POST", "/api/v2/users/logout", nil}
		}},
		{route: "POST /api/v2/users/validate-password", none: noChange, do: func(w *world) request {
			return request{w.d.Client(""), "POST", "/api/v2/users/validate-password", api.ValidatePasswordRequest{Password: "x"}}
		}},
		{route: "POST /api/v2/csp/reports", none: noChange, do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/csp/reports", map[string]any{"csp-report": map[string]any{}}}
		}},
		{route: "POST /api/v2/authcheck", none: noChange, do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/authcheck", map[string]any{"checks": map[string]any{}}}
		}},
		{route: "POST /api/v2/users", entry: "create user", do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/users", api.CreateUserRequest{Username: "bob", Email: "bob@example.com", Password: coderdtest.Password}}
		}, after: func(w *world, b []byte) { w.user, w.member = read[api.User](w, b), w.d.Login(w, "bob@example.com") }},
		{route: "PUT /api/v2/users/{user}/profile", entry: "write user", do: func(w *world) request {
			return request{w.owner, "PUT", user(w, "/profile"), api.UpdateUserProfileRequest{Username: "bobby", Name: "Bob"}}
		}},
		{route: "PUT /api/v2/users/{user}/password", entry: "write user", do: func(w *world) request {
			return request{w.owner, "PUT", user(w, "/password"), api.UpdateUserPasswordRequest{Password: coderdtest.Password + "2"}}
		}},
		{route: "PUT /api/v2/users/{user}/roles", entry: "write user", do: func(w *world) request {
			return request{w.owner, "PUT", user(w, "/roles"), api.UpdateRolesRequest{Roles: []string{"auditor"}}}
		}},
		{route: "PUT /api/v2/users/{user}/status/suspend", entry: "write user", do: func(w *world) request {
			return request{w.owner, "PUT", user(w, "/status/suspend"), nil}
		}},
		{route: "PUT /api/v2/users/{user}/status/activate", entry: "write user", do: func(w *world) request {
			return request{w.owner, "PUT", user(w, "/status/activate"), nil}
		}},
		{route: "PUT /api/v2/users/{user}/gitsshkey", entry: "write git_ssh_key", do: func(w *world) request {
			coderdtest.Do[api.GitSSHKey](w, w.owner, 200, "GET", "/api/v2/users/me/gitsshkey", nil) // makes the first one
			return request{w.owner, "PUT", "/api/v2/users/me/gitsshkey", nil}
		}},
		{route: "POST /api/v2/users/{user}/keys", entry: "create api_key", do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/users/me/keys", nil}
		}},
		{route: "POST /api/v2/users/{user}/keys/tokens", entry: "create api_key", do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/users/me/keys/tokens", api.CreateTokenRequest{TokenName: "ci"}}
		}, after: func(w *world, b []byte) {
			w.token, _, _ = strings.Cut(read[api.GenerateKeyResponse](w, b).Key.Reveal(), "-")
		}},
		{route: "PUT /api/v2/users/{user}/keys/{keyid}/expire", entry: "write api_key", do: func(w *world) request {
			return request{w.owner, "PUT", "/api/v2/users/me/keys/" + w.token + "/expire", nil}
		}},
		{route: "DELETE /api/v2/users/{user}/keys/{keyid}", entry: "delete api_key", do: func(w *world) request {
			return request{w.owner, "DELETE", "/api/v2/users/me/keys/" + w.token, nil}
		}},
		{route: "POST /external-auth/{externalauth}/start", none: "begins a sign-in, whose end leaves the entry"},
		{route: "POST /api/v2/external-auth/{externalauth}/device", entry: "create external_auth_link", once: true, do: func(w *world) request {
			w.device = coderdtest.Do[api.ExternalAuthDevice](w, w.owner, 200, "GET", "/api/v2/external-auth/"+externalauthtest.ID+"/device", nil)
			w.p.Agree(w.device.DeviceCode.Reveal())
			return request{w.owner, "POST", "/api/v2/external-auth/" + externalauthtest.ID + "/device", api.ExternalAuthDeviceExchange{DeviceCode: w.device.DeviceCode}}
		}},
		{route: "DELETE /api/v2/external-auth/{externalauth}", entry: "delete external_auth_link", do: func(w *world) request {
			return request{w.owner, "DELETE", "/api/v2/external-auth/" + externalauthtest.ID, nil}
		}},
	}
}

func templateSteps() []step {
	version := func(w *world, rest string) string {
		return "/api/v2/templateversions/" + w.version.ID.String() + rest
	}
	template := func(w *world, rest string) string { return "/api/v2/templates/" + w.template.ID.String() + rest }
	push := func(w *world) request {
		return request{w.owner, "POST", inOrg + "/templateversions", api.CreateTemplateVersionRequest{StorageMethod: "file",
			Provisioner: "terraform", FileID: w.file, TemplateID: w.template.ID}}
	}
	kept := func(w *world, b []byte) { w.version = read[api.TemplateVersion](w, b) }
	return []step{
		{route: "POST /api/v2/files", entry: "create file", do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/files", archiveOf(w.T)}
		}, after: func(w *world, b []byte) { w.file = read[api.UploadResponse](w, b).ID }},
		{route: "POST /api/v2/organizations/{organization}/templateversions", entry: "create template_version", do: push,
			after: func(w *world, b []byte) { kept(w, b); w.imported() }},
		{route: "POST /api/v2/organizations/{organization}/templates", entry: "create template", do: func(w *world) request {
			return request{w.owner, "POST", inOrg + "/templates", api.CreateTemplateRequest{Name: "plain", VersionID: w.version.ID}}
		}, after: func(w *world, b []byte) { w.template = read[api.Template](w, b) }},
		{route: "PATCH /api/v2/templates/{template}", entry: "write template", do: func(w *world) request {
			return request{w.owner, "PATCH", template(w, ""), api.UpdateTemplateRequest{Description: ptr("new")}}
		}},
		{route: "POST /api/v2/organizations/{organization}/templateversions", entry: "create template_version", do: push,
			after: func(w *world, b []byte) { kept(w, b); w.imported() }},
		{route: "PATCH /api/v2/templateversions/{templateversion}", entry: "write template_version", do: func(w *world) request {
			return request{w.owner, "PATCH", version(w, ""), api.UpdateTemplateVersionRequest{Name: ptr("second")}}
		}},
		{route: "POST /api/v2/templateversions/{templateversion}/archive", entry: "write template_version", do: func(w *world) request {
			return request{w.owner, "POST", version(w, "/archive"), nil}
		}},
		{route: "POST /api/v2/templateversions/{templateversion}/unarchive", entry: "write template_version", do: func(w *world) request {
			return request{w.owner, "POST", version(w, "/unarchive"), nil}
		}},
		{route: "PATCH /api/v2/templates/{template}/versions", entry: "write template", do: func(w *world) request {
			return request{w.owner, "PATCH", template(w, "/versions"), api.UpdateActiveTemplateVersionRequest{ID: w.version.ID}}
		}},
		{route: "POST /api/v2/templates/{template}/versions/archive", entry: "write template_version", do: func(w *world) request {
			return request{w.owner, "POST", template(w, "/versions/archive"), api.ArchiveTemplateVersionsRequest{All: true}}
		}},
		{route: "POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate", none: noChange, do: func(w *world) request {
			return request{w.owner, "POST", version(w, "/dynamic-parameters/evaluate"), api.DynamicParametersRequest{}}
		}},
		{route: "POST /api/v2/templateversions/{templateversion}/dry-run", none: "a plan is a question", do: func(w *world) request {
			return request{w.owner, "POST", version(w, "/dry-run"), api.CreateTemplateVersionDryRunRequest{}}
		}, after: func(w *world, b []byte) { w.dryRun = read[api.ProvisionerJob](w, b).ID }},
		{route: "PATCH /api/v2/templateversions/{templateversion}/dry-run/{jobID}/cancel", entry: "write template_version", do: func(w *world) request {
			return request{w.owner, "PATCH", version(w, "/dry-run/"+w.dryRun.String()+"/cancel"), nil}
		}},
	}
}

func workspaceSteps() []step {
	ws := func(w *world, rest string) string { return "/api/v2/workspaces/" + w.workspace.ID.String() + rest }
	build := func(w *world, rest string) string {
		now := coderdtest.Do[api.Workspace](w, w.owner, 200, "GET", ws(w, ""), nil)
		return "/api/v2/workspacebuilds/" + now.LatestBuild.ID.String() + rest
	}
	return []step{
		{route: "POST /api/v2/organizations/{organization}/members/{user}/workspaces", entry: "create workspace", do: func(w *world) request {
			return request{w.owner, "POST", inOrg + "/members/me/workspaces", api.CreateWorkspaceRequest{Name: "first", TemplateID: w.template.ID}}
		}, after: func(w *world, _ []byte) { w.built() }},
		{route: "POST /api/v2/users/{user}/workspaces", entry: "create workspace", do: func(w *world) request {
			return request{w.owner, "POST", "/api/v2/users/me/workspaces", api.CreateWorkspaceRequest{Name: "dev", TemplateID: w.template.ID}}
		}, after: func(w *world, b []byte) { w.workspace = read[api.Workspace](w, b); w.built() }},
		{route: "PATCH /api/v2/workspaces/{workspace}", entry: "write workspace", do: func(w *world) request {
			return request{w.owner, "PATCH", ws(w, ""), api.UpdateWorkspaceRequest{Name: "dev2"}}
		}},
		{route: "POST /api/v2/workspaces/{workspace}/port-share", entry: "write workspace", do: func(w *world) request {
			return request{w.owner, "POST", ws(w, "/port-share"), api.UpsertPortShareRequest{AgentName: "main", Port: 8080, ShareLevel: api.ShareLevelPublic}}
		}},
		{route: "DELETE /api/v2/workspaces/{workspace}/port-share", entry: "write workspace", do: func(w *world) request {
			return request{w.owner, "DELETE", ws(w, "/port-share"), api.DeletePortShareRequest{AgentName: "main", Port: 8080}}
		}},
		{route: "POST /login", none: "a form of POST /users/login, which leaves the entry"},
		{route: "POST /api/v2/applications/start", none: "a form of POST /workspaces/{workspace}/builds, which leaves the entry"},
		{route: "POST /api/v2/workspaces/{workspace}/usage", none: "notes that people are there, every minute", do: func(w *world) request {
			return request{w.owner, "POST", ws(w, "/usage"), nil}
		}},
		{route: "POST /api/v2/workspaces/{workspace}/plan", none: "a plan is a question", do: func(w *world) request {
			return request{w.owner, "POST", ws(w, "/plan"), api.PlanWorkspaceRequest{Transition: api.TransitionStop}}
		}, after: func(w *world, _ []byte) {
			job := w.acquire()
			require.NoError(w, w.d.Jobs.Complete(w.Context(), jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt, Plan: &jobrpc.PlanResult{}}))
		}},
		{route: "PUT /api/v2/workspacebuilds/{workspacebuild}/state", entry: "write workspace_build", do: func(w *world) request {
			return request{w.owner, "PUT", build(w, "/state"), api.UpdateWorkspaceBuildStateRequest{State: []byte(strings.Replace(firstState, `"serial":1`, `"serial":2`, 1))}}
		}},
		{route: "POST /api/v2/workspaces/{workspace}/builds", entry: "stop workspace_build", do: func(w *world) request {
			return request{w.owner, "POST", ws(w, "/builds"), api.CreateWorkspaceBuildRequest{Transition: api.TransitionStop}}
		}},
		{route: "PATCH /api/v2/workspacebuilds/{workspacebuild}/cancel", entry: "write workspace_build", do: func(w *world) request {
			return request{w.owner, "PATCH", build(w, "/cancel"), nil}
		}},
	}
}

func agentSteps() []step {
	const me = "/api/v2/workspaceagents/me"
	report := func(path string, body any) step {
		return step{route: "POST " + me + path, none: measured, do: func(w *world) request { return request{w.agent, "POST", me + path, body} }}
	}
	return []step{
		report("/startup", agentrpc.Startup{Version: "v1"}),
		report("/lifecycle", agentrpc.Lifecycle{State: api.LifecycleStarting}),
		report("/metadata", agentrpc.Metadata{Values: []agentrpc.MetadataValue{}}),
		report("/app-health", agentrpc.AppHealth{Healths: map[string]string{}}),
		report("/monitors", agentrpc.Monitors{States: []agentrpc.MonitorState{}}),
		report("/usage", agentrpc.Usage{ID: api.NewID()}),
		report("/connections", agentrpc.Connection{ID: api.NewID(), Action: agentrpc.ConnectionBegan, Type: api.ConnectionSSH}),
		{route: "PATCH " + me + "/logs", none: measured},
		{route: "POST " + me + "/log-source", none: measured},
		{route: "POST " + me + "/script-result", none: measured},
		{route: "POST /api/v2/workspaceagents/aws-instance-identity", none: cloud},
		{route: "POST /api/v2/workspaceagents/azure-instance-identity", none: cloud},
		{route: "POST /api/v2/workspaceagents/google-instance-identity", none: cloud},
	}
}

func lastSteps() []step {
	return []step{
		{route: "POST /api/v2/organizations/{organization}/provisionerkeys", entry: "create provisioner_key", do: func(w *world) request {
			return request{w.owner, "POST", inOrg + "/provisionerkeys", api.CreateProvisionerKeyRequest{Name: "mine"}}
		}},
		{route: "DELETE /api/v2/organizations/{organization}/provisionerkeys/{provisionerkey}", entry: "delete provisioner_key", do: func(w *world) request {
			return request{w.owner, "DELETE", inOrg + "/provisionerkeys/mine", nil}
		}},
		{route: "POST /api/v2/organizations/{organization}/templateversions", entry: "create template_version", do: func(w *world) request {
			return request{w.owner, "POST", inOrg + "/templateversions", api.CreateTemplateVersionRequest{StorageMethod: "file", Provisioner: "terraform", FileID: w.file}}
		}, after: func(w *world, b []byte) { w.version = read[api.TemplateVersion](w, b) }},
		{route: "PATCH /api/v2/templateversions/{templateversion}/cancel", entry: "write template_version", do: func(w *world) request {
			return request{w.owner, "PATCH", "/api/v2/templateversions/" + w.version.ID.String() + "/cancel", nil}
		}},
		{route: "DELETE /api/v2/templates/{template}", entry: "delete template", do: func(w *world) request {
			_, err := w.d.DB.Pool().Exec(w.Context(), `update workspaces set deleted = true`)
			require.NoError(w, err)
			return request{w.owner, "DELETE", "/api/v2/templates/" + w.template.ID.String(), nil}
		}},
		{route: "DELETE /api/v2/users/{user}", entry: "delete user", do: func(w *world) request {
			return request{w.owner, "DELETE", "/api/v2/users/" + w.user.ID.String(), nil}
		}},
	}
}

// entries are those that were written since the last call.
func (w *world) entries() string {
	w.Helper()
	rows, err := w.d.DB.Pool().Query(w.Context(), `with seen as (insert into audit_seen select id from audit_logs on conflict do nothing returning id)
		select a.action || ' ' || a.resource_type from audit_logs a join seen s on s.id = a.id order by a.resource_type desc`)
	require.NoError(w, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		require.NoError(w, rows.Scan(&text))
		out = append(out, text)
	}
	require.NoError(w, rows.Err())
	return strings.Join(out, ", ")
}

// digest is what all tables hold, without what a request that fails may note too:
// when a key was used, and how often somebody guessed.
func (w *world) digest() string {
	w.Helper()
	var sum string
	require.NoError(w, w.d.DB.Pool().QueryRow(w.Context(), `select md5(string_agg(t, '' order by t)) from (
		select c.relname || query_to_xml('select md5(string_agg(x, '''' order by x)) from (select (to_jsonb(r) - ''last_used'' - ''last_seen_at''
			- ''expires_at'' - ''updated_at'' - ''last_used_at'' - ''last_connected_at'' || jsonb_build_object(''over'', coalesce((to_jsonb(r) ->> ''expires_at'')::timestamptz < now(), false)))::text as x from ' || quote_ident(c.relname) || ' r) y', true, true, '')::text as t
		from pg_class c where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
			and c.relname not in ('login_failures', 'login_sources', 'leases', 'provisioner_daemons', 'audit_seen', 'audit_logs')) z`).Scan(&sum))
	return sum
}

// TestEachChangeLeavesOneEntry calls every route that is not only read. Each leaves
// the entry that the table above names, in the transaction of the change: when the
// entry cannot be written, neither is the change. So there is no moment at which a
// server can die between the two.
func TestEachChangeLeavesOneEntry(t *testing.T) {
	t.Parallel()
	w := &world{T: t, p: externalauthtest.New(t)}
	w.d = coderdtest.New(t, func(c *coderdtest.Config) {
		c.AllowRenames, c.ExternalAuth = true, []externalauth.Config{w.p.Config()}
	})
	w.daemon = jobrpc.AcquireRequest{DaemonID: api.NewID(), DaemonName: "test", Wait: 20 * time.Second}
	exec := func(sql string) {
		t.Helper()
		_, err := w.d.DB.Pool().Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	exec(`create table audit_seen (id uuid primary key)`)
	exec(`create function audit_broken() returns trigger language plpgsql as $$ begin raise exception 'no entry can be written'; end $$`)
	exec(`create trigger audit_broken before insert on audit_logs for each row execute function audit_broken()`)
	exec(`alter table audit_logs disable trigger audit_broken`)
	known := map[string]bool{}
	for _, s := range steps() {
		known[s.route] = true
		require.True(t, (s.entry == "") != (s.none == ""), "%s: an entry or a reason", s.route)
		if s.do == nil {
			continue
		}
		r := s.do(w)
		w.entries()
		before := w.digest()
		if s.entry != "" && !s.once {
			exec(`alter table audit_logs enable trigger audit_broken`)
			status, text := w.send(r)
			exec(`alter table audit_logs disable trigger audit_broken`)
			assert.Equal(t, http.StatusInternalServerError, status, "%s without its entry answered %s", s.route, text)
			assert.Equal(t, before, w.digest(), "%s changed something without an entry", s.route)
		}
		status, text := w.send(r)
		require.Less(t, status, 300, "%s answered %d %s", s.route, status, text)
		assert.Equal(t, s.entry, w.entries(), s.route)
		if s.entry != "" {
			assert.NotEqual(t, before, w.digest(), "%s changed nothing", s.route)
		}
		if s.after != nil {
			s.after(w, text)
		}
	}
	for _, r := range w.d.Server.Routes() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			assert.True(t, known[r.Method+" "+r.Path], "%s %s: say which entry it leaves, or why none", r.Method, r.Path)
		}
	}
}
