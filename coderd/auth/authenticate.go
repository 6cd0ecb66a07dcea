package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Authenticate implements httpmw.Sessions with one indexed query and no cache,
// so that a revoked right is gone with the next request. It returns the caller
// and the id of the key, or rbac.ErrUnauthenticated.
func (s *Service) Authenticate(ctx context.Context, token api.Secret) (rbac.Subject, string, error) {
	t, ok := parseToken(token)
	if !ok {
		return rbac.Subject{}, "", rbac.ErrUnauthenticated
	}
	row, err := s.opts.DB.GetCaller(ctx, t.id)
	if database.IsNotFound(err) {
		return rbac.Subject{}, "", rbac.ErrUnauthenticated
	}
	if err != nil {
		return rbac.Subject{}, "", fmt.Errorf("load key %s: %w", t.id, err)
	}
	if !t.matches(row.HashedSecret) {
		return rbac.Subject{}, "", rbac.ErrUnauthenticated
	}
	allow, err := parseAllow(row.AllowList)
	if err != nil {
		return rbac.Subject{}, "", fmt.Errorf("allow-list of key %s: %w", row.ID, err)
	}
	subject := rbac.Subject{UserID: row.UserID, Username: row.Username, SiteRoles: row.SiteRoles, Scopes: expand(row.Scopes), Allow: allow}
	if err := json.Unmarshal(row.OrgRoles, &subject.OrgRoles); err != nil {
		return rbac.Subject{}, "", fmt.Errorf("decode organization roles of user %s: %w", row.UserID, err)
	}
	if row.Stale {
		s.touch(ctx, row.ID)
	}
	return subject, row.ID, nil
}

// touch notes that a key was used and lets a session slide. The request goes on
// when this fails: a database that only reads still serves.
func (s *Service) touch(ctx context.Context, id string) {
	err := s.opts.DB.TouchAPIKey(ctx, database.TouchAPIKeyParams{ID: id, Slide: !s.opts.Config.DisableSessionRefresh})
	if err != nil && ctx.Err() == nil {
		s.opts.Log.Warn("use of a key not noted", "key_id", id, "error", err)
	}
}
