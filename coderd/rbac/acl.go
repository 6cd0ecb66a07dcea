package rbac

import (
	"strings"

	"coder.internal/api"
)

// Grantee says what an entry of an access list admits.
type Grantee string

// Grantees. The group whose id is that of an organization holds its members.
const (
	GranteeUser  Grantee = "u"
	GranteeGroup Grantee = "g"
)

// Roles of access lists.
const (
	ACLUse   = "use"
	ACLAdmin = "admin"
)

// aclRoles: what the roles of access lists permit, by the type of the object.
var aclRoles = map[Type]map[string]actions{
	TypeTemplate: {
		ACLUse:   set(Read, Use),
		ACLAdmin: set(Read, Use, Update, Delete, ViewInsights),
	},
	TypeWorkspace: {
		ACLUse:   set(Read, SSH, ApplicationConnect),
		ACLAdmin: set(Read, SSH, ApplicationConnect, Update, Start, Stop),
	},
}

// IsACLRole reports whether lists of objects of type t know the role.
func IsACLRole(t Type, role string) bool {
	_, ok := aclRoles[t][role]
	return ok
}

// Entry writes an entry of an access list, such as "u:<id>:use". Each has one
// spelling, so that SQL can compare them as text.
func Entry(g Grantee, id api.ID, role string) string {
	return string(g) + ":" + id.String() + ":" + role
}

// ParseEntry reads what Entry wrote.
func ParseEntry(e string) (g Grantee, id api.ID, role string, ok bool) {
	if len(e) < 40 || e[1] != ':' || e[38] != ':' {
		return "", api.ID{}, "", false
	}
	id, err := api.ParseID(e[2:38])
	return Grantee(e[:1]), id, e[39:], err == nil
}

// TemplateACL returns the access list of a template: stored, or, where none was
// ever set, the one that lets everyone in the organization use it.
func TemplateACL(org api.ID, stored []string) []string {
	if stored == nil {
		return []string{Entry(GranteeGroup, org, ACLUse)}
	}
	return stored
}

// shared reports whether an entry of o's list admits the subject, a member of
// o's organization.
func (s *Subject) shared(act actions, o Object) bool {
	if len(o.ACL) == 0 || o.Type == TypeWorkspace && s.Deployment.NoSharing {
		return false
	}
	roles := aclRoles[o.Type]
	for _, e := range o.ACL {
		role := e[strings.LastIndexByte(e, ':')+1:]
		if roles[role]&act == 0 {
			continue
		}
		g, id, _, ok := ParseEntry(e)
		if ok && s.isGrantee(g, id) {
			return true
		}
	}
	return false
}

func (s *Subject) isGrantee(g Grantee, id api.ID) bool {
	switch g {
	case GranteeUser:
		return id == s.UserID
	case GranteeGroup:
		if _, everyone := s.OrgRoles[id]; everyone {
			return true
		}
		for _, have := range s.Groups {
			if have == id {
				return true
			}
		}
	}
	return false
}

// rolesAllowing lists the roles of access lists that permit act on objects of type t.
func (s *Subject) rolesAllowing(act actions, t Type) []string {
	var out []string
	if t == TypeWorkspace && s.Deployment.NoSharing {
		return out
	}
	for _, r := range []string{ACLUse, ACLAdmin} {
		if aclRoles[t][r]&act != 0 {
			out = append(out, r)
		}
	}
	return out
}
