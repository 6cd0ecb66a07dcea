package rbac

import (
	"slices"

	"coder.internal/api"
)

// actions is a set of actions, one bit each.
type actions uint32

// bit returns the set of a alone; empty for what is no action.
func bit(a Action) actions { return actionBits[a] }

func set(as ...Action) actions {
	var out actions
	for _, a := range as {
		out |= actionBits[a]
	}
	return out
}

// actionBits numbers the actions in the order of allActions.
var actionBits = func() map[Action]actions {
	m := make(map[Action]actions, len(allActions))
	for i, a := range allActions {
		m[a] = 1 << i
	}
	return m
}()

// permissions maps a type to what may be done with its objects.
type permissions map[Type]actions

func (p permissions) has(act actions, t Type) bool { return p[t]&act != 0 }

// list returns p in the order of the tables.
func (p permissions) list() []Permission {
	out := []Permission{}
	for _, t := range allTypes {
		for _, a := range allActions {
			if p.has(bit(a), t) {
				out = append(out, Permission{Type: t, Action: a})
			}
		}
	}
	return out
}

// Permission is one action on one type. Any stands for all types, and for all
// actions of the type.
type Permission struct {
	Type   Type   `json:"resource_type"`
	Action Action `json:"action"`
}

// Any is the wildcard of types and actions in permissions.
const Any = "*"

// Valid reports whether there is such a permission. Nobody may write logs, so
// there is none for that.
func (p Permission) Valid() bool {
	if p.Type == Any {
		return p.Action == Any || bit(p.Action) != 0
	}
	return p.Action == Any && typeActions[p.Type] != 0 || typeActions[p.Type]&bit(p.Action) != 0
}

// compile expands wildcards and drops what is not valid.
func compile(list []Permission) permissions {
	out := permissions{}
	for _, p := range list {
		for _, t := range allTypes {
			if p.Type != Any && p.Type != t {
				continue
			}
			act := bit(p.Action)
			if p.Action == Any {
				act = typeActions[t]
			}
			if act &= typeActions[t]; act != 0 {
				out[t] |= act
			}
		}
	}
	return out
}

// Role is a named set of permissions. The fields are of one level each; see the
// package doc. OrgID is zero for site roles.
type Role struct {
	Name   string
	OrgID  api.ID
	site   permissions
	org    permissions
	member permissions
	user   permissions
	denied permissions
}

// Spec lists the permissions of a role by level.
type Spec struct {
	Site, Org, Member, User []Permission
}

// NewRole returns a custom role, to be held in an organization. Permissions that
// are not valid give nothing.
func NewRole(name string, org api.ID, spec Spec) Role {
	return Role{Name: name, OrgID: org, site: compile(spec.Site), org: compile(spec.Org),
		member: compile(spec.Member), user: compile(spec.User)}
}

// Spec returns the permissions of r.
func (r *Role) Spec() Spec {
	return Spec{Site: r.site.list(), Org: r.org.list(), Member: r.member.list(), User: r.user.list()}
}

// SiteRoleNamed and OrgRoleNamed return built-in roles, the implicit ones too.
func SiteRoleNamed(name string) (Role, bool) {
	r, ok := siteRoles[name]
	if name == RoleMember {
		r, ok = implicitSite, true
	}
	r.Name = name
	return r, ok
}

// OrgRoleNamed returns the built-in role as held in org.
func OrgRoleNamed(name string, org api.ID) (Role, bool) {
	r, ok := orgRoles[name]
	if name == RoleOrgMember {
		r, ok = implicitOrg, true
	}
	r.Name, r.OrgID = name, org
	return r, ok
}

// SiteRoleNames and OrgRoleNames list the built-in roles that can be given.
func SiteRoleNames() []string { return slices.Clone(siteRoleNames) }

// OrgRoleNames lists the built-in roles of organizations that can be given.
func OrgRoleNames() []string { return slices.Clone(orgRoleNames) }

// Covers reports whether s may do all that r permits, at each level as widely as
// r does, scopes included. Nobody gives, takes or defines a role that they do not
// cover.
func Covers(s Subject, r Role) bool {
	return r.site.every(func(a Action, t Type) bool { return s.admitsAll(a, t) && s.onSite(bit(a), t) }) &&
		r.org.every(func(a Action, t Type) bool { return Authorize(s, a, Object{Type: t, OrgID: r.OrgID}) }) &&
		r.member.every(func(a Action, t Type) bool {
			return Authorize(s, a, Object{Type: t, OrgID: r.OrgID, OwnerID: s.UserID})
		}) &&
		r.user.every(func(a Action, t Type) bool {
			return s.admitsAll(a, t) && (s.onSite(bit(a), t) || s.onOwn(bit(a), t))
		})
}

func (p permissions) every(ok func(Action, Type) bool) bool {
	for t, set := range p {
		for _, a := range allActions {
			if set&bit(a) != 0 && !ok(a, t) {
				return false
			}
		}
	}
	return true
}

// CoversACL reports whether s may do on o all that the role of its access list
// permits.
func CoversACL(s Subject, o Object, role string) bool {
	return permissions{o.Type: aclRoles[o.Type][role]}.every(func(a Action, _ Type) bool { return Authorize(s, a, o) })
}
