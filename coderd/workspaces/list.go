package workspaces

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxQuery bounds the search text.
const maxQuery = 1024

var statuses = []string{"pending", "starting", "running", "stopping", "stopped", "failed", "canceling", "canceled",
	"deleting", "deleted"}

// List returns the workspaces that the caller may read and that match query,
// those used last first, and how many match in all.
func (s *Service) List(ctx context.Context, query string, limit, offset int32) (api.WorkspacesResponse, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.WorkspacesResponse{}, err
	}
	p, err := parseQuery(query, caller.Username)
	if err != nil {
		return api.WorkspacesResponse{}, err
	}
	f := rbac.ListFor(caller, rbac.Read, rbac.TypeWorkspace)
	p.Everything, p.Orgs, p.OwnerFilter, p.MemberOf = f.All, f.Orgs, f.Owner, f.MemberOf
	p.AtLarge, p.SharedIn, p.Entries = f.AtLarge, f.SharedIn, f.Entries
	p.Anything, p.Named = f.Anything, f.Named
	p.MaxRows, p.SkipRows = limit, offset
	if !p.Everything && len(p.Orgs) == 0 {
		return s.listOwn(ctx, p)
	}
	return s.listMany(ctx, p)
}

// parseQuery reads the search text: words are part of a name, key:value terms
// narrow the rest, quotes hold spaces together, owner/name is both.
func parseQuery(text, me string) (database.SearchWorkspacesParams, error) {
	var p database.SearchWorkspacesParams
	if len(text) > maxQuery {
		return p, api.Invalid("q", fmt.Sprintf("the search is longer than %d bytes", maxQuery))
	}
	if strings.ContainsRune(text, 0) || strings.ToValidUTF8(text, "") != text {
		return p, api.Invalid("q", "the search is not plain text")
	}
	terms, err := split(text)
	if err != nil {
		return p, err
	}
	for _, term := range terms {
		key, value, found := strings.Cut(term, ":")
		if !found {
			owner, name, both := strings.Cut(term, "/")
			if both {
				p.Owner, p.ExactName = orMe(owner, me), name
				continue
			}
			p.Name = strings.TrimSpace(p.Name + " " + term)
			continue
		}
		if value == "" {
			return p, api.Invalid("q", fmt.Sprintf("%q needs a value after the colon", clip(key)))
		}
		switch strings.ToLower(key) {
		case "owner":
			p.Owner = orMe(value, me)
		case "name":
			p.Name = value
		case "template":
			p.Template = value
		case "organization":
			p.Organization = value
		case "status":
			p.Status = strings.ToLower(value)
			if !slices.Contains(statuses, p.Status) {
				return p, api.Invalid("q", fmt.Sprintf("status %q is not known; use one of: %s", clip(value), strings.Join(statuses, ", ")))
			}
		default:
			return p, api.Invalid("q", fmt.Sprintf("%q is not a filter; use owner, name, template, organization or status", clip(key)))
		}
	}
	return p, nil
}

func orMe(name, me string) string {
	if name == api.Me {
		return me
	}
	return name
}

// split cuts at spaces outside of double quotes and drops the quotes.
func split(text string) ([]string, error) {
	var terms []string
	var b strings.Builder
	quoted := false
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if b.Len() > 0 {
				terms = append(terms, b.String())
				b.Reset()
			}
		default:
			b.WriteRune(r)
		}
	}
	if quoted {
		return nil, api.Invalid("q", "a quote is not closed")
	}
	if b.Len() > 0 {
		terms = append(terms, b.String())
	}
	return terms, nil
}
