// Package rbac decides who may do what. It is pure: no I/O, no clock, no state.
//
// A Subject (who) asks for an Action on an Object (what). Roles give permissions
// at these levels: site (any object), organization (objects of the organization in
// which the role is held), user (objects that the subject owns, outside of
// organizations and in those where the subject is a member) and member (objects
// that the subject owns in the organization in which the role is held). The entries
// of an object's access list (ACL) admit members of its organization, alone or as
// a group. A role may also deny in its organization: that beats all but
// permissions of the site level. API-key scopes narrow the result; they never
// widen it.
//
// The policy is data (policy.go). Authorize executes it in memory; FilterFor turns
// it into the parameters of rbac_visible and rbac_named, the conditions of all lists, so
// that a list shows exactly the objects that Authorize would let the subject read.
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
	Share              Action = "share"
	Unassign           Action = "unassign"
	ViewInsights       Action = "view_insights"
	CreateAgent        Action = "create_agent"
	UpdateAgent        Action = "update_agent"
	DeleteAgent        Action = "delete_agent"
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
	TypeGroup              Type = "group"
	TypeGroupMember        Type = "group_member"
	TypeWorkspaceProxy     Type = "workspace_proxy"
)

// Object is one thing, or the place where one would be made. Zero OrgID means
// "belongs to the site"; zero OwnerID means "owned by nobody".
type Object struct {
	Type    Type
	ID      api.ID
	OrgID   api.ID
	OwnerID api.ID
	// ACL is the access list; see Entry.
	ACL []string
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
	// Groups are the groups joined, without those that everyone is in.
	Groups []api.ID
	// Custom defines the custom roles among OrgRoles.
	Custom []Role
	// Allow narrows a token to some objects.
	Allow AllowList
	// Deployment has the switches of the deployment.
	Deployment Deployment
}

// Deployment are switches that an operator sets. They only take away.
type Deployment struct {
	// OwnersStayOut keeps the role owner from reaching into workspaces of others.
	OwnersStayOut bool
	// NoSharing makes access lists of workspaces count for nothing.
	NoSharing bool
}

// Authorize returns whether subject may do action on object.
func Authorize(s Subject, a Action, o Object) bool {
	return s.admits(a, o) && s.allows(a, o)
}

// admits reports whether the token of the request lets a be done on o at all.
func (s *Subject) admits(a Action, o Object) bool {
	return inScope(s.Scopes, a, o.Type) && s.Allow.Permits(o)
}

// admitsAll reports whether it does so for every object of a type.
func (s *Subject) admitsAll(a Action, t Type) bool {
	return inScope(s.Scopes, a, t) && s.Allow.PermitsAll(t)
}

// Admits reports whether the token of the request lets a be done on the objects of
// a type that ListFor names, for rights that come from elsewhere than roles.
func Admits(s Subject, a Action, t Type) bool { return inScope(s.Scopes, a, t) }

// Person returns the subject with all their rights, whatever token they came with.
func (s Subject) Person() Subject {
	s.Scopes, s.Allow = []string{ScopeAll}, nil
	return s
}

// allows is Authorize without what narrows a token.
func (s *Subject) allows(a Action, o Object) bool {
	act := bit(a)
	if s.onSite(act, o.Type) {
		return true
	}
	owned := !o.OwnerID.IsZero() && o.OwnerID == s.UserID
	if o.OrgID.IsZero() {
		return owned && s.onOwn(act, o.Type)
	}
	roles, member := s.OrgRoles[o.OrgID]
	if !member {
		return false
	}
	org := s.inOrg(o.OrgID, roles, act, o.Type)
	switch {
	case org.denied:
		return false
	case org.all || owned && (org.own || s.onOwn(act, o.Type)):
		return true
	}
	return s.shared(act, o)
}

// onSite reports whether a role gives act on all objects of type t.
func (s *Subject) onSite(act actions, t Type) bool {
	if implicitSite.site.has(act, t) {
		return true
	}
	for _, r := range s.SiteRoles {
		if siteRoles[r].site.has(act, t) && !(r == RoleOwner && s.Deployment.OwnersStayOut && t == TypeWorkspace && act&reachIn != 0) {
			return true
		}
	}
	for i := range s.Custom {
		if s.Custom[i].site.has(act, t) {
			return true
		}
	}
	return false
}

// onOwn reports whether a role gives act on what the subject owns anywhere.
func (s *Subject) onOwn(act actions, t Type) bool {
	if implicitSite.user.has(act, t) {
		return true
	}
	for _, r := range s.SiteRoles {
		if siteRoles[r].user.has(act, t) {
			return true
		}
	}
	for i := range s.Custom {
		if s.Custom[i].user.has(act, t) {
			return true
		}
	}
	return false
}

// verdict is what the roles held in one organization say.
type verdict struct{ all, own, denied bool }

func (s *Subject) inOrg(org api.ID, roles []string, act actions, t Type) verdict {
	v := implicitOrg.verdict(act, t)
	for _, r := range roles {
		if role, ok := orgRoles[r]; ok {
			v = v.or(role.verdict(act, t))
		}
	}
	for i := range s.Custom {
		if s.Custom[i].OrgID == org {
			v = v.or(s.Custom[i].verdict(act, t))
		}
	}
	return v
}

func (r *Role) verdict(act actions, t Type) verdict {
	return verdict{all: r.org.has(act, t), own: r.member.has(act, t), denied: r.denied.has(act, t)}
}

func (v verdict) or(w verdict) verdict {
	return verdict{v.all || w.all, v.own || w.own, v.denied || w.denied}
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

// KnownType reports whether t is a type of the role table.
func KnownType(t Type) bool { return slices.Contains(allTypes, t) }
