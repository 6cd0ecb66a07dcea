package workspaces

import (
	"cmp"
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/auth"
	"coder.internal/database"
)

// maxListed bounds the resources that a log or an audit entry names.
const maxListed = 500

// leftBehind lists what a workspace has after build number: what its state names,
// or what its last build said, where the states were removed with lost keys
// (keys.Discard).
func (s *Service) leftBehind(ctx context.Context, q *database.Queries, workspace api.ID, number int32) ([]api.WorkspaceStateResource, error) {
	state, err := s.newestState(ctx, q, workspace, number)
	if err != nil || state != nil {
		return resourcesIn(state), err
	}
	rows, err := q.ListResourcesOfLastGoodBuild(ctx, workspace)
	if err != nil {
		return nil, fmt.Errorf("list resources of workspace %s: %w", workspace, err)
	}
	out := []api.WorkspaceStateResource{}
	for _, r := range rows {
		out = append(out, api.WorkspaceStateResource{Address: r.Address, Type: r.Type, Name: r.Name})
	}
	return out, nil
}

// endOrphan completes a delete that asks Terraform for nothing. Its log tells
// what nobody looks after from now on.
func (s *Service) endOrphan(ctx context.Context, q *database.Queries, p buildParams, job api.ID) error {
	if err := auth.EndWorkspaceSession(ctx, q, p.workspace.ID); err != nil {
		return err
	}
	if _, err := q.EndJobWithoutWork(ctx, job); err != nil {
		return fmt.Errorf("end job %s: %w", job, err)
	}
	lines := database.InsertProvisionerJobLogsParams{JobID: job}
	say := func(text string) {
		lines.CreatedAt = append(lines.CreatedAt, s.opts.Clock.Now().UTC())
		lines.Source = append(lines.Source, "provisioner_daemon")
		lines.Level = append(lines.Level, string(api.LogWarn))
		lines.Stage = append(lines.Stage, "Leaving resources behind")
		lines.Output = append(lines.Output, text)
	}
	say(fmt.Sprintf("Nothing was destroyed. Resources left behind: %d", len(p.leftBehind)))
	for i, r := range p.leftBehind {
		if i == maxListed {
			say(fmt.Sprintf("… and %d more; the state of the build before this one names them.", len(p.leftBehind)-i))
			break
		}
		say(fmt.Sprintf("%s (id %s)", r.Address, cmp.Or(r.ResourceID, "unknown")))
	}
	if err := q.InsertProvisionerJobLogs(ctx, lines); err != nil {
		return fmt.Errorf("log of job %s: %w", job, err)
	}
	if _, err := q.MarkWorkspaceDeleted(ctx, p.workspace.ID); err != nil {
		return fmt.Errorf("delete workspace %s: %w", p.workspace.ID, err)
	}
	return nil
}
