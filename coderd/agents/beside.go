package agents

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"coder.internal/api"
	"coder.internal/database"
)

// ResourcesBeside is ResourcesOf for a caller who knows all ids: the statements run
// side by side, so q must not be that of a transaction.
func ResourcesBeside(ctx context.Context, q *database.Queries, resourceIDs, agentIDs []api.ID) (map[api.ID][]api.WorkspaceResource, error) {
	if len(resourceIDs) == 0 {
		return map[api.ID][]api.WorkspaceResource{}, nil
	}
	var resources []database.WorkspaceResource
	var rows []database.ListWorkspaceAgentsRow
	var p parts
	g, ctx := errgroup.WithContext(ctx)
	load := func(what string, f func() error) {
		g.Go(func() error {
			if err := f(); err != nil {
				return fmt.Errorf("list %s: %w", what, err)
			}
			return nil
		})
	}
	load("resources", func() (err error) { resources, err = q.ListResourcesByIDs(ctx, resourceIDs); return err })
	if len(agentIDs) > 0 {
		load("agents", func() (err error) { rows, err = q.ListWorkspaceAgents(ctx, resourceIDs); return err })
		load("parts", func() (err error) { // four quick ones: more at a time would take others' connections
			if p.apps, err = q.ListWorkspaceApps(ctx, agentIDs); err != nil {
				return err
			}
			if p.scripts, err = q.ListAgentScripts(ctx, agentIDs); err != nil {
				return err
			}
			if p.sources, err = q.ListAgentLogSources(ctx, agentIDs); err != nil {
				return err
			}
			p.relays, err = q.ListAgentRelays(ctx, agentIDs)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	agents, err := assemble(rows, p)
	if err != nil {
		return nil, err
	}
	return joinResources(resources, agents)
}
