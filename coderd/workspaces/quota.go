package workspaces

import (
	"context"

	"coder.internal/coderd/quota"
	"coder.internal/database"
	"coder.internal/internal/tfstate"
)

// Admit implements jobs.Budgeter.
func (s *Service) Admit(ctx context.Context, q *database.Queries, row database.ProvisionerJob, dailyCost int) error {
	return quota.Admit(ctx, q, row.SubjectID, dailyCost)
}

// settleFailed gives back what a build that did not succeed has not made: it costs
// what its state, or that of the build before, says is there. A state that cannot
// be read changes nothing.
func (s *Service) settleFailed(ctx context.Context, q *database.Queries, b database.WorkspaceBuild) error {
	if b.DailyCost == 0 {
		return nil
	}
	text, err := s.newestState(ctx, q, b.WorkspaceID, b.BuildNumber)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return quota.Settle(ctx, q, b.ID, 0)
	}
	state, err := tfstate.Parse(text)
	if err != nil {
		return nil //nolint:nilerr // what there is stays counted
	}
	return quota.Settle(ctx, q, b.ID, state.DailyCost())
}
