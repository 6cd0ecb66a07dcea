package child_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
)

// TestMain is the init process of TestReap when the test starts itself as one.
func TestMain(m *testing.M) {
	if script := os.Getenv("REAP_TEST_SCRIPT"); script != "" {
		if !child.NeedsReaper() {
			os.Exit(99)
		}
		code, err := child.Reap("/bin/sh", []string{"sh", "-c", script}, []string{"PATH=" + os.Getenv("PATH")})
		if err != nil {
			os.Exit(98)
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func asInit(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REAP_TEST_SCRIPT="+script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	return cmd
}

func TestReap(t *testing.T) {
	t.Parallel()
	// A process that ended still answers kill -0 until somebody has collected it,
	// and its parent here is gone.
	out, err := asInit(t, `pid=$(sh -c 'sh -c "exit 3" >/dev/null & echo $!')
		while kill -0 $pid 2>/dev/null; do sleep 0.01; done; echo reaped; exit 7`).Output()
	var ee *exec.ExitError
	require.ErrorAs(t, err, &ee)
	require.Equal(t, 7, ee.ExitCode())
	require.Equal(t, "reaped\n", string(out))
}

func TestReapPassesSignalsOn(t *testing.T) {
	t.Parallel()
	cmd := asInit(t, `trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done`)
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = pipe.Read(make([]byte, 3))
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	var ee *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &ee)
	require.Equal(t, 9, ee.ExitCode())
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	env := child.Merge([]string{"A=1", "B=2", "bad", "=x", "N=a\x00"}, []string{"A=3=4"})
	require.Equal(t, []string{"A=3=4", "B=2"}, env)
	require.Equal(t, "3=4", child.Get(env, "A"))
	require.Equal(t, "PATH=/x", strings.Join(child.PrependPath(nil, "/x", ":"), ""))
	a := child.Account{Home: "/h"}
	for in, want := range map[string]string{"": "", "~": "/h", "~/a/../b": "/h/b", "$HOME/x": "/h/x", "rel": "/h/rel", "/$B": "/2", "/abs/": "/abs"} {
		require.Equal(t, want, a.Expand(in, env), in)
	}
}
