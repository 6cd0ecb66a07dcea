package templates

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"coder.internal/api"
	"coder.internal/coderd/externalauth"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/keys"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/internal/clock"
)

// Options configure New. All fields but Examples are required.
type Options struct {
	DB   *database.DB
	Jobs *jobs.Queue
	Ring *keys.Ring
	Log  *slog.Logger
	// ExternalAuth knows what templates can ask users to sign in to.
	ExternalAuth *externalauth.Service
	// Clock is that of open streams.
	Clock clock.Clock
	// AccessURL is what imports are told about this deployment.
	AccessURL *url.URL
	// Examples are the starter templates of this release.
	Examples []Example
}

// Service holds the rules of templates. It is safe for concurrent use.
type Service struct {
	opts Options
	log  *slog.Logger
	live *live
}

// New returns a service. It starts nothing. The caller gives Importer() to the
// queue.
func New(opts Options) (*Service, error) {
	if opts.DB == nil || opts.Jobs == nil || opts.Ring == nil || opts.Log == nil || opts.AccessURL == nil || opts.ExternalAuth == nil || opts.Clock == nil {
		return nil, errors.New("templates: Options needs DB, Jobs, Ring, Log, AccessURL, ExternalAuth and Clock")
	}
	return &Service{opts: opts, log: opts.Log.With("component", "templates"), live: newLive()}, nil
}

// What the answers call the things.
const (
	aTemplate     = "Template"
	aVersion      = "Template version"
	aFile         = "File"
	anOrg         = "Organization"
	typeTemplate  = "template"
	typeVersion   = "template_version"
	typeFile      = "file"
	provisionerTF = "terraform"
)

// objectOf is a template as the policy sees it; a zero id is one to be made.
func objectOf(org, id api.ID) rbac.Object {
	return rbac.Object{Type: rbac.TypeTemplate, ID: id, OrgID: org}
}

// objectOfTemplate is a template with its access list.
func objectOfTemplate(t database.Template) rbac.Object {
	o := objectOf(t.OrganizationID, t.ID)
	o.ACL = rbac.TemplateACL(t.OrganizationID, t.Acl)
	return o
}

// objectOfVersion is the template of a version. One without a template stands
// for itself and is like a new template: everyone in the organization may look.
func (s *Service) objectOfVersion(ctx context.Context, v database.TemplateVersion) (rbac.Object, error) {
	if v.TemplateID == nil {
		o := objectOf(v.OrganizationID, v.ID)
		o.ACL = rbac.TemplateACL(v.OrganizationID, nil)
		return o, nil
	}
	o := objectOf(v.OrganizationID, *v.TemplateID)
	row, err := s.opts.DB.GetTemplateACL(ctx, *v.TemplateID)
	if err != nil {
		return o, fmt.Errorf("load access list of template %s: %w", *v.TemplateID, err)
	}
	o.ACL = rbac.TemplateACL(row.OrganizationID, row.Acl)
	return o, nil
}

// organization finds an organization that the caller may see, by id, name or
// "default".
func (s *Service) organization(ctx context.Context, ref string) (database.ResolveOrganizationRow, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.ResolveOrganizationRow{}, err
	}
	arg := database.ResolveOrganizationParams{Name: jobs.CleanText(ref, 64)}
	if id, err := api.ParseID(ref); err == nil {
		arg.ID = &id
	}
	org, err := s.opts.DB.ResolveOrganization(ctx, arg)
	if database.IsNotFound(err) {
		return org, api.NotFound(anOrg)
	}
	if err != nil {
		return org, fmt.Errorf("load organization: %w", err)
	}
	return org, rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeOrganization, ID: org.ID, OrgID: org.ID}, anOrg)
}

// template loads a template for action.
func (s *Service) template(ctx context.Context, action rbac.Action, id api.ID) (database.Template, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.Template{}, err
	}
	row, err := s.opts.DB.GetTemplateRow(ctx, id)
	if database.IsNotFound(err) {
		return row, api.NotFound(aTemplate)
	}
	if err != nil {
		return row, fmt.Errorf("load template %s: %w", id, err)
	}
	return row, rbac.Check(ctx, action, objectOfTemplate(row), aTemplate)
}

// version loads a version for action on its template.
func (s *Service) version(ctx context.Context, action rbac.Action, id api.ID) (database.TemplateVersion, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.TemplateVersion{}, err
	}
	row, err := s.opts.DB.GetTemplateVersionRow(ctx, id)
	if database.IsNotFound(err) {
		return row, api.NotFound(aVersion)
	}
	if err != nil {
		return row, fmt.Errorf("load template version %s: %w", id, err)
	}
	o, err := s.objectOfVersion(ctx, row)
	if err != nil {
		return row, err
	}
	return row, rbac.Check(ctx, action, o, aVersion)
}

// succeeded checks inside q that the import of a version is done and good.
func succeeded(ctx context.Context, q *database.Queries, v database.TemplateVersion, field string) error {
	job, err := q.GetProvisionerJob(ctx, v.JobID)
	if err != nil {
		return fmt.Errorf("load import of template version %s: %w", v.ID, err)
	}
	if api.JobStatus(job.Status) != api.JobSucceeded {
		return api.Invalid(field, fmt.Sprintf("the import of version %q is %s; only a version whose import succeeded can be used.", v.Name, job.Status))
	}
	return nil
}

func optional(id api.ID) *api.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}
