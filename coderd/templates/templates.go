package templates

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Limits of a template's own fields, in characters.
const (
	maxDisplayName = 64
	maxDescription = 128
	maxIcon        = 256
	maxDeprecation = 1024
	maxTTL         = 30 * 24 * time.Hour
)

// Create makes a template from a version whose import succeeded.
func (s *Service) Create(ctx context.Context, org string, req api.CreateTemplateRequest) (api.Template, error) {
	o, err := s.organization(ctx, org)
	if err != nil {
		return api.Template{}, err
	}
	if err := rbac.Check(ctx, rbac.Create, objectOf(o.ID, api.ID{}), aTemplate); err != nil {
		return api.Template{}, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.Template{}, err
	}
	t := database.Template{ID: api.NewID(), OrganizationID: o.ID, Name: req.Name, DisplayName: req.DisplayName,
		Description: req.Description, Icon: req.Icon, ActiveVersionID: req.VersionID,
		AllowUserCancelWorkspaceJobs: true, RequireActiveVersion: req.RequireActiveVersion,
		UseClassicParameterFlow: req.UseClassicParameterFlow, CreatedBy: caller.UserID,
		MaxPortShareLevel: cmp.Or(req.MaxPortShareLevel, string(api.ShareLevelPublic)), CorsBehavior: cmp.Or(req.CORSBehavior, api.CORSSimple)}
	set(&t.DefaultTtlMs, req.DefaultTTLMillis)
	set(&t.AllowUserCancelWorkspaceJobs, req.AllowUserCancelWorkspaceJobs)
	if req.DisableEveryoneGroupAccess {
		t.Acl = []string{}
	}
	if err := checkTemplate(t); err != nil {
		return api.Template{}, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error { return insertTemplate(ctx, q, t) })
	if database.IsUniqueViolation(err, "templates_name") {
		return api.Template{}, nameTaken(t.Name)
	}
	if err != nil {
		return api.Template{}, err
	}
	return s.Template(ctx, t.ID)
}

func nameTaken(name string) error {
	return api.Conflict(fmt.Sprintf("A template with the name %q exists already. Choose another name.", name),
		api.ValidationError{Field: "name", Detail: "is taken"})
}

// insertTemplate is the transaction of Create.
func insertTemplate(ctx context.Context, q *database.Queries, t database.Template) error {
	const field = "template_version_id"
	v, err := q.LockTemplateVersion(ctx, t.ActiveVersionID)
	if err != nil && !database.IsNotFound(err) {
		return fmt.Errorf("load template version %s: %w", t.ActiveVersionID, err)
	}
	switch {
	case err != nil || v.OrganizationID != t.OrganizationID:
		return api.Invalid(field, "there is no such template version in this organization.")
	case v.TemplateID != nil:
		return api.Invalid(field, "the version belongs to a template already.")
	case v.Archived:
		return api.Invalid(field, "the version is archived.")
	}
	if err := succeeded(ctx, q, v, field); err != nil {
		return err
	}
	err = q.InsertTemplate(ctx, database.InsertTemplateParams{ID: t.ID, OrganizationID: t.OrganizationID, Name: t.Name,
		DisplayName: t.DisplayName, Description: t.Description, Icon: t.Icon, ActiveVersionID: v.ID,
		DefaultTtlMs: t.DefaultTtlMs, AllowUserCancelWorkspaceJobs: t.AllowUserCancelWorkspaceJobs,
		RequireActiveVersion: t.RequireActiveVersion, UseClassicParameterFlow: t.UseClassicParameterFlow,
		MaxPortShareLevel: t.MaxPortShareLevel, CorsBehavior: t.CorsBehavior, CreatedBy: t.CreatedBy})
	if err != nil {
		return fmt.Errorf("store template %s: %w", t.ID, err)
	}
	if t.Acl != nil {
		if _, err := q.SetTemplateACL(ctx, database.SetTemplateACLParams{ID: t.ID, Acl: t.Acl}); err != nil {
			return fmt.Errorf("set access list of template %s: %w", t.ID, err)
		}
	}
	n, err := q.AttachTemplateVersion(ctx, database.AttachTemplateVersionParams{ID: v.ID, TemplateID: &t.ID})
	if err != nil {
		return fmt.Errorf("attach template version %s: %w", v.ID, err)
	}
	if n == 0 {
		return api.Invalid(field, "the version belongs to a template already.")
	}
	return audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: typeTemplate, ResourceID: t.ID,
		Target: t.Name, OrganizationID: t.OrganizationID, StatusCode: http.StatusCreated, After: fieldsOf(t)})
}

// fieldsOf is what the audit log shows of a template.
func fieldsOf(t database.Template) map[string]any {
	return map[string]any{"name": t.Name, "display_name": t.DisplayName, "description": t.Description, "icon": t.Icon,
		"active_version_id": t.ActiveVersionID, "deprecated": t.DeprecationMessage, "default_ttl": t.DefaultTtlMs,
		"allow_user_cancel_workspace_jobs": t.AllowUserCancelWorkspaceJobs, "require_active_version": t.RequireActiveVersion,
		"use_classic_parameter_flow": t.UseClassicParameterFlow, "acl": rbac.TemplateACL(t.OrganizationID, t.Acl),
		"max_port_share_level": t.MaxPortShareLevel, "cors_behavior": t.CorsBehavior}
}

// checkTemplate refuses field values that a template may not have.
func checkTemplate(t database.Template) error {
	if err := httpapi.CheckName("name", t.Name); err != nil {
		return err
	}
	if !api.ShareLevel(t.MaxPortShareLevel).Valid() {
		return api.Invalid("max_port_share_level", "use owner, organization, authenticated or public.")
	}
	if t.CorsBehavior != api.CORSSimple && t.CorsBehavior != api.CORSPassthru {
		return api.Invalid("cors_behavior", "use simple or passthru.")
	}
	for _, f := range []struct {
		name, value string
		limit       int
	}{{"display_name", t.DisplayName, maxDisplayName}, {"description", t.Description, maxDescription},
		{"icon", t.Icon, maxIcon}, {"deprecation_message", t.DeprecationMessage, maxDeprecation}} {
		// The limit counts characters, of at most four bytes each.
		if len([]rune(f.value)) > f.limit || jobs.CleanText(f.value, 4*f.limit) != f.value {
			return api.Invalid(f.name, fmt.Sprintf("must be text of at most %d characters.", f.limit))
		}
	}
	if t.Icon != "" && !iconOK(t.Icon) {
		return api.Invalid("icon", "must be a path that starts with / or an http or https URL.")
	}
	if t.DefaultTtlMs < 0 || t.DefaultTtlMs > maxTTL.Milliseconds() {
		return api.Invalid("default_ttl_ms", fmt.Sprintf("must be between 0 and %d (30 days).", maxTTL.Milliseconds()))
	}
	return nil
}

func iconOK(icon string) bool {
	u, err := url.Parse(icon)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return u.Host != ""
	case "":
		return strings.HasPrefix(icon, "/") && !strings.HasPrefix(icon, "//")
	}
	return false
}

// Template returns one template.
func (s *Service) Template(ctx context.Context, id api.ID) (api.Template, error) {
	t, err := s.template(ctx, rbac.Read, id)
	if err != nil {
		return api.Template{}, err
	}
	return s.oneTemplate(ctx, database.ListTemplatesParams{Everything: true, Anything: true, ID: &t.ID, MaxRows: 1})
}

// TemplateByName returns the template of an organization.
func (s *Service) TemplateByName(ctx context.Context, org, name string) (api.Template, error) {
	o, err := s.organization(ctx, org)
	if err != nil {
		return api.Template{}, err
	}
	if httpapi.CheckName("name", name) != nil {
		return api.Template{}, api.NotFound(aTemplate)
	}
	t, err := s.oneTemplate(ctx, database.ListTemplatesParams{Everything: true, Anything: true, OrganizationID: &o.ID, Name: name, MaxRows: 1})
	if err != nil {
		return api.Template{}, err
	}
	if _, err := s.template(ctx, rbac.Read, t.ID); err != nil {
		return api.Template{}, err
	}
	return t, nil
}

func (s *Service) oneTemplate(ctx context.Context, arg database.ListTemplatesParams) (api.Template, error) {
	rows, err := s.opts.DB.ListTemplates(ctx, arg)
	if err != nil {
		return api.Template{}, fmt.Errorf("load template: %w", err)
	}
	if len(rows) == 0 {
		return api.Template{}, api.NotFound(aTemplate)
	}
	return convertTemplate(rows[0]), nil
}

// List returns the templates that the caller may read, by name; org narrows to
// one organization, "" means all.
func (s *Service) List(ctx context.Context, org string, offset, limit int32) ([]api.Template, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	f := rbac.ListFor(caller, rbac.Read, rbac.TypeTemplate)
	arg := database.ListTemplatesParams{Everything: f.All, Orgs: f.Orgs, Owner: f.Owner, MemberOf: f.MemberOf, AtLarge: f.AtLarge,
		SharedIn: f.SharedIn, Entries: f.Entries, Anything: f.Anything, Named: f.Named, SkipRows: offset, MaxRows: limit}
	if org != "" {
		o, err := s.organization(ctx, org)
		if err != nil {
			return nil, err
		}
		arg.OrganizationID = &o.ID
	}
	rows, err := s.opts.DB.ListTemplates(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	out := make([]api.Template, len(rows))
	for i, r := range rows {
		out[i] = convertTemplate(r)
	}
	return out, nil
}

// Update changes the fields that req names.
func (s *Service) Update(ctx context.Context, id api.ID, req api.UpdateTemplateRequest) (api.Template, error) {
	if _, err := s.template(ctx, rbac.Update, id); err != nil {
		return api.Template{}, err
	}
	var name string
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		t, err := lockTemplate(ctx, q, id)
		if err != nil {
			return err
		}
		before := fieldsOf(t)
		set(&t.Name, req.Name)
		set(&t.DisplayName, req.DisplayName)
		set(&t.Description, req.Description)
		set(&t.Icon, req.Icon)
		set(&t.DeprecationMessage, req.DeprecationMessage)
		set(&t.DefaultTtlMs, req.DefaultTTLMillis)
		set(&t.AllowUserCancelWorkspaceJobs, req.AllowUserCancelWorkspaceJobs)
		set(&t.RequireActiveVersion, req.RequireActiveVersion)
		set(&t.UseClassicParameterFlow, req.UseClassicParameterFlow)
		set(&t.MaxPortShareLevel, req.MaxPortShareLevel)
		set(&t.CorsBehavior, req.CORSBehavior)
		if err := checkTemplate(t); err != nil {
			return err
		}
		name = t.Name
		if err := setEveryone(ctx, q, &t, req.DisableEveryoneGroupAccess); err != nil {
			return err
		}
		_, err = q.UpdateTemplate(ctx, database.UpdateTemplateParams{ID: id, Name: t.Name, DisplayName: t.DisplayName,
			Description: t.Description, Icon: t.Icon, DeprecationMessage: t.DeprecationMessage, DefaultTtlMs: t.DefaultTtlMs,
			AllowUserCancelWorkspaceJobs: t.AllowUserCancelWorkspaceJobs, RequireActiveVersion: t.RequireActiveVersion,
			UseClassicParameterFlow: t.UseClassicParameterFlow, MaxPortShareLevel: t.MaxPortShareLevel, CorsBehavior: t.CorsBehavior})
		if err != nil {
			return fmt.Errorf("update template %s: %w", id, err)
		}
		return recordTemplate(ctx, q, t, audit.Write, before, fieldsOf(t))
	})
	if database.IsUniqueViolation(err, "templates_name") {
		return api.Template{}, nameTaken(name)
	}
	if err != nil {
		return api.Template{}, err
	}
	return s.Template(ctx, id)
}

func recordTemplate(ctx context.Context, q *database.Queries, t database.Template, a audit.Action, before, after map[string]any) error {
	return audit.Record(ctx, q, audit.Entry{Action: a, ResourceType: typeTemplate, ResourceID: t.ID,
		Target: t.Name, OrganizationID: t.OrganizationID, StatusCode: http.StatusOK, Before: before, After: after})
}

// lockTemplate loads a template for a change; it may have been deleted since it
// was checked.
func lockTemplate(ctx context.Context, q *database.Queries, id api.ID) (database.Template, error) {
	t, err := q.LockTemplate(ctx, id)
	if database.IsNotFound(err) {
		return t, api.NotFound(aTemplate)
	}
	if err != nil {
		return t, fmt.Errorf("load template %s: %w", id, err)
	}
	return t, nil
}

// Delete removes a template that no workspace uses. Its versions stay for
// history.
func (s *Service) Delete(ctx context.Context, id api.ID) error {
	if _, err := s.template(ctx, rbac.Delete, id); err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		t, err := lockTemplate(ctx, q, id)
		if err != nil {
			return err
		}
		n, err := q.CountWorkspacesOfTemplate(ctx, id)
		if err != nil {
			return fmt.Errorf("count workspaces of template %s: %w", id, err)
		}
		if n > 0 {
			return api.Conflict(fmt.Sprintf("Template %q is used by %d workspace(s). Delete them first.", t.Name, n))
		}
		if _, err := q.DeleteTemplate(ctx, id); err != nil {
			return fmt.Errorf("delete template %s: %w", id, err)
		}
		return recordTemplate(ctx, q, t, audit.Delete, fieldsOf(t), nil)
	})
}

// Promote makes a version of the template the active one.
func (s *Service) Promote(ctx context.Context, id, version api.ID) error {
	if _, err := s.template(ctx, rbac.Update, id); err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		t, err := lockTemplate(ctx, q, id)
		if err != nil {
			return err
		}
		v, err := q.LockTemplateVersion(ctx, version)
		if err != nil && !database.IsNotFound(err) {
			return fmt.Errorf("load template version %s: %w", version, err)
		}
		switch {
		case err != nil || v.TemplateID == nil || *v.TemplateID != t.ID:
			return api.Invalid("id", "is not a version of this template.")
		case v.Archived:
			return api.Invalid("id", "the version is archived; unarchive it first.")
		}
		if err := succeeded(ctx, q, v, "id"); err != nil {
			return err
		}
		before := fieldsOf(t)
		if _, err := q.SetActiveTemplateVersion(ctx, database.SetActiveTemplateVersionParams{ID: id, ActiveVersionID: version}); err != nil {
			return fmt.Errorf("promote template version %s: %w", version, err)
		}
		t.ActiveVersionID = version
		return recordTemplate(ctx, q, t, audit.Write, before, fieldsOf(t))
	})
}
