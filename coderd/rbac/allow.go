package rbac

import (
	"slices"

	"coder.internal/api"
)

// AllowTarget is an entry of the allow-list of a token. "*" stands for any type or
// any object.
type AllowTarget struct {
	Type Type
	ID   string
}

// AllowList narrows a token to some objects. An empty one shuts nothing out; any
// other shuts out whatever none of its entries names, also what is yet to be made,
// unless an entry holds for all of its type.
type AllowList []AllowTarget

const anything = "*"

// Permits reports whether o may be touched at all.
func (l AllowList) Permits(o Object) bool {
	return len(l) == 0 || slices.ContainsFunc(l, func(t AllowTarget) bool {
		return (t.Type == anything || t.Type == o.Type) && (t.ID == anything || (!o.ID.IsZero() && t.ID == o.ID.String()))
	})
}

// PermitsAll reports whether every object of a type may be touched.
func (l AllowList) PermitsAll(t Type) bool { return l.Permits(Object{Type: t}) }

// named are the objects of a type that entries name, each once.
func (l AllowList) named(t Type) []api.ID {
	out := []api.ID{}
	for _, target := range l {
		if target.Type != anything && target.Type != t {
			continue
		}
		if id, err := api.ParseID(target.ID); err == nil && !id.IsZero() && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// Covers reports whether a holder of l may hand out want.
func (l AllowList) Covers(want AllowList) bool {
	if len(l) == 0 {
		return true
	}
	return len(want) > 0 && !slices.ContainsFunc(want, func(w AllowTarget) bool {
		return !slices.ContainsFunc(l, func(h AllowTarget) bool {
			return (h.Type == anything || h.Type == w.Type) && (h.ID == anything || h.ID == w.ID)
		})
	})
}

// ParseAllowTarget checks an entry; ok is false where it is none. Ids are those of
// our objects.
func ParseAllowTarget(typ, id string) (t AllowTarget, ok bool) {
	if id != anything {
		parsed, err := api.ParseID(id)
		if err != nil || typ == anything {
			return AllowTarget{}, false
		}
		id = parsed.String()
	}
	return AllowTarget{Type: Type(typ), ID: id}, true
}
