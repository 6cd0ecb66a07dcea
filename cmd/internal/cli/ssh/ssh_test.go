package ssh_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/coderd/coordinator"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/relay"
	"coder.internal/internal/wsconn"
)

const agentToken = "agent-token"

// world is a relay, a coordinator and a real `coder agent` behind one server
// that answers about one workspace.
type world struct {
	srv   *httptest.Server
	agent api.ID
	coord *coordinator.Coordinator

	mu      sync.Mutex // guards what follows
	ws      api.Workspace
	clients []*wsconn.Conn
	refused bool
}

func background(t testing.TB, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func newWorld(t testing.TB) *world {
	w := &world{agent: api.NewID()}
	a := api.WorkspaceAgent{ID: w.agent, Name: "main", Status: api.AgentConnected, LifecycleState: api.LifecycleReady, OperatingSystem: "linux"}
	w.ws = api.Workspace{ID: api.NewID(), Name: "ws", OwnerName: "alice", LatestBuild: api.WorkspaceBuild{ID: api.NewID(),
		Status: api.WorkspaceRunning, Transition: api.TransitionStart, Job: api.ProvisionerJob{Status: api.JobSucceeded},
		Resources: []api.WorkspaceResource{{Agents: []api.WorkspaceAgent{a}}}}}
	log := slog.New(slog.DiscardHandler)
	coord, err := coordinator.New(coordinator.Options{Log: log,
		RelayMap: func() tailrpc.RelayMap { return derpmap.Build(derpmap.Config{STUNAddresses: []string{}}) }})
	require.NoError(t, err)
	w.coord = coord
	rel, err := relay.New(relay.Config{Log: log, Verify: coord.AwaitKnown})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/derp", rel.Handler())
	mux.Handle("/derp/", rel.Handler())
	mux.HandleFunc("GET /api/v2/users/me/workspace/ws", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		clitest.JSON(200, w.ws)(rw, r)
	})
	mux.HandleFunc("GET /api/v2/workspaceagents/{id}/coordinate", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		refused := w.refused
		w.mu.Unlock()
		if refused && r.PathValue("id") != "me" {
			clitest.Fail(401, "unauthenticated", "You are signed out.")(rw, r)
			return
		}
		ws, err := wsconn.Accept(rw, r, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
		if err != nil {
			return
		}
		ctx := context.WithoutCancel(r.Context())
		if r.PathValue("id") == "me" {
			_ = coord.ServeAgent(ctx, ws, w.agent, coordinator.Hooks{})
			return
		}
		w.mu.Lock()
		w.clients = append(w.clients, ws)
		w.mu.Unlock()
		_ = coord.ServeClient(ctx, ws, api.MustParseID(r.URL.Query().Get(tailrpc.ClientIDParam)), api.MustParseID(r.PathValue("id")))
	})
	home := t.TempDir()
	mux.HandleFunc("GET "+agentrpc.PathManifest, func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get(api.SessionTokenHeader) != agentToken {
			clitest.Fail(401, "unauthenticated", "no")(rw, r)
			return
		}
		clitest.JSON(200, agentrpc.Manifest{AgentID: w.agent, AgentName: "main", WorkspaceID: w.ws.ID, WorkspaceName: "ws", OwnerName: "alice", Directory: home})(rw, r)
	})
	for _, p := range []string{agentrpc.PathStartup, agentrpc.PathLifecycle, agentrpc.PathLogs, agentrpc.PathMetadata} {
		mux.HandleFunc(p, clitest.JSON(200, struct{}{}))
	}
	w.srv = httptest.NewServer(mux)
	t.Cleanup(w.srv.Close)
	background(t, func(ctx context.Context) { _ = coord.Run(ctx) })
	background(t, func(ctx context.Context) { _ = rel.Run(ctx) })
	// Its own listener answers once it runs; before, the relay refuses everybody.
	resp, err := http.Get("http://" + rel.LoopbackAddr().String() + "/derp/latency-check")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return w
}

func (w *world) startAgent(t testing.TB) {
	c := clitest.New(t)
	dir := t.TempDir()
	background(t, func(ctx context.Context) {
		r := c.RunContext(ctx, "agent", "--agent-url", w.srv.URL, "--agent-token", agentToken, "--log-dir", dir, "--script-data-dir", dir, "--no-reap")
		if r.Code != 0 {
			t.Errorf("agent: %+v", r)
		}
	})
}

func (w *world) computer(t testing.TB, stdin io.Reader) *clitest.CLI {
	c := clitest.New(t)
	c.Env["CODER_URL"], c.Env["CODER_SESSION_TOKEN"] = w.srv.URL, clitest.Token
	c.Stdin = stdin
	return c
}

func (w *world) run(t testing.TB, stdin []byte, args ...string) clitest.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	return w.computer(t, bytes.NewReader(stdin)).RunContext(ctx, args...)
}

func TestCommandsInAWorkspace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startAgent(t)

	t.Run("exit status", func(t *testing.T) {
		t.Parallel()
		r := w.run(t, nil, "ssh", "ws", "echo", "out;", "echo err >&2; exit 7")
		require.Equal(t, clitest.Result{Code: 7, Stdout: "out\n", Stderr: "err\n"}, r)
		require.Equal(t, 128+15, w.run(t, nil, "ssh", "ws", "kill -TERM $$").Code)
	})
	t.Run("binary pipes", func(t *testing.T) {
		t.Parallel()
		data := make([]byte, 3<<20)
		_, _ = rand.Read(data)
		r := w.run(t, data, "ssh", "ws", "--", "cat")
		require.Zero(t, r.Code, r.Stderr)
		require.True(t, bytes.Equal(data, []byte(r.Stdout)), "%d of %d bytes", len(r.Stdout), len(data))
	})
	t.Run("terminal and environment", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, w.run(t, nil, "ssh", "ws", "test -t 1 || echo none").Stdout, "none")
		require.Contains(t, w.run(t, nil, "ssh", "ws", "-t", "test -t 1 && echo terminal").Stdout, "terminal")
		require.Equal(t, "a b\n", w.run(t, nil, "ssh", "-e", "GREETING=a b", "ws.main", `echo "$GREETING"`).Stdout)
	})
	t.Run("ping", func(t *testing.T) {
		t.Parallel()
		r := w.run(t, nil, "ping", "ws", "-n", "2", "--wait", "1ms")
		require.Zero(t, r.Code, r.Stderr)
		require.Regexp(t, `(?m)^answer from ws\.main (direct, at|through relay)`, r.Stdout)
		require.Contains(t, r.Stdout, "2 sent, 2 answered")
	})
	t.Run("speedtest", func(t *testing.T) {
		t.Parallel()
		for _, way := range []string{"up", "down"} {
			r := w.run(t, nil, "speedtest", "ws", "-t", "200ms", "--direction", way)
			require.Zero(t, r.Code, r.Stderr)
			require.Regexp(t, `total 0\.00-0\.\d+ sec +[1-9]`, r.Stdout)
		}
	})
	t.Run("stdio is an SSH server", func(t *testing.T) {
		t.Parallel()
		r := w.run(t, []byte("SSH-2.0-test\r\n"), "ssh", "--stdio", "--hostname-suffix", "coder", "ws.coder")
		require.Regexp(t, `^SSH-2\.0-`, r.Stdout)
	})
	t.Run("agent forward", func(t *testing.T) {
		t.Parallel()
		sock := filepath.Join(t.TempDir(), "agent")
		agent := exec.Command("ssh-agent", "-D", "-a", sock)
		require.NoError(t, agent.Start())
		t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
		require.Eventually(t, func() bool { _, err := os.Stat(sock); return err == nil }, 10*time.Second, 5*time.Millisecond)
		r := w.run(t, nil, "ssh", "-A", "--identity-agent", sock, "ws", "ssh-add -l")
		require.Equal(t, "The agent has no identities.\n", r.Stdout, r.Stderr)
		r = w.run(t, nil, "ssh", "-A", "--identity-agent", sock+"-none", "ws", "echo ran")
		require.NotZero(t, r.Code)
		require.Contains(t, r.Stderr, "reach ssh-agent")
		require.Empty(t, r.Stdout)
	})
	t.Run("remote forward", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		local, remote := filepath.Join(dir, "l"), filepath.Join(dir, "r")
		srv := httptest.NewUnstartedServer(clitest.JSON(200, "through"))
		l, err := net.Listen("unix", local)
		require.NoError(t, err)
		_ = srv.Listener.Close()
		srv.Listener = l
		srv.Start()
		t.Cleanup(srv.Close)
		r := w.run(t, nil, "ssh", "-R", remote+":"+local, "ws", "curl", "-s", "--unix-socket", remote, "http://x/")
		require.Equal(t, "\"through\"\n", r.Stdout, r.Stderr)
	})
}

func TestWorkspaceThatCannotBeReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ws.LatestBuild.Status, w.ws.LatestBuild.Transition = api.WorkspaceStopped, api.TransitionStop
	r := w.run(t, nil, "ssh", "--disable-autostart", "ws", "true")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "Workspace ws is stopped. Start it with: coder start ws")

	w.ws.LatestBuild.Status = api.WorkspaceFailed
	w.ws.LatestBuild.Job.Error = "terraform apply: boom"
	r = w.run(t, nil, "ssh", "ws", "true")
	require.Contains(t, r.Stderr, "boom")

	w.ws.LatestBuild.Status = api.WorkspaceRunning
	r = w.run(t, nil, "ssh", "ws.nope", "true")
	require.Contains(t, r.Stderr, `has no agent "nope"; it has main`)
	require.Contains(t, w.run(t, nil, "ssh", "other", "true").Stderr, "There is no workspace other")
	require.Contains(t, w.run(t, nil, "ssh", "-R", "x:y", "ws").Stderr, "remote_port:local_host:local_port")
	require.Contains(t, w.run(t, nil, "ssh", "-A", "ws").Stderr, "SSH_AUTH_SOCK")
}

func TestAgentNeedsItsToken(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	require.Contains(t, c.Run("agent", "--no-reap", "--agent-url", "http://127.0.0.1:1").Stderr, "CODER_AGENT_TOKEN")
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("x\n"), 0o600))
	require.Contains(t, c.Run("agent", "--no-reap", "--agent-token-file", file).Stderr, "CODER_AGENT_URL")
}

// BenchmarkTrue is `coder ssh ws true` without the start of the process.
func BenchmarkTrue(b *testing.B) {
	w := newWorld(b)
	w.startAgent(b)
	for b.Loop() {
		if r := w.run(b, nil, "ssh", "ws", "true"); r.Code != 0 {
			b.Fatal(r)
		}
	}
}
