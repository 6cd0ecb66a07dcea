package users

import (
	"context"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxACL bounds an access list.
const maxACL = 500

// EditACL returns the access list before with the roles of users and groups, by
// id, set; "" takes one away. It checks that they belong to the organization of o,
// and that the caller may do on o what each new role permits.
func EditACL(ctx context.Context, q *database.Queries, o rbac.Object, before []string, users, groups map[string]string) ([]string, error) {
	if len(users)+len(groups) > maxACL {
		return nil, api.Invalid("user_perms", fmt.Sprintf("change at most %d entries at a time.", maxACL))
	}
	list := append([]string{}, before...)
	for _, side := range []struct {
		kind  rbac.Grantee
		roles map[string]string
	}{{rbac.GranteeUser, users}, {rbac.GranteeGroup, groups}} {
		var given []api.ID
		for text, role := range side.roles {
			id, err := api.ParseID(text)
			if err != nil {
				return nil, api.Invalid(field(side.kind), err.Error()+".")
			}
			list = slices.DeleteFunc(list, func(e string) bool {
				g, has, _, ok := rbac.ParseEntry(e)
				return !ok || g == side.kind && has == id
			})
			if role == api.RoleNone {
				continue
			}
			if !rbac.IsACLRole(o.Type, role) {
				return nil, api.Invalid(field(side.kind), fmt.Sprintf(`%.32q is not a role; use "use", "admin", or "" to take it away.`, role))
			}
			given = append(given, id)
			list = append(list, rbac.Entry(side.kind, id, role))
		}
		if err := checkGrantees(ctx, q, o.OrgID, side.kind, given); err != nil {
			return nil, err
		}
	}
	if len(list) > maxACL {
		return nil, api.Conflict(fmt.Sprintf("An access list has at most %d entries. Use groups.", maxACL))
	}
	slices.Sort(list)
	return list, mayList(ctx, o, before, list)
}

func field(g rbac.Grantee) string {
	if g == rbac.GranteeGroup {
		return "group_perms"
	}
	return "user_perms"
}

// checkGrantees refuses users and groups that are not of the organization, in the
// same words whether they exist elsewhere or not.
func checkGrantees(ctx context.Context, q *database.Queries, org api.ID, kind rbac.Grantee, ids []api.ID) error {
	if len(ids) == 0 {
		return nil
	}
	var known []api.ID
	var err error
	if kind == rbac.GranteeUser {
		known, err = q.ListMemberIDs(ctx, database.ListMemberIDsParams{OrganizationID: org, Ids: ids})
	} else {
		known, err = q.ListGroupIDs(ctx, database.ListGroupIDsParams{OrganizationID: org, Ids: ids})
	}
	if err != nil {
		return fmt.Errorf("look for members of access list: %w", err)
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return api.Invalid(field(kind), fmt.Sprintf("%s is not in the organization.", id))
		}
	}
	return nil
}

// mayList refuses entries that permit more than the caller may do.
func mayList(ctx context.Context, o rbac.Object, before, after []string) error {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	for _, e := range after {
		if _, _, role, _ := rbac.ParseEntry(e); !slices.Contains(before, e) && !rbac.CoversACL(caller, o, role) {
			return &api.Error{Code: api.CodeForbidden, Message: "You cannot give others the role " + role + " here, because it permits more than you may do yourself."}
		}
	}
	return nil
}

// Grantees are the people and groups of an access list with their roles.
type Grantees struct {
	Users  []database.User
	Groups []api.Group
	// Roles are by id of the user or group.
	Roles map[api.ID]string
}

// LoadGrantees resolves an access list. Who has gone since is left out.
func LoadGrantees(ctx context.Context, q *database.Queries, list []string) (Grantees, error) {
	out := Grantees{Roles: map[api.ID]string{}}
	users, groups := []api.ID{}, []api.ID{}
	for _, e := range list {
		g, id, role, ok := rbac.ParseEntry(e)
		switch {
		case !ok:
			continue
		case g == rbac.GranteeUser:
			users = append(users, id)
		default:
			groups = append(groups, id)
		}
		out.Roles[id] = role
	}
	var err error
	if out.Users, err = q.ListUsersByIDs(ctx, users); err != nil {
		return out, fmt.Errorf("load users of access list: %w", err)
	}
	if len(groups) > 0 {
		out.Groups, err = listGroups(ctx, q, database.ListGroupsParams{Everything: true, Anything: true, Joined: []api.ID{}, Ids: groups, MaxRows: maxACL})
	}
	return out, err
}

// User returns u as the API shows it, without organizations.
func (Grantees) User(u database.User) api.User { return toUser(u, nil) }

// Available returns who of an organization can be put on an access list: up to
// 1000 members and 1000 groups.
func Available(ctx context.Context, q *database.Queries, org api.ID) (api.ACLAvailable, error) {
	rows, err := q.SearchMembers(ctx, database.SearchMembersParams{OrganizationID: org, MaxRows: maxShown})
	if err != nil {
		return api.ACLAvailable{}, fmt.Errorf("list members of organization %s: %w", org, err)
	}
	out := api.ACLAvailable{Users: make([]api.ReducedUser, len(rows))}
	for i, r := range rows {
		out.Users[i] = toReduced(r.User)
	}
	out.Groups, err = listGroups(ctx, q, database.ListGroupsParams{Everything: true, Anything: true, OrganizationID: &org, Joined: []api.ID{},
		Ids: []api.ID{}, MaxRows: maxGroups})
	return out, err
}
