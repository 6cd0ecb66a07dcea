//go:build linux

package serve_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/database/dbtest"
)

// TestWithoutHints: no notification of Postgres arrives. Everything works by polling:
// builds, their logs, agents, sessions, watches, cancelling. The server says so.
func TestWithoutHints(t *testing.T) {
	t.Parallel()
	proxy, through := startProxy(t, dbtest.URL(t))
	proxy.set(dropHints)
	w := startSlow(t, servetest.Options{PostgresURL: through})
	w.c.PushStarter("host")
	out := w.c.OK("create", "fast", "--template", "host", "--use-parameter-defaults", "-y")
	require.Contains(t, out, "fast")
	require.Equal(t, "hello\n", w.c.OK("ssh", "fast", "--", "echo hello"))

	// A build whose log is followed from its beginning ends for the follower too.
	follower := w.c.Command("create", "demo", "--template", "slow", "-y")
	require.NoError(t, follower.Start())
	servetest.Eventually(t, "terraform is at work", func() bool { return exists(w.gate + "/began") })
	w.open(t)
	require.NoError(t, follower.Wait())
	w.c.OK("stop", "demo", "-y")
	w.c.OK("delete", "demo", "-y")

	w.s.WaitLog("hints do not come, polling goes on")
	report, err := w.c.Client().Health(t.Context(), true)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(report.Database.Warnings, func(m api.HealthMessage) bool { return m.Code == "EDB04" }))
	require.True(t, report.Database.Healthy)
}

// TestDatabaseGoesAndComesBack: requests wait for a Postgres that is being restarted
// for a while, and are then told; the server stays, and needs no restart.
func TestDatabaseGoesAndComesBack(t *testing.T) {
	t.Parallel()
	proxy, through := startProxy(t, dbtest.URL(t))
	s := servetest.Start(t, servetest.Options{PostgresURL: through})
	people := s.Admin(t).Client()
	_, err := people.User(t.Context(), "me")
	require.NoError(t, err)

	proxy.away(true)
	s.WaitLog("postgres is in trouble.*reason=away")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL.String()+"/api/v2/users/login",
		strings.NewReader(`{"email":"admin@example.com","password":"`+servetest.Password+`"}`))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, "%s", body)
	require.Equal(t, "5", resp.Header.Get("Retry-After"))
	require.Contains(t, string(body), "The database does not answer at the moment.")
	require.NotContains(t, string(body), "127.0.0.1")

	proxy.away(false)
	s.WaitLog("postgres is well again.*reason=away")
	s.WaitLog("hints come again")
	_, err = people.User(t.Context(), "me")
	require.NoError(t, err)
}
