package users

import (
	"context"
	"fmt"

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
	visible := rbac.ListFor(caller, rbac.Read, rbac.TypeUser)
	f, err := parseQuery(query)
	if err != nil {
		return api.UsersResponse{}, err
	}
	after, err := page.After()
	if err != nil {
		return api.UsersResponse{}, err
	}
	rows, err := s.opts.DB.ListUsers(ctx, database.ListUsersParams{
		AllUsers: visible.All, OnlyUser: visible.Owner, Anything: visible.Anything, Named: visible.Named, Search: f.search, Statuses: f.statuses,
		LoginTypes: f.loginTypes, WithRoles: f.roles, LastSeenBefore: f.seenBefore, LastSeenAfter: f.seenAfter,
		CreatedBefore: f.createdBefore, CreatedAfter: f.createdAfter, Name: f.name, GithubUser: f.github,
		ServiceAccount: f.service, AfterID: after,
		MaxRows: page.Rows(), Skip: int32(page.Offset), //nolint:gosec // bounded by Page
	})
	if err != nil {
		return api.UsersResponse{}, fmt.Errorf("list users: %w", err)
	}
	count, err := s.opts.DB.CountUsers(ctx, database.CountUsersParams{
		AllUsers: visible.All, OnlyUser: visible.Owner, Anything: visible.Anything, Named: visible.Named, Search: f.search, Statuses: f.statuses,
		LoginTypes: f.loginTypes, WithRoles: f.roles, LastSeenBefore: f.seenBefore, LastSeenAfter: f.seenAfter,
		CreatedBefore: f.createdBefore, CreatedAfter: f.createdAfter, Name: f.name, GithubUser: f.github,
		ServiceAccount: f.service,
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
