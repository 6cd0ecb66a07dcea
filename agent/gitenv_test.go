package agent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent"
	"coder.internal/agent/agenttest"
	"coder.internal/api/agentrpc"
)

// TestGitCommands: sessions find the agent's binary, unless the template names
// other commands.
func TestGitCommands(t *testing.T) {
	t.Parallel()
	exe := func(o *agent.Options) {
		o.Executable = "/opt/it's/coder"
		o.Environ = append(o.Environ, "GIT_SSH_COMMAND=outer", "GIT_ASKPASS=outer")
	}
	r := run(t, agenttest.New(t, agentrpc.Manifest{}), exe)
	require.Equal(t, "'/opt/it'\\''s/coder' gitssh --\n", r.ssh(t, `echo "$GIT_SSH_COMMAND"`))
	require.Equal(t, "/opt/it's/coder\n", r.ssh(t, `echo "$GIT_ASKPASS"`))
	r = run(t, agenttest.New(t, agentrpc.Manifest{Env: map[string]string{"GIT_SSH_COMMAND": "ssh -v", "GIT_ASKPASS": "mine"}}), exe)
	require.Equal(t, "mine\n", r.ssh(t, `echo "$GIT_ASKPASS"`))
	require.Equal(t, "ssh -v\n", r.ssh(t, `echo "$GIT_SSH_COMMAND"`))
}

// Scripts of templates call "coder stat cpu": the agent's own binary is found, after
// whatever is there.
func TestCoderIsOnThePath(t *testing.T) {
	t.Parallel()
	path := func(executable string) string {
		r := run(t, agenttest.New(t, agentrpc.Manifest{}), func(o *agent.Options) {
			o.Executable = executable
			o.Environ = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
		})
		return r.ssh(t, `echo "$PATH"`)
	}
	require.Equal(t, "/usr/bin:/bin:/opt/x\n", path("/opt/x/coder"))
	require.Equal(t, "/usr/bin:/bin\n", path("/opt/x/other"))
}
