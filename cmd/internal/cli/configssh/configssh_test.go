package configssh_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
	"coder.internal/cmd/internal/cli/configssh"
)

func computer(t *testing.T) (*clitest.CLI, string) {
	c := clitest.Signed(t, map[string]http.HandlerFunc{
		"GET /api/v2/deployment/ssh": clitest.JSON(200, api.SSHConfig{HostnamePrefix: "coder.", HostnameSuffix: "coder",
			SSHConfigOptions: map[string]string{"ForwardAgent": "yes"}})})
	return c, filepath.Join(c.Home, ".ssh", "config")
}

func TestBlockIsWrittenAndTheRestKept(t *testing.T) {
	t.Parallel()
	c, file := computer(t)
	own := "Host mine\r\n\tUser me # kept\n\n\n\tweird"
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(own), 0o640))
	r := c.Run("config-ssh", "--yes")
	require.Zero(t, r.Code, r.Stderr)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(b)
	require.True(t, strings.HasPrefix(text, own+"\n\n# ------------START-CODER-----------\n"), text)
	require.Contains(t, text, "\nHost coder.*\n\tConnectTimeout 0\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n\tLogLevel ERROR\n\tForwardAgent yes\n"+
		"\tProxyCommand /usr/bin/coder --global-config "+c.Dir+" ssh --stdio --ssh-host-prefix coder. %h\n")
	require.Contains(t, text, "\nHost *.coder\n")
	require.Contains(t, text, "ssh --stdio --hostname-suffix coder %h\n")
	st, err := os.Stat(file)
	require.NoError(t, err)
	require.EqualValues(t, 0o640, st.Mode().Perm())

	// What follows the block stays too, and a second run changes nothing.
	require.NoError(t, os.WriteFile(file, append(b, "\nHost later\n\tPort 1"...), 0o640))
	require.Contains(t, c.Run("config-ssh", "--yes").Stdout, "up to date")
	require.Zero(t, c.Run("config-ssh", "--yes", "-o", "Port=99", "--hostname-suffix", "dev").Code)
	b, err = os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), own+"\n\n#"))
	require.True(t, strings.HasSuffix(string(b), "\nHost later\n\tPort 1"))
	require.Contains(t, string(b), "\tPort 99\n")
	require.Contains(t, string(b), "Host *.dev\n")
	require.Contains(t, c.Run("config-ssh", "--yes", "--use-previous-options").Stdout, "up to date")
}

func TestDryRunAndMissingConfirmationWriteNothing(t *testing.T) {
	t.Parallel()
	c, file := computer(t)
	r := c.Run("config-ssh", "--dry-run")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "+ Host *.coder\n")
	r = c.Run("config-ssh")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "--yes")
	_, err := os.Stat(file)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestHostileOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, opt := range []string{"ProxyCommand=evil", "Port=1\nProxyCommand evil", "NoValue", "A B=c"} {
		c, file := computer(t)
		require.Equal(t, 1, c.Run("config-ssh", "--yes", "-o", opt).Code, opt)
		_, err := os.Stat(file)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	c, _ := computer(t)
	require.Equal(t, 1, c.Run("config-ssh", "--yes", "--hostname-suffix", "x %h; evil").Code)
}

func TestDamagedBlockIsRefused(t *testing.T) {
	t.Parallel()
	c, file := computer(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	damaged := []byte("# ------------START-CODER-----------\nHost x\n")
	require.NoError(t, os.WriteFile(file, damaged, 0o600))
	r := c.Run("config-ssh", "--yes")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "damaged")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, damaged, b)
}

func FuzzSplitJoin(f *testing.F) {
	f.Add([]byte("Host a\n"), []byte("Host b"))
	f.Add([]byte(""), []byte("\n\n"))
	f.Add([]byte("# ------------START-CODER-----------\nx\n# ------------END-CODER------------\ny"), []byte{})
	f.Fuzz(func(t *testing.T, file, block []byte) {
		if bytes.Contains(block, []byte("-CODER-")) {
			return
		}
		before, _, after, err := configssh.Split(file)
		if err != nil {
			return
		}
		out := configssh.Join(before, block, after)
		if !bytes.HasPrefix(out, before) || !bytes.HasSuffix(out, after) {
			t.Fatalf("surroundings of %q changed: %q", file, out)
		}
		b2, _, a2, err := configssh.Split(out)
		if err != nil {
			t.Fatalf("our own block is not found in %q: %v", out, err)
		}
		if again := configssh.Join(b2, block, a2); !bytes.Equal(again, out) {
			t.Fatalf("a second run changes %q to %q", out, again)
		}
	})
}
