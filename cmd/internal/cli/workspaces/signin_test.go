package workspaces_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/clitest"
)

// TestCreateWaitsForSignIn: a person is told where to sign in and the command goes
// on once they have; a script is not held.
func TestCreateWaitsForSignIn(t *testing.T) {
	t.Parallel()
	d := &deployment{}
	routes := d.routes(t)
	withPresets(d, routes)
	var asked atomic.Int32
	routes["GET /api/v2/templateversions/{id}/external-auth"] = func(w http.ResponseWriter, r *http.Request) {
		clitest.JSON(200, []api.TemplateVersionExternalAuth{
			{ID: "forge", DisplayName: "The \x1b[1mForge", AuthenticateURL: "https://coder.example/external-auth/forge", Authenticated: asked.Add(1) > 1},
			{ID: "other", DisplayName: "Other", AuthenticateURL: "https://coder.example/external-auth/other", Optional: true}})(w, r)
	}
	c := clitest.Signed(t, routes)
	c.Stdin = strings.NewReader("\ny\n")
	r := c.Run("create", "ws", "-t", "host", "--force-tty")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "This template needs you to sign in. Open in a browser:\n  The ")
	require.Contains(t, r.Stderr, "Forge: https://coder.example/external-auth/forge\nSigned in.\n")
	require.NotContains(t, r.Stderr, "Other")
	require.NotContains(t, r.Stderr, "\x1b")
	require.EqualValues(t, 2, asked.Load())
	r = c.Run("create", "ws", "-t", "host", "-y")
	require.Zero(t, r.Code, r.Stderr)
	require.EqualValues(t, 2, asked.Load())
}
