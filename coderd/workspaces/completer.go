package workspaces

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/quota"
	"coder.internal/coderd/templates"
	"coder.internal/database"
)

// everyone is the group that all members of an organization are in.
const everyone = "Everyone"

// Limits of the timings of a build.
const (
	maxTimings    = 10_000
	maxTimingText = 512
)

// Work implements jobs.Completer: it says what a daemon needs for a build.
func (s *Service) Work(ctx context.Context, q *database.Queries, row database.ProvisionerJob, job *jobrpc.Job) error {
	b, err := q.GetWorkOfBuild(ctx, row.SubjectID)
	if err != nil {
		return fmt.Errorf("load build %s: %w", row.SubjectID, err)
	}
	work := &jobrpc.BuildWork{BuildID: b.ID, Debug: b.Debug, Parameters: []api.ParameterValue{},
		PreviousParameters: []api.ParameterValue{}, Meta: s.meta(b)}
	if work.State, err = s.newestState(ctx, q, b.WorkspaceID, b.BuildNumber); err != nil {
		return err
	}
	if work.Variables, err = templates.VariablesOf(ctx, q, s.opts.Ring, b.TemplateVersionID); err != nil {
		return err
	}
	now, err := q.ListBuildParameters(ctx, b.ID)
	if err != nil {
		return fmt.Errorf("list parameters of build %s: %w", b.ID, err)
	}
	for _, p := range now {
		work.Parameters = append(work.Parameters, api.ParameterValue{Name: p.Name, Value: p.Value})
	}
	previous, err := q.ListPreviousBuildParameters(ctx, b.ID)
	if err != nil {
		return fmt.Errorf("list parameters before build %s: %w", b.ID, err)
	}
	for _, p := range previous {
		work.PreviousParameters = append(work.PreviousParameters, api.ParameterValue{Name: p.Name, Value: p.Value})
	}
	if err := s.fillOwner(ctx, q, b, &work.Meta); err != nil {
		return err
	}
	if b.Guarded {
		if work.Guard, err = guardOf(ctx, q, b.WorkspaceID); err != nil {
			return err
		}
	}
	if b.Transition == string(api.TransitionStart) {
		if work.Quota, err = quota.Limited(ctx, q, b.OrganizationID, b.User.ID); err != nil {
			return err
		}
	}
	job.Build = work
	return s.changed(ctx, q, b.WorkspaceID)
}

func (s *Service) meta(b database.GetWorkOfBuildRow) jobrpc.Meta {
	return jobrpc.Meta{AccessURL: s.opts.AccessURL, Transition: api.Transition(b.Transition),
		WorkspaceID: b.WorkspaceID, WorkspaceName: b.WorkspaceName, TemplateID: b.TemplateID,
		TemplateName: b.TemplateName, TemplateVersion: b.VersionName, OwnerID: b.User.ID,
		OwnerName: b.User.Username, OwnerFullName: b.User.Name, OwnerEmail: b.User.Email,
		OwnerGroups: []string{everyone}, OwnerLoginType: api.LoginType(b.User.LoginType)}
}

// rolesOf lists the owner's site roles and those in each organization.
func rolesOf(ctx context.Context, q *database.Queries, u database.User) ([]jobrpc.OwnerRole, error) {
	roles := []jobrpc.OwnerRole{{Name: "member"}}
	for _, r := range u.Roles {
		roles = append(roles, jobrpc.OwnerRole{Name: r})
	}
	memberships, err := q.ListMembershipsOfUser(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("list memberships of user %s: %w", u.ID, err)
	}
	for _, m := range memberships {
		roles = append(roles, jobrpc.OwnerRole{Name: "organization-member", OrganizationID: m.OrganizationID.String()})
		for _, r := range m.Roles {
			roles = append(roles, jobrpc.OwnerRole{Name: r, OrganizationID: m.OrganizationID.String()})
		}
	}
	return roles, nil
}

// newestState returns the state that build number of a workspace starts from,
// nil when there is none.
func (s *Service) newestState(ctx context.Context, q *database.Queries, workspace api.ID, number int32) ([]byte, error) {
	sealed, err := q.GetNewestState(ctx, database.GetNewestStateParams{WorkspaceID: workspace, BuildNumber: number})
	if database.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load state of workspace %s: %w", workspace, err)
	}
	state, err := s.opts.Ring.Open(sealed)
	if err != nil {
		return nil, fmt.Errorf("decrypt state of workspace %s: %w", workspace, err)
	}
	return state, nil
}

// putState seals and stores a state of a build. An empty one changes nothing.
func (s *Service) putState(ctx context.Context, q *database.Queries, build api.ID, state []byte) error {
	if len(state) == 0 {
		return nil
	}
	sealed, err := s.opts.Ring.Seal(state)
	if err != nil {
		return fmt.Errorf("encrypt state of build %s: %w", build, err)
	}
	if err := q.PutBuildState(ctx, database.PutBuildStateParams{WorkspaceBuildID: build, State: sealed}); err != nil {
		return fmt.Errorf("store state of build %s: %w", build, err)
	}
	return nil
}

// SaveState implements jobs.Completer.
func (s *Service) SaveState(ctx context.Context, q *database.Queries, row database.ProvisionerJob, state []byte) error {
	return s.putState(ctx, q, row.SubjectID, state)
}

// Complete implements jobs.Completer: state, resources, agents and their tokens,
// cost and timings in one transaction. A report that breaks a rule is CodeInvalid;
// the queue then fails the job and keeps the state.
func (s *Service) Complete(ctx context.Context, q *database.Queries, row database.ProvisionerJob, req jobrpc.CompleteRequest) error {
	if req.Build == nil {
		return api.Invalid("build", "the result of a build is missing")
	}
	b, err := q.GetWorkspaceBuildRow(ctx, row.SubjectID)
	if err != nil {
		return fmt.Errorf("load build %s: %w", row.SubjectID, err)
	}
	if err := s.putState(ctx, q, b.ID, req.Build.State); err != nil {
		return err
	}
	keeps, err := persistence(ctx, q, b)
	if err != nil {
		return err
	}
	err = agents.InsertResources(ctx, q, agents.InsertParams{JobID: row.ID, BuildID: &b.ID,
		Transition: api.Transition(b.Transition), Resources: req.Build.Resources, Persistent: keeps})
	if err != nil {
		return err
	}
	if err := quota.Settle(ctx, q, b.ID, costOf(req.Build.Resources)); err != nil {
		return err
	}
	if err := insertTimings(ctx, q, row.ID, req.Build.Timings); err != nil {
		return err
	}
	if req.Build.HasExternalAgent {
		if err := q.SetBuildExternalAgent(ctx, database.SetBuildExternalAgentParams{ID: b.ID, HasExternalAgent: true}); err != nil {
			return fmt.Errorf("note external agent of build %s: %w", b.ID, err)
		}
	}
	if b.Transition == string(api.TransitionDelete) {
		if _, err := q.MarkWorkspaceDeleted(ctx, b.WorkspaceID); err != nil {
			return fmt.Errorf("delete workspace %s: %w", b.WorkspaceID, err)
		}
	}
	if err := s.opts.PubSub.Publish(ctx, q, agents.TopicAgents); err != nil {
		return err
	}
	return s.changed(ctx, q, b.WorkspaceID)
}

// costOf adds up the daily costs, which the checks have bounded one by one.
func costOf(resources []jobrpc.Resource) int {
	sum := 0
	for _, r := range resources {
		sum += r.DailyCost
	}
	return sum
}

// insertTimings stores what can be shown; timings are for people, so a broken
// one is dropped and never fails a build.
func insertTimings(ctx context.Context, q *database.Queries, job api.ID, timings []jobrpc.Timing) error {
	rows := database.InsertBuildTimingsParams{JobID: job}
	for _, t := range timings {
		if len(rows.Stages) == maxTimings {
			break
		}
		if t.EndedAt.Before(t.StartedAt) || t.StartedAt.Year() < 2000 || t.EndedAt.Year() > 9000 {
			continue
		}
		rows.Stages = append(rows.Stages, shown(t.Stage))
		rows.Sources = append(rows.Sources, shown(t.Source))
		rows.Actions = append(rows.Actions, shown(t.Action))
		rows.Resources = append(rows.Resources, shown(t.Resource))
		rows.StartedAts = append(rows.StartedAts, t.StartedAt)
		rows.EndedAts = append(rows.EndedAts, t.EndedAt)
	}
	if len(rows.Stages) == 0 {
		return nil
	}
	if err := q.InsertBuildTimings(ctx, rows); err != nil {
		return fmt.Errorf("insert timings of job %s: %w", job, err)
	}
	return nil
}

// shown makes a reported text short and storable.
func shown(s string) string {
	return jobs.CleanText(s, maxTimingText)
}

// Fail implements jobs.Completer: the build keeps the state it had come to, and
// the workspace stays, also when the build was to delete it.
func (s *Service) Fail(ctx context.Context, q *database.Queries, row database.ProvisionerJob, req jobrpc.FailRequest) error {
	if err := s.putState(ctx, q, row.SubjectID, req.State); err != nil {
		return err
	}
	b, err := q.GetWorkspaceBuildRow(ctx, row.SubjectID)
	if err != nil {
		return fmt.Errorf("load build %s: %w", row.SubjectID, err)
	}
	if req.Code == jobrpc.CodePersistentResources && len(req.State) == 0 {
		// Nothing was changed: the workspace stays what the build before made it.
		if _, err := q.SetBuildRefused(ctx, b.ID); err != nil {
			return fmt.Errorf("note refusal of build %s: %w", b.ID, err)
		}
	}
	if req.Code == api.CodeInsufficientQuota && len(req.State) == 0 {
		if _, err := q.RefuseBuild(ctx, b.ID); err != nil {
			return fmt.Errorf("note refusal of build %s: %w", b.ID, err)
		}
	}
	if err := s.settleFailed(ctx, q, b); err != nil {
		return err
	}
	return s.changed(ctx, q, b.WorkspaceID)
}

// decodeScriptName reads the display name of a stored script.
func decodeScriptName(body json.RawMessage) string {
	var s api.AgentScript
	if json.Unmarshal(body, &s) != nil {
		return ""
	}
	return s.DisplayName
}
