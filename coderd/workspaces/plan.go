package workspaces

import (
	"context"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxPlans is how many plans of one user may wait or run at a time.
const maxPlans = 20

const whatPlan = "Plan"

// Plan starts a job that finds out what a build of a workspace would do. It
// needs the right to make that build.
func (s *Service) Plan(ctx context.Context, id api.ID, req api.PlanWorkspaceRequest) (api.WorkspacePlan, error) {
	action, err := actionFor(req.Transition)
	if err != nil {
		return api.WorkspacePlan{}, err
	}
	w, err := s.loadLiving(ctx, id, action)
	if err != nil {
		return api.WorkspacePlan{}, err
	}
	t, err := s.db.GetTemplateRow(ctx, w.TemplateID)
	if database.IsNotFound(err) {
		return api.WorkspacePlan{}, api.NotFound("Template")
	}
	if err != nil {
		return api.WorkspacePlan{}, fmt.Errorf("load template %s: %w", w.TemplateID, err)
	}
	build := api.CreateWorkspaceBuildRequest{Transition: req.Transition, TemplateVersionID: req.TemplateVersionID,
		ParameterValues: req.ParameterValues, PresetID: req.PresetID}
	var job api.ID
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		last, err := q.GetLatestBuild(ctx, id)
		if err != nil {
			return fmt.Errorf("load newest build of workspace %s: %w", id, err)
		}
		if !api.JobStatus(last.JobStatus).Done() {
			return api.Conflict(fmt.Sprintf("Build %d of this workspace is still %s. Wait for it, or cancel it.",
				last.WorkspaceBuild.BuildNumber, last.JobStatus))
		}
		v, err := s.versionFor(ctx, q, t, last.WorkspaceBuild.TemplateVersionID, build)
		if err != nil {
			return err
		}
		previous, err := previousValues(ctx, q, last.WorkspaceBuild.ID)
		if err != nil {
			return err
		}
		values, tags, err := s.values(ctx, q, question{template: t, version: v.TemplateVersion, owner: w.OwnerID, workspace: w,
			transition: req.Transition, given: req.ParameterValues, preset: req.PresetID, previous: previous})
		if err != nil {
			return err
		}
		job, err = s.addPlan(ctx, q, planParams{version: v, workspace: &w.ID, name: w.Name, owner: w.OwnerID,
			transition: req.Transition, parameters: values, tags: tags})
		return err
	})
	if err != nil {
		return api.WorkspacePlan{}, err
	}
	return s.PlanOf(ctx, id, job)
}

func actionFor(t api.Transition) (rbac.Action, error) {
	action, ok := map[api.Transition]rbac.Action{api.TransitionStart: rbac.Start, api.TransitionStop: rbac.Stop,
		api.TransitionDelete: rbac.Delete}[t]
	if !ok {
		return action, api.Invalid("transition", "use start, stop or delete")
	}
	return action, nil
}

// planParams describe a plan; workspace is nil for one that does not exist yet.
type planParams struct {
	version    database.GetVersionForBuildRow
	workspace  *api.ID
	name       string
	owner      api.ID
	transition api.Transition
	parameters []api.ParameterValue
	variables  []api.VariableValue // nil: those of the version
	tags       map[string]string   // of the template with these parameters
}

// addPlan writes a plan with its job, inside q's transaction, and returns the job.
func (s *Service) addPlan(ctx context.Context, q *database.Queries, p planParams) (api.ID, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.ID{}, err
	}
	n, err := q.CountUnfinishedPlans(ctx, caller.UserID)
	if err != nil {
		return api.ID{}, fmt.Errorf("count plans of user %s: %w", caller.UserID, err)
	}
	if n >= maxPlans {
		return api.ID{}, &api.Error{Code: api.CodeRateLimited, Message: fmt.Sprintf("You have %d plans that wait or run. Let them end, or cancel some.", n)}
	}
	id := api.NewID()
	tags, err := tagsOf(p.version, p.parameters, p.tags)
	if err != nil {
		return id, err
	}
	job, err := s.opts.Jobs.Enqueue(ctx, q, jobs.EnqueueParams{Type: api.JobTemplateVersionDryRun,
		OrganizationID: p.version.TemplateVersion.OrganizationID, InitiatorID: caller.UserID,
		FileID: p.version.TemplateVersion.FileID, SubjectID: id, Tags: tags, OwnerID: p.owner})
	if err != nil {
		return id, err
	}
	values, err := json.Marshal(p.parameters)
	if err != nil {
		return id, fmt.Errorf("encode parameters: %w", err)
	}
	var variables []byte
	if p.variables != nil {
		plain, err := json.Marshal(p.variables)
		if err != nil {
			return id, fmt.Errorf("encode variables: %w", err)
		}
		if variables, err = s.opts.Ring.Seal(plain); err != nil {
			return id, fmt.Errorf("seal variables: %w", err)
		}
	}
	err = q.InsertProvisionerPlan(ctx, database.InsertProvisionerPlanParams{ID: id, JobID: job.ID,
		TemplateVersionID: p.version.TemplateVersion.ID, WorkspaceID: p.workspace, WorkspaceName: p.name,
		OwnerID: p.owner, Transition: string(p.transition), Parameters: values, Variables: variables})
	if err != nil {
		return id, fmt.Errorf("insert plan: %w", err)
	}
	return job.ID, nil
}

// PlanOf returns a plan of a workspace, with its result once its job succeeded.
func (s *Service) PlanOf(ctx context.Context, workspace, job api.ID) (api.WorkspacePlan, error) {
	if _, err := s.loadLiving(ctx, workspace, rbac.Read); err != nil {
		return api.WorkspacePlan{}, err
	}
	p, err := s.db.GetProvisionerPlanByJob(ctx, job)
	if database.IsNotFound(err) || err == nil && (p.WorkspaceID == nil || *p.WorkspaceID != workspace) {
		return api.WorkspacePlan{}, api.NotFound(whatPlan)
	}
	if err != nil {
		return api.WorkspacePlan{}, fmt.Errorf("load plan of job %s: %w", job, err)
	}
	return s.planResult(ctx, p)
}

func (s *Service) planResult(ctx context.Context, p database.ProvisionerPlan) (api.WorkspacePlan, error) {
	out := api.WorkspacePlan{Changes: []api.ResourceChange{}, Resources: []api.WorkspaceResource{}}
	byID, err := jobs.Load(ctx, s.db.Queries, p.JobID)
	if err != nil {
		return out, err
	}
	found, ok := byID[p.JobID]
	if !ok {
		return out, api.NotFound(whatPlan)
	}
	out.Job = found
	if found.Status != api.JobSucceeded {
		return out, nil
	}
	if err := json.Unmarshal(p.Changes, &out.Changes); err != nil {
		return out, fmt.Errorf("decode changes of plan %s: %w", p.ID, err)
	}
	resources, err := agents.ResourcesOf(ctx, s.db, []api.ID{p.JobID})
	if err != nil {
		return out, err
	}
	if r := resources[p.JobID]; r != nil {
		out.Resources = r
	}
	return out, nil
}
