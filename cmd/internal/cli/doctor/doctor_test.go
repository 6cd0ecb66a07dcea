package doctor_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/cmd/internal/cli/doctor"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/relay"
)

// routes are those of a healthy deployment with a real relay.
func routes(t *testing.T) map[string]http.HandlerFunc {
	t.Helper()
	rl, err := relay.New(relay.Config{Log: slog.New(slog.DiscardHandler), STUNAddr: "127.0.0.1:0",
		Verify: func(context.Context, string) bool { return false }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- rl.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })
	// Its own listener answers once it runs; before, the relay refuses everybody.
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Get("http://" + rl.LoopbackAddr().String() + "/derp/latency-check")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	relays := derpmap.Build(derpmap.Config{STUNAddresses: []string{rl.STUNAddr().String()}})
	return map[string]http.HandlerFunc{
		"/derp":                                  rl.Handler().ServeHTTP,
		"/derp/":                                 rl.Handler().ServeHTTP,
		"GET /api/v2/buildinfo":                  clitest.JSON(200, api.BuildInfo{Version: "v9.9.9"}),
		"GET /api/v2/users/me":                   clitest.JSON(200, map[string]string{"username": "ann"}),
		"GET /api/v2/workspaceagents/connection": clitest.JSON(200, tailrpc.ConnectionInfo{RelayMap: relays}),
		"GET /api/v2/debug/health": clitest.JSON(200, api.HealthReport{Severity: api.HealthOK,
			Database: api.DatabaseHealth{Latency: "1ms"}, Daemons: api.DaemonHealth{Online: 3}}),
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, routes(t))
	res := c.Run("doctor")
	require.Equal(t, 0, res.Code, res.Stdout+res.Stderr)
	for _, want := range []string{"From this computer to http://127.0.0.1:", "Coder v9.9.9", "signed in as ann",
		"database 1ms, 3 provisioner daemons", "UDP passes", "Everything works.\n"} {
		assert.Contains(t, res.Stdout, want)
	}
	assert.Equal(t, res.Code, c.Run("netcheck").Code)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := routes(t)
	r["GET /api/v2/users/me"] = clitest.Fail(401, "unauthenticated", "The session has ended.")
	res := clitest.Signed(t, r).Run("doctor", "--output", "json")
	require.Equal(t, 1, res.Code)
	var got doctor.Report
	require.NoError(t, json.Unmarshal([]byte(res.Stdout), &got))
	assert.False(t, got.Healthy)
	assert.Equal(t, "sign-in", got.FailedStep)
	s, ok := got.FirstFailure()
	require.True(t, ok)
	assert.Equal(t, "The session has ended", s.Detail)
	assert.Contains(t, s.Cure, "coder login http://127.0.0.1:")
}

// TestServerFacts: what the server says of itself is shown, and hostile text in
// it is inert.
func TestServerFacts(t *testing.T) {
	t.Parallel()
	r := routes(t)
	r["GET /api/v2/debug/health"] = clitest.JSON(200, api.HealthReport{Database: api.DatabaseHealth{HealthSection: api.HealthSection{
		Severity: api.HealthError, Warnings: []api.HealthMessage{{Code: "EDB01", Message: "The database\x1b[2J does not answer. See the log."}}}}})
	res := clitest.Signed(t, r).Run("doctor")
	require.Equal(t, 1, res.Code)
	assert.Contains(t, res.Stdout, "The first hop that fails is server: EDB01 database: The database does not answer.\n  See the log.\n")

	r = routes(t)
	r["GET /api/v2/debug/health"] = clitest.Fail(404, "not_found", "Health not found.")
	res = clitest.Signed(t, r).Run("doctor")
	require.Equal(t, 0, res.Code, res.Stdout)
	assert.Contains(t, res.Stdout, "its health is for administrators")
}

func TestStrangerAtTheAddress(t *testing.T) {
	t.Parallel()
	r := routes(t)
	r["GET /api/v2/buildinfo"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Welcome") }
	res := clitest.Signed(t, r).Run("doctor")
	require.Equal(t, 1, res.Code)
	assert.Contains(t, res.Stdout, "The first hop that fails is http: the answer is not from Coder.")
	assert.Contains(t, res.Stdout, "not reached: http failed")
}

// TestInWorkspace: without a session the agent's token is used.
func TestInWorkspace(t *testing.T) {
	t.Parallel()
	r := routes(t)
	r["GET "+agentrpc.PathManifest] = func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get(api.SessionTokenHeader) != "agent-token" {
			clitest.Fail(401, "unauthenticated", "This agent token is not valid.")(w, req)
			return
		}
		clitest.JSON(200, agentrpc.Manifest{AgentName: "main", WorkspaceName: "box", OwnerName: "ann"})(w, req)
	}
	srv := clitest.Server(t, r)
	c := clitest.New(t)
	c.Env = map[string]string{"CODER_AGENT_TOKEN": "agent-token", "CODER_AGENT_URL": srv.URL}
	res := c.Run("doctor")
	require.Equal(t, 0, res.Code, res.Stdout+res.Stderr)
	assert.Contains(t, res.Stdout, "From this workspace to")
	assert.Contains(t, res.Stdout, "agent main of ann/box")

	c.Env["CODER_AGENT_TOKEN"] = "other"
	res = c.Run("doctor")
	require.Equal(t, 1, res.Code)
	assert.Contains(t, res.Stdout, "Restart the workspace")
}

func TestBadUse(t *testing.T) {
	t.Parallel()
	assert.Contains(t, clitest.New(t).Run("doctor").Stderr, "--url or CODER_URL")
	c := clitest.Signed(t, nil)
	assert.Contains(t, c.Run("doctor", "a/b/c").Stderr, "[owner/]workspace[.agent]")
	assert.Contains(t, c.Run("doctor", "--timeout", "2h").Stderr, "from 1ms to 1m")
}
