package workspaces

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/templates"
	"coder.internal/database"
)

const whatDryRun = "Dry run"

// limits of the variables of a dry run, which are those of a push.
const maxVariableBytes = 4 << 20

// DryRun starts a job that finds out what a new workspace of a version would
// have. It needs the right to use the template and to make a workspace there.
func (s *Service) DryRun(ctx context.Context, version api.ID, req api.CreateTemplateVersionDryRunRequest) (api.ProvisionerJob, error) {
	v, err := s.dryVersion(ctx, version, rbac.Use)
	if err != nil {
		return api.ProvisionerJob{}, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.ProvisionerJob{}, err
	}
	if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeWorkspace, OrgID: v.TemplateVersion.OrganizationID, OwnerID: caller.UserID}, what); err != nil {
		return api.ProvisionerJob{}, err
	}
	if v.JobStatus != string(api.JobSucceeded) {
		return api.ProvisionerJob{}, api.Invalid("templateversion", fmt.Sprintf("the import of version %s is %s; only a version whose import succeeded can be planned", v.TemplateVersion.Name, v.JobStatus))
	}
	if req.WorkspaceName == "" {
		req.WorkspaceName = "preview"
	}
	if err := httpapi.CheckName("workspace_name", req.WorkspaceName); err != nil {
		return api.ProvisionerJob{}, err
	}
	ask := question{version: v.TemplateVersion, owner: caller.UserID, workspace: database.Workspace{Name: req.WorkspaceName},
		transition: api.TransitionStart, given: req.ParameterValues, first: true}
	if v.TemplateVersion.TemplateID != nil {
		if ask.template, err = s.db.GetTemplateRow(ctx, *v.TemplateVersion.TemplateID); err != nil {
			return api.ProvisionerJob{}, fmt.Errorf("load template of version %s: %w", version, err)
		}
	}
	values, tags, err := s.values(ctx, s.db.Queries, ask)
	if err != nil {
		return api.ProvisionerJob{}, err
	}
	variables, err := s.dryVariables(ctx, version, req.VariableValues)
	if err != nil {
		return api.ProvisionerJob{}, err
	}
	var job api.ID
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		job, err = s.addPlan(ctx, q, planParams{version: v, name: req.WorkspaceName, owner: caller.UserID,
			transition: api.TransitionStart, parameters: values, variables: variables, tags: tags})
		return err
	})
	if err != nil {
		return api.ProvisionerJob{}, err
	}
	p, err := s.DryRunOf(ctx, version, job)
	return p.Job, err
}

// dryVersion loads a version for action on its template.
func (s *Service) dryVersion(ctx context.Context, id api.ID, action rbac.Action) (database.GetVersionForBuildRow, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.GetVersionForBuildRow{}, err
	}
	v, err := s.version(ctx, s.db.Queries, id)
	if err != nil {
		return v, err
	}
	o := rbac.Object{Type: rbac.TypeTemplate, ID: id, OrgID: v.TemplateVersion.OrganizationID}
	o.ACL = rbac.TemplateACL(o.OrgID, nil)
	if id := v.TemplateVersion.TemplateID; id != nil {
		row, err := s.db.GetTemplateACL(ctx, *id)
		if err != nil {
			return v, fmt.Errorf("load access list of template %s: %w", *id, err)
		}
		o.ID, o.ACL = *id, rbac.TemplateACL(row.OrganizationID, row.Acl)
	}
	return v, rbac.Check(ctx, action, o, "Template version")
}

// dryVariables are those of the version with the given ones in their place; nil
// when none were given.
func (s *Service) dryVariables(ctx context.Context, version api.ID, given []api.VariableValue) ([]api.VariableValue, error) {
	const field = "user_variable_values"
	if len(given) == 0 {
		return nil, nil
	}
	all, err := templates.VariablesOf(ctx, s.db.Queries, s.opts.Ring, version)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, v := range all {
		values[v.Name] = v.Value
	}
	size := 0
	for _, v := range given {
		if _, ok := values[v.Name]; !ok {
			return nil, api.Invalid(field, fmt.Sprintf("the template has no variable %q", clip(v.Name)))
		}
		if size += len(v.Value); size > maxVariableBytes || jobs.CleanText(v.Value, maxVariableBytes) != v.Value {
			return nil, api.Invalid(field, fmt.Sprintf("the values must be text of at most %d bytes together", maxVariableBytes))
		}
		values[v.Name] = v.Value
	}
	out := make([]api.VariableValue, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, api.VariableValue{Name: name, Value: values[name]})
	}
	return out, nil
}

// dryRun finds a dry run of a version that the caller may see: their own, or one
// of somebody whose workspaces they may read.
func (s *Service) dryRun(ctx context.Context, version, job api.ID, action rbac.Action) (database.ProvisionerPlan, error) {
	v, err := s.dryVersion(ctx, version, rbac.Read)
	if err != nil {
		return database.ProvisionerPlan{}, err
	}
	p, err := s.db.GetProvisionerPlanByJob(ctx, job)
	if database.IsNotFound(err) || err == nil && (p.WorkspaceID != nil || p.TemplateVersionID != version) {
		return p, api.NotFound(whatDryRun)
	}
	if err != nil {
		return p, fmt.Errorf("load plan of job %s: %w", job, err)
	}
	return p, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeWorkspace, ID: p.ID, OrgID: v.TemplateVersion.OrganizationID, OwnerID: p.OwnerID}, whatDryRun)
}

// DryRunOf returns a dry run with its result.
func (s *Service) DryRunOf(ctx context.Context, version, job api.ID) (api.WorkspacePlan, error) {
	p, err := s.dryRun(ctx, version, job, rbac.Read)
	if err != nil {
		return api.WorkspacePlan{}, err
	}
	return s.planResult(ctx, p)
}

// cancelable finds what CancelDryRun may end: a dry run, or the plan of a build of
// a workspace that the caller may change.
func (s *Service) cancelable(ctx context.Context, version, job api.ID) (database.ProvisionerPlan, error) {
	p, err := s.db.GetProvisionerPlanByJob(ctx, job)
	if database.IsNotFound(err) || err == nil && p.WorkspaceID == nil {
		return s.dryRun(ctx, version, job, rbac.Update)
	}
	if err != nil {
		return p, fmt.Errorf("load plan of job %s: %w", job, err)
	}
	if p.TemplateVersionID != version {
		return p, api.NotFound(whatDryRun)
	}
	_, err = s.loadLiving(ctx, *p.WorkspaceID, rbac.Update)
	if api.CodeOf(err) == api.CodeNotFound {
		err = api.NotFound(whatDryRun)
	}
	return p, err
}

// CancelDryRun asks a dry run, or the plan of a build, to end.
func (s *Service) CancelDryRun(ctx context.Context, version, job api.ID) error {
	if _, err := rbac.Caller(ctx); err != nil {
		return err
	}
	p, err := s.cancelable(ctx, version, job)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		row, err := q.LockProvisionerJob(ctx, p.JobID)
		if err != nil {
			return fmt.Errorf("lock job %s: %w", p.JobID, err)
		}
		if err := s.opts.Jobs.Cancel(ctx, q, p.JobID, false); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "template_version", ResourceID: version,
			Target: "dry run", OrganizationID: row.OrganizationID, StatusCode: http.StatusOK,
			Before: map[string]any{"status": row.Status}, After: map[string]any{"status": "canceling"}})
	})
}

// Inputs of the routes of plans.
type (
	// PlanInput asks what a build would do.
	PlanInput struct {
		ID   api.ID `path:"workspace"`
		Body api.PlanWorkspaceRequest
	}
	// PlanOfInput names a plan by its job.
	PlanOfInput struct {
		ID  api.ID `path:"workspace"`
		Job api.ID `path:"job"`
	}
	// DryRunInput asks what a workspace would have.
	DryRunInput struct {
		Version api.ID `path:"templateversion" format:"uuid"`
		Body    api.CreateTemplateVersionDryRunRequest
	}
	// DryRunOfInput names a dry run by its job.
	DryRunOfInput struct {
		Version api.ID `path:"templateversion" format:"uuid"`
		Job     api.ID `path:"jobID" format:"uuid"`
	}
)

// HandlePlan answers POST /workspaces/{workspace}/plan.
func (s *Service) HandlePlan(ctx context.Context, in *PlanInput) (*httpapi.Out[api.WorkspacePlan], error) {
	return httpapi.Reply(s.Plan(ctx, in.ID, in.Body))
}

// HandlePlanOf answers GET /workspaces/{workspace}/plan/{job}.
func (s *Service) HandlePlanOf(ctx context.Context, in *PlanOfInput) (*httpapi.Out[api.WorkspacePlan], error) {
	return httpapi.Reply(s.PlanOf(ctx, in.ID, in.Job))
}

// HandleDryRun answers POST /templateversions/{templateversion}/dry-run.
func (s *Service) HandleDryRun(ctx context.Context, in *DryRunInput) (*httpapi.Out[api.ProvisionerJob], error) {
	return httpapi.Reply(s.DryRun(ctx, in.Version, in.Body))
}

// HandleDryRunJob answers GET …/dry-run/{jobID}.
func (s *Service) HandleDryRunJob(ctx context.Context, in *DryRunOfInput) (*httpapi.Out[api.ProvisionerJob], error) {
	p, err := s.DryRunOf(ctx, in.Version, in.Job)
	return httpapi.OK(p.Job), err
}

// HandleDryRunResources answers GET …/dry-run/{jobID}/resources.
func (s *Service) HandleDryRunResources(ctx context.Context, in *DryRunOfInput) (*httpapi.Out[[]api.WorkspaceResource], error) {
	p, err := s.DryRunOf(ctx, in.Version, in.Job)
	return httpapi.OK(p.Resources), err
}

// HandleDryRunCancel answers PATCH …/dry-run/{jobID}/cancel.
func (s *Service) HandleDryRunCancel(ctx context.Context, in *DryRunOfInput) (*httpapi.Out[api.Response], error) {
	err := s.CancelDryRun(ctx, in.Version, in.Job)
	return httpapi.OK(api.Response{Message: "Job has been marked as canceled."}), err
}

// DryRunLogs serves the logs of {jobID}.
func (s *Service) DryRunLogs(a *httpapi.API) http.Handler {
	return s.jobLogs(a, func(ctx context.Context, r *http.Request) (api.ID, error) {
		version, err := api.ParseID(chi.URLParam(r, "templateversion"))
		if err != nil {
			return version, api.Invalid("templateversion", err.Error())
		}
		job, err := api.ParseID(chi.URLParam(r, "jobID"))
		if err != nil {
			return job, api.Invalid("jobID", err.Error())
		}
		p, err := s.dryRun(ctx, version, job, rbac.Read)
		return p.JobID, err
	})
}

// PlanLogs serves the logs of the plan {job} of {workspace}.
func (s *Service) PlanLogs(a *httpapi.API) http.Handler {
	return s.jobLogs(a, func(ctx context.Context, r *http.Request) (api.ID, error) {
		id, err := api.ParseID(chi.URLParam(r, "workspace"))
		if err != nil {
			return id, api.Invalid("workspace", err.Error())
		}
		job, err := api.ParseID(chi.URLParam(r, "job"))
		if err != nil {
			return job, api.Invalid("job", err.Error())
		}
		p, err := s.PlanOf(ctx, id, job)
		return p.Job.ID, err
	})
}

// jobLogs is jobs.LogsHandler; the page of routes is also walked without a Service.
func (s *Service) jobLogs(a *httpapi.API, subject jobs.Subject) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.opts.Jobs.LogsHandler(a, subject).ServeHTTP(w, r)
	})
}
