package support_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
)

// planted are secrets in all the places where one may be; none may come out.
var planted = []string{
	clitest.Token, "env-value-of-template", "hunter2hunter2", "ghp_abcdefghijklmnopqrstuvwxyz0123", "pg-pass-word",
	"QWxhZGRpbjpvcGVuIHNlc2FtZQ", "MIIEvQIBADANBg", "AKIAABCDEFGHIJKLMNOP", "header-secret-value", "psk-psk-psk",
	"ABCDEFGHIJ-abcdefghijklmnopqrstuv", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "json-inner-pass",
}

const agentLog = `starting with DB_PASSWORD=hunter2hunter2 and more
git clone https://x:ghp_abcdefghijklmnopqrstuvwxyz0123@github.com/o/r
Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==
-----BEGIN RSA PRIVATE KEY-----
MIIEvQIBADANBg
-----END RSA PRIVATE KEY-----
aws AKIAABCDEFGHIJKLMNOP, session ABCDEFGHIJ-abcdefghijklmnopqrstuv
jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln
{"password": "json-inner-pass", "user": "ann"}
echoing header-secret-value
plain line of a script`

func routes() map[string]http.HandlerFunc {
	agent := api.WorkspaceAgent{ID: api.NewID(), Name: "ma/../in", EnvironmentVariables: map[string]string{"HARMLESS": "env-value-of-template"}}
	ws := api.Workspace{ID: api.NewID(), Name: "box", LatestBuild: api.WorkspaceBuild{ID: api.NewID(),
		Resources: []api.WorkspaceResource{{Agents: []api.WorkspaceAgent{agent}}}}}
	return map[string]http.HandlerFunc{
		"GET /api/v2/buildinfo": clitest.JSON(200, api.BuildInfo{Version: "v9.9.9"}),
		"GET /api/v2/users/me":  clitest.JSON(200, map[string]string{"username": "ann"}),
		"GET /api/v2/deployment/config": clitest.JSON(200, api.DeploymentConfig{Options: []api.DeploymentOption{
			{Flag: "provisioner-daemon-psk", Value: "psk-psk-psk", Secret: true}, {Flag: "http-address", Value: "127.0.0.1:3000"},
			{Flag: "proxy", Value: "http://joe:pg-pass-word@proxy:3128"}}}),
		"GET /api/v2/users/me/workspace/box":       clitest.JSON(200, ws),
		"GET /api/v2/workspacebuilds/{id}/logs":    clitest.JSON(200, []api.ProvisionerJobLog{{Output: "connecting to postgres://u:pg-pass-word@db/x"}}),
		"GET /api/v2/workspaceagents/{id}/logs":    clitest.JSON(200, []api.AgentLog{{CreatedAt: time.Now(), Output: agentLog}}),
		"GET /api/v2/workspacebuilds/{id}/timings": clitest.JSON(200, map[string]any{}),
		"GET /api/v2/workspaceagents/connection":   clitest.JSON(200, map[string]any{}),
		"GET /api/v2/debug/health":                 clitest.Fail(404, "not_found", "Health not found."),
	}
}

func unzip(t *testing.T, name string) map[string]string {
	t.Helper()
	st, err := os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	z, err := zip.OpenReader(name)
	require.NoError(t, err)
	defer z.Close()
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		out[f.Name] = string(b)
	}
	return out
}

// TestNoSecretComesOut plants secrets in every source and looks for them in
// every file.
func TestNoSecretComesOut(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, routes())
	file := filepath.Join(t.TempDir(), "b.zip")
	res := c.Run("support", "bundle", "box", "-y", "-O", file, "--header", "X-Extra=header-secret-value")
	require.Equal(t, 0, res.Code, res.Stderr)
	files := unzip(t, file)
	for name, content := range files {
		for _, s := range planted {
			assert.NotContains(t, content, s, name)
		}
		if strings.HasSuffix(name, ".json") {
			assert.True(t, json.Valid([]byte(content)), name)
		}
	}
	logs := files["agent/ma____in/logs.txt"]
	for _, kept := range []string{"starting with DB_PASSWORD=[redacted] and more", "plain line of a script", `"user": "ann"`} {
		assert.Contains(t, logs, kept)
	}
	assert.Contains(t, files["deployment/config.json"], "127.0.0.1:3000")
	assert.Contains(t, files["deployment/buildinfo.json"], "v9.9.9")
	assert.Contains(t, files["agent/ma____in/agent.json"], `"HARMLESS": "[redacted]"`)
	assert.Contains(t, files["network/doctor.json"], `"steps"`)
	assert.Contains(t, files["missing.txt"], "deployment/health.json: ")
	assert.Contains(t, res.Stderr, "left out: deployment/health.json")
	for _, s := range planted {
		assert.NotContains(t, res.Stdout+res.Stderr, s)
	}
}

func TestConsentAndFile(t *testing.T) {
	t.Parallel()
	c := clitest.Signed(t, routes())
	file := filepath.Join(t.TempDir(), "b.zip")
	res := c.Run("support", "bundle", "-O", file)
	require.NotEqual(t, 0, res.Code)
	require.Contains(t, res.Stderr, "--yes")
	require.NoFileExists(t, file)

	c.Stdin = strings.NewReader("no\n")
	res = c.Run("support", "bundle", "-O", file, "--force-tty")
	require.Equal(t, 130, res.Code)
	require.NoFileExists(t, file)

	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	res = c.Run("support", "bundle", "-y", "-O", file)
	require.Equal(t, 1, res.Code)
	require.Contains(t, res.Stderr, "exists already")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "mine", string(b))
}

// TestServerAway: without a server there is still something to pass on.
func TestServerAway(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	c.Env["CODER_URL"] = "http://127.0.0.1:1"
	file := filepath.Join(t.TempDir(), "b.zip")
	res := c.Run("support", "bundle", "-y", "-O", file)
	require.Equal(t, 0, res.Code, res.Stderr)
	files := unzip(t, file)
	require.Contains(t, files["network/doctor.json"], "refuses the connection")
	require.Contains(t, files["missing.txt"], "deployment/buildinfo.json")
}
