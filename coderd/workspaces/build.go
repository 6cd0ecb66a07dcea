package workspaces

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// reasons that a client may give for a build.
var reasons = []string{"initiator", "dashboard", "cli", "ssh_connection", "vscode_connection", "jetbrains_connection",
	"task_manual_pause", "task_resume"}

// CreateBuild enqueues a transition of a workspace. While the newest build has
// not ended the answer is CodeConflict.
func (s *Service) CreateBuild(ctx context.Context, id api.ID, req api.CreateWorkspaceBuildRequest) (api.WorkspaceBuild, error) {
	action, ok := map[api.Transition]rbac.Action{api.TransitionStart: rbac.Start, api.TransitionStop: rbac.Stop,
		api.TransitionDelete: rbac.Delete}[req.Transition]
	if !ok {
		return api.WorkspaceBuild{}, api.Invalid("transition", "use start, stop or delete")
	}
	w, err := s.loadLiving(ctx, id, action)
	if err != nil {
		return api.WorkspaceBuild{}, err
	}
	t, err := s.db.GetTemplateRow(ctx, w.TemplateID)
	if database.IsNotFound(err) {
		return api.WorkspaceBuild{}, api.NotFound("Template")
	}
	if err != nil {
		return api.WorkspaceBuild{}, fmt.Errorf("load template %s: %w", w.TemplateID, err)
	}
	if err := checkBuild(ctx, t, &req); err != nil {
		return api.WorkspaceBuild{}, err
	}
	if err := mayUseTemplate(ctx, t, req.Transition); err != nil {
		return api.WorkspaceBuild{}, err
	}
	var build api.ID
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		build, err = s.nextBuild(ctx, q, w.ID, t, req)
		return err
	})
	if err != nil {
		return api.WorkspaceBuild{}, err
	}
	return s.oneBuild(ctx, build)
}

// checkBuild checks what does not depend on the state of the workspace.
func checkBuild(ctx context.Context, t database.Template, req *api.CreateWorkspaceBuildRequest) error {
	if req.Reason == "" {
		req.Reason = "initiator"
	}
	if !slices.Contains(reasons, req.Reason) {
		return api.Invalid("reason", fmt.Sprintf("%q is not known", clip(req.Reason)))
	}
	if req.Orphan && req.Transition != api.TransitionDelete {
		return api.Invalid("orphan", "only a delete can leave resources behind")
	}
	if !req.PresetID.IsZero() && req.Transition != api.TransitionStart {
		return api.Invalid("template_version_preset_id", "only a start can use a preset")
	}
	if len(req.State) > 0 && req.Orphan {
		return api.Invalid("state", "a delete that leaves resources behind uses no state")
	}
	if !req.Orphan && req.LogLevel != "debug" && len(req.State) == 0 {
		return nil
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if !rbac.Authorize(caller, rbac.Update, templateObject(t)) {
		return &api.Error{Code: api.CodeForbidden, Message: "Only those who may edit the template can leave resources behind (orphan), give a state or ask for debug logs."}
	}
	if len(req.State) > 0 {
		_, err = readState(req.State)
	}
	return err
}

// nextBuild is the transaction of CreateBuild.
func (s *Service) nextBuild(ctx context.Context, q *database.Queries, id api.ID, t database.Template, req api.CreateWorkspaceBuildRequest) (api.ID, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.ID{}, err
	}
	w, err := q.LockWorkspace(ctx, id)
	if err != nil {
		return api.ID{}, fmt.Errorf("lock workspace %s: %w", id, err)
	}
	if w.Deleted {
		return api.ID{}, api.NotFound(what)
	}
	last, err := q.GetLatestBuild(ctx, id)
	if err != nil {
		return api.ID{}, fmt.Errorf("load newest build of workspace %s: %w", id, err)
	}
	if !api.JobStatus(last.JobStatus).Done() {
		return api.ID{}, api.Conflict(fmt.Sprintf("Build %d of this workspace is still %s. Wait for it, or cancel it.",
			last.WorkspaceBuild.BuildNumber, last.JobStatus))
	}
	number, err := q.NextBuildNumber(ctx, id)
	if err != nil {
		return api.ID{}, fmt.Errorf("number the next build of workspace %s: %w", id, err)
	}
	p := buildParams{workspace: w, number: number, transition: req.Transition,
		reason: req.Reason, initiator: caller.UserID, debug: req.LogLevel == "debug", orphan: req.Orphan, preset: req.PresetID}
	if p.version, err = s.versionFor(ctx, q, t, last.WorkspaceBuild.TemplateVersionID, req); err != nil {
		return api.ID{}, err
	}
	if req.Transition == api.TransitionStart {
		if err := s.requireSignIns(ctx, q, w.OwnerID, p.version.TemplateVersion); err != nil {
			return api.ID{}, err
		}
	}
	previous, err := previousValues(ctx, q, last.WorkspaceBuild.ID)
	if err != nil {
		return api.ID{}, err
	}
	p.parameters, p.tags, err = s.values(ctx, q, question{template: t, version: p.version.TemplateVersion, owner: w.OwnerID,
		workspace: w, transition: req.Transition, given: req.ParameterValues, preset: req.PresetID, previous: previous})
	if err != nil {
		return api.ID{}, err
	}
	if p.orphan {
		if p.leftBehind, err = s.leftBehind(ctx, q, id, last.WorkspaceBuild.BuildNumber); err != nil {
			return api.ID{}, err
		}
	}
	if p.guarded, err = needsGuard(ctx, q, id, p, req.AllowDestroyPersistent); err != nil {
		return api.ID{}, err
	}
	p.confirmed = req.AllowDestroyPersistent
	build, err := s.addBuild(ctx, q, p)
	if err != nil {
		return build, err
	}
	if len(req.State) > 0 {
		next, err := readState(req.State)
		if err != nil {
			return build, err
		}
		if err := s.checkFollows(ctx, q, id, last.WorkspaceBuild.BuildNumber, next, req.ForceState); err != nil {
			return build, err
		}
		if err := s.putState(ctx, q, build, req.State); err != nil {
			return build, err
		}
		p.stateBytes = len(req.State)
	}
	if req.Transition == api.TransitionStart {
		if err := q.TouchWorkspace(ctx, id); err != nil {
			return build, fmt.Errorf("note use of workspace %s: %w", id, err)
		}
	}
	return build, recordBuild(ctx, q, build, w, p)
}

// versionFor chooses the version of the next build: the one asked for, else that
// of the last build, or the active one where the template requires it of those
// who may not edit it. Taking things down works with any version that the
// workspace had.
func (s *Service) versionFor(ctx context.Context, q *database.Queries, t database.Template, last api.ID, req api.CreateWorkspaceBuildRequest) (database.GetVersionForBuildRow, error) {
	id := req.TemplateVersionID
	if id.IsZero() {
		id = last
		if req.Transition == api.TransitionStart && t.RequireActiveVersion {
			caller, err := rbac.Caller(ctx)
			if err != nil {
				return database.GetVersionForBuildRow{}, err
			}
			if !rbac.Authorize(caller, rbac.Update, templateObject(t)) {
				id = t.ActiveVersionID
			}
		}
	}
	v, err := s.version(ctx, q, id)
	if err != nil {
		return v, err
	}
	if id == last && req.Transition != api.TransitionStart {
		return v, nil
	}
	if id == last && v.TemplateVersion.Archived {
		v.TemplateVersion.Archived = false // what a workspace runs on, it may keep
	}
	return v, s.usable(ctx, t, v)
}

// previousValues are the values of a build.
func previousValues(ctx context.Context, q *database.Queries, build api.ID) ([]api.ParameterValue, error) {
	rows, err := q.ListBuildParameters(ctx, build)
	if err != nil {
		return nil, fmt.Errorf("list parameters of build %s: %w", build, err)
	}
	values := make([]api.ParameterValue, len(rows))
	for i, r := range rows {
		values[i] = api.ParameterValue{Name: r.Name, Value: r.Value}
	}
	return values, nil
}

func recordBuild(ctx context.Context, q *database.Queries, id api.ID, w database.Workspace, p buildParams) error {
	action := map[api.Transition]audit.Action{api.TransitionStart: audit.Start, api.TransitionStop: audit.Stop,
		api.TransitionDelete: audit.Delete}[p.transition]
	after := map[string]any{"build_number": p.number, "template_version_id": p.version.TemplateVersion.ID,
		"reason": p.reason, "orphan": p.orphan, "allow_destroy_persistent": p.confirmed}
	if p.orphan {
		after["left_behind"] = p.leftBehind[:min(len(p.leftBehind), maxListed)]
		after["left_behind_count"] = len(p.leftBehind)
	}
	if p.stateBytes > 0 {
		after["state_bytes"] = p.stateBytes
	}
	return audit.Record(ctx, q, audit.Entry{Action: action, ResourceType: "workspace_build", ResourceID: id, Target: w.Name,
		OrganizationID: w.OrganizationID, StatusCode: http.StatusCreated, After: after,
		Fields: map[string]any{"workspace_id": w.ID, "workspace_name": w.Name, "build_number": p.number, "build_reason": p.reason}})
}

// Cancel asks the job of a build to end. expect, when not empty, is the status
// that the job must have. force kills its processes at once, also when it was
// cancelled before.
func (s *Service) Cancel(ctx context.Context, id api.ID, expect string, force bool) error {
	if expect != "" && expect != string(api.JobPending) && expect != string(api.JobRunning) {
		return api.Invalid("expect_status", "use pending or running")
	}
	b, w, err := s.loadBuild(ctx, id, rbac.Update)
	if err != nil {
		return err
	}
	if err := s.mayCancel(ctx, w); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		job, err := q.LockProvisionerJob(ctx, b.JobID)
		if err != nil {
			return fmt.Errorf("lock job %s: %w", b.JobID, err)
		}
		if expect != "" && job.Status != expect {
			return api.Conflict(fmt.Sprintf("The build is %s, not %s.", job.Status, expect),
				api.ValidationError{Field: "expect_status", Detail: "the build is " + job.Status})
		}
		if err := s.opts.Jobs.Cancel(ctx, q, b.JobID, force); err != nil {
			return err
		}
		entry := audit.Entry{Action: audit.Write, ResourceType: "workspace_build", ResourceID: id, Target: w.Name,
			OrganizationID: w.OrganizationID, StatusCode: http.StatusOK,
			Before: map[string]any{"status": job.Status}, After: map[string]any{"status": "canceling", "force": force}}
		if err := audit.Record(ctx, q, entry); err != nil {
			return err
		}
		return s.changed(ctx, q, w.ID)
	})
}

// mayCancel applies the template's switch for people who cannot edit it.
func (s *Service) mayCancel(ctx context.Context, w database.Workspace) error {
	t, err := s.db.GetTemplateRow(ctx, w.TemplateID)
	if database.IsNotFound(err) {
		return nil // the template is gone, and its switch with it
	}
	if err != nil {
		return fmt.Errorf("load template %s: %w", w.TemplateID, err)
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return err
	}
	if !t.AllowUserCancelWorkspaceJobs && !rbac.Authorize(caller, rbac.Update, templateObject(t)) {
		return &api.Error{Code: api.CodeForbidden, Message: "This template does not let its users cancel builds. Ask a template administrator."}
	}
	return nil
}
