package sshd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deep is a directory whose path has so many bytes.
func deep(t *testing.T, bytes int) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "deep")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	dir = filepath.Join(dir, strings.Repeat("d", bytes-len(dir)-1))
	require.NoError(t, os.Mkdir(dir, 0o700))
	return dir
}

// Not parallel: the temporary directory is one of the process. A socket has about
// a hundred bytes for its path, and workspaces live deep.
func TestAgentForwardingFromADeepTemporaryDirectory(t *testing.T) {
	sock, pub := keyAgent(t)
	w := start(t)
	t.Setenv("TMPDIR", deep(t, 105))
	cmd := w.ssh(t, "-A", "ws", "ssh-add -L; stat -c %a $(dirname $SSH_AUTH_SOCK)")
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+sock)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, pub+"700\n", string(out))
}

// Whatever path a socket may have, -R may open.
func TestRemoteSocketWithTheLongestPath(t *testing.T) {
	t.Parallel()
	w := start(t)
	path := filepath.Join(deep(t, 103), "s")
	here := filepath.Join(t.TempDir(), "here")
	out, err := w.ssh(t, "-o", "ExitOnForwardFailure=yes", "-R", fmt.Sprintf("%s:%s", path, here), "ws", "stat -c %F "+path).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "socket\n", string(out))
}
