package publickey_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
)

func TestPublicKey(t *testing.T) {
	t.Parallel()
	const route = "/api/v2/users/me/gitsshkey"
	c := clitest.Signed(t, map[string]http.HandlerFunc{
		"GET " + route: clitest.JSON(http.StatusOK, api.GitSSHKey{PublicKey: "ssh-ed25519 AAAA-old"}),
		"PUT " + route: clitest.JSON(http.StatusOK, api.GitSSHKey{PublicKey: "ssh-ed25519 AAAA-new"}),
	})
	for _, name := range []string{"publickey", "pubkey"} {
		require.Equal(t, clitest.Result{Stdout: "ssh-ed25519 AAAA-old\n"}, c.Run(name))
	}
	require.Equal(t, clitest.Result{Stdout: "ssh-ed25519 AAAA-new\n"}, c.Run("publickey", "--reset", "-y"))
	r := c.Run("publickey", "--reset")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "--yes")
	require.Empty(t, r.Stdout)
}
