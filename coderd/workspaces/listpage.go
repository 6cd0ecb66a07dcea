package workspaces

import (
	"context"
	"fmt"

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
	page, err := s.db.SearchWorkspaces(ctx, p)
	if err != nil {
		return api.WorkspacesResponse{}, fmt.Errorf("search workspaces: %w", err)
	}
	out := api.WorkspacesResponse{Count: int(p.SkipRows) + len(page.Ids)}
	last := len(page.Ids) < int(p.MaxRows) && (len(page.Ids) > 0 || p.SkipRows == 0)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out.Workspaces, err = s.details(ctx, page.Ids)
		return err
	})
	if !last {
		g.Go(func() error {
			counting := p
			counting.WithTotal, counting.MaxRows, counting.SkipRows = true, 0, 0
			row, err := s.db.SearchWorkspaces(ctx, counting)
			if err != nil {
				return fmt.Errorf("count workspaces: %w", err)
			}
			out.Count = int(row.Total)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return api.WorkspacesResponse{}, err
	}
	return out, nil
}
