package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
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
	row, err := s.loadCaller(ctx, t.id)
	if err != nil {
		return rbac.Subject{}, "", err
	}
	if !t.matches(row.HashedSecret) {
		return rbac.Subject{}, "", rbac.ErrUnauthenticated
	}
	subject, err := s.subject(ctx, row)
	return subject, row.ID, err
}

// subject makes the caller of what is stored, and notes that the key is used.
func (s *Service) subject(ctx context.Context, row database.GetCallerRow) (rbac.Subject, error) {
	allow, err := parseAllow(row.AllowList)
	if err != nil {
		return rbac.Subject{}, fmt.Errorf("allow-list of key %s: %w", row.ID, err)
	}
	subject := rbac.Subject{UserID: row.UserID, Username: row.Username, SiteRoles: row.SiteRoles, Scopes: expand(row.Scopes),
		Allow: allow, Groups: row.Groups, Deployment: s.opts.Config.Deployment}
	if err := json.Unmarshal(row.OrgRoles, &subject.OrgRoles); err != nil {
		return rbac.Subject{}, fmt.Errorf("decode organization roles of user %s: %w", row.UserID, err)
	}
	if subject.Custom, err = customRoles(row.CustomRoles); err != nil {
		return rbac.Subject{}, fmt.Errorf("decode custom roles of user %s: %w", row.UserID, err)
	}
	if row.Stale {
		s.touch(ctx, row.ID)
	}
	if row.Dormant {
		s.wake(ctx, row.UserID, row.Username)
	}
	return subject, nil
}

// customRoles reads the definitions of the custom roles that somebody holds.
func customRoles(stored json.RawMessage) ([]rbac.Role, error) {
	if string(stored) == "[]" {
		return nil, nil
	}
	var rows []struct {
		Name           string            `json:"name"`
		OrganizationID api.ID            `json:"organization_id"`
		Site           []rbac.Permission `json:"site"`
		Org            []rbac.Permission `json:"org"`
		Member         []rbac.Permission `json:"member"`
		User           []rbac.Permission `json:"user"`
	}
	if err := json.Unmarshal(stored, &rows); err != nil {
		return nil, err
	}
	out := make([]rbac.Role, len(rows))
	for i, r := range rows {
		out[i] = rbac.NewRole(r.Name, r.OrganizationID, rbac.Spec{Site: r.Site, Org: r.Org, Member: r.Member, User: r.User})
	}
	return out, nil
}

// wake makes a dormant user active: using a token is being there, too. The request
// goes on when this fails, as with touch.
func (s *Service) wake(ctx context.Context, user api.ID, name string) {
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		n, err := q.WakeUser(ctx, user)
		if err != nil || n == 0 { // another request was first
			return err
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "user", ResourceID: user, Target: name,
			StatusCode: http.StatusOK, UserID: user, Username: name,
			Before: map[string]any{"status": api.UserDormant}, After: map[string]any{"status": api.UserActive}})
	})
	if err != nil && ctx.Err() == nil {
		s.opts.Log.Warn("dormant user not woken", "user_id", user, "error", err)
	}
}

// touch notes that a key was used and lets a session slide. The request goes on
// when this fails: a database that only reads still serves.
func (s *Service) touch(ctx context.Context, id string) {
	err := s.opts.DB.TouchAPIKey(ctx, database.TouchAPIKeyParams{ID: id, Slide: !s.opts.Config.DisableSessionRefresh})
	if err != nil && ctx.Err() == nil {
		s.opts.Log.Warn("use of a key not noted", "key_id", id, "error", err)
	}
}
