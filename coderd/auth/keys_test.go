package auth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/auth"
	"coder.internal/coderd/coderdtest"
)

const tokensPath = "/api/v2/users/me/keys/tokens"

func TestTokens(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")

	made := coderdtest.Do[api.GenerateKeyResponse](t, bob, http.StatusCreated, post, tokensPath, api.CreateTokenRequest{TokenName: "ci"})
	ci := d.Client(made.Key)
	unused := coderdtest.Do[api.Key](t, bob, http.StatusOK, get, tokensPath+"/ci", nil)
	assert.True(t, unused.LastUsed.IsZero(), "a token that nobody used was used %s", unused.LastUsed)
	me := coderdtest.Do[api.User](t, ci, http.StatusOK, get, "/api/v2/users/me", nil)
	assert.Equal(t, "bob", me.Username)
	key := coderdtest.Do[api.Key](t, bob, http.StatusOK, get, tokensPath+"/ci", nil)
	assert.Equal(t, api.LoginToken, key.LoginType)
	assert.True(t, key.LastUsed.After(key.CreatedAt), "the first use of a token is noted at once")
	assert.Equal(t, int64(168*3600), key.LifetimeSeconds)
	assert.Equal(t, "all", key.Scope)
	assert.WithinDuration(t, time.Now().Add(168*time.Hour), key.ExpiresAt, time.Minute)
	assert.Equal(t, key, coderdtest.Do[api.Key](t, bob, http.StatusOK, get, "/api/v2/users/bob/keys/"+key.ID, nil))

	e := coderdtest.Do[api.Error](t, bob, http.StatusConflict, post, tokensPath, api.CreateTokenRequest{TokenName: "ci"})
	assert.Equal(t, "token_name", e.Validations[0].Field)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, get, "/api/v2/users/admin/keys/"+key.ID, nil)
	coderdtest.Do[api.Error](t, owner, http.StatusNotFound, remove, "/api/v2/users/admin/keys/"+key.ID, nil)

	res, _ := bob.Raw(t, put, "/api/v2/users/me/keys/"+key.ID+"/expire", nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	coderdtest.Do[api.Error](t, ci, http.StatusUnauthorized, get, "/api/v2/users/me", nil)
	assert.Empty(t, coderdtest.Do[[]api.Key](t, bob, http.StatusOK, get, tokensPath, nil))
	assert.Len(t, coderdtest.Do[[]api.Key](t, bob, http.StatusOK, get, tokensPath+"?include_expired=true", nil), 1)

	// The name of an expired token is free.
	coderdtest.Do[api.GenerateKeyResponse](t, bob, http.StatusCreated, post, tokensPath, api.CreateTokenRequest{TokenName: "ci"})
	key = coderdtest.Do[api.Key](t, bob, http.StatusOK, get, tokensPath+"/ci", nil)
	assert.Len(t, coderdtest.Do[[]api.Key](t, owner, http.StatusOK, get, tokensPath+"?include_all=true", nil), 1)
	assert.Empty(t, coderdtest.Do[[]api.Key](t, owner, http.StatusOK, get, tokensPath, nil))
	res, _ = bob.Raw(t, remove, "/api/v2/users/me/keys/"+key.ID, nil)
	require.Equal(t, http.StatusNoContent, res.StatusCode)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, remove, "/api/v2/users/me/keys/"+key.ID, nil)
	coderdtest.Do[api.Error](t, bob, http.StatusNotFound, get, tokensPath+"/ci", nil)

	log := coderdtest.Do[api.AuditLogResponse](t, owner, http.StatusOK, get, "/api/v2/audit?q=resource_type:api_key", nil)
	assert.Equal(t, 4, log.Count)
}

func TestTokenLimits(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	limits := coderdtest.Do[api.TokenConfig](t, owner, http.StatusOK, get, tokensPath+"/tokenconfig", nil)
	assert.Equal(t, 168*time.Hour, limits.MaxTokenLifetime)
	limits = coderdtest.Do[api.TokenConfig](t, bob, http.StatusOK, get, tokensPath+"/tokenconfig", nil)
	assert.Equal(t, 876600*time.Hour, limits.MaxTokenLifetime)
	coderdtest.Do[api.GenerateKeyResponse](t, bob, http.StatusCreated, post, tokensPath, api.CreateTokenRequest{Lifetime: 876600 * time.Hour})

	for _, tc := range []struct {
		by    *coderdtest.Client
		req   api.CreateTokenRequest
		field string
	}{
		{owner, api.CreateTokenRequest{Lifetime: 169 * time.Hour}, "lifetime"},
		{bob, api.CreateTokenRequest{Lifetime: 876601 * time.Hour}, "lifetime"},
		{bob, api.CreateTokenRequest{Lifetime: -time.Hour}, "lifetime"},
		{bob, api.CreateTokenRequest{Lifetime: time.Millisecond}, "lifetime"},
		{bob, api.CreateTokenRequest{TokenName: "a b"}, "token_name"},
		{bob, api.CreateTokenRequest{TokenName: "tokenconfig"}, "token_name"},
		{bob, api.CreateTokenRequest{Scope: "everything"}, "scope"},
		{bob, api.CreateTokenRequest{Scopes: []string{"workspace:fly"}}, "scopes"},
	} {
		e := coderdtest.Do[api.Error](t, tc.by, http.StatusBadRequest, post, tokensPath, tc.req)
		require.NotEmpty(t, e.Validations)
		assert.Equal(t, tc.field, e.Validations[0].Field)
	}
	cfg := auth.DefaultConfig()
	cfg.SessionDuration = 0
	assert.ErrorContains(t, cfg.Validate(), "session-duration")
}

// TestScopes: a token does what its scopes say and makes no wider one.
func TestScopes(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	coderdtest.Do[api.TokenScopes](t, d.Client(""), http.StatusOK, get, "/api/v2/auth/scopes", nil)
	scopes := []string{"user:read", "api_key:create", "api_key:read"}
	made := coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, post, tokensPath, api.CreateTokenRequest{TokenName: "narrow", Scopes: scopes})
	narrow := d.Client(made.Key)
	coderdtest.Do[api.User](t, narrow, http.StatusOK, get, "/api/v2/users/me", nil)
	coderdtest.Do[api.Error](t, narrow, http.StatusForbidden, put, "/api/v2/users/me/status/activate", nil)
	coderdtest.Do[api.Error](t, narrow, http.StatusForbidden, post, tokensPath, api.CreateTokenRequest{Scope: "all"})
	coderdtest.Do[api.Error](t, narrow, http.StatusForbidden, post, tokensPath, api.CreateTokenRequest{Scopes: []string{"user:*"}})
	coderdtest.Do[api.GenerateKeyResponse](t, narrow, http.StatusCreated, post, tokensPath, api.CreateTokenRequest{TokenName: "same"})
	same := coderdtest.Do[api.Key](t, owner, http.StatusOK, get, tokensPath+"/same", nil)
	assert.ElementsMatch(t, scopes, same.Scopes)
}

// TestDerivedSession does not outlive the token that it was made with.
func TestDerivedSession(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	session := coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, post, "/api/v2/users/me/keys", nil)
	coderdtest.Do[api.User](t, d.Client(session.Key), http.StatusOK, get, "/api/v2/users/me", nil)

	short := coderdtest.Do[api.GenerateKeyResponse](t, owner, http.StatusCreated, post, tokensPath, api.CreateTokenRequest{Lifetime: time.Hour})
	derived := coderdtest.Do[api.GenerateKeyResponse](t, d.Client(short.Key), http.StatusCreated, post, "/api/v2/users/me/keys", nil)
	keyID := derived.Key.Reveal()[:10]
	key := coderdtest.Do[api.Key](t, owner, http.StatusOK, get, "/api/v2/users/me/keys/"+keyID, nil)
	assert.Equal(t, api.LoginToken, key.LoginType)
	assert.LessOrEqual(t, key.LifetimeSeconds, int64(3600))
}

func TestAuthCheck(t *testing.T) {
	t.Parallel()
	d := coderdtest.New(t)
	owner := d.FirstUser(t)
	bob := d.NewUser(t, owner, "bob")
	ask := api.AuthorizationRequest{Checks: map[string]api.AuthorizationCheck{
		"own workspace":   {Object: api.AuthorizationObject{ResourceType: "workspace", OwnerID: "me", OrganizationID: bob.User.OrganizationIDs[0].String()}, Action: "create"},
		"any org":         {Object: api.AuthorizationObject{ResourceType: "template", AnyOrg: true}, Action: "create"},
		"other user":      {Object: api.AuthorizationObject{ResourceType: "user", ResourceID: owner.User.ID.String()}, Action: "read"},
		"claimed as mine": {Object: api.AuthorizationObject{ResourceType: "user", ResourceID: owner.User.ID.String(), OwnerID: "me"}, Action: "read"},
		"myself":          {Object: api.AuthorizationObject{ResourceType: "user", ResourceID: bob.User.ID.String()}, Action: "read"},
		"absent":          {Object: api.AuthorizationObject{ResourceType: "workspace", ResourceID: api.NewID().String(), OwnerID: "me"}, Action: "read"},
		"no such type":    {Object: api.AuthorizationObject{ResourceType: "moon"}, Action: "read"},
		"no such action":  {Object: api.AuthorizationObject{ResourceType: "user"}, Action: "fly"},
		"malformed":       {Object: api.AuthorizationObject{ResourceType: "user", ResourceID: "x"}, Action: "read"},
	}}
	got := coderdtest.Do[api.AuthorizationResponse](t, bob, http.StatusOK, post, "/api/v2/authcheck", ask)
	assert.Equal(t, api.AuthorizationResponse{"own workspace": true, "any org": false, "other user": false, "claimed as mine": false,
		"myself": true, "absent": false, "no such type": false, "no such action": false, "malformed": false}, got)
	got = coderdtest.Do[api.AuthorizationResponse](t, owner, http.StatusOK, post, "/api/v2/authcheck", ask)
	for name, want := range map[string]bool{"any org": true, "other user": true, "absent": false, "no such action": false} {
		assert.Equal(t, want, got[name], name)
	}
	many := api.AuthorizationRequest{Checks: map[string]api.AuthorizationCheck{}}
	for range 101 {
		many.Checks[api.NewID().String()] = api.AuthorizationCheck{}
	}
	coderdtest.Do[api.Error](t, bob, http.StatusBadRequest, post, "/api/v2/authcheck", many)
}

// BenchmarkAuthenticate is what every signed-in request pays.
func BenchmarkAuthenticate(b *testing.B) {
	d := coderdtest.New(b)
	token := d.FirstUser(b).Token
	for b.Loop() {
		if _, _, err := d.Auth.Authenticate(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
