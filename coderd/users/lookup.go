package users

import (
	"context"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxRef bounds a user or organization reference of a path.
const maxRef = 64

// Lookup finds the user that a path names: "me", a username or an id. It makes no
// decision: callers check their rights on what they load with it. An absent user
// is api.NotFound("User").
func Lookup(ctx context.Context, q *database.Queries, ref string) (database.User, error) {
	u, err := lookup(ctx, q, ref)
	if database.IsNotFound(err) {
		return database.User{}, api.NotFound("User")
	}
	if err != nil {
		return database.User{}, fmt.Errorf("load user: %w", err)
	}
	return u, nil
}

func lookup(ctx context.Context, q *database.Queries, ref string) (database.User, error) {
	if len(ref) > maxRef {
		return database.User{}, api.NotFound("User")
	}
	if ref == api.Me {
		caller, err := rbac.Caller(ctx)
		if err != nil {
			return database.User{}, err
		}
		return q.GetUser(ctx, caller.UserID)
	}
	if id, err := api.ParseID(ref); err == nil {
		return q.GetUser(ctx, id)
	}
	return q.GetUserByUsername(ctx, ref)
}

// LookupOrganization finds the organization that a path names: "default", a name
// or an id. Like Lookup it makes no decision.
func LookupOrganization(ctx context.Context, q *database.Queries, ref string) (database.Organization, error) {
	o, err := lookupOrganization(ctx, q, ref)
	if database.IsNotFound(err) {
		return database.Organization{}, api.NotFound("Organization")
	}
	if err != nil {
		return database.Organization{}, fmt.Errorf("load organization: %w", err)
	}
	return o, nil
}

func lookupOrganization(ctx context.Context, q *database.Queries, ref string) (database.Organization, error) {
	if len(ref) > maxRef {
		return database.Organization{}, api.NotFound("Organization")
	}
	if ref == "default" {
		return q.GetDefaultOrganization(ctx)
	}
	if id, err := api.ParseID(ref); err == nil {
		return q.GetOrganization(ctx, id)
	}
	return q.GetOrganizationByName(ctx, ref)
}

// Object is how rbac sees a user: owned by themselves.
func Object(u database.User) rbac.Object {
	return rbac.Object{Type: rbac.TypeUser, ID: u.ID, OwnerID: u.ID}
}

func organizationObject(o database.Organization) rbac.Object {
	return rbac.Object{Type: rbac.TypeOrganization, ID: o.ID, OrgID: o.ID}
}

// Load is Lookup through the check of action.
func Load(ctx context.Context, q *database.Queries, action rbac.Action, ref string) (database.User, error) {
	u, err := Lookup(ctx, q, ref)
	if err != nil {
		return database.User{}, err
	}
	if err := rbac.Check(ctx, action, Object(u), "User"); err != nil {
		return database.User{}, err
	}
	return u, nil
}

// CheckRank refuses to let the caller act on target when that would be acting
// above their own rights: target holds a role that the caller does not.
func CheckRank(ctx context.Context, q *database.Queries, target database.User) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if caller.UserID == target.ID || slices.Contains(caller.SiteRoles, rbac.RoleOwner) {
		return nil
	}
	for _, r := range target.Roles {
		if !slices.Contains(caller.SiteRoles, r) {
			return outranked(r)
		}
	}
	memberships, err := q.ListMembershipsOfUser(ctx, target.ID)
	if err != nil {
		return fmt.Errorf("load memberships of user %s: %w", target.ID, err)
	}
	for _, m := range memberships {
		own := caller.OrgRoles[m.OrganizationID]
		if slices.Contains(own, rbac.RoleOrgAdmin) {
			continue
		}
		for _, r := range m.Roles {
			role, builtIn := rbac.OrgRoleNamed(r, m.OrganizationID)
			if !slices.Contains(own, r) && !(builtIn && rbac.Covers(caller, role)) {
				return outranked(r)
			}
		}
	}
	return nil
}

func outranked(role string) error {
	return &api.Error{Code: api.CodeForbidden, Message: "This user holds the role " + rbac.DisplayName(role) +
		", which you do not. Ask somebody who does."}
}
