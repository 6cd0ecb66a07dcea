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

// details returns workspaces with their newest builds, in the order of ids.
func (s *Service) details(ctx context.Context, ids []api.ID) ([]api.Workspace, error) {
	if len(ids) == 0 {
		return []api.Workspace{}, nil
	}
	return s.page(ctx, func(q *database.Queries) ([]api.ID, error) {
		_, err := q.KeepPage(ctx, ids)
		return ids, err
	})
}

// page returns the workspaces that find looks for, with their newest builds, in the
// order that find gives. find makes one query that keeps a page (as KeepPage). All is
// read with one exchange and on one snapshot: a job that is seen to have succeeded is
// never seen without what it brought. The number of statements does not depend on how
// many workspaces there are.
func (s *Service) page(ctx context.Context, find func(q *database.Queries) ([]api.ID, error)) ([]api.Workspace, error) {
	var ids []api.ID
	var rows []database.ListWorkspaceDetailsRow
	var parts agents.Parts
	reads := append([]func(*database.Queries) error{
		func(q *database.Queries) (err error) {
			if ids, err = find(q); err != nil {
				return fmt.Errorf("find workspaces: %w", err)
			}
			return nil
		},
		func(q *database.Queries) error {
			if _, err := q.KeepNewestBuilds(ctx); err != nil {
				return fmt.Errorf("find newest builds: %w", err)
			}
			return nil
		},
		func(q *database.Queries) (err error) {
			if rows, err = q.ListWorkspaceDetails(ctx); err != nil {
				return fmt.Errorf("list workspaces: %w", err)
			}
			return nil
		},
	}, parts.Reads(ctx)...)
	if err := s.db.Together(ctx, reads...); err != nil {
		return nil, err
	}
	return s.joinPage(ctx, ids, rows, &parts)
}

func (s *Service) joinPage(ctx context.Context, ids []api.ID, rows []database.ListWorkspaceDetailsRow, parts *agents.Parts) ([]api.Workspace, error) {
	jobRows, byID := make([]database.ProvisionerJob, len(rows)), make(map[api.ID]int, len(rows))
	for i, r := range rows {
		jobRows[i], byID[r.ID] = jobOf(r), i
	}
	jobsByID, err := jobs.Describe(ctx, s.db.Queries, jobRows)
	if err != nil {
		return nil, err
	}
	resources, err := parts.Resources()
	if err != nil {
		return nil, err
	}
	out := make([]api.Workspace, 0, len(ids))
	for _, id := range ids {
		i, ok := byID[id]
		if !ok {
			continue
		}
		r := rows[i]
		out = append(out, s.convert(r, convertBuild(buildOf(r), jobsByID[r.JobID], resources[r.JobID])))
	}
	return out, nil
}

// jobOf is the job of a row, as far as jobs.Convert shows it.
func jobOf(r database.ListWorkspaceDetailsRow) database.ProvisionerJob {
	return database.ProvisionerJob{ID: r.JobID, OrganizationID: r.JobOrganizationID, InitiatorID: r.JobInitiatorID,
		Type: r.JobType, Status: r.JobStatus, FileID: r.JobFileID, Tags: r.JobTags, SubjectID: r.JobSubjectID,
		WorkerID: r.JobWorkerID, WorkerName: r.JobWorkerName, Error: r.JobError, ErrorCode: r.JobErrorCode,
		LogsOverflowed: r.JobLogsOverflowed, CreatedAt: r.JobCreatedAt, StartedAt: r.JobStartedAt,
		CanceledAt: r.JobCanceledAt, CompletedAt: r.JobCompletedAt}
}

// buildOf is the build of a row, as far as convertBuild shows it.
func buildOf(r database.ListWorkspaceDetailsRow) database.ListWorkspaceBuildDetailsRow {
	return database.ListWorkspaceBuildDetailsRow{WorkspaceName: r.Name, OwnerID: r.OwnerID, OrganizationID: r.OrganizationID,
		OwnerName: r.OwnerName, OwnerAvatarUrl: r.OwnerAvatarUrl, InitiatorName: r.InitiatorName, VersionName: r.VersionName,
		WorkspaceBuild: database.WorkspaceBuild{ID: r.BuildID, WorkspaceID: r.ID, TemplateVersionID: r.TemplateVersionID,
			BuildNumber: r.BuildNumber, Transition: r.Transition, Reason: r.Reason, InitiatorID: r.InitiatorID,
			JobID: r.JobID, DailyCost: r.DailyCost, Deadline: r.Deadline, MaxDeadline: r.MaxDeadline,
			CreatedAt: r.BuildCreatedAt, UpdatedAt: r.BuildUpdatedAt,
			TemplateVersionPresetID: r.TemplateVersionPresetID, HasExternalAgent: r.HasExternalAgent}}
}

func (s *Service) convert(r database.ListWorkspaceDetailsRow, build api.WorkspaceBuild) api.Workspace {
	return api.Workspace{ID: r.ID, Name: r.Name, OwnerID: r.OwnerID,
		OwnerName: r.OwnerName, OwnerAvatarURL: r.OwnerAvatarUrl, OrganizationID: r.OrganizationID,
		OrganizationName: r.OrganizationName, TemplateID: r.TemplateID, TemplateName: r.TemplateName,
		TemplateDisplayName: r.TemplateDisplayName, TemplateIcon: r.TemplateIcon,
		TemplateActiveVersionID: r.TemplateActiveVersionID, TemplateAllowUserCancel: r.TemplateAllowUserCancel,
		TemplateRequireActive: r.TemplateRequireActiveVersion, TemplateClassicParameters: r.TemplateUseClassicParameterFlow, LatestBuild: build,
		Outdated:          build.TemplateVersionID != r.TemplateActiveVersionID,
		AutostartSchedule: r.AutostartSchedule, TTLMillis: r.TtlMs,
		AutomaticUpdates: r.AutomaticUpdates, AllowRenames: s.opts.AllowRenames, Health: healthOf(build),
		LastUsedAt: r.LastUsedAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
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
	resources, err := agents.ResourcesOf(ctx, s.db, jobIDs)
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
