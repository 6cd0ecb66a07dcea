package workspaces

import (
	"context"
	"fmt"
	"reflect"

	"golang.org/x/sync/errgroup"

	"coder.internal/api"
	"coder.internal/database"
)

// listOwn is List for a caller who may read their own workspaces alone.
func (s *Service) listOwn(ctx context.Context, p database.SearchWorkspacesParams) (api.WorkspacesResponse, error) {
	page, err := s.db.SearchOwnWorkspaces(ctx, database.SearchOwnWorkspacesParams{OwnerFilter: p.OwnerFilter, MemberOf: p.MemberOf,
		AtLarge: p.AtLarge, SharedIn: p.SharedIn, Entries: p.Entries, Anything: p.Anything, Named: p.Named,
		Owner: p.Owner, Template: p.Template, Organization: p.Organization, Name: p.Name, ExactName: p.ExactName, Status: p.Status,
		MaxRows: p.MaxRows, SkipRows: p.SkipRows})
	if err != nil {
		return api.WorkspacesResponse{}, fmt.Errorf("search own workspaces: %w", err)
	}
	all, err := s.details(ctx, page.Ids)
	if err != nil {
		return api.WorkspacesResponse{}, err
	}
	return api.WorkspacesResponse{Workspaces: all, Count: int(page.Total)}, nil
}

// listMany is List for the others. The count, which looks at all workspaces, runs
// beside the details of the page; where the page is the last one, nothing is
// counted.
func (s *Service) listMany(ctx context.Context, p database.SearchWorkspacesParams) (api.WorkspacesResponse, error) {
	ids, err := s.search(ctx, p)
	if err != nil {
		return api.WorkspacesResponse{}, fmt.Errorf("search workspaces: %w", err)
	}
	out := api.WorkspacesResponse{Count: int(p.SkipRows) + len(ids)}
	last := len(ids) < int(p.MaxRows) && (len(ids) > 0 || p.SkipRows == 0)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out.Workspaces, err = s.details(ctx, ids)
		return err
	})
	if !last {
		g.Go(func() error {
			total, err := s.count(ctx, p)
			if err != nil {
				return fmt.Errorf("count workspaces: %w", err)
			}
			out.Count = int(total)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return api.WorkspacesResponse{}, err
	}
	return out, nil
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

// search returns the ids of one page.
func (s *Service) search(ctx context.Context, p database.SearchWorkspacesParams) ([]api.ID, error) {
	if isAll(p) {
		return s.db.ListNewestWorkspaces(ctx, database.ListNewestWorkspacesParams{MaxRows: p.MaxRows, SkipRows: p.SkipRows})
	}
	page, err := s.db.SearchWorkspaces(ctx, p)
	return page.Ids, err
}

// count returns how many workspaces match p in all.
func (s *Service) count(ctx context.Context, p database.SearchWorkspacesParams) (int64, error) {
	if isAll(p) {
		return s.db.CountWorkspaces(ctx)
	}
	p.WithTotal, p.MaxRows, p.SkipRows = true, 0, 0
	row, err := s.db.SearchWorkspaces(ctx, p)
	return row.Total, err
}
