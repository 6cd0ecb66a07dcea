package workspaces

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const whatBuild = "Workspace build"

// loadBuild returns a build and its workspace if the caller may do action on it.
func (s *Service) loadBuild(ctx context.Context, id api.ID, action rbac.Action) (database.WorkspaceBuild, database.Workspace, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.WorkspaceBuild{}, database.Workspace{}, err
	}
	b, err := s.db.GetWorkspaceBuildRow(ctx, id)
	if database.IsNotFound(err) {
		return b, database.Workspace{}, api.NotFound(whatBuild)
	}
	if err != nil {
		return b, database.Workspace{}, fmt.Errorf("load build %s: %w", id, err)
	}
	w, err := s.db.GetWorkspaceRow(ctx, b.WorkspaceID)
	if err != nil {
		return b, w, fmt.Errorf("load workspace %s: %w", b.WorkspaceID, err)
	}
	return b, w, rbac.Check(ctx, action, objectOf(w), whatBuild)
}

// Build returns one build.
func (s *Service) Build(ctx context.Context, id api.ID) (api.WorkspaceBuild, error) {
	if _, _, err := s.loadBuild(ctx, id, rbac.Read); err != nil {
		return api.WorkspaceBuild{}, err
	}
	return s.oneBuild(ctx, id)
}

// BuildByNumber returns a build of an owner's workspace.
func (s *Service) BuildByNumber(ctx context.Context, owner, name string, number int32) (api.WorkspaceBuild, error) {
	w, err := s.rowByName(ctx, owner, name, true)
	if err != nil {
		return api.WorkspaceBuild{}, err
	}
	id, err := s.db.GetWorkspaceBuildID(ctx, database.GetWorkspaceBuildIDParams{WorkspaceID: w.ID, BuildNumber: number})
	if database.IsNotFound(err) {
		return api.WorkspaceBuild{}, api.NotFound(whatBuild)
	}
	if err != nil {
		return api.WorkspaceBuild{}, fmt.Errorf("find build %d of workspace %s: %w", number, w.ID, err)
	}
	return s.oneBuild(ctx, id)
}

// Builds returns one page of a workspace's builds, newest first.
func (s *Service) Builds(ctx context.Context, id, after api.ID, since *time.Time, limit, offset int32) ([]api.WorkspaceBuild, error) {
	if _, err := s.load(ctx, id, rbac.Read); err != nil {
		return nil, err
	}
	p := database.ListWorkspaceBuildIDsParams{WorkspaceID: id, Since: since, MaxRows: limit, SkipRows: offset}
	if !after.IsZero() {
		p.AfterID = &after
	}
	ids, err := s.db.ListWorkspaceBuildIDs(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list builds of workspace %s: %w", id, err)
	}
	byID, err := s.builds(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]api.WorkspaceBuild, 0, len(ids))
	for _, b := range ids {
		out = append(out, byID[b])
	}
	return out, nil
}

// Parameters returns the values that a build was given.
func (s *Service) Parameters(ctx context.Context, id api.ID) ([]api.ParameterValue, error) {
	if _, _, err := s.loadBuild(ctx, id, rbac.Read); err != nil {
		return nil, err
	}
	rows, err := s.db.ListBuildParameters(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list parameters of build %s: %w", id, err)
	}
	out := make([]api.ParameterValue, len(rows))
	for i, r := range rows {
		out[i] = api.ParameterValue{Name: r.Name, Value: r.Value}
	}
	return out, nil
}

// Timings returns where the time of a build went.
func (s *Service) Timings(ctx context.Context, id api.ID) (api.WorkspaceBuildTimings, error) {
	out := api.WorkspaceBuildTimings{ProvisionerTimings: []api.ProvisionerTiming{},
		AgentScriptTimings: []api.AgentScriptTiming{}, AgentConnectionTimings: []api.AgentConnectionTiming{}}
	b, _, err := s.loadBuild(ctx, id, rbac.Read)
	if err != nil {
		return out, err
	}
	steps, err := s.db.ListBuildTimings(ctx, b.JobID)
	if err != nil {
		return out, fmt.Errorf("list timings of build %s: %w", id, err)
	}
	for _, r := range steps {
		out.ProvisionerTimings = append(out.ProvisionerTimings, api.ProvisionerTiming{JobID: r.JobID, Stage: r.Stage,
			Source: r.Source, Action: r.Action, Resource: r.Resource, StartedAt: r.StartedAt, EndedAt: r.EndedAt})
	}
	scripts, err := s.db.ListBuildScriptTimings(ctx, id)
	if err != nil {
		return out, fmt.Errorf("list script timings of build %s: %w", id, err)
	}
	for _, r := range scripts {
		t := api.AgentScriptTiming{AgentID: r.AgentID, AgentName: r.AgentName, DisplayName: decodeScriptName(r.Body),
			Stage: r.Stage, Status: r.Status, ExitCode: int(r.ExitCode), StartedAt: r.StartedAt, EndedAt: r.EndedAt}
		out.AgentScriptTimings = append(out.AgentScriptTimings, t)
	}
	conns, err := s.db.ListBuildConnectionTimings(ctx, id)
	if err != nil {
		return out, fmt.Errorf("list connection timings of build %s: %w", id, err)
	}
	for _, r := range conns {
		out.AgentConnectionTimings = append(out.AgentConnectionTimings, api.AgentConnectionTiming{AgentID: r.ID,
			AgentName: r.Name, Stage: "connect", StartedAt: r.CreatedAt, EndedAt: *r.FirstConnectedAt})
	}
	return out, nil
}

// loadState is loadBuild for those who may see Terraform's secrets: the ones who
// may edit the template.
func (s *Service) loadState(ctx context.Context, id api.ID) (database.WorkspaceBuild, database.Workspace, error) {
	b, w, err := s.loadBuild(ctx, id, rbac.Read)
	if err != nil {
		return b, w, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return b, w, err
	}
	t := rbac.Object{Type: rbac.TypeTemplate, ID: w.TemplateID, OrgID: w.OrganizationID}
	if !rbac.Authorize(caller, rbac.Update, t) {
		return b, w, &api.Error{Code: api.CodeForbidden, Message: "A state holds secrets: only those who may edit the template can read or replace it."}
	}
	return b, w, nil
}

// State returns the newest Terraform state at the time of a build, nil if none.
func (s *Service) State(ctx context.Context, id api.ID) ([]byte, error) {
	b, _, err := s.loadState(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.newestState(ctx, s.db.Queries, b.WorkspaceID, b.BuildNumber)
}
