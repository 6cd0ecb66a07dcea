package users

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Get returns one user.
func (s *Service) Get(ctx context.Context, ref string) (api.User, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.Read, ref)
	if err != nil {
		return api.User{}, err
	}
	orgs, err := organizationIDs(ctx, s.opts.DB.Queries, u.ID)
	if err != nil {
		return api.User{}, err
	}
	return toUser(u, orgs), nil
}

func organizationIDs(ctx context.Context, q *database.Queries, user api.ID) ([]api.ID, error) {
	memberships, err := q.ListMembershipsOfUser(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("load memberships of user %s: %w", user, err)
	}
	ids := make([]api.ID, 0, len(memberships))
	for _, m := range memberships {
		ids = append(ids, m.OrganizationID)
	}
	return ids, nil
}

// List returns the users that the caller may read and that match query, ordered
// by username, and how many match in all.
func (s *Service) List(ctx context.Context, query string, page httpapi.Page) (api.UsersResponse, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.UsersResponse{}, err
	}
	visible := rbac.FilterFor(caller, rbac.Read, rbac.TypeUser)
	f, err := parseQuery(query)
	if err != nil {
		return api.UsersResponse{}, err
	}
	after, err := page.After()
	if err != nil {
		return api.UsersResponse{}, err
	}
	rows, err := s.opts.DB.ListUsers(ctx, database.ListUsersParams{
		AllUsers: visible.All, OnlyUser: visible.Owner, Search: f.search, Statuses: f.statuses,
		LoginTypes: f.loginTypes, WithRoles: f.roles, AfterID: after,
		MaxRows: page.Rows(), Skip: int32(page.Offset), //nolint:gosec // bounded by Page
	})
	if err != nil {
		return api.UsersResponse{}, fmt.Errorf("list users: %w", err)
	}
	count, err := s.opts.DB.CountUsers(ctx, database.CountUsersParams{
		AllUsers: visible.All, OnlyUser: visible.Owner, Search: f.search, Statuses: f.statuses,
		LoginTypes: f.loginTypes, WithRoles: f.roles,
	})
	if err != nil {
		return api.UsersResponse{}, fmt.Errorf("count users: %w", err)
	}
	out := api.UsersResponse{Users: make([]api.User, 0, len(rows)), Count: int(count)}
	for _, r := range rows {
		out.Users = append(out.Users, toUser(r.User, r.OrganizationIds))
	}
	return out, nil
}

type filter struct {
	search                      string
	statuses, loginTypes, roles []string
}

// parseQuery reads words and key:value pairs: status, role and login_type take a
// comma-separated list; name and a bare word search names and addresses.
func parseQuery(q string) (filter, error) {
	f := filter{statuses: []string{}, loginTypes: []string{}, roles: []string{}}
	var words []string
	for _, word := range strings.Fields(q) {
		key, value, pair := strings.Cut(word, ":")
		if !pair {
			words = append(words, word)
			continue
		}
		values := strings.Split(strings.ToLower(value), ",")
		switch strings.ToLower(key) {
		case "status":
			if bad := slices.IndexFunc(values, func(v string) bool {
				return !slices.Contains([]string{"active", "dormant", "suspended"}, v)
			}); bad >= 0 {
				return f, api.Invalid("q", fmt.Sprintf("status %.32q is unknown; use active, dormant or suspended.", values[bad]))
			}
			f.statuses = append(f.statuses, values...)
		case "role":
			f.roles = append(f.roles, values...)
		case "login_type":
			f.loginTypes = append(f.loginTypes, values...)
		case "name", "search":
			words = append(words, value)
		default:
			return f, api.Invalid("q", fmt.Sprintf("filter %.32q is unknown; use status, role, login_type or name.", key))
		}
	}
	f.search = strings.Join(words, " ")
	return f, nil
}
