package workspaces

import (
	"context"
	"reflect"

	"coder.internal/api"
	"coder.internal/database"
)

// maxNewest is how far SearchNewestWorkspaces reaches.
const maxNewest = 1000

// listOwn is List for a caller who may read their own workspaces alone.
func (s *Service) listOwn(ctx context.Context, p database.SearchWorkspacesParams) (out api.WorkspacesResponse, err error) {
	out.Workspaces, err = s.page(ctx, func(q *database.Queries) ([]api.ID, error) {
		found, err := q.SearchOwnWorkspaces(ctx, database.SearchOwnWorkspacesParams{OwnerFilter: p.OwnerFilter, MemberOf: p.MemberOf,
			AtLarge: p.AtLarge, SharedIn: p.SharedIn, Entries: p.Entries, Anything: p.Anything, Named: p.Named,
			Owner: p.Owner, Template: p.Template, Organization: p.Organization, Name: p.Name, ExactName: p.ExactName, Status: p.Status,
			MaxRows: p.MaxRows, SkipRows: p.SkipRows})
		out.Count = int(found.Total)
		return found.Ids, err
	})
	return out, err
}

// listMany is List for the others.
func (s *Service) listMany(ctx context.Context, p database.SearchWorkspacesParams) (out api.WorkspacesResponse, err error) {
	out.Workspaces, err = s.page(ctx, func(q *database.Queries) ([]api.ID, error) {
		if isAll(p) && int(p.MaxRows)+int(p.SkipRows) <= maxNewest {
			found, err := q.SearchNewestWorkspaces(ctx, database.SearchNewestWorkspacesParams{MaxRows: p.MaxRows, SkipRows: p.SkipRows})
			out.Count = int(found.Total)
			return found.Ids, err
		}
		found, err := q.SearchWorkspaces(ctx, p)
		out.Count = int(found.Total)
		return found.Ids, err
	})
	return out, err
}

// isAll reports whether p is a question for everything that there is. Whatever else
// p may come to hold makes it no such question.
func isAll(p database.SearchWorkspacesParams) bool {
	if !p.Everything || !p.Anything {
		return false
	}
	// These widen what is seen, or turn pages.
	p.Everything, p.Anything, p.Named = false, false, nil
	p.Orgs, p.OwnerFilter, p.MemberOf, p.AtLarge, p.SharedIn, p.Entries = nil, api.ID{}, nil, false, nil, nil
	p.MaxRows, p.SkipRows = 0, 0
	return reflect.DeepEqual(p, database.SearchWorkspacesParams{})
}
