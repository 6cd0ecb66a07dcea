package users

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const (
	aRole          = "Role"
	maxCustomRoles = 100
)

// SiteRoles returns the roles of the deployment.
func (s *Service) SiteRoles(ctx context.Context) ([]api.AssignableRole, error) {
	o := rbac.Object{Type: rbac.TypeAssignRole}
	if err := rbac.Check(ctx, rbac.Read, o, aRole); err != nil {
		return nil, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.AssignableRole{}
	for _, name := range rbac.SiteRoleNames() {
		r, _ := rbac.SiteRoleNamed(name)
		out = append(out, api.AssignableRole{Role: toRole(r, rbac.DisplayName(name)), BuiltIn: true,
			Assignable: rbac.Authorize(caller, rbac.Assign, o) && rbac.Covers(caller, r)})
	}
	return out, nil
}

// OrganizationRoles returns the built-in and the custom roles of an organization.
func (s *Service) OrganizationRoles(ctx context.Context, ref string) ([]api.AssignableRole, error) {
	o, err := s.rolesOf(ctx, ref, rbac.Read)
	if err != nil {
		return nil, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	may := rbac.Authorize(caller, rbac.Assign, rbac.Object{Type: rbac.TypeAssignOrgRole, OrgID: o.ID})
	out := []api.AssignableRole{}
	for _, name := range rbac.OrgRoleNames() {
		r, _ := rbac.OrgRoleNamed(name, o.ID)
		out = append(out, api.AssignableRole{Role: toRole(r, rbac.DisplayName(name)), BuiltIn: true, Assignable: may && rbac.Covers(caller, r)})
	}
	rows, err := s.opts.DB.ListCustomRoles(ctx, database.ListCustomRolesParams{OrganizationID: o.ID, MaxRows: maxCustomRoles})
	if err != nil {
		return nil, fmt.Errorf("list custom roles of organization %s: %w", o.ID, err)
	}
	for _, c := range rows {
		r, err := roleOf(c)
		if err != nil {
			return nil, err
		}
		out = append(out, api.AssignableRole{Role: toRole(r, c.DisplayName), Assignable: may && rbac.Covers(caller, r)})
	}
	return out, nil
}

// CreateRole defines a custom role.
func (s *Service) CreateRole(ctx context.Context, ref string, req api.CustomRoleRequest) (api.Role, error) {
	row, role, err := s.defineRole(ctx, ref, rbac.Create, req)
	if err != nil {
		return api.Role{}, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		// One after another, so that the limit holds.
		if _, err := lockOrganization(ctx, q, row.OrganizationID); err != nil {
			return err
		}
		if n, err := q.CountCustomRoles(ctx, row.OrganizationID); err != nil {
			return fmt.Errorf("count custom roles of organization %s: %w", row.OrganizationID, err)
		} else if n >= maxCustomRoles {
			return api.Conflict(fmt.Sprintf("The organization has %d custom roles, which is the limit. Delete one first.", n))
		}
		_, err := q.InsertCustomRole(ctx, database.InsertCustomRoleParams{OrganizationID: row.OrganizationID, Name: row.Name, DisplayName: row.DisplayName,
			SitePermissions: row.SitePermissions, OrgPermissions: row.OrgPermissions, MemberPermissions: row.MemberPermissions,
			UserPermissions: row.UserPermissions})
		if database.IsUniqueViolation(err, "custom_roles_name") {
			return api.Conflict("A role with this name exists already.", api.ValidationError{Field: "name", Detail: "this name is taken; choose another."})
		}
		if err != nil {
			return fmt.Errorf("insert custom role %q: %w", row.Name, err)
		}
		return recordRole(ctx, q, audit.Create, http.StatusOK, row, nil, roleFields(row))
	})
	return toRole(role, row.DisplayName), err
}

// UpdateRole replaces the definition of a custom role, for all who hold it. The
// caller must cover the role as it was and as it becomes.
func (s *Service) UpdateRole(ctx context.Context, ref string, req api.CustomRoleRequest) (api.Role, error) {
	row, role, err := s.defineRole(ctx, ref, rbac.Update, req)
	if err != nil {
		return api.Role{}, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := lockRole(ctx, q, row.OrganizationID, row.Name)
		if err != nil {
			return err
		}
		row.Name, role.Name = before.Name, before.Name
		_, err = q.UpdateCustomRole(ctx, database.UpdateCustomRoleParams{OrganizationID: row.OrganizationID, Name: row.Name, DisplayName: row.DisplayName,
			SitePermissions: row.SitePermissions, OrgPermissions: row.OrgPermissions, MemberPermissions: row.MemberPermissions,
			UserPermissions: row.UserPermissions})
		if err != nil {
			return fmt.Errorf("update custom role %q: %w", row.Name, err)
		}
		return recordRole(ctx, q, audit.Write, http.StatusOK, row, roleFields(before), roleFields(row))
	})
	return toRole(role, row.DisplayName), err
}

// DeleteRole deletes a custom role and takes it from everybody.
func (s *Service) DeleteRole(ctx context.Context, ref, name string) error {
	o, err := s.rolesOf(ctx, ref, rbac.Delete)
	if err != nil {
		return err
	}
	if rbac.IsOrgRole(name) || name == rbac.RoleOrgMember {
		return api.Conflict("Built-in roles cannot be deleted.")
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := lockRole(ctx, q, o.ID, name)
		if err != nil {
			return err
		}
		if err := q.TakeRoleFromMembers(ctx, database.TakeRoleFromMembersParams{OrganizationID: o.ID, Role: before.Name}); err != nil {
			return fmt.Errorf("take custom role %q: %w", before.Name, err)
		}
		if err := q.TakeDefaultRole(ctx, database.TakeDefaultRoleParams{ID: o.ID, Role: before.Name}); err != nil {
			return fmt.Errorf("take custom role %q: %w", before.Name, err)
		}
		if _, err := q.DeleteCustomRole(ctx, database.DeleteCustomRoleParams{OrganizationID: o.ID, Name: before.Name}); err != nil {
			return fmt.Errorf("delete custom role %q: %w", before.Name, err)
		}
		return recordRole(ctx, q, audit.Delete, http.StatusNoContent, before, roleFields(before), nil)
	})
}

// rolesOf loads an organization for action on its roles.
func (s *Service) rolesOf(ctx context.Context, ref string, action rbac.Action) (database.Organization, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return o, err
	}
	return o, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeAssignOrgRole, OrgID: o.ID}, aRole)
}

// lockRole loads a custom role that the caller covers, for a change.
func lockRole(ctx context.Context, q *database.Queries, org api.ID, name string) (database.CustomRole, error) {
	row, err := q.LockCustomRole(ctx, database.LockCustomRoleParams{OrganizationID: org, Name: name})
	if database.IsNotFound(err) {
		return row, api.NotFound(aRole)
	}
	if err != nil {
		return row, fmt.Errorf("lock custom role %q: %w", name, err)
	}
	role, err := roleOf(row)
	if err != nil {
		return row, err
	}
	return row, covered(ctx, role)
}

func covered(ctx context.Context, r rbac.Role) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if !rbac.Covers(caller, r) {
		return &api.Error{Code: api.CodeForbidden, Message: "The role permits more than you may do yourself. Leave those permissions out, or ask somebody who has them."}
	}
	return nil
}

// defineRole checks a definition for action in an organization: names, permissions
// that exist, and none that the caller does not have.
func (s *Service) defineRole(ctx context.Context, ref string, action rbac.Action, req api.CustomRoleRequest) (database.CustomRole, rbac.Role, error) {
	o, err := s.rolesOf(ctx, ref, action)
	if err != nil {
		return database.CustomRole{}, rbac.Role{}, err
	}
	row := database.CustomRole{OrganizationID: o.ID, Name: req.Name, DisplayName: req.DisplayName}
	if row.DisplayName == "" {
		row.DisplayName = row.Name
	}
	if err := httpapi.CheckName("name", row.Name, rbac.SiteRoleNames()...); err != nil {
		return row, rbac.Role{}, err
	}
	if strings.HasPrefix(strings.ToLower(row.Name), "organization-") || strings.EqualFold(row.Name, rbac.RoleMember) {
		return row, rbac.Role{}, api.Invalid("name", "names of built-in roles and names that start with organization- are reserved.")
	}
	if err := checkText("display_name", row.DisplayName, 64); err != nil {
		return row, rbac.Role{}, err
	}
	var spec rbac.Spec
	for _, level := range []struct {
		field string
		given []api.Permission
		to    *[]rbac.Permission
		into  *json.RawMessage
	}{
		{"site_permissions", req.SitePermissions, &spec.Site, &row.SitePermissions},
		{"organization_permissions", req.OrganizationPermissions, &spec.Org, &row.OrgPermissions},
		{"organization_member_permissions", req.MemberPermissions, &spec.Member, &row.MemberPermissions},
		{"user_permissions", req.UserPermissions, &spec.User, &row.UserPermissions},
	} {
		if *level.to, err = permissions(level.field, level.given); err != nil {
			return row, rbac.Role{}, err
		}
		if *level.into, err = json.Marshal(*level.to); err != nil {
			return row, rbac.Role{}, fmt.Errorf("encode permissions: %w", err)
		}
	}
	role := rbac.NewRole(row.Name, o.ID, spec)
	return row, role, covered(ctx, role)
}

func permissions(field string, given []api.Permission) ([]rbac.Permission, error) {
	out := []rbac.Permission{}
	for _, p := range given {
		one := rbac.Permission{Type: rbac.Type(p.ResourceType), Action: rbac.Action(p.Action)}
		switch {
		case p.Negate:
			return nil, api.Invalid(field, "roles only add permissions; leave negate out.")
		case !one.Valid():
			return nil, api.Invalid(field, fmt.Sprintf("there is no action %.64q on %.64q.", p.Action, p.ResourceType))
		}
		out = append(out, one)
	}
	return out, nil
}

func roleOf(c database.CustomRole) (rbac.Role, error) {
	var spec rbac.Spec
	for _, level := range []struct {
		from json.RawMessage
		to   *[]rbac.Permission
	}{{c.SitePermissions, &spec.Site}, {c.OrgPermissions, &spec.Org}, {c.MemberPermissions, &spec.Member}, {c.UserPermissions, &spec.User}} {
		if err := json.Unmarshal(level.from, level.to); err != nil {
			return rbac.Role{}, fmt.Errorf("decode custom role %q: %w", c.Name, err)
		}
	}
	return rbac.NewRole(c.Name, c.OrganizationID, spec), nil
}

func toRole(r rbac.Role, display string) api.Role {
	spec := r.Spec()
	return api.Role{Name: r.Name, DisplayName: display, OrganizationID: r.OrgID, SitePermissions: toPermissions(spec.Site),
		OrganizationPermissions: toPermissions(spec.Org), MemberPermissions: toPermissions(spec.Member), UserPermissions: toPermissions(spec.User)}
}

func toPermissions(list []rbac.Permission) []api.Permission {
	out := make([]api.Permission, len(list))
	for i, p := range list {
		out[i] = api.Permission{ResourceType: string(p.Type), Action: string(p.Action)}
	}
	return out
}

func roleFields(c database.CustomRole) map[string]any {
	return map[string]any{"name": c.Name, "display_name": c.DisplayName, "site_permissions": c.SitePermissions,
		"org_permissions": c.OrgPermissions, "member_permissions": c.MemberPermissions, "user_permissions": c.UserPermissions}
}

// recordRole: custom roles have no id of their own; the organization's stands in.
func recordRole(ctx context.Context, q *database.Queries, a audit.Action, status int, c database.CustomRole, before, after map[string]any) error {
	return audit.Record(ctx, q, audit.Entry{Action: a, ResourceType: "custom_role", ResourceID: c.OrganizationID, Target: c.Name,
		OrganizationID: c.OrganizationID, StatusCode: status, Before: before, After: after})
}
