package apps_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/apps"
	"coder.internal/coderd/coderdtest"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a deployment with a workspace of alice whose agent is connected. bob is of
// her organization, carol is not, root owns the deployment.
type world struct {
	*testing.T
	d                       *coderdtest.Deployment
	root, alice, bob, carol *coderdtest.Client
	workspace, agent        api.ID
	template                api.ID
	backend                 *httptest.Server
	port                    string
	config                  []func(*coderdtest.Config)

	mu   sync.Mutex
	seen []*http.Request // by the backend
	h    http.Handler    // what it does; nil answers with JSON of the request
}

// plainDialer is an agent that is in this process.
type plainDialer struct{}

func (plainDialer) DialAgent(ctx context.Context, _ api.ID, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return quietConn{conn.(halfCloser)}, nil
}

// quietConn is never closed by these backends while nothing is asked.
type quietConn struct{ halfCloser }

type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func (quietConn) Quiet() bool { return true }

// echo is what the backend tells of a request.
type echo struct {
	Method, Host, URI, Body string
	Header                  http.Header
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.seen = append(w.seen, r)
	h := w.h
	w.mu.Unlock()
	if h != nil {
		h.ServeHTTP(rw, r)
		return
	}
	body, _ := io.ReadAll(r.Body) // what came is what is told
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(echo{r.Method, r.Host, r.RequestURI, string(body), r.Header})
}

// does has the backend do something.
func (w *world) does(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.h = h
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

func newWorld(t *testing.T, set ...func(*coderdtest.Config)) *world {
	t.Helper()
	w := &world{T: t}
	w.backend = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.backend.Close)
	_, w.port, _ = net.SplitHostPort(w.backend.Listener.Addr().String())
	w.config = append([]func(*coderdtest.Config){func(c *coderdtest.Config) {
		c.Wildcard, c.Streams = "*.apps.test", plainDialer{}
	}}, set...)
	w.d = coderdtest.New(t, w.config...)
	w.root = w.d.FirstUser(t)
	w.alice, w.bob, w.carol = w.d.NewUser(t, w.root, "alice"), w.d.NewUser(t, w.root, "bob"), w.d.NewUser(t, w.root, "carol")
	w.exec(`delete from organization_members where user_id = $1`, w.carol.User.ID)
	w.makeWorkspace()
	return w
}

// replica is the same deployment, reached through another server.
func (w *world) replica() *world {
	w.Helper()
	return &world{T: w.T, d: coderdtest.Replica(w.T, w.d.DB, w.config...), root: w.root, alice: w.alice, bob: w.bob, carol: w.carol,
		workspace: w.workspace, agent: w.agent, template: w.template, backend: w.backend, port: w.port}
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	_, err := w.d.DB.Pool().Exec(w.Context(), sql, args...)
	require.NoError(w, err)
}

// makeWorkspace writes what a build would have written.
func (w *world) makeWorkspace() {
	w.Helper()
	var org api.ID
	require.NoError(w, w.d.DB.Pool().QueryRow(w.Context(), `select id from organizations where is_default`).Scan(&org))
	me := w.alice.User.ID
	file, version, importJob, buildJob, build, resource := api.NewID(), api.NewID(), api.NewID(), api.NewID(), api.NewID(), api.NewID()
	w.template, w.workspace, w.agent = api.NewID(), api.NewID(), api.NewID()
	w.exec(`insert into files (id, hash, mimetype, data, created_by) values ($1, $2, 'application/x-tar', '', $3)`, file, file.String(), me)
	for job, kind := range map[api.ID]string{importJob: "template_version_import", buildJob: "workspace_build"} {
		w.exec(`insert into provisioner_jobs (id, organization_id, initiator_id, type, status, file_id, subject_id, started_at, completed_at)
			values ($1, $2, $3, $4, 'succeeded', $5, $6, now(), now())`, job, org, me, kind, file, version)
	}
	w.exec(`insert into templates (id, organization_id, name, active_version_id, created_by) values ($1, $2, 'tpl', $3, $4)`, w.template, org, version, me)
	w.exec(`insert into template_versions (id, template_id, organization_id, name, job_id, file_id, created_by) values ($1, $2, $3, 'v1', $4, $5, $6)`,
		version, w.template, org, importJob, file, me)
	w.exec(`insert into workspaces (id, organization_id, owner_id, template_id, name) values ($1, $2, $3, $4, 'dev')`, w.workspace, org, me, w.template)
	w.exec(`insert into workspace_builds (id, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
		values ($1, $2, $3, 1, 'start', $4, $5)`, build, w.workspace, version, me, buildJob)
	w.exec(`insert into workspace_resources (id, job_id, ordinal, transition, type, name) values ($1, $2, 0, 'start', 'null_resource', 'dev')`, resource, buildJob)
	w.exec(`insert into workspace_agents (id, resource_id, workspace_build_id, ordinal, name, operating_system, architecture, first_connected_at, last_connected_at)
		values ($1, $2, $3, 0, 'main', 'linux', 'amd64', now(), now() + interval '1 day')`, w.agent, resource, build)
	for _, level := range []string{"owner", "organization", "authenticated", "public"} {
		w.addApp(level, api.WorkspaceApp{URL: "http://localhost:" + w.port, SharingLevel: level, Subdomain: true})
	}
}

func (w *world) addApp(slug string, app api.WorkspaceApp) {
	w.Helper()
	app.Slug = slug
	body, err := json.Marshal(app)
	require.NoError(w, err)
	w.exec(`insert into workspace_apps (id, agent_id, ordinal, slug, body) values ($1, $2, (select count(*) from workspace_apps), $3, $4)`,
		api.NewID(), w.agent, slug, body)
}

// host is the host of a name of alice's workspace.
func (w *world) host(app string) string {
	return app + "--main--dev--alice.apps.test:" + w.d.URL.Port()
}

func (w *world) url(app, path string) string { return "http://" + w.host(app) + path }

// browser is somebody's, signed in at the dashboard where there is a client.
type browser struct {
	w *world
	*http.Client
	jar *cookiejar.Jar
}

func (w *world) browser(as *coderdtest.Client) *browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	if as != nil {
		jar.SetCookies(w.d.URL, []*http.Cookie{{Name: api.SessionTokenCookie, Value: as.Token.Reveal(), Path: "/", HttpOnly: true}})
	}
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.d.URL.Host)
	}, DisableCompression: true}
	w.Cleanup(tr.CloseIdleConnections)
	return &browser{w: w, jar: jar, Client: &http.Client{Transport: tr, Jar: jar, Timeout: time.Minute}}
}

// do makes a request and reads the whole answer. Headers come in pairs.
func (b *browser) do(method, target, body string, headers ...string) (*http.Response, string) {
	b.w.Helper()
	req, err := http.NewRequestWithContext(b.w.Context(), method, target, strings.NewReader(body))
	require.NoError(b.w, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := b.Do(req)
	require.NoError(b.w, err)
	defer res.Body.Close() //nolint:errcheck // read to the end
	text, err := io.ReadAll(res.Body)
	require.NoError(b.w, err)
	return res, string(text)
}

func (b *browser) get(target string, headers ...string) (*http.Response, string) {
	b.w.Helper()
	return b.do(http.MethodGet, target, "", headers...)
}

// once is a browser that stays where it is.
func (b *browser) once() *browser {
	c := *b.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{w: b.w, Client: &c, jar: b.jar}
}

func (b *browser) cookie(origin, name string) string {
	u, err := url.Parse(origin)
	require.NoError(b.w, err)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func decodeEcho(t testing.TB, text string) echo {
	t.Helper()
	var e echo
	require.NoError(t, json.NewDecoder(bytes.NewBufferString(text)).Decode(&e), text)
	return e
}

// switches sets those of applications.
func switches(set func(*apps.Options)) func(*coderdtest.Config) {
	return func(c *coderdtest.Config) { c.AppOptions = set }
}
