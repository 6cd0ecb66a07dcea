package coderd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/httpapi"
	"coder.internal/database/dbtest"
)

// askers are the columns of testdata/rights.txt. The objects of each request are
// member's, in the organization home; orgadmin administrates it and strangeadmin
// another one; token is a token of the member with the scope workspace:read.
var askers = []string{"anonymous", "member", "other", "orgadmin", "strangeadmin", "auditor", "templateadmin", "useradmin", "owner",
	"agent", "daemon", "token"}

// Verdicts of the table.
const (
	allowed         = '+' // past the check: done, or refused for another reason
	absent          = '-' // 404
	forbidden       = 'f' // 403
	unauthenticated = 'u' // 401
)

// scene is a fresh set of everything that routes name, and of those who ask.
type scene struct {
	values map[string]string // of placeholders
	header map[string][2]string
}

// newScene writes it straight into the database: logins and builds take long.
func newScene(ctx context.Context, conn *pgx.Conn) (*scene, error) {
	s := &scene{values: map[string]string{}, header: map[string][2]string{}}
	id := func() api.ID { return api.NewID() }
	home, strange, template, version, file := id(), id(), id(), id(), id()
	importJob, buildJob, planJob, workspace, build, resource, agent, group := id(), id(), id(), id(), id(), id(), id(), id()
	people := map[string]api.ID{}
	b := &pgx.Batch{}
	short := func(x api.ID) string { return strings.ReplaceAll(x.String(), "-", "")[:12] }
	for _, o := range []api.ID{home, strange} {
		b.Queue(`insert into organizations (id, name) values ($1, $2)`, o, "o"+short(o))
	}
	secret := func(user api.ID, kind, name string, scopes []string) string {
		text := strings.ReplaceAll(id().String()+id().String(), "-", "")
		key, half := text[:10], text[10:32]
		hash := sha256.Sum256([]byte(half))
		b.Queue(`insert into api_keys (id, hashed_secret, user_id, login_type, token_name, scopes, lifetime_seconds, expires_at)
			values ($1, $2, $3, $4, $5, $6, 3600, now() + interval '1 hour')`, key, hash[:], user, kind, name, scopes)
		s.values["{keyid}"] = key
		return key + "-" + half
	}
	for name, roles := range map[string][]string{"member": {}, "other": {}, "orgadmin": {}, "strangeadmin": {}, "auditor": {"auditor"},
		"templateadmin": {"template-admin"}, "useradmin": {"user-admin"}, "owner": {"owner"}} {
		u := id()
		people[name] = u
		b.Queue(`insert into users (id, username, email, roles) values ($1, $2, $3, $4)`, u, name+short(u), short(u)+"@example.com", roles)
		s.header[name] = [2]string{api.SessionTokenHeader, secret(u, "password", "", []string{"all"})}
	}
	s.header["token"] = [2]string{api.SessionTokenHeader, secret(people["member"], "token", "ci", []string{"workspace:read"})}
	join := func(org api.ID, who string, roles ...string) {
		b.Queue(`insert into organization_members (organization_id, user_id, roles) values ($1, $2, $3)`, org, people[who], append([]string{}, roles...))
	}
	join(home, "member")
	join(home, "other")
	join(home, "orgadmin", "organization-admin")
	join(strange, "strangeadmin", "organization-admin")

	me := people["member"]
	b.Queue(`insert into files (id, hash, mimetype, data, created_by) values ($1, $2, 'application/x-tar', '', $3)`, file, file.String(), me)
	job := func(j api.ID, kind string, subject api.ID) {
		b.Queue(`insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id, started_at, completed_at)
			values ($1, $2, $3, $4, 'succeeded', $5, $6, now(), now())`, j, home, me, kind, file, subject)
	}
	job(importJob, "template_version_import", version)
	job(buildJob, "workspace_build", build)
	plan := id()
	job(planJob, "template_version_dry_run", plan)
	b.Queue(`insert into templates (id, organization_id, name, active_version_id, created_by) values ($1, $2, 'tpl', $3, $4)`, template, home, version, people["orgadmin"])
	b.Queue(`insert into template_versions (id, template_id, organization_id, name, job_id, file_id, created_by) values ($1, $2, $3, 'v1', $4, $5, $6)`,
		version, template, home, importJob, file, people["orgadmin"])
	b.Queue(`insert into workspaces (id, organization_id, owner_id, template_id, name) values ($1, $2, $3, $4, 'dev')`, workspace, home, me, template)
	b.Queue(`insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
		values ($1, $2, $3, 1, 'start', $4, $5)`, build, workspace, version, me, buildJob)
	b.Queue(`insert into provisioner_plans (id, job_id, template_version_id, workspace_name, owner_id, transition) values ($1, $2, $3, 'dev', $4, 'start')`, plan, planJob, version, me)
	b.Queue(`insert into provisioner_plans (id, job_id, template_version_id, workspace_id, workspace_name, owner_id, transition)
		values ($1, $2, $3, $4, 'dev', $5, 'start')`, id(), buildJob, version, workspace, me)
	b.Queue(`insert into workspace_resources (id, job_id, ordinal, transition, type, name) values ($1, $2, 0, 'start', 'null_resource', 'dev')`, resource, buildJob)
	b.Queue(`insert into workspace_port_shares (workspace_id, agent_name, port, share_level) values ($1, 'main', 8080, 'owner')`, workspace)
	agentToken := id().String()
	agentHash := sha256.Sum256([]byte(agentToken))
	b.Queue(`insert into workspace_agents (id, resource_id, workspace_build_id, ordinal, name, auth_token_hash, operating_system, architecture)
		values ($1, $2, $3, 0, 'main', $4, 'linux', 'amd64')`, agent, resource, build, agentHash[:])
	s.header["agent"] = [2]string{api.SessionTokenHeader, agentToken}
	key, keyText := id(), id().String()
	keyHash := sha256.Sum256([]byte(keyText))
	b.Queue(`insert into provisioner_keys (id, organization_id, name, tags, hashed_secret) values ($1, $2, 'cloud', '{"scope":"organization"}', $3)`, key, home, keyHash[:])
	s.header["daemon"] = [2]string{api.ProvisionerKeyHeader, keyText}
	b.Queue(`insert into groups (id, organization_id, name) values ($1, $2, 'team')`, group, home)
	b.Queue(`insert into custom_roles (organization_id, name, org_permissions) values ($1, 'helper', '[{"resource_type":"template","action":"read"}]')`, home)

	for name, v := range map[string]api.ID{"organization": home, "template": template, "templateversion": version, "workspace": workspace,
		"workspacebuild": build, "workspaceagent": agent, "group": group, "user": me, "fileID": file, "job": buildJob, "jobID": planJob} {
		s.values["{"+name+"}"] = v.String()
	}
	for name, v := range map[string]string{"templatename": "tpl", "templateversionname": "v1", "workspacename": "dev", "buildnumber": "1", "agent": "main",
		"groupName": "team", "roleName": "helper", "provisionerkey": "cloud", "organizationname": "o" + short(home), "keyname": "ci"} {
		s.values["{"+name+"}"] = v
	}
	return s, conn.SendBatch(ctx, b).Close()
}

// rightsBody is what routes need to get past the check of their input, with names that
// are there.
func rightsBody(r httpapi.Route, s *scene) any {
	name := r.Method + " " + r.Path
	id := func(placeholder string) api.ID { return api.MustParseID(s.values[placeholder]) }
	switch name {
	case "POST /api/v2/users/{user}/workspaces", "POST /api/v2/organizations/{organization}/members/{user}/workspaces":
		return api.CreateWorkspaceRequest{Name: "more", TemplateID: id("{template}")}
	case "PATCH /api/v2/templates/{template}/versions":
		return api.UpdateActiveTemplateVersionRequest{ID: id("{templateversion}")}
	case "POST /api/v2/organizations":
		return api.CreateOrganizationRequest{Name: strings.ReplaceAll(api.NewID().String(), "-", "")[:20]}
	case "POST /api/v2/users":
		u := strings.ReplaceAll(api.NewID().String(), "-", "")[:20]
		return api.CreateUserRequest{Username: u, Email: u + "@example.com", LoginType: api.LoginNone, OrganizationIDs: []api.ID{id("{organization}")}}
	}
	return bodyOf(r, name)
}

// ask makes one request and returns the verdict and whether it changed something.
func (s *scene) ask(ctx context.Context, base, asker string, r httpapi.Route) (rune, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	path := placeholder.ReplaceAllStringFunc(r.Path, func(p string) string {
		if v, ok := s.values[p]; ok {
			return v
		}
		return api.NewID().String()
	})
	var body io.Reader
	if v := rightsBody(r, s); v != nil {
		text, err := json.Marshal(v)
		if err != nil {
			return 0, false, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, base+path, body)
	if err != nil {
		return 0, false, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if h := s.header[asker]; h[0] != "" {
		req.Header.Set(h[0], h[1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, false, err
	}
	defer res.Body.Close() //nolint:errcheck // streams are not read to the end
	changed := r.Method != http.MethodGet && res.StatusCode < 300
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return unauthenticated, changed, nil
	case http.StatusForbidden:
		return forbidden, changed, nil
	case http.StatusNotFound:
		return absent, changed, nil
	case http.StatusInternalServerError:
		text, _ := io.ReadAll(res.Body)
		return 0, changed, errors.New(string(text))
	}
	return allowed, changed, nil
}

// TestRights asks every route as everybody and compares with the table by hand.
func TestRights(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	d := coderdtest.Replica(t, dbtest.Open(t, url))
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	table, order := readRights(t)
	s, err := newScene(t.Context(), conn)
	require.NoError(t, err)
	var wrong strings.Builder
	strangers := askForAgents(t, d, s)
	for _, r := range d.Server.Routes() {
		name := r.Method + " " + r.Path
		want, known := table[name]
		delete(table, name)
		if r.Rule.IsPublic() {
			assert.False(t, known, "%s is public and needs no line", name)
			continue
		}
		got := make([]rune, len(askers))
		for i, asker := range askers {
			if v, ok := strangers[name+asker]; ok {
				got[i] = v
				continue
			}
			var changed bool
			got[i], changed, err = s.ask(t.Context(), d.URL.String(), asker, r)
			require.NoError(t, err, "%s as %s", name, asker)
			if changed {
				s, err = newScene(t.Context(), conn)
				require.NoError(t, err)
			}
		}
		if string(got) != want {
			fmt.Fprintf(&wrong, "%s %s (table: %q)\n", string(got), name, want)
		}
	}
	assert.Empty(t, wrong.String(), "the server decides otherwise than testdata/rights.txt; columns: %v", askers)
	for _, name := range order {
		assert.NotContains(t, table, name, "a line for a route that is not there")
	}
}

// askForAgents asks the routes of agents as everybody else, all at once: an unknown
// token is held for seconds, because its build may be about to end.
func askForAgents(t *testing.T, d *coderdtest.Deployment, s *scene) map[string]rune {
	t.Helper()
	out := map[string]rune{}
	var mu sync.Mutex // guards out
	var wg sync.WaitGroup
	for _, r := range d.Server.Routes() {
		if !r.Rule.IsAgent() {
			continue
		}
		for _, asker := range askers {
			if asker == "agent" {
				continue
			}
			wg.Go(func() {
				v, _, err := s.ask(t.Context(), d.URL.String(), asker, r)
				assert.NoError(t, err, "%s %s as %s", r.Method, r.Path, asker)
				mu.Lock()
				defer mu.Unlock()
				out[r.Method+" "+r.Path+asker] = v
			})
		}
	}
	wg.Wait()
	return out
}

var rightsLine = regexp.MustCompile(`^([+\-fu]{12}) ([A-Z]+ /\S+)$`)

// readRights reads lines "verdicts METHOD path"; # starts a comment.
func readRights(t *testing.T) (table map[string]string, order []string) {
	t.Helper()
	f, err := os.Open("testdata/rights.txt")
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // read only
	table = map[string]string{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := rightsLine.FindStringSubmatch(line)
		require.NotNil(t, m, "%q is not a line of verdicts", line)
		require.NotContains(t, table, m[2], "twice")
		table[m[2]] = m[1]
		order = append(order, m[2])
	}
	return table, order
}
