package users

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxOrganizations bounds lists that the reference does not page.
const maxOrganizations = 1000

// Organizations returns those that the caller may read, the default one first.
func (s *Service) Organizations(ctx context.Context) ([]api.Organization, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	f := rbac.ListFor(caller, rbac.Read, rbac.TypeOrganization)
	rows, err := s.opts.DB.ListOrganizations(ctx, database.ListOrganizationsParams{Everything: f.All, Orgs: f.Orgs,
		Owner: f.Owner, MemberOf: f.MemberOf, AtLarge: f.AtLarge, SharedIn: f.SharedIn, Entries: f.Entries, Anything: f.Anything, Named: f.Named, MaxRows: maxOrganizations})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	return toOrganizations(rows), nil
}

// Organization returns one, by name, id or "default".
func (s *Service) Organization(ctx context.Context, ref string) (api.Organization, error) {
	o, err := s.loadOrganization(ctx, ref)
	return toOrganization(o), err
}

func (s *Service) loadOrganization(ctx context.Context, ref string) (database.Organization, error) {
	o, err := LookupOrganization(ctx, s.opts.DB.Queries, ref)
	if err != nil {
		return database.Organization{}, err
	}
	if err := rbac.Check(ctx, rbac.Read, organizationObject(o), "Organization"); err != nil {
		return database.Organization{}, err
	}
	return o, nil
}

// Members returns the members of an organization, ordered by username.
func (s *Service) Members(ctx context.Context, ref string, page httpapi.Page) ([]api.OrganizationMember, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeOrganizationMember, OrgID: o.ID}, "Organization"); err != nil {
		return nil, err
	}
	if page.Limit == 0 {
		page.Limit = maxOrganizations // the reference pages only when asked to
	}
	rows, err := s.opts.DB.ListOrganizationMembers(ctx, database.ListOrganizationMembersParams{
		OrganizationID: o.ID, MaxRows: page.Rows(), Skip: int32(page.Offset), //nolint:gosec // bounded by Page
	})
	if err != nil {
		return nil, fmt.Errorf("list members of organization %s: %w", o.ID, err)
	}
	out := make([]api.OrganizationMember, 0, len(rows))
	for _, r := range rows {
		out = append(out, toMember(r.OrganizationMember, r.User))
	}
	return out, nil
}

// OrganizationsOf returns the organizations of a user that the caller may read.
func (s *Service) OrganizationsOf(ctx context.Context, ref string) ([]api.Organization, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.Read, ref)
	if err != nil {
		return nil, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.opts.DB.ListOrganizationsOfUser(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("list organizations of user %s: %w", u.ID, err)
	}
	out := []api.Organization{}
	for _, o := range rows {
		if rbac.Authorize(caller, rbac.Read, organizationObject(o)) {
			out = append(out, toOrganization(o))
		}
	}
	return out, nil
}

// OrganizationOf returns one organization of a user by name or id.
func (s *Service) OrganizationOf(ctx context.Context, ref, name string) (api.Organization, error) {
	orgs, err := s.OrganizationsOf(ctx, ref)
	if err != nil {
		return api.Organization{}, err
	}
	want, err := s.loadOrganization(ctx, name)
	if err != nil {
		return api.Organization{}, err
	}
	for _, o := range orgs {
		if o.ID == want.ID {
			return o, nil
		}
	}
	return api.Organization{}, api.NotFound("Organization")
}
