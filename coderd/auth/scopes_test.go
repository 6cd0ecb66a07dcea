package auth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/coderdtest"
)

func TestScopeNames(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	got := coderdtest.Do[api.TokenScopes](t, d.Client(""), http.StatusOK, get, "/api/v2/auth/scopes", nil).External
	assert.Equal(t, auth.Scopes(), got)
	for _, want := range []string{"all", "application_connect", "coder:all", "coder:application_connect", "coder:apikeys.manage_self",
		"coder:templates.author", "coder:templates.build", "coder:workspaces.access", "coder:workspaces.create", "coder:workspaces.delete",
		"coder:workspaces.operate", "workspace:ssh", "workspace:*", "template:use", "api_key:*", "user:read_personal"} {
		assert.Contains(t, got, want)
	}
	sorted := slices.Clone(got)
	slices.Sort(sorted)
	assert.Len(t, slices.Compact(sorted), len(got), "no name twice")
}

// token makes a token as c and returns its client.
func token(t *testing.T, d *coderdtest.Deployment, c *coderdtest.Client, r api.CreateTokenRequest) *coderdtest.Client {
	t.Helper()
	return d.Client(coderdtest.Do[api.GenerateKeyResponse](t, c, http.StatusCreated, post, tokensPath, r).Key)
}

// TestScopesNarrow: a token may do what its scopes and its user's roles both allow,
// also when the roles change later, and makes no wider one.
func TestScopesNarrow(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")

	reader := token(t, d, owner, api.CreateTokenRequest{Scopes: []string{"user:read"}})
	coderdtest.Do[api.UsersResponse](t, reader, http.StatusOK, get, "/api/v2/users", nil)
	for _, c := range []struct{ method, path string }{
		{post, "/api/v2/users"}, {put, "/api/v2/users/bob/status/suspend"}, {post, tokensPath}, {post, "/api/v2/users/me/keys"}, {get, tokensPath},
	} {
		res, text := reader.Raw(t, c.method, c.path, map[string]any{"username": "x", "email": "x@example.com", "password": coderdtest.Password.Reveal()})
		assert.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, res.StatusCode, "%s %s: %s", c.method, c.path, text)
	}

	// A scope gives nothing that the roles do not.
	wide := token(t, d, bob, api.CreateTokenRequest{Scopes: []string{"user:create", "user:read", "audit_log:read"}})
	res, _ := wide.Raw(t, get, "/api/v2/audit", nil)
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/bob/roles", api.UpdateRolesRequest{Roles: []string{"auditor"}})
	coderdtest.Do[api.AuditLogResponse](t, wide, http.StatusOK, get, "/api/v2/audit", nil)
	coderdtest.Do[api.User](t, owner, http.StatusOK, put, "/api/v2/users/bob/roles", api.UpdateRolesRequest{Roles: []string{}})
	res, _ = wide.Raw(t, get, "/api/v2/audit", nil)
	assert.Equal(t, http.StatusNotFound, res.StatusCode, "a role that is taken away is gone with the next request")

	maker := token(t, d, owner, api.CreateTokenRequest{Scopes: []string{"api_key:*", "coder:workspaces.access", "user:*"}})
	for _, tc := range []struct {
		want   []string
		status int
	}{
		{nil, http.StatusCreated},
		{[]string{"api_key:read", "workspace:ssh", "user:delete"}, http.StatusCreated},
		{[]string{"coder:workspaces.access"}, http.StatusCreated},
		{[]string{"coder:apikeys.manage_self"}, http.StatusCreated},
		{[]string{"all"}, http.StatusForbidden},
		{[]string{"coder:all"}, http.StatusForbidden},
		{[]string{"workspace:delete"}, http.StatusForbidden},
		{[]string{"workspace:*"}, http.StatusForbidden},
		{[]string{"coder:workspaces.operate"}, http.StatusForbidden},
		{[]string{"emperor:*"}, http.StatusBadRequest},
		{[]string{"workspace:fly"}, http.StatusBadRequest},
		{[]string{"workspace"}, http.StatusBadRequest},
	} {
		res, text := maker.Raw(t, post, tokensPath, api.CreateTokenRequest{Scopes: tc.want})
		assert.Equal(t, tc.status, res.StatusCode, "%v: %s", tc.want, text)
	}
	session := coderdtest.Do[api.GenerateKeyResponse](t, maker, http.StatusCreated, post, "/api/v2/users/me/keys", nil)
	res, _ = d.Client(session.Key).Raw(t, get, "/api/v2/audit", nil)
	assert.Equal(t, http.StatusNotFound, res.StatusCode, "a session that a token made is no wider")
}

// TestManageSelf: the composite reaches the owner's own keys only, whatever else its
// user may do.
func TestManageSelf(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	self := token(t, d, owner, api.CreateTokenRequest{Scopes: []string{"coder:apikeys.manage_self"}})
	token(t, d, bob, api.CreateTokenRequest{TokenName: "bobs"})
	mine := coderdtest.Do[[]api.Key](t, self, http.StatusOK, get, tokensPath+"?include_all=true", nil)
	require.Len(t, mine, 1)
	coderdtest.Do[api.Error](t, self, http.StatusNotFound, get, "/api/v2/users/bob/keys/tokens", nil)
	coderdtest.Do[api.Error](t, self, http.StatusNotFound, post, "/api/v2/users/bob/keys/tokens", api.CreateTokenRequest{})
	again := token(t, d, self, api.CreateTokenRequest{})
	coderdtest.Do[api.Error](t, again, http.StatusNotFound, get, "/api/v2/users/bob/keys/tokens", nil)
	res, _ := self.Raw(t, post, tokensPath, api.CreateTokenRequest{Scopes: []string{"api_key:*"}})
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
}

func TestAllowLists(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob, carol := d.NewUser(t, owner, "bob"), d.NewUser(t, owner, "carol")
	only := func(entries ...string) []api.AllowListTarget {
		var out []api.AllowListTarget
		for _, e := range entries {
			typ, id, _ := strings.Cut(e, ":")
			out = append(out, api.AllowListTarget{Type: typ, ID: id})
		}
		return out
	}
	bobID := "user:" + bob.User.ID.String()
	limited := token(t, d, owner, api.CreateTokenRequest{TokenName: "limited", AllowList: only(bobID, "api_key:*")})
	coderdtest.Do[api.User](t, limited, http.StatusOK, get, "/api/v2/users/bob", nil)
	coderdtest.Do[api.User](t, limited, http.StatusOK, put, "/api/v2/users/bob/profile", api.UpdateUserProfileRequest{Username: "bob", Name: "Bob"})
	for _, path := range []string{"/api/v2/users/carol", "/api/v2/users/me", "/api/v2/users/" + carol.User.ID.String(), "/api/v2/audit"} {
		res, _ := limited.Raw(t, get, path, nil)
		assert.Equal(t, http.StatusNotFound, res.StatusCode, path)
	}
	res, _ := limited.Raw(t, post, "/api/v2/users", api.CreateUserRequest{Username: "new", Email: "n@example.com", Password: coderdtest.Password})
	assert.Equal(t, http.StatusForbidden, res.StatusCode, "what is yet to be made is not on the list")
	listed := coderdtest.Do[api.UsersResponse](t, limited, http.StatusOK, get, "/api/v2/users", nil)
	require.Len(t, listed.Users, 1, "lists show what is named")
	assert.Equal(t, "bob", listed.Users[0].Username)
	assert.Equal(t, 1, listed.Count)

	key := coderdtest.Do[api.Key](t, owner, http.StatusOK, get, tokensPath+"/limited", nil)
	assert.Equal(t, only(bobID, "api_key:*"), key.AllowList)
	plain := token(t, d, owner, api.CreateTokenRequest{TokenName: "plain"})
	assert.Equal(t, only("*:*"), coderdtest.Do[api.Key](t, plain, http.StatusOK, get, tokensPath+"/plain", nil).AllowList)

	// What a limited token makes has its limits.
	for _, tc := range []struct {
		entries []string
		status  int
	}{
		{nil, http.StatusCreated},
		{[]string{bobID}, http.StatusCreated},
		{[]string{"user:" + carol.User.ID.String()}, http.StatusForbidden},
		{[]string{"user:*"}, http.StatusForbidden},
		{[]string{"*:*"}, http.StatusForbidden},
		{[]string{"user:bob"}, http.StatusBadRequest},
		{[]string{"planet:*"}, http.StatusBadRequest},
		{[]string{"*:" + carol.User.ID.String()}, http.StatusBadRequest},
	} {
		res, text := limited.Raw(t, post, tokensPath, api.CreateTokenRequest{AllowList: only(tc.entries...)})
		assert.Equal(t, tc.status, res.StatusCode, "%v: %s", tc.entries, text)
	}
	heir := token(t, d, limited, api.CreateTokenRequest{})
	coderdtest.Do[api.Error](t, heir, http.StatusNotFound, get, "/api/v2/users/carol", nil)
	session := coderdtest.Do[api.GenerateKeyResponse](t, limited, http.StatusCreated, post, "/api/v2/users/me/keys", nil)
	coderdtest.Do[api.Error](t, d.Client(session.Key), http.StatusNotFound, get, "/api/v2/users/carol", nil)
}

func TestSessions(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	second := d.Login(t, "bob@example.com")
	token(t, d, bob, api.CreateTokenRequest{TokenName: "ci"})
	sessions := coderdtest.Do[[]api.Key](t, bob, http.StatusOK, get, "/api/v2/users/me/keys", nil)
	require.Len(t, sessions, 2, "tokens are not among them")
	id, _, _ := strings.Cut(second.Token.Reveal(), "-")
	assert.True(t, slices.ContainsFunc(sessions, func(k api.Key) bool { return k.ID == id && k.LoginType == api.LoginPassword }))
	for _, k := range sessions {
		assert.Equal(t, k.ID != id, k.Current, "the one that asks is marked, and no other")
	}

	carol := d.NewUser(t, owner, "carol")
	coderdtest.Do[api.Error](t, carol, http.StatusNotFound, get, "/api/v2/users/bob/keys", nil)
	coderdtest.Do[api.Error](t, carol, http.StatusNotFound, remove, "/api/v2/users/bob/keys/"+id, nil)
	coderdtest.Do[api.User](t, second, http.StatusOK, get, "/api/v2/users/me", nil)
	res, _ := owner.Raw(t, remove, "/api/v2/users/bob/keys/"+id, nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	coderdtest.Do[api.Error](t, second, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	coderdtest.Do[api.User](t, bob, http.StatusOK, get, "/api/v2/users/me", nil)
}
