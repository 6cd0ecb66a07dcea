//go:build linux

package serve_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/cmd/internal/serve/servetest"
)

// demo is a deployment with a running workspace.
func demo(t *testing.T, opts servetest.Options) (*servetest.Server, *servetest.CLI) {
	t.Helper()
	s := servetest.New(t, opts)
	if opts.HTTPS {
		s.Setenv("SSL_CERT_FILE=" + s.CA) // for what templates start
	}
	s.Start()
	c := s.Admin(t)
	c.PushStarter("host")
	c.OK("create", "demo", "--template", "host", "--use-parameter-defaults", "-y")
	return s, c
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts servetest.Options
		want string
	}{
		"http direct":   {servetest.Options{}, " direct, at "},
		"http relayed":  {servetest.Options{Env: []string{"CODER_BLOCK_DIRECT=true"}}, " through relay "},
		"https direct":  {servetest.Options{HTTPS: true}, " direct, at "},
		"https relayed": {servetest.Options{HTTPS: true, Env: []string{"CODER_BLOCK_DIRECT=true"}}, " through relay "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := demo(t, c.opts)
			require.Equal(t, "hello\n", p.OK("ssh", "demo", "--", "echo hello"))
			require.Contains(t, p.OK("ping", "demo", "--wait", "50ms"), c.want)
			blob := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
			r := p.Pipe(bytes.NewReader(blob), "ssh", "demo", "--", "cat")
			require.Zero(t, r.Code, r.Stderr)
			require.True(t, r.Stdout == string(blob))
			if c.opts.HTTPS {
				untrusting := s.Person(t)
				untrusting.Setenv("CODER_CLIENT_TLS_CA_FILE=")
				require.Contains(t, untrusting.Fails("login", s.URL.String()), "certificate")
			}
		})
	}
}

func TestAgentSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	cmd := exec.CommandContext(t.Context(), servetest.Binary(), "agent")
	dir := t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "CODER_AGENT_URL=" + s.URL.String(),
		"CODER_AGENT_TOKEN=" + api.NewID().String()}
	log := filepath.Join(dir, "stderr")
	f, err := os.Create(log)
	require.NoError(t, err)
	cmd.Stderr = f
	require.NoError(t, cmd.Start())
	var lines []string
	servetest.Eventually(t, "the agent tries again", func() bool {
		b, err := os.ReadFile(log)
		require.NoError(t, err)
		lines = regexp.MustCompile(`(?m)^.*level=WARN.*token.*$`).FindAllString(string(b), -1)
		return len(lines) >= 3
	})
	require.Contains(t, lines[0], "This agent token is not valid", strings.Join(lines, "\n"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL.JoinPath(agentrpc.PathManifest).String(), nil)
	require.NoError(t, err)
	req.Header.Set(api.SessionTokenHeader, api.NewID().String())
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	_ = res.Body.Close()
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}

// What runs in the workspace stays while the server is away, and people reach it
// again afterwards.
func TestAgentOutlivesServer(t *testing.T) {
	t.Parallel()
	s, c := demo(t, servetest.Options{})
	c.OK("ssh", "demo", "--", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >pid")
	s.Kill()
	s.Start()
	c.OK("ssh", "demo", "--", "kill $(cat pid)")
}
