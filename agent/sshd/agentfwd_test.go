package sshd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// keyAgent is a real ssh-agent of the client with one new key.
func keyAgent(t *testing.T) (sock, publicKey string) {
	t.Helper()
	dir := t.TempDir()
	sock = filepath.Join(dir, "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", sock)
	require.NoError(t, agent.Start())
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	require.Eventually(t, func() bool { _, err := os.Stat(sock); return err == nil }, 10*time.Second, 5*time.Millisecond)
	key := filepath.Join(dir, "key")
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput()
	require.NoError(t, err, string(out))
	add := exec.Command("ssh-add", "-q", key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+sock)
	out, err = add.CombinedOutput()
	require.NoError(t, err, string(out))
	pub, err := os.ReadFile(key + ".pub")
	require.NoError(t, err)
	return sock, string(pub)
}

// The workspace signs with a key that stays on the client, through a socket that
// nobody else can enter and that goes with the session.
func TestAgentForwarding(t *testing.T) {
	t.Parallel()
	w := start(t)
	sock, pub := keyAgent(t)
	require.NoError(t, os.WriteFile(filepath.Join(w.home, "key.pub"), []byte(pub), 0o600))
	cmd := w.ssh(t, "-A", "ws", `echo $SSH_AUTH_SOCK; stat -c %a $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK);
		echo text >f; ssh-keygen -q -Y sign -n test -f key.pub f 2>/dev/null; head -1 f.sig`)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+sock)
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	require.NotEqual(t, sock, lines[0])
	require.Equal(t, []string{"600", "700", "-----BEGIN SSH SIGNATURE-----", ""}, lines[1:])
	gone(t, filepath.Dir(lines[0]))
}

// Without -A there is none, although the agent of the workspace may have one.
func TestAgentIsNotForwardedUnasked(t *testing.T) {
	t.Parallel()
	w := start(t)
	cmd := w.ssh(t, "-a", "ws", "case $SSH_AUTH_SOCK in *coder-ssh-agent*) echo leaked;; esac")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Empty(t, string(out))
}
