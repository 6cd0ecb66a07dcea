package workspaces

import (
	"context"
	"fmt"

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
// number of statements does not depend on how many there are.
func (s *Service) details(ctx context.Context, ids []api.ID) ([]api.Workspace, error) {
	if len(ids) == 0 {
		return []api.Workspace{}, nil
	}
	rows, err := s.db.ListWorkspaceDetails(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list workspaces: %w", err)
	}
	newest := make([]database.ListWorkspaceBuildDetailsRow, len(rows))
	for i, r := range rows {
		newest[i] = database.ListWorkspaceBuildDetailsRow{WorkspaceBuild: r.WorkspaceBuild, ProvisionerJob: r.ProvisionerJob,
			WorkspaceName: r.Workspace.Name, OwnerID: r.Workspace.OwnerID, OrganizationID: r.Workspace.OrganizationID,
			OwnerName: r.OwnerName, OwnerAvatarUrl: r.OwnerAvatarUrl, InitiatorName: r.InitiatorName, VersionName: r.VersionName}
	}
	builds, err := s.joinBuilds(ctx, newest)
	if err != nil {
		return nil, err
	}
	byID := make(map[api.ID]int, len(rows))
	for i, r := range rows {
		byID[r.Workspace.ID] = i
	}
	out := make([]api.Workspace, 0, len(ids))
	for _, id := range ids {
		if i, ok := byID[id]; ok {
			out = append(out, s.convert(rows[i], builds[rows[i].WorkspaceBuild.ID]))
		}
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
	return s.joinBuilds(ctx, rows)
}

// joinBuilds completes builds with the places of their jobs and what those brought.
func (s *Service) joinBuilds(ctx context.Context, rows []database.ListWorkspaceBuildDetailsRow) (map[api.ID]api.WorkspaceBuild, error) {
	jobRows, jobIDs := make([]database.ProvisionerJob, len(rows)), make([]api.ID, len(rows))
	for i, r := range rows {
		jobRows[i], jobIDs[i] = r.ProvisionerJob, r.ProvisionerJob.ID
	}
	jobsByID, err := jobs.Describe(ctx, s.db.Queries, jobRows)
	if err != nil {
		return nil, err
	}
	resources, err := agents.ResourcesOf(ctx, s.db.Queries, jobIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[api.ID]api.WorkspaceBuild, len(rows))
	for _, r := range rows {
		out[r.WorkspaceBuild.ID] = convertBuild(r, jobsByID[r.WorkspaceBuild.JobID], resources[r.WorkspaceBuild.JobID])
	}
	return out, nil
}

func convertBuild(r database.ListWorkspaceBuildDetailsRow, job api.ProvisionerJob, resources []api.WorkspaceResource) api.WorkspaceBuild {
	b := r.WorkspaceBuild
	if resources == nil {
		resources = []api.WorkspaceResource{}
	}
	for _, res := range resources {
		agents.NameApps(res.Agents, r.WorkspaceName, r.OwnerName)
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
