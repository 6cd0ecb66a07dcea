package workspaces

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// Limits of the schedule fields, which are stored for the scheduler.
const (
	maxSchedule = 256
	maxTTL      = 30 * 24 * time.Hour
)

// CreateIn is Create for a template of the organization that org names.
func (s *Service) CreateIn(ctx context.Context, org, owner string, req api.CreateWorkspaceRequest) (api.Workspace, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return api.Workspace{}, err
	}
	o, err := users.LookupOrganization(ctx, s.db.Queries, org)
	if err != nil {
		return api.Workspace{}, err
	}
	// Strangers to an organization do not learn that it exists.
	if err := rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeOrganization, ID: o.ID, OrgID: o.ID}, "Organization"); err != nil {
		return api.Workspace{}, err
	}
	return s.Create(ctx, owner, o.ID, req)
}

// Create makes a workspace for owner and enqueues its first build. orgID, when
// not zero, is the organization that the route named.
func (s *Service) Create(ctx context.Context, owner string, orgID api.ID, req api.CreateWorkspaceRequest) (api.Workspace, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.Workspace{}, err
	}
	if err := checkCreate(req); err != nil {
		return api.Workspace{}, err
	}
	t, err := s.templateFor(ctx, req)
	if err != nil {
		return api.Workspace{}, err
	}
	if !orgID.IsZero() && orgID != t.OrganizationID {
		return api.Workspace{}, api.NotFound("Template")
	}
	u, err := s.ownerFor(ctx, owner, t.OrganizationID)
	if err != nil {
		return api.Workspace{}, err
	}
	if err := s.checkOwner(ctx, u, t.OrganizationID); err != nil {
		return api.Workspace{}, err
	}
	if err := s.requireSignIns(ctx, s.db.Queries, u.ID, t.version.TemplateVersion); err != nil {
		return api.Workspace{}, err
	}
	id := api.NewID()
	t.parameters, t.tags, err = s.values(ctx, s.db.Queries, question{template: t.Template, version: t.version.TemplateVersion,
		owner: u.ID, workspace: database.Workspace{ID: id, Name: req.Name}, transition: api.TransitionStart,
		given: req.ParameterValues, preset: req.PresetID, first: true})
	if err != nil {
		return api.Workspace{}, err
	}
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		w, err := s.insert(ctx, q, id, u, t, req)
		if err != nil {
			return err
		}
		_, err = s.addBuild(ctx, q, buildParams{workspace: w, number: 1, version: t.version, transition: api.TransitionStart,
			reason: "initiator", initiator: caller.UserID, parameters: t.parameters, tags: t.tags, preset: req.PresetID})
		return err
	})
	if err != nil {
		return api.Workspace{}, nameTaken(err, req.Name)
	}
	return s.one(ctx, id)
}

// ownerFor finds the owner-to-be and checks that the caller may make workspaces
// for them. Who may not, does not learn whether the user exists.
func (s *Service) ownerFor(ctx context.Context, ref string, org api.ID) (database.User, error) {
	u, err := users.Lookup(ctx, s.db.Queries, ref)
	if err != nil {
		return u, err
	}
	err = rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeWorkspace, OrgID: org, OwnerID: u.ID}, what)
	caller, cerr := rbac.Caller(ctx)
	if api.CodeOf(err) == api.CodeForbidden && cerr == nil && caller.UserID != u.ID {
		return u, api.NotFound("User")
	}
	return u, err
}

func checkCreate(req api.CreateWorkspaceRequest) error {
	if err := checkName(req.Name); err != nil {
		return err
	}
	if req.TemplateID.IsZero() == req.TemplateVersionID.IsZero() {
		return &api.Error{Code: api.CodeInvalid, Message: "Say which template to use: exactly one of template_id and template_version_id.",
			Validations: []api.ValidationError{{Field: "template_id", Detail: "set this or template_version_id, not both"}}}
	}
	if req.AutostartSchedule != nil && len(*req.AutostartSchedule) > maxSchedule {
		return api.Invalid("autostart_schedule", fmt.Sprintf("a schedule has at most %d bytes", maxSchedule))
	}
	if req.TTLMillis != nil && (*req.TTLMillis < 0 || *req.TTLMillis > maxTTL.Milliseconds()) {
		return api.Invalid("ttl_ms", fmt.Sprintf("use 0 to %d", maxTTL.Milliseconds()))
	}
	return nil
}

// chosen is a template with the version and the parameter values of a build.
type chosen struct {
	database.Template
	version    database.GetVersionForBuildRow
	parameters []api.ParameterValue
	tags       map[string]string
}

// templateFor finds the template and version of a new workspace and checks that
// the caller may use them.
func (s *Service) templateFor(ctx context.Context, req api.CreateWorkspaceRequest) (chosen, error) {
	var c chosen
	templateID := req.TemplateID
	if templateID.IsZero() {
		v, err := s.version(ctx, s.db.Queries, req.TemplateVersionID)
		if err != nil {
			return c, err
		}
		if v.TemplateVersion.TemplateID == nil {
			return c, api.Invalid("template_version_id", "this version does not belong to a template yet")
		}
		templateID = *v.TemplateVersion.TemplateID
	}
	t, err := s.template(ctx, templateID)
	if err != nil {
		return c, err
	}
	c.Template = t
	if t.DeprecationMessage != "" {
		return c, api.Invalid("template_id", "this template is deprecated: "+t.DeprecationMessage)
	}
	versionID := req.TemplateVersionID
	if versionID.IsZero() {
		versionID = t.ActiveVersionID
	}
	if c.version, err = s.version(ctx, s.db.Queries, versionID); err != nil {
		return c, err
	}
	return c, s.usable(ctx, t, c.version)
}

func (s *Service) template(ctx context.Context, id api.ID) (database.Template, error) {
	t, err := s.db.GetTemplateRow(ctx, id)
	if database.IsNotFound(err) {
		return t, api.NotFound("Template")
	}
	if err != nil {
		return t, fmt.Errorf("load template %s: %w", id, err)
	}
	return t, rbac.Check(ctx, rbac.Use, templateObject(t), "Template")
}

func templateObject(t database.Template) rbac.Object {
	return rbac.Object{Type: rbac.TypeTemplate, ID: t.ID, OrgID: t.OrganizationID, ACL: rbac.TemplateACL(t.OrganizationID, t.Acl)}
}

func (s *Service) version(ctx context.Context, q *database.Queries, id api.ID) (database.GetVersionForBuildRow, error) {
	v, err := q.GetVersionForBuild(ctx, id)
	if database.IsNotFound(err) {
		return v, api.NotFound("Template version")
	}
	if err != nil {
		return v, fmt.Errorf("load template version %s: %w", id, err)
	}
	return v, nil
}

// usable refuses versions that no new build may use.
func (s *Service) usable(ctx context.Context, t database.Template, v database.GetVersionForBuildRow) error {
	const field = "template_version_id"
	if v.TemplateVersion.TemplateID == nil || *v.TemplateVersion.TemplateID != t.ID {
		return api.Invalid(field, "this version belongs to another template")
	}
	if v.JobStatus != string(api.JobSucceeded) {
		return api.Invalid(field, fmt.Sprintf("the import of version %s is %s; only a version whose import succeeded can be used",
			v.TemplateVersion.Name, v.JobStatus))
	}
	if v.TemplateVersion.Archived {
		return api.Invalid(field, fmt.Sprintf("version %s is archived; use another one", v.TemplateVersion.Name))
	}
	if t.RequireActiveVersion && v.TemplateVersion.ID != t.ActiveVersionID {
		caller, err := rbac.Caller(ctx)
		if err != nil {
			return err
		}
		if !rbac.Authorize(caller, rbac.Update, templateObject(t)) {
			return api.Invalid(field, "this template requires its active version; update the workspace")
		}
	}
	return nil
}

// checkOwner demands that a workspace's owner can use it.
func (s *Service) checkOwner(ctx context.Context, u database.User, org api.ID) error {
	if u.Status == string(api.UserSuspended) {
		return api.Invalid("user", "this user is suspended")
	}
	member, err := s.db.IsOrganizationMember(ctx, database.IsOrganizationMemberParams{OrganizationID: org, UserID: u.ID})
	if err != nil {
		return fmt.Errorf("look for membership: %w", err)
	}
	if !member {
		return api.Invalid("user", "this user is not a member of the template's organization")
	}
	return nil
}

func (s *Service) insert(ctx context.Context, q *database.Queries, id api.ID, owner database.User, t chosen, req api.CreateWorkspaceRequest) (database.Workspace, error) {
	// Shared lock: the template cannot be deleted before we commit.
	if _, err := q.LockTemplateForUse(ctx, t.ID); database.IsNotFound(err) {
		return database.Workspace{}, api.NotFound("Template")
	} else if err != nil {
		return database.Workspace{}, fmt.Errorf("lock template %s: %w", t.ID, err)
	}
	updates := req.AutomaticUpdates
	if updates == "" {
		updates = "never"
	}
	w, err := q.InsertWorkspace(ctx, database.InsertWorkspaceParams{ID: id, OrganizationID: t.OrganizationID,
		OwnerID: owner.ID, TemplateID: t.ID, Name: req.Name, AutostartSchedule: req.AutostartSchedule,
		TtlMs: req.TTLMillis, AutomaticUpdates: updates})
	if err != nil {
		return w, fmt.Errorf("insert workspace: %w", err)
	}
	return w, audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: "workspace", ResourceID: id,
		Target: w.Name, OrganizationID: w.OrganizationID, StatusCode: http.StatusCreated,
		After:  map[string]any{"name": w.Name, "owner_id": w.OwnerID, "template_id": w.TemplateID},
		Fields: map[string]any{"workspace_id": w.ID, "workspace_name": w.Name, "build_number": 1, "build_reason": "initiator"}})
}

// parametersOf returns what a version declares.
func parametersOf(ctx context.Context, q *database.Queries, version api.ID) ([]api.TemplateVersionParameter, error) {
	rows, err := q.ListTemplateVersionParameters(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("list parameters of version %s: %w", version, err)
	}
	out := make([]api.TemplateVersionParameter, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Body, &out[i]); err != nil {
			return nil, fmt.Errorf("decode parameter %q of version %s: %w", r.Name, version, err)
		}
	}
	return out, nil
}

// buildParams describe a new build.
type buildParams struct {
	workspace  database.Workspace
	number     int32
	version    database.GetVersionForBuildRow
	transition api.Transition
	reason     string
	initiator  api.ID
	debug      bool
	orphan     bool
	guarded    bool // plan first, and refuse to destroy what a stop keeps
	confirmed  bool // that it may be destroyed; for the audit log
	parameters []api.ParameterValue
	preset     api.ID
	// leftBehind is what an orphan delete leaves to people.
	leftBehind []api.WorkspaceStateResource
	stateBytes int               // of the state that the build was given
	tags       map[string]string // of the template with these values
}

// addBuild writes a build with its job, inside q's transaction.
func (s *Service) addBuild(ctx context.Context, q *database.Queries, p buildParams) (api.ID, error) {
	id := api.NewID()
	tags, err := tagsOf(p.version, p.parameters, p.tags)
	if err != nil {
		return id, err
	}
	job, err := s.opts.Jobs.Enqueue(ctx, q, jobs.EnqueueParams{Type: api.JobWorkspaceBuild,
		OrganizationID: p.workspace.OrganizationID, InitiatorID: p.initiator, FileID: p.version.TemplateVersion.FileID,
		SubjectID: id, Tags: tags, OwnerID: p.workspace.OwnerID})
	if err != nil {
		return id, err
	}
	row := database.InsertWorkspaceBuildParams{ID: id, WorkspaceID: p.workspace.ID,
		TemplateVersionID: p.version.TemplateVersion.ID, BuildNumber: p.number, Transition: string(p.transition),
		Reason: p.reason, InitiatorID: p.initiator, JobID: job.ID, Debug: p.debug}
	if !p.preset.IsZero() {
		row.TemplateVersionPresetID = &p.preset
	}
	err = q.InsertWorkspaceBuild(ctx, row)
	if err != nil {
		return id, fmt.Errorf("insert build of workspace %s: %w", p.workspace.ID, err)
	}
	if p.guarded {
		if err := q.SetBuildGuarded(ctx, id); err != nil {
			return id, fmt.Errorf("guard build %s: %w", id, err)
		}
	}
	if len(p.parameters) > 0 {
		rows := database.InsertBuildParametersParams{WorkspaceBuildID: id}
		for _, v := range p.parameters {
			rows.Names, rows.ParamValues = append(rows.Names, v.Name), append(rows.ParamValues, v.Value)
		}
		if err := q.InsertBuildParameters(ctx, rows); err != nil {
			return id, fmt.Errorf("insert parameters of build %s: %w", id, err)
		}
	}
	if p.orphan {
		if err := s.endOrphan(ctx, q, p, job.ID); err != nil {
			return id, err
		}
	}
	return id, s.changed(ctx, q, p.workspace.ID)
}
