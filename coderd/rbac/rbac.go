// Package rbac decides who may do what. It is pure: no I/O, no clock, no state.
//
// A Subject (who) asks for an Action on an Object (what). Roles give permissions
// at three levels: site (any object), organization (objects of that
// organization), user (objects that the subject owns, in organizations where the
// subject is a member). API-key scopes then narrow the result; they never widen.
// There are no negative permissions.
//
// The same role table also yields a Filter for lists, which SQL applies, so that
// a list shows exactly the objects that Authorize would let the subject read.
package rbac

import (
	"slices"
	"strings"

	"coder.internal/api"
)

// Action is a verb of the role table. The names are those of the reference.
type Action string

// Actions.
const (
	Create             Action = "create"
	Read               Action = "read"
	Update             Action = "update"
	Delete             Action = "delete"
	Use                Action = "use"
	SSH                Action = "ssh"
	ApplicationConnect Action = "application_connect"
	Start              Action = "start"
	Stop               Action = "stop"
	Assign             Action = "assign"
	ReadPersonal       Action = "read_personal"
	UpdatePersonal     Action = "update_personal"
)

// Type is a kind of object. The names are those of the reference.
type Type string

// Object types.
const (
	TypeUser               Type = "user"
	TypeOrganization       Type = "organization"
	TypeOrganizationMember Type = "organization_member"
	TypeAPIKey             Type = "api_key"
	TypeTemplate           Type = "template"
	TypeFile               Type = "file"
	TypeWorkspace          Type = "workspace"
	TypeProvisionerDaemon  Type = "provisioner_daemon"
	TypeProvisionerJob     Type = "provisioner_jobs"
	TypeAuditLog           Type = "audit_log"
	TypeConnectionLog      Type = "connection_log"
	TypeDeploymentConfig   Type = "deployment_config"
	TypeDeploymentStats    Type = "deployment_stats"
	TypeReplicas           Type = "replicas"
	TypeDebugInfo          Type = "debug_info"
	TypeAssignRole         Type = "assign_role"
	TypeAssignOrgRole      Type = "assign_org_role"
)

// Object is one thing, or the place where one would be made. Zero OrgID means
// "belongs to the site"; zero OwnerID means "owned by nobody".
type Object struct {
	Type    Type
	ID      api.ID
	OrgID   api.ID
	OwnerID api.ID
}

// Subject is the caller of a request.
type Subject struct {
	UserID   api.ID
	Username string
	// SiteRoles are the site roles without the implicit member.
	SiteRoles []string
	// OrgRoles has an entry, maybe empty, for each organization joined.
	OrgRoles map[api.ID][]string
	// Scopes narrow what a token may do; empty allows nothing.
	Scopes []string
}

// Authorize returns whether subject may do action on object.
func Authorize(s Subject, a Action, o Object) bool {
	if !inScope(s.Scopes, a, o.Type) {
		return false
	}
	if siteAllows(s, a, o.Type) {
		return true
	}
	roles, member := s.OrgRoles[o.OrgID]
	if !o.OrgID.IsZero() && !member {
		return false
	}
	if member && orgAllows(roles, a, o.Type) {
		return true
	}
	return !o.OwnerID.IsZero() && o.OwnerID == s.UserID && userPermissions.allows(a, o.Type)
}

// Filter says which objects of one type a list may show: all of them, or those
// of Orgs, or those owned by Owner inside MemberOf.
type Filter struct {
	All      bool
	Orgs     []api.ID
	Owner    api.ID
	MemberOf []api.ID
}

// FilterFor returns the filter for reading objects of type t. It is Authorize
// turned inside out over the same table.
func FilterFor(s Subject, a Action, t Type) Filter {
	f := Filter{Orgs: []api.ID{}, MemberOf: []api.ID{}}
	if !inScope(s.Scopes, a, t) {
		return f
	}
	f.All = siteAllows(s, a, t)
	for org, roles := range s.OrgRoles {
		f.MemberOf = append(f.MemberOf, org)
		if orgAllows(roles, a, t) {
			f.Orgs = append(f.Orgs, org)
		}
	}
	if userPermissions.allows(a, t) {
		f.Owner = s.UserID
	}
	return f
}

// Matches applies the filter in memory; SQL does the same for lists.
func (f Filter) Matches(o Object) bool {
	if f.All || slices.Contains(f.Orgs, o.OrgID) {
		return true
	}
	return !f.Owner.IsZero() && o.OwnerID == f.Owner &&
		(o.OrgID.IsZero() || slices.Contains(f.MemberOf, o.OrgID))
}

func siteAllows(s Subject, a Action, t Type) bool {
	if siteRoles[RoleMember].allows(a, t) {
		return true
	}
	for _, r := range s.SiteRoles {
		if siteRoles[r].allows(a, t) {
			return true
		}
	}
	return false
}

func orgAllows(roles []string, a Action, t Type) bool {
	if orgRoles[RoleOrgMember].allows(a, t) {
		return true
	}
	for _, r := range roles {
		if orgRoles[r].allows(a, t) {
			return true
		}
	}
	return false
}

// ScopeAll is the scope of sessions and unrestricted tokens.
const ScopeAll = "all"

// ScopeApplicationConnect lets a token reach workspace applications only.
const ScopeApplicationConnect = "application_connect"

func inScope(scopes []string, a Action, t Type) bool {
	for _, sc := range scopes {
		switch sc {
		case ScopeAll, "coder:all":
			return true
		case ScopeApplicationConnect, "coder:application_connect":
			if t == TypeWorkspace && (a == ApplicationConnect || a == Read) {
				return true
			}
		default:
			typ, act, ok := strings.Cut(sc, ":")
			if ok && Type(typ) == t && (act == "*" || Action(act) == a) {
				return true
			}
		}
	}
	return false
}

// ValidScope reports whether a token may carry scope s.
func ValidScope(s string) bool {
	switch s {
	case ScopeAll, "coder:all", ScopeApplicationConnect, "coder:application_connect":
		return true
	}
	typ, act, ok := strings.Cut(s, ":")
	return ok && slices.Contains(allTypes, Type(typ)) && (act == "*" || slices.Contains(allActions, Action(act)))
}

// Scopes returns what tokens may carry: the composites, then each type with "*"
// and with every action.
func Scopes() []string {
	out := []string{ScopeAll, ScopeApplicationConnect, "coder:all", "coder:application_connect"}
	for _, t := range allTypes {
		out = append(out, string(t)+":*")
		for _, a := range allActions {
			out = append(out, string(t)+":"+string(a))
		}
	}
	return out
}

// KnownType reports whether t is a type of the role table.
func KnownType(t Type) bool { return slices.Contains(allTypes, t) }

// ScopesCover reports whether a caller with scopes have may hand out want: each
// one is held itself, or by "all" or the type's "*".
func ScopesCover(have, want []string) bool {
	for _, w := range want {
		typ, _, _ := strings.Cut(w, ":")
		if !slices.ContainsFunc(have, func(h string) bool {
			return h == w || h == ScopeAll || h == "coder:all" || (h == typ+":*" && typ != "coder")
		}) {
			return false
		}
	}
	return true
}
