package auth

import (
	"slices"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

func toKey(k database.ApiKey, username string) api.Key {
	used := k.LastUsed.UTC()
	if api.LoginType(k.LoginType) == api.LoginToken && k.LastUsed.Equal(k.CreatedAt) {
		used = time.Time{} // a token that nobody has used yet; to sign in is to use a session
	}
	return api.Key{
		ID: k.ID, UserID: k.UserID, Username: username, LoginType: api.LoginType(k.LoginType), TokenName: k.TokenName,
		Scope: oldScope(k.Scopes), Scopes: k.Scopes, LastUsed: used, ExpiresAt: k.ExpiresAt.UTC(),
		CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC(), LifetimeSeconds: k.LifetimeSeconds,
		AllowList: toAllowList(k.AllowList),
	}
}

// oldScope fills the field that clients before the list of scopes read.
func oldScope(scopes []string) string {
	if slices.Contains(scopes, rbac.ScopeAll) || len(scopes) == 0 {
		return rbac.ScopeAll
	}
	return scopes[0]
}

func auditFields(k database.ApiKey) map[string]any {
	return map[string]any{"id": k.ID, "token_name": k.TokenName, "login_type": k.LoginType, "scopes": k.Scopes, "allow_list": k.AllowList,
		"lifetime_seconds": k.LifetimeSeconds}
}
