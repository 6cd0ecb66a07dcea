package workspaces

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/jobs"
	"coder.internal/database"
)

// one returns one workspace in full.
func (s *Service) one(ctx context.Context, id api.ID) (api.Workspace, error) {
	all, err := s.details(ctx, []api.ID{id})
	if err != nil {
		return api.Workspace{}, err
	}
	if len(all) == 0 {
		return api.Workspace{}, api.NotFound(what)
	}
	return all[0], nil
}

// details returns workspaces with their newest builds, in the order of ids. The
// number of statements does not depend on how many there are; those that do not
// need each other run side by side.
func (s *Service) details(ctx context.Context, ids []api.ID) ([]api.Workspace, error) {
	if len(ids) == 0 {
		return []api.Workspace{}, nil
	}
	var rows []database.ListWorkspaceDetailsRow
	latest := map[api.ID]api.WorkspaceBuild{}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if rows, err = s.db.ListWorkspaceDetails(ctx, ids); err != nil {
			return fmt.Errorf("list workspaces: %w", err)
		}
		return nil
	})
	g.Go(func() (err error) {
		latest, err = s.latestBuilds(ctx, ids)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byID := make(map[api.ID]api.Workspace, len(rows))
	for _, r := range rows {
		byID[r.Workspace.ID] = s.convert(r, latest[r.Workspace.ID])
	}
	out := make([]api.Workspace, 0, len(ids))
	for _, id := range ids {
		if w, ok := byID[id]; ok {
			out = append(out, w)
		}
	}
	return out, nil
}

// latestBuilds returns the newest build of each workspace by the workspace's id.
func (s *Service) latestBuilds(ctx context.Context, ids []api.ID) (map[api.ID]api.WorkspaceBuild, error) {
	rows, err := s.db.ListLatestBuilds(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list newest builds: %w", err)
	}
	var builds map[api.ID]api.WorkspaceBuild
	if builds, err = s.buildsOf(ctx, rows); err != nil {
		return nil, err
	}
	out := make(map[api.ID]api.WorkspaceBuild, len(builds))
	for _, b := range builds {
		out[b.WorkspaceID] = b
	}
	return out, nil
}

func (s *Service) convert(r database.ListWorkspaceDetailsRow, build api.WorkspaceBuild) api.Workspace {
	return api.Workspace{ID: r.Workspace.ID, Name: r.Workspace.Name, OwnerID: r.Workspace.OwnerID,
		OwnerName: r.OwnerName, OwnerAvatarURL: r.OwnerAvatarUrl, OrganizationID: r.Workspace.OrganizationID,
		OrganizationName: r.OrganizationName, TemplateID: r.Workspace.TemplateID, TemplateName: r.TemplateName,
		TemplateDisplayName: r.TemplateDisplayName, TemplateIcon: r.TemplateIcon,
		TemplateActiveVersionID: r.TemplateActiveVersionID, TemplateAllowUserCancel: r.TemplateAllowUserCancel,
		TemplateRequireActive: r.TemplateRequireActiveVersion, TemplateClassicParameters: r.TemplateUseClassicParameterFlow, LatestBuild: build,
		Outdated:          build.TemplateVersionID != r.TemplateActiveVersionID,
		AutostartSchedule: r.Workspace.AutostartSchedule, TTLMillis: r.Workspace.TtlMs,
		AutomaticUpdates: r.Workspace.AutomaticUpdates, AllowRenames: s.opts.AllowRenames, Health: healthOf(build),
		LastUsedAt: r.Workspace.LastUsedAt, CreatedAt: r.Workspace.CreatedAt, UpdatedAt: r.Workspace.UpdatedAt}
}

// healthOf names the agents of a running workspace that need a look.
func healthOf(b api.WorkspaceBuild) api.WorkspaceHealth {
	h := api.WorkspaceHealth{Healthy: true, FailingAgents: []api.ID{}}
	if b.Status != api.WorkspaceRunning {
		return h
	}
	for _, r := range b.Resources {
		for _, a := range r.Agents {
			if !a.Health.Healthy {
				h.FailingAgents = append(h.FailingAgents, a.ID)
			}
		}
	}
	h.Healthy = len(h.FailingAgents) == 0
	return h
}

// oneBuild returns one build in full.
func (s *Service) oneBuild(ctx context.Context, id api.ID) (api.WorkspaceBuild, error) {
	all, err := s.builds(ctx, []api.ID{id})
	if err != nil {
		return api.WorkspaceBuild{}, err
	}
	b, ok := all[id]
	if !ok {
		return b, api.NotFound("Workspace build")
	}
	return b, nil
}

// builds returns builds with job and resources by id.
func (s *Service) builds(ctx context.Context, ids []api.ID) (map[api.ID]api.WorkspaceBuild, error) {
	rows, err := s.db.ListWorkspaceBuildDetails(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	jobIDs := make([]api.ID, len(rows))
	for i, r := range rows {
		jobIDs[i] = r.WorkspaceBuild.JobID
	}
	jobsByID, err := jobs.Load(ctx, s.db.Queries, jobIDs...)
	if err != nil {
		return nil, err
	}
	resources, err := agents.ResourcesOf(ctx, s.db.Queries, jobIDs)
	if err != nil {
		return nil, err
	}
	return joinBuilds(rows, jobsByID, resources), nil
}

// buildsOf is builds for a caller who knows the jobs and the ids of what they
// brought.
func (s *Service) buildsOf(ctx context.Context, latest []database.ListLatestBuildsRow) (map[api.ID]api.WorkspaceBuild, error) {
	var ids, resourceIDs, agentIDs []api.ID
	var jobRows []database.ProvisionerJob
	for _, r := range latest {
		ids, jobRows = append(ids, r.ID), append(jobRows, r.ProvisionerJob)
		resourceIDs, agentIDs = append(resourceIDs, r.ResourceIds...), append(agentIDs, r.AgentIds...)
	}
	var rows []database.ListWorkspaceBuildDetailsRow
	var jobsByID map[api.ID]api.ProvisionerJob
	var resources map[api.ID][]api.WorkspaceResource
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if rows, err = s.db.ListWorkspaceBuildDetails(ctx, ids); err != nil {
			return fmt.Errorf("list builds: %w", err)
		}
		return nil
	})
	g.Go(func() (err error) { jobsByID, err = jobs.Describe(ctx, s.db.Queries, jobRows); return err })
	g.Go(func() (err error) {
		resources, err = agents.ResourcesBeside(ctx, s.db.Queries, resourceIDs, agentIDs)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return joinBuilds(rows, jobsByID, resources), nil
}

func joinBuilds(rows []database.ListWorkspaceBuildDetailsRow, jobsByID map[api.ID]api.ProvisionerJob,
	resources map[api.ID][]api.WorkspaceResource) map[api.ID]api.WorkspaceBuild {
	out := make(map[api.ID]api.WorkspaceBuild, len(rows))
	for _, r := range rows {
		out[r.WorkspaceBuild.ID] = convertBuild(r, jobsByID[r.WorkspaceBuild.JobID], resources[r.WorkspaceBuild.JobID])
	}
	return out
}

func convertBuild(r database.ListWorkspaceBuildDetailsRow, job api.ProvisionerJob, resources []api.WorkspaceResource) api.WorkspaceBuild {
	b := r.WorkspaceBuild
	if resources == nil {
		resources = []api.WorkspaceResource{}
	}
	return api.WorkspaceBuild{ID: b.ID, WorkspaceID: b.WorkspaceID, WorkspaceName: r.WorkspaceName,
		WorkspaceOwnerID: r.OwnerID, WorkspaceOwnerName: r.OwnerName,
		WorkspaceOwnerAvatarURL: r.OwnerAvatarUrl, TemplateVersionID: b.TemplateVersionID,
		TemplateVersionName: r.VersionName, BuildNumber: int(b.BuildNumber), Transition: api.Transition(b.Transition),
		Reason: b.Reason, InitiatorID: b.InitiatorID, InitiatorName: r.InitiatorName, Job: job, MatchedProvisioners: job.Matched,
		Status: api.StatusOf(api.Transition(b.Transition), job.Status), Resources: resources,
		DailyCost: int(b.DailyCost), PresetID: b.TemplateVersionPresetID, HasExternalAgent: b.HasExternalAgent, Deadline: b.Deadline, MaxDeadline: b.MaxDeadline,
		CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt}
}
