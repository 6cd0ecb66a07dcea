package workspaces

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/templates"
	"coder.internal/database"
)

// Planner returns the owner of plan jobs, for jobs.Queue.SetCompleter.
func (s *Service) Planner() jobs.Completer { return planner{s} }

// planner implements jobs.Completer.
type planner struct{ s *Service }

// Work says what a daemon needs for a plan: what it would get for the build.
func (p planner) Work(ctx context.Context, q *database.Queries, row database.ProvisionerJob, job *jobrpc.Job) error {
	b, err := q.GetWorkOfPlan(ctx, row.SubjectID)
	if err != nil {
		return fmt.Errorf("load plan %s: %w", row.SubjectID, err)
	}
	plan := b.ProvisionerPlan
	like := database.GetWorkOfBuildRow{WorkspaceName: plan.WorkspaceName, Transition: plan.Transition,
		TemplateVersionID: plan.TemplateVersionID, OrganizationID: b.OrganizationID, TemplateName: b.TemplateName,
		VersionName: b.VersionName, User: b.User, WorkspaceID: plan.ID}
	if b.TemplateID != nil {
		like.TemplateID = *b.TemplateID
	}
	if plan.WorkspaceID != nil {
		like.WorkspaceID = *plan.WorkspaceID
	}
	work := &jobrpc.PlanWork{TemplateVersionID: plan.TemplateVersionID, Meta: p.s.meta(like),
		PreviousParameters: []api.ParameterValue{}, Persistent: []string{}}
	if err := json.Unmarshal(plan.Parameters, &work.Parameters); err != nil {
		return fmt.Errorf("decode parameters of plan %s: %w", plan.ID, err)
	}
	if err := p.variables(ctx, q, plan, work); err != nil {
		return err
	}
	if work.Meta.OwnerRoles, err = rolesOf(ctx, q, b.User); err != nil {
		return err
	}
	job.Plan = work
	if plan.WorkspaceID != nil {
		if err := noteSignIns(b.ExternalAuth, &work.Meta); err != nil {
			return err
		}
	}
	if plan.WorkspaceID == nil {
		_, work.Persistent, err = plannedOf(ctx, q, plan.TemplateVersionID)
		return err
	}
	return p.present(ctx, q, *plan.WorkspaceID, work)
}

// Fill implements jobs.Filler: the plan of a workspace reads the tokens that its build
// would read. One that is missing does not end a plan.
func (p planner) Fill(ctx context.Context, job *jobrpc.Job) error {
	if job.Plan == nil || len(job.Plan.Meta.ExternalAuth) == 0 {
		return nil
	}
	return p.s.opts.ExternalAuth.Fill(ctx, job.Plan.Meta.OwnerID, false, job.Plan.Meta.ExternalAuth)
}

// variables fills in the values of the version, or those that the plan was given.
func (p planner) variables(ctx context.Context, q *database.Queries, plan database.ProvisionerPlan, work *jobrpc.PlanWork) error {
	if plan.Variables == nil {
		var err error
		work.Variables, err = templates.VariablesOf(ctx, q, p.s.opts.Ring, plan.TemplateVersionID)
		return err
	}
	plain, err := p.s.opts.Ring.Open(plan.Variables)
	if err != nil {
		return fmt.Errorf("open variables of plan %s: %w", plan.ID, err)
	}
	if err := json.Unmarshal(plain, &work.Variables); err != nil {
		return fmt.Errorf("decode variables of plan %s: %w", plan.ID, err)
	}
	return nil
}

// present fills in what there is of a workspace now.
func (p planner) present(ctx context.Context, q *database.Queries, id api.ID, work *jobrpc.PlanWork) error {
	last, err := q.GetLatestBuild(ctx, id)
	if err != nil {
		return fmt.Errorf("load newest build of workspace %s: %w", id, err)
	}
	if work.State, err = p.s.newestState(ctx, q, id, last.WorkspaceBuild.BuildNumber); err != nil {
		return err
	}
	rows, err := q.ListBuildParameters(ctx, last.WorkspaceBuild.ID)
	if err != nil {
		return fmt.Errorf("list parameters of build %s: %w", last.WorkspaceBuild.ID, err)
	}
	for _, r := range rows {
		work.PreviousParameters = append(work.PreviousParameters, api.ParameterValue{Name: r.Name, Value: r.Value})
	}
	keep, err := persistentOf(ctx, q, id)
	if keep != nil {
		work.Persistent = keep
	}
	return err
}

// SaveState does nothing: a plan makes no resources, whatever is claimed.
func (planner) SaveState(context.Context, *database.Queries, database.ProvisionerJob, []byte) error {
	return nil
}

// Fail does nothing: the job itself tells what went wrong.
func (planner) Fail(context.Context, *database.Queries, database.ProvisionerJob, jobrpc.FailRequest) error {
	return nil
}

// Complete stores what a plan found. What it reports is foreign input.
func (p planner) Complete(ctx context.Context, q *database.Queries, row database.ProvisionerJob, req jobrpc.CompleteRequest) error {
	if req.Plan == nil {
		return api.Invalid("plan", "the result of a plan is missing")
	}
	plan, err := q.GetProvisionerPlanByJob(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("load plan of job %s: %w", row.ID, err)
	}
	changes, err := cleanChanges(req.Plan.Changes)
	if err != nil {
		return err
	}
	body, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("encode changes of plan %s: %w", plan.ID, err)
	}
	if _, err := q.SetProvisionerPlanChanges(ctx, database.SetProvisionerPlanChangesParams{ID: plan.ID, Changes: body}); err != nil {
		return fmt.Errorf("store changes of plan %s: %w", plan.ID, err)
	}
	persistent := map[string]bool{}
	for _, c := range changes {
		persistent[c.Address] = c.Persistent
	}
	for i := range req.Plan.Resources {
		for j := range req.Plan.Resources[i].Agents {
			// Nothing was made: no token may come to life here.
			req.Plan.Resources[i].Agents[j].Token = ""
		}
	}
	return agents.InsertResources(ctx, q, agents.InsertParams{JobID: row.ID, Transition: api.Transition(plan.Transition),
		Resources: req.Plan.Resources, Persistent: func(a string) bool { return persistent[a] }})
}

// maxReasons bounds the reasons of one change.
const maxReasons = 20

// cleanChanges makes reported changes storable.
func cleanChanges(in []api.ResourceChange) ([]api.ResourceChange, error) {
	out := make([]api.ResourceChange, 0, len(in))
	for _, c := range in {
		switch c.Action {
		case api.ResourceCreate, api.ResourceUpdate, api.ResourceReplace, api.ResourceDelete, api.ResourceKeep:
		default:
			return nil, api.Invalid("changes", fmt.Sprintf("the action %q is not known", clip(shown(string(c.Action)))))
		}
		reasons := []string{}
		for _, r := range c.Reasons[:min(len(c.Reasons), maxReasons)] {
			reasons = append(reasons, shown(r))
		}
		out = append(out, api.ResourceChange{Address: shown(c.Address), Type: shown(c.Type), Name: shown(c.Name),
			Action: c.Action, Persistent: c.Persistent, Reasons: reasons})
	}
	return out, nil
}
