package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
)

// anything is the entry that shuts nothing out.
const anything = "*:*"

// allowOf checks the allow-list of a new token, which is not wider than its
// maker's, and returns it in the form of the table.
func allowOf(ctx context.Context, asked []api.AllowListTarget) ([]string, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return storedAllow(caller.Allow), nil
	}
	var list rbac.AllowList
	for i, a := range asked {
		t, ok := rbac.ParseAllowTarget(a.Type, a.ID)
		if !ok || !knownType(a.Type) {
			return nil, api.Invalid("allow_list", fmt.Sprintf("entry %d: %.64q is not of the form type:id, type:* or *:*; "+
				"types are those of GET /api/v2/auth/scopes, ids are UUIDs.", i+1, a.Type+":"+a.ID))
		}
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	if !caller.Allow.Covers(list) {
		return nil, &api.Error{Code: api.CodeForbidden, Message: "Your token is limited to some objects and cannot make a wider one.",
			Validations: []api.ValidationError{{Field: "allow_list", Detail: "use entries of your own token's list, or sign in."}}}
	}
	return storedAllow(list), nil
}

// storedAllow is the form of the table.
func storedAllow(l rbac.AllowList) []string {
	out := make([]string, 0, len(l)+1)
	for _, t := range l {
		out = append(out, string(t.Type)+":"+t.ID)
	}
	if len(out) == 0 || slices.Contains(out, anything) {
		return []string{anything}
	}
	return out
}

// parseAllow reads what storedAllow wrote. What it cannot read shuts everything out.
func parseAllow(stored []string) (rbac.AllowList, error) {
	if len(stored) == 1 && stored[0] == anything {
		return nil, nil
	}
	out := make(rbac.AllowList, 0, len(stored))
	for _, entry := range stored {
		typ, id, _ := strings.Cut(entry, ":")
		t, ok := rbac.ParseAllowTarget(typ, id)
		if !ok {
			return nil, fmt.Errorf("entry %.64q is malformed", entry)
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, errors.New("it has no entry")
	}
	return out, nil
}

func toAllowList(stored []string) []api.AllowListTarget {
	out := make([]api.AllowListTarget, 0, len(stored))
	for _, entry := range stored {
		typ, id, _ := strings.Cut(entry, ":")
		out = append(out, api.AllowListTarget{Type: typ, ID: id})
	}
	return out
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
