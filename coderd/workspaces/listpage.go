package workspaces

import (
	"context"
	"fmt"
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
func (s *Service) listMany(ctx context.Context, p database.SearchWorkspacesParams) (api.WorkspacesResponse, error) {
	if isAll(p) && int(p.MaxRows)+int(p.SkipRows) <= maxNewest {
		return s.listNewest(ctx, p.MaxRows, p.SkipRows)
	}
	var out api.WorkspacesResponse
	var err error
	out.Workspaces, err = s.page(ctx, func(q *database.Queries) ([]api.ID, error) {
		found, err := q.SearchWorkspaces(ctx, p)
		out.Count = int(found.Total)
		return found.Ids, err
	})
	return out, err
}

// listNewest is List for a question for everything. The more there is the longer it is
// counted, so that is done at the same time, where nobody waits for connections.
func (s *Service) listNewest(ctx context.Context, limit, offset int32) (api.WorkspacesResponse, error) {
	var out api.WorkspacesResponse
	var counted int64
	wait := s.db.Aside(ctx, func(ctx context.Context, q *database.Queries) (err error) {
		if counted, err = q.CountWorkspaces(ctx); err != nil {
			return fmt.Errorf("count workspaces: %w", err)
		}
		return nil
	})
	var err error
	out.Workspaces, err = s.page(ctx, func(q *database.Queries) ([]api.ID, error) {
		found, err := q.SearchNewestWorkspaces(ctx, database.SearchNewestWorkspacesParams{MaxRows: limit, SkipRows: offset, Counted: wait != nil})
		out.Count = int(found.Total)
		return found.Ids, err
	})
	if wait == nil {
		return out, err
	}
	if failed := wait(); err == nil && out.Count < 0 {
		err, out.Count = failed, int(counted)
		if n := len(out.Workspaces); n > 0 { // counted a moment before or after, but these are there
			out.Count = max(out.Count, int(offset)+n)
		}
	}
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
