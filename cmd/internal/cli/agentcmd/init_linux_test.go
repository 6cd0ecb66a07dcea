package agentcmd_test

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/agentcmd"
)

// TestMain is the binary that a test starts as process 1 of a container.
func TestMain(m *testing.M) {
	if os.Getenv("AGENT_AS_INIT") != "" {
		os.Exit(cli.Main(context.Background(), cli.OS(), os.Args[1:], agentcmd.Command))
	}
	os.Exit(m.Run())
}

// TestAsInit starts the agent as process 1: it starts itself once more, with the
// same arguments, and that one gets as far as asking for its server.
func TestAsInit(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "agent")
	cmd.Env = []string{"AGENT_AS_INIT=1", "CODER_AGENT_TOKEN=t", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	out, err := cmd.CombinedOutput()
	var ee *exec.ExitError
	require.ErrorAs(t, err, &ee)
	require.Contains(t, string(out), "CODER_AGENT_URL")
	require.NotContains(t, string(out), "unknown flag")
}
