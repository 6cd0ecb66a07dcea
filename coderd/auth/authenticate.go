package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
	if subject.OrgRoles, err = memberships(row.Memberships); err != nil {
		return rbac.Subject{}, fmt.Errorf("decode memberships of user %s: %w", row.UserID, err)
	}
	if subject.Custom, err = s.customRoles(ctx, row.UserID, subject.OrgRoles); err != nil {
		return rbac.Subject{}, err
	}
	if row.Stale {
		s.touch(ctx, row.ID)
	}
	if row.Dormant {
		s.wake(ctx, row.UserID, row.Username)
	}
	return subject, nil
}

// memberships takes apart what GetCaller says of organizations and roles in them.
func memberships(stored []string) (map[api.ID][]string, error) {
	const idLen = 36
	out := make(map[api.ID][]string, len(stored))
	for _, m := range stored {
		id, err := api.ParseID(m[:min(idLen, len(m))])
		if err != nil {
			return nil, err
		}
		if out[id], err = roleNames(m[idLen:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// roleNames reads a JSON list of names. What can be read without a decoder is: each
// request has one.
func roleNames(list string) ([]string, error) {
	if list == "[]" {
		return []string{}, nil
	}
	inner, begins := strings.CutPrefix(list, `["`)
	inner, ends := strings.CutSuffix(inner, `"]`)
	if begins && ends && !strings.Contains(inner, `\`) {
		names := strings.Split(inner, `","`)
		if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, `"`) }) {
			return names, nil
		}
	}
	roles := []string{}
	err := json.Unmarshal([]byte(list), &roles)
	return roles, err
}

// customRoles reads the definitions of the custom roles that somebody holds. Nearly
// nobody holds one, and then nothing is asked. A role that went away since the
// memberships were read gives nothing.
func (s *Service) customRoles(ctx context.Context, user api.ID, memberships map[api.ID][]string) ([]rbac.Role, error) {
	any := false
	for _, roles := range memberships {
		any = any || slices.ContainsFunc(roles, func(r string) bool { return !rbac.IsOrgRole(r) })
	}
	if !any {
		return nil, nil
	}
	rows, err := s.opts.DB.ListCustomRolesOfUser(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list custom roles of user %s: %w", user, err)
	}
	out := make([]rbac.Role, len(rows))
	for i, r := range rows {
		var spec rbac.Spec
		if err := errors.Join(json.Unmarshal(r.SitePermissions, &spec.Site), json.Unmarshal(r.OrgPermissions, &spec.Org),
			json.Unmarshal(r.MemberPermissions, &spec.Member), json.Unmarshal(r.UserPermissions, &spec.User)); err != nil {
			return nil, fmt.Errorf("decode custom role %s of organization %s: %w", r.Name, r.OrganizationID, err)
		}
		out[i] = rbac.NewRole(r.Name, r.OrganizationID, spec)
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
