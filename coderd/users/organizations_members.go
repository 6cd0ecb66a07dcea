package users

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const (
	aMember  = "Member"
	maxRoles = 64
)

// member finds a member for action. Strangers to the organization learn nothing.
func (s *Service) member(ctx context.Context, ref, user string, action rbac.Action) (database.Organization, database.GetMemberRow, error) {
	var m database.GetMemberRow
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return o, m, err
	}
	u, err := Lookup(ctx, s.opts.DB.Queries, user)
	if api.CodeOf(err) == api.CodeNotFound {
		return o, m, api.NotFound(aMember)
	}
	if err != nil {
		return o, m, err
	}
	m, err = s.opts.DB.GetMember(ctx, database.GetMemberParams{OrganizationID: o.ID, UserID: u.ID})
	if database.IsNotFound(err) {
		return o, m, api.NotFound(aMember)
	}
	if err != nil {
		return o, m, fmt.Errorf("load member %s of organization %s: %w", u.ID, o.ID, err)
	}
	return o, m, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeOrganizationMember, ID: u.ID, OrgID: o.ID, OwnerID: u.ID}, aMember)
}

// Member returns one member of an organization.
func (s *Service) Member(ctx context.Context, ref, user string) (api.OrganizationMember, error) {
	_, m, err := s.member(ctx, ref, user, rbac.Read)
	return toMember(m.OrganizationMember, m.User), err
}

// MembersPage returns members that match search, by username, and how many match.
func (s *Service) MembersPage(ctx context.Context, ref, search string, page httpapi.Page) (api.MembersPage, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return api.MembersPage{}, err
	}
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeOrganizationMember, OrgID: o.ID}, anOrganization); err != nil {
		return api.MembersPage{}, err
	}
	after, err := page.After()
	if err != nil {
		return api.MembersPage{}, err
	}
	rows, err := s.opts.DB.SearchMembers(ctx, database.SearchMembersParams{OrganizationID: o.ID, Search: search, AfterID: after,
		MaxRows: page.Rows(), Skip: int32(page.Offset)}) //nolint:gosec // bounded by Page
	if err != nil {
		return api.MembersPage{}, fmt.Errorf("list members of organization %s: %w", o.ID, err)
	}
	n, err := s.opts.DB.CountMembers(ctx, database.CountMembersParams{OrganizationID: o.ID, Search: search})
	if err != nil {
		return api.MembersPage{}, fmt.Errorf("count members of organization %s: %w", o.ID, err)
	}
	out := api.MembersPage{Members: make([]api.OrganizationMember, 0, len(rows)), Count: int(n)}
	for _, r := range rows {
		out.Members = append(out.Members, toMember(r.OrganizationMember, r.User))
	}
	return out, nil
}

// AddMember puts a user into an organization, without roles.
func (s *Service) AddMember(ctx context.Context, ref, user string) (api.OrganizationMember, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return api.OrganizationMember{}, err
	}
	if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeOrganizationMember, OrgID: o.ID}, anOrganization); err != nil {
		return api.OrganizationMember{}, err
	}
	u, err := Lookup(ctx, s.opts.DB.Queries, user)
	if err != nil {
		return api.OrganizationMember{}, err
	}
	var m database.GetMemberRow
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		// Held against a deletion of the user, which ends all memberships.
		if _, err := q.LockUser(ctx, u.ID); database.IsNotFound(err) {
			return api.NotFound("User")
		} else if err != nil {
			return fmt.Errorf("lock user %s: %w", u.ID, err)
		}
		err := q.InsertOrganizationMember(ctx, database.InsertOrganizationMemberParams{OrganizationID: o.ID, UserID: u.ID, Roles: []string{}})
		if database.IsUniqueViolation(err, "organization_members_pkey") {
			return api.Conflict("The user is a member of the organization already.")
		}
		if err != nil {
			return fmt.Errorf("add user %s to organization %s: %w", u.ID, o.ID, err)
		}
		if m, err = q.GetMember(ctx, database.GetMemberParams{OrganizationID: o.ID, UserID: u.ID}); err != nil {
			return fmt.Errorf("load member %s of organization %s: %w", u.ID, o.ID, err)
		}
		return recordMember(ctx, q, audit.Create, http.StatusOK, o.ID, u, nil, memberFields(u, nil))
	})
	return toMember(m.OrganizationMember, m.User), err
}

// RemoveMember takes a user out of an organization, its groups and its access
// lists. Their workspaces stay.
func (s *Service) RemoveMember(ctx context.Context, ref, user string) error {
	o, m, err := s.member(ctx, ref, user, rbac.Delete)
	if err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		locked, err := lockMember(ctx, q, o.ID, m.User.ID)
		if err != nil {
			return err
		}
		if err := mayChangeRoles(ctx, q, o.ID, "roles", locked.Roles, nil); err != nil {
			return err
		}
		if _, err := q.DeleteMember(ctx, database.DeleteMemberParams{OrganizationID: o.ID, UserID: m.User.ID}); err != nil {
			return fmt.Errorf("remove user %s from organization %s: %w", m.User.ID, o.ID, err)
		}
		return recordMember(ctx, q, audit.Delete, http.StatusNoContent, o.ID, m.User, memberFields(m.User, locked.Roles), nil)
	})
}

// SetMemberRoles replaces the roles of a member.
func (s *Service) SetMemberRoles(ctx context.Context, ref, user string, req api.UpdateRolesRequest) (api.OrganizationMember, error) {
	o, m, err := s.member(ctx, ref, user, rbac.Read)
	if err != nil {
		return api.OrganizationMember{}, err
	}
	if err := rbac.Check(ctx, rbac.Assign, rbac.Object{Type: rbac.TypeAssignOrgRole, OrgID: o.ID}, anOrganization); err != nil {
		return api.OrganizationMember{}, err
	}
	roles := distinct(req.Roles)
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := lockMember(ctx, q, o.ID, m.User.ID)
		if err != nil {
			return err
		}
		if err := mayChangeRoles(ctx, q, o.ID, "roles", before.Roles, roles); err != nil {
			return err
		}
		after, err := q.SetMemberRoles(ctx, database.SetMemberRolesParams{OrganizationID: o.ID, UserID: m.User.ID, Roles: roles})
		if err != nil {
			return fmt.Errorf("set roles of member %s: %w", m.User.ID, err)
		}
		m.OrganizationMember = after
		return recordMember(ctx, q, audit.Write, http.StatusOK, o.ID, m.User, memberFields(m.User, before.Roles), memberFields(m.User, roles))
	})
	return toMember(m.OrganizationMember, m.User), err
}

func lockMember(ctx context.Context, q *database.Queries, org, user api.ID) (database.OrganizationMember, error) {
	m, err := q.LockMember(ctx, database.LockMemberParams{OrganizationID: org, UserID: user})
	if database.IsNotFound(err) {
		return m, api.NotFound(aMember)
	}
	if err != nil {
		return m, fmt.Errorf("lock member %s of organization %s: %w", user, org, err)
	}
	return m, nil
}

// distinct drops repetitions and the role that all members have.
func distinct(roles []string) []string {
	out := []string{}
	for _, r := range roles {
		if r != rbac.RoleOrgMember && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// mayChangeRoles checks a change of the roles that somebody holds in org: roles
// that are given must exist, and the caller must cover each one that is given or
// taken. Custom roles among them are held until the transaction ends.
func mayChangeRoles(ctx context.Context, q *database.Queries, org api.ID, field string, before, after []string) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if len(after) > maxRoles {
		return api.Invalid(field, fmt.Sprintf("a member has at most %d roles.", maxRoles))
	}
	custom, err := q.ListCustomRolesNamed(ctx, database.ListCustomRolesNamedParams{OrganizationID: org, Names: append(slices.Clone(before), after...)})
	if err != nil {
		return fmt.Errorf("load custom roles of organization %s: %w", org, err)
	}
	for _, name := range append(slices.Clone(after), before...) {
		given, had := slices.Contains(after, name), slices.Contains(before, name)
		if given && had {
			continue
		}
		role, ok, err := findRole(org, name, custom)
		if err != nil {
			return err
		}
		if !ok && given {
			return api.Invalid(field, fmt.Sprintf("%.64q is not a role of this organization.", name))
		}
		if ok && !rbac.Covers(caller, role) {
			return &api.Error{Code: api.CodeForbidden, Message: "The role " + rbac.DisplayName(name) +
				" permits more than you may do yourself, so you can neither give nor take it."}
		}
	}
	return nil
}

func findRole(org api.ID, name string, custom []database.CustomRole) (rbac.Role, bool, error) {
	if rbac.IsOrgRole(name) {
		r, ok := rbac.OrgRoleNamed(name, org)
		return r, ok, nil
	}
	for _, c := range custom {
		if c.Name == name {
			r, err := roleOf(c)
			return r, true, err
		}
	}
	return rbac.Role{}, false, nil
}

func memberFields(u database.User, roles []string) map[string]any {
	return map[string]any{"username": u.Username, "roles": append([]string{}, roles...)}
}

func recordMember(ctx context.Context, q *database.Queries, a audit.Action, status int, org api.ID, u database.User, before, after map[string]any) error {
	return audit.Record(ctx, q, audit.Entry{Action: a, ResourceType: "organization_member", ResourceID: u.ID, Target: u.Username,
		OrganizationID: org, StatusCode: status, Before: before, After: after})
}
