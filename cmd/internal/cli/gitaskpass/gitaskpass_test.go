//go:build unix

package gitaskpass_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/cmd/internal/cli/gitaskpass"
)

// TestMain is the binary that Git starts to ask for passwords.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_CODER") != "" {
		os.Exit(cli.Main(context.Background(), cli.OS(), os.Args[1:], gitaskpass.Command))
	}
	os.Exit(m.Run())
}

// workspace is one whose server answers with h, beside a Git server that lets the
// password "the-token" in.
type workspace struct {
	*testing.T
	git *httptest.Server
	dir string
	env []string
}

func newWorkspace(t *testing.T, h http.HandlerFunc) *workspace {
	t.Helper()
	w := &workspace{T: t, dir: t.TempDir()}
	out, err := exec.Command("git", "--exec-path").Output()
	require.NoError(t, err)
	repos := t.TempDir()
	backend := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + repos, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=x", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + repos}}
	w.git = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user == "" || pass != "the-token" {
			rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.git.Close)
	srv := clitest.Server(t, map[string]http.HandlerFunc{"GET " + agentrpc.PathExternalAuth: h})
	w.env = []string{"PATH=" + os.Getenv("PATH"), "TEST_AS_CODER=1", "CODER_AGENT_TOKEN=agent-token", "CODER_AGENT_URL=" + srv.URL, "HOME=" + w.dir,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=" + os.Args[0], "LC_ALL=C"}
	code, text := w.run("git", "init", "-q", "--bare", filepath.Join(repos, "repo.git"))
	require.Zero(t, code, text)
	return w
}

// run runs a command and returns its status and all that it printed.
func (w *workspace) run(name string, args ...string) (int, string) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), name, args...)
	cmd.Env, cmd.Dir = w.env, w.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(w, err, &exit)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func answers(r agentrpc.ExternalAuthResponse) http.HandlerFunc { return clitest.JSON(http.StatusOK, r) }

var good = agentrpc.ExternalAuthResponse{AccessToken: "the-token", Username: "oauth2", Password: "the-token", Type: "forge"}

// TestClone: git clones and pushes over HTTP. It asks about its server, and the
// first question waits for the owner, who is told once where to sign in.
func TestClone(t *testing.T) {
	t.Parallel()
	var asked, listened atomic.Int32
	var server atomic.Pointer[string]
	w := newWorkspace(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get(api.SessionTokenHeader) != "agent-token" || r.URL.Query().Get("match") != *server.Load() {
			t.Errorf("asked %s", r.URL)
		}
		switch {
		case r.URL.Query().Get("listen") == "" && asked.Add(1) == 1:
			answers(agentrpc.ExternalAuthResponse{URL: "https://coder.example/external-auth/forge", Type: "forge"})(rw, r)
		case r.URL.Query().Get("listen") == "true" && listened.Add(1) < 2:
			clitest.Fail(http.StatusServiceUnavailable, "unavailable", "not yet")(rw, r)
		default:
			answers(good)(rw, r)
		}
	})
	server.Store(&w.git.URL)
	code, text := w.run("git", "clone", "-q", w.git.URL+"/repo.git", "work")
	require.Zero(t, code, text)
	require.Equal(t, 1, strings.Count(text, "sign in for Git to go on: https://coder.example/external-auth/forge"), text)
	require.EqualValues(t, 2, listened.Load())
	require.NotContains(t, text, "the-token")
	for _, args := range [][]string{{"-C", "work", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "first"},
		{"-C", "work", "push", "-q", "origin", "HEAD:main"}, {"ls-remote", w.git.URL + "/repo.git", "main"}} {
		code, text := w.run("git", args...)
		require.Zero(t, code, "git %v: %s", args, text)
	}
}

// TestNoProvider: Git is left to itself, with the reason.
func TestNoProvider(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, clitest.Fail(http.StatusNotFound, "not_found", "No external authentication provider is for http://x."))
	code, text := w.run("git", "clone", "-q", w.git.URL+"/repo.git", "work")
	require.Equal(t, 128, code)
	require.Contains(t, text, "No external authentication provider is for http://x.")
	require.Contains(t, text, "terminal prompts disabled")
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, answers(good))
	for prompt, want := range map[string]string{"Username for 'https://git.example': ": "oauth2\n", "Password for 'https://me@git.example': ": "the-token\n"} {
		code, text := w.run(os.Args[0], prompt)
		require.Zero(t, code, text)
		require.Equal(t, want, text)
		code, text = w.run(os.Args[0], "gitaskpass", prompt)
		require.Zero(t, code, text)
		require.Equal(t, want, text)
	}
	code, text := w.run(os.Args[0], "gitaskpass", "Enter passphrase for key: ")
	require.Equal(t, 1, code)
	require.Contains(t, text, "This is no question of Git")

	bad := good
	bad.Username = "x\nhost=evil.example"
	w = newWorkspace(t, answers(bad))
	code, text = w.run(os.Args[0], "Username for 'https://git.example': ")
	require.Equal(t, 1, code)
	require.NotContains(t, text, "evil")
}

// TestExternalAuthCommands: the token for scripts, where to sign in, and the list.
func TestExternalAuthCommands(t *testing.T) {
	t.Parallel()
	answer := agentrpc.ExternalAuthResponse{AccessToken: "the-token", TokenExtra: map[string]any{"team": map[string]any{"id": "T1"}, "n": 7}}
	srv := clitest.Server(t, map[string]http.HandlerFunc{"GET " + agentrpc.PathExternalAuth: func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("id") == "other" {
			answers(agentrpc.ExternalAuthResponse{URL: "https://coder.example/external-auth/other"})(w, r)
			return
		}
		answers(answer)(w, r)
	}})
	c := clitest.New(t)
	c.Env["CODER_AGENT_TOKEN"], c.Env["CODER_AGENT_URL"] = "agent-token", srv.URL
	require.Equal(t, clitest.Result{Stdout: "the-token\n"}, c.Run("external-auth", "access-token", "forge"))
	require.Equal(t, clitest.Result{Stdout: "T1\n"}, c.Run("external-auth", "access-token", "forge", "--extra", "team.id"))
	require.Equal(t, clitest.Result{Stdout: "7\n"}, c.Run("external-auth", "access-token", "forge", "--extra", "n"))
	require.Contains(t, c.Run("external-auth", "access-token", "forge", "--extra", "team.x").Stderr, `no field "team.x"`)
	require.Equal(t, clitest.Result{Code: 1, Stdout: "https://coder.example/external-auth/other\n"}, c.Run("external-auth", "access-token", "other"))
	require.Contains(t, clitest.New(t).Run("external-auth", "access-token", "forge").Stderr, "inside of a workspace")

	signed := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/external-auth": clitest.JSON(http.StatusOK, api.ListUserExternalAuthResponse{
		Providers: []api.ExternalAuthLinkProvider{{ID: "forge", DisplayName: "The Forge", AllowRefresh: true}, {ID: "other", DisplayName: "Other"}, {ID: "third", DisplayName: "Third"}},
		Links: []api.ExternalAuthLink{{ProviderID: "forge", Authenticated: true, HasRefreshToken: true},
			{ProviderID: "third", ValidateError: "The sign-in has expired."}}})})
	r := signed.Run("external-auth", "list", "-c", "id,name,signed in,expires")
	require.Equal(t, "ID     NAME       SIGNED IN                     EXPIRES\n"+
		"forge  The Forge  yes                           renewed by itself\n"+
		"other  Other      no                            -\n"+
		"third  Third      no: The sign-in has expired.  -\n", r.Stdout, r.Stderr)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(signed.Run("external-auth", "list", "-o", "json").Stdout), &rows))
	require.Len(t, rows, 3)
	empty := clitest.Signed(t, map[string]http.HandlerFunc{"GET /api/v2/external-auth": clitest.JSON(http.StatusOK, api.ListUserExternalAuthResponse{})})
	require.Contains(t, empty.Run("external-auth", "list").Stderr, "No external authentication is configured")
}
