package ssh_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/clitest"
)

// gpgHome is short: the agent's socket lies in it.
func gpgHome(t *testing.T) (dir string, run func(name string, args ...string) string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gpg")
	require.NoError(t, err)
	run = func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+dir)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
		return string(out)
	}
	t.Cleanup(func() {
		run("gpgconf", "--kill", "all")
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 10*time.Second, 10*time.Millisecond)
	})
	return dir, run
}

func (w *world) runGPG(t *testing.T, home string, args ...string) clitest.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := w.computer(t, strings.NewReader(""))
	c.Env["GNUPGHOME"] = home
	return c.RunContext(ctx, args...)
}

// The workspace signs with a key that it never has.
func TestForwardGPG(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startAgent(t)
	home, here := gpgHome(t)
	there, _ := gpgHome(t)
	here("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "alice@example.com", "ed25519", "sign", "never")
	// An agent of the workspace holds the socket already.
	require.Zero(t, w.run(t, nil, "ssh", "-e", "GNUPGHOME="+there, "ws", "chmod 700 $GNUPGHOME; gpgconf --launch gpg-agent").Code)

	r := w.runGPG(t, home, "ssh", "-G", "-e", "GNUPGHOME="+there, "ws", "echo text | gpg --batch --clearsign -u alice@example.com")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "BEGIN PGP SIGNATURE")
	signed := filepath.Join(t.TempDir(), "signed")
	require.NoError(t, os.WriteFile(signed, []byte(r.Stdout), 0o600))
	require.Contains(t, here("gpg", "--verify", signed), "Good signature")
	keys, err := filepath.Glob(filepath.Join(there, "private-keys-v1.d", "*.key"))
	require.NoError(t, err)
	require.Empty(t, keys)

	r = w.run(t, nil, "ssh", "-e", "GNUPGHOME="+there, "ws", "echo text | gpg --batch --clearsign -u alice@example.com")
	require.NotZero(t, r.Code, "the key is still in reach after the session")
	r = w.runGPG(t, home, "ssh", "-G", "-e", "PATH=/nowhere", "ws", "echo ran")
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stderr, "GnuPG is not installed there")
	require.Empty(t, r.Stdout)
}

func TestLogDir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startAgent(t)
	dir := filepath.Join(t.TempDir(), "new", "logs")
	for range 2 {
		r := w.run(t, nil, "ssh", "--log-dir", dir, "ws", "exit 3")
		require.Equal(t, clitest.Result{Code: 3}, r, "the log goes to the file alone")
	}
	files, err := filepath.Glob(filepath.Join(dir, "coder-ssh-*.log"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, f := range files {
		st, err := os.Stat(f)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, st.Mode().Perm())
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		require.Contains(t, string(b), "msg=connecting host=ws")
		require.Contains(t, string(b), "msg=ended")
		require.Greater(t, strings.Count(string(b), "\n"), 2, "nothing from the network:\n%s", b)
		require.NotContains(t, string(b), clitest.Token)
	}
	r := w.run(t, nil, "ssh", "--log-dir", files[0], "ws", "echo ran")
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stderr, "make log directory")
	require.Empty(t, r.Stdout)
}
