package users_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/coderdtest"
	"coder.internal/coderd/users"
)

// TestDormant: who was not seen for 90 days becomes dormant, once, with an entry.
// Signing in and using a token wake, each with one entry.
func TestDormant(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	idle, token, seen, gone := d.NewUser(t, owner, "idle"), d.NewUser(t, owner, "token"), d.NewUser(t, owner, "seen"), d.NewUser(t, owner, "gone")
	key := coderdtest.Do[api.GenerateKeyResponse](t, token, http.StatusCreated, post, "/api/v2/users/me/keys/tokens", api.CreateTokenRequest{})
	coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/gone/status/suspend", nil)
	// They were not seen for 91 days, and one for 89.
	for who, days := range map[*coderdtest.Client]int{idle: 91, token: 91, gone: 91, seen: 89} {
		_, err := d.DB.Pool().Exec(t.Context(), `update users set last_seen_at = now() - make_interval(days => $2) where id = $1`, who.User.ID, days)
		require.NoError(t, err)
	}
	_, err := d.DB.Pool().Exec(t.Context(), `update users set created_at = now() - interval '1 year' where id = any($1)`,
		[]api.ID{idle.User.ID, token.User.ID, gone.User.ID, seen.User.ID})
	require.NoError(t, err)
	// Made a moment ago and never seen, as accounts of services are.
	fresh := d.NewUser(t, owner, "fresh")
	_, err = d.DB.Pool().Exec(t.Context(), `update users set last_seen_at = '0001-01-01' where id = $1`, fresh.User.ID)
	require.NoError(t, err)
	status := func(name string) api.UserStatus {
		return coderdtest.Do[api.User](t, owner, http.StatusOK, get, "/api/v2/users/"+name, nil).Status
	}
	entries := func(search string) []api.AuditLog {
		return coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?q="+search, nil).AuditLogs
	}
	for _, want := range []int64{1, 1, 0} { // one at a time
		n, err := d.Users.MarkDormant(t.Context(), users.DormantAfter, 1)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	assert.Equal(t, api.UserDormant, status("idle"))
	assert.Equal(t, api.UserDormant, status("token"))
	assert.Equal(t, api.UserActive, status("seen"))
	assert.Equal(t, api.UserActive, status("fresh"))
	assert.Equal(t, api.UserSuspended, status("gone"))
	for _, name := range []string{"idle", "token"} {
		marked := entries("action:write%20resource_type:user%20resource_target:" + name)
		require.Len(t, marked, 1)
		assert.Nil(t, marked[0].User, "nobody did it")
		assert.Equal(t, "dormant", newStatus(t, marked[0]))
	}

	// An old token that still lives, used at once from many sides.
	by := d.Client(key.Key)
	done := make(chan int)
	for range 8 {
		go func() {
			res, _ := by.Raw(t, get, "/api/v2/users/me", nil)
			done <- res.StatusCode
		}()
	}
	for range 8 {
		assert.Equal(t, http.StatusOK, <-done)
	}
	assert.Equal(t, api.UserActive, status("token"))
	woken := entries("action:write%20resource_type:user%20resource_target:token")
	require.Len(t, woken, 2)
	assert.Equal(t, "active", newStatus(t, woken[0]))
	assert.Equal(t, "token", woken[0].User.Username)

	before := len(entries("username:idle"))
	d.Login(t, "idle@example.com")
	assert.Equal(t, api.UserActive, status("idle"))
	after := entries("username:idle")
	require.Len(t, after, before+1, "the sign-in is the entry")
	assert.Equal(t, "active", newStatus(t, after[0]))
	n, err := d.Users.MarkDormant(t.Context(), users.DormantAfter, 10)
	require.NoError(t, err)
	require.Zero(t, n, "they were seen")
}

func newStatus(t *testing.T, e api.AuditLog) string {
	t.Helper()
	var diff map[string]struct{ New string }
	require.NoError(t, json.Unmarshal(e.Diff, &diff), "%s", e.Diff)
	return diff["status"].New
}
