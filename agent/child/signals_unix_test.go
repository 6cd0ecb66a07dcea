//go:build unix

package child_test

import (
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
)

// Not parallel: what it ignores is ignored by the whole process.
func TestDefaultSignals(t *testing.T) {
	const script = "kill -HUP $$; echo survived"
	signal.Ignore(syscall.SIGHUP)
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
	out, err := exec.Command("sh", "-c", script).Output()
	require.NoError(t, err)
	require.Equal(t, "survived\n", string(out), "children inherit what is ignored")
	child.DefaultSignals()
	out, err = exec.Command("sh", "-c", script).Output()
	require.Error(t, err)
	require.Empty(t, out)
}
