package rbac

import (
	"bytes"
	"maps"
	"slices"

	"coder.internal/api"
)

// Filter is the policy for one subject, action and type, compiled into the
// parameters of the SQL function rbac_visible. No field is nil: an empty list
// matches nothing. An object passes when
//
//	All, or its organization is in Orgs,
//	or Owner owns it: in an organization of MemberOf, or outside of any with AtLarge,
//	or its organization is in SharedIn and its ACL has one of Entries;
//
// and only when Anything, or its id is in Named: these two are the parameters of
// rbac_named.
type Filter struct {
	All      bool
	Orgs     []api.ID
	Owner    api.ID
	MemberOf []api.ID
	AtLarge  bool
	SharedIn []api.ID
	Entries  []string
	Anything bool
	Named    []api.ID
}

// none is the filter that nothing passes.
func none() Filter {
	return Filter{Orgs: []api.ID{}, MemberOf: []api.ID{}, SharedIn: []api.ID{}, Entries: []string{}, Named: []api.ID{}}
}

// FilterFor is ListFor for lists that do not look at ids: under an allow-list that
// names single objects they are empty.
func FilterFor(s Subject, a Action, t Type) Filter {
	if f := ListFor(s, a, t); f.Anything {
		return f
	}
	return none()
}

// ListFor returns the filter of lists of objects of type t, with what the subject
// may do a on. It is Authorize turned inside out over the same roles. Whoever calls
// it must apply Anything and Named.
func ListFor(s Subject, a Action, t Type) Filter {
	f := none()
	if !inScope(s.Scopes, a, t) {
		return f
	}
	if f.Anything = s.Allow.PermitsAll(t); !f.Anything {
		if f.Named = s.Allow.named(t); len(f.Named) == 0 {
			return f
		}
	}
	act := bit(a)
	f.All, f.AtLarge = s.onSite(act, t), s.onOwn(act, t)
	roles := s.rolesAllowing(act, t)
	for _, org := range slices.SortedFunc(maps.Keys(s.OrgRoles), compare) {
		v := s.inOrg(org, s.OrgRoles[org], act, t)
		if v.denied {
			continue
		}
		if v.all {
			f.Orgs = append(f.Orgs, org)
		}
		if v.own || f.AtLarge {
			f.MemberOf = append(f.MemberOf, org)
		}
		if len(roles) > 0 {
			f.SharedIn = append(f.SharedIn, org)
		}
	}
	if f.AtLarge || len(f.MemberOf) > 0 {
		f.Owner = s.UserID
	}
	if len(f.SharedIn) > 0 {
		f.Entries = s.entries(roles)
	}
	return f
}

// entries are those that name the subject, by themselves or through a group.
func (s *Subject) entries(roles []string) []string {
	out := make([]string, 0, len(roles)*(1+len(s.Groups)+len(s.OrgRoles)))
	for _, r := range roles {
		out = append(out, Entry(GranteeUser, s.UserID, r))
		for _, g := range s.Groups {
			out = append(out, Entry(GranteeGroup, g, r))
		}
		for org := range s.OrgRoles {
			out = append(out, Entry(GranteeGroup, org, r))
		}
	}
	slices.Sort(out)
	return out
}

// Matches applies the filter in memory, word by word what rbac_visible and
// rbac_named do.
func (f Filter) Matches(o Object) bool {
	switch {
	case !f.Anything && !slices.Contains(f.Named, o.ID):
		return false
	case f.All || slices.Contains(f.Orgs, o.OrgID):
		return true
	case !f.Owner.IsZero() && o.OwnerID == f.Owner &&
		(o.OrgID.IsZero() && f.AtLarge || slices.Contains(f.MemberOf, o.OrgID)):
		return true
	}
	return slices.Contains(f.SharedIn, o.OrgID) &&
		slices.ContainsFunc(o.ACL, func(e string) bool { return slices.Contains(f.Entries, e) })
}

func compare(a, b api.ID) int { return bytes.Compare(a[:], b[:]) }
