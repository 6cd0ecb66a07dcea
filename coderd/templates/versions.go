package templates

import (
	"context"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/jobs"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// nameTries is how often a generated name that is taken is made anew.
const nameTries = 3

// CreateVersion stores a version and starts its import.
func (s *Service) CreateVersion(ctx context.Context, org string, req api.CreateTemplateVersionRequest) (api.TemplateVersion, error) {
	o, err := s.organization(ctx, org)
	if err != nil {
		return api.TemplateVersion{}, err
	}
	if err := s.mayPush(ctx, o.ID, req.TemplateID); err != nil {
		return api.TemplateVersion{}, err
	}
	if err := checkPush(req); err != nil {
		return api.TemplateVersion{}, err
	}
	var example []byte
	if req.ExampleID != "" {
		if example, err = s.exampleArchive(req.ExampleID); err != nil {
			return api.TemplateVersion{}, err
		}
	} else if err := s.mayReadFile(ctx, req.FileID); err != nil {
		if api.CodeOf(err) == api.CodeNotFound {
			return api.TemplateVersion{}, api.Invalid("file_id", "there is no such file, or it is not yours; upload the archive with POST /api/v2/files first.")
		}
		return api.TemplateVersion{}, err
	}
	if req.ProvisionerTags, err = s.pushTags(ctx, example, req); err != nil {
		return api.TemplateVersion{}, err
	}
	generated := req.Name == ""
	for try := 1; ; try++ {
		if generated {
			req.Name = generatedName(api.NewID())
		}
		id, err := s.insertVersion(ctx, o.ID, req, example)
		if err == nil {
			return s.Version(ctx, id)
		}
		if !database.IsUniqueViolation(err, "template_versions_name") {
			return api.TemplateVersion{}, err
		}
		if !generated || try == nameTries {
			return api.TemplateVersion{}, versionNameTaken(req.Name)
		}
	}
}

func versionNameTaken(name string) error {
	return api.Conflict(fmt.Sprintf("The template has a version %q already. Choose another name.", name),
		api.ValidationError{Field: "name", Detail: "is taken"})
}

// mayPush checks that the caller may add a version to a template, or make the
// first version of one.
func (s *Service) mayPush(ctx context.Context, org, template api.ID) error {
	if template.IsZero() {
		return rbac.Check(ctx, rbac.Create, objectOf(org, api.ID{}), aTemplate)
	}
	row, err := s.template(ctx, rbac.Update, template)
	if err != nil {
		return err
	}
	if row.OrganizationID != org {
		return api.NotFound(aTemplate)
	}
	return nil
}

// checkPush refuses requests that contradict themselves.
func checkPush(req api.CreateTemplateVersionRequest) error {
	if req.Name != "" {
		if err := checkVersionName(req.Name); err != nil {
			return err
		}
	}
	if jobs.CleanText(req.Message, maxValue) != req.Message {
		return api.Invalid("message", fmt.Sprintf("must be text of at most %d bytes.", maxValue))
	}
	switch {
	case req.Provisioner != provisionerTF:
		return api.Invalid("provisioner", `only "terraform" is available.`)
	case req.FileID.IsZero() == (req.ExampleID == ""):
		return api.Invalid("file_id", "name either file_id or example_id.")
	}
	return checkValues(req.UserVariableValues)
}

// insertVersion is the transaction of CreateVersion.
func (s *Service) insertVersion(ctx context.Context, org api.ID, req api.CreateTemplateVersionRequest, example []byte) (api.ID, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.ID{}, err
	}
	id := api.NewID()
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		file := req.FileID
		if example != nil {
			if file, _, err = s.storeFile(ctx, q, caller, api.ContentTypeTar, example); err != nil {
				return err
			}
		}
		if !req.TemplateID.IsZero() {
			if _, err := q.LockTemplateForUse(ctx, req.TemplateID); database.IsNotFound(err) {
				return api.NotFound(aTemplate)
			} else if err != nil {
				return fmt.Errorf("load template %s: %w", req.TemplateID, err)
			}
		}
		job, err := s.opts.Jobs.Enqueue(ctx, q, jobs.EnqueueParams{Type: api.JobTemplateVersionImport, OrganizationID: org,
			InitiatorID: caller.UserID, FileID: file, SubjectID: id, Tags: req.ProvisionerTags})
		if err != nil {
			return err
		}
		err = q.InsertTemplateVersion(ctx, database.InsertTemplateVersionParams{ID: id, TemplateID: optional(req.TemplateID),
			OrganizationID: org, Name: req.Name, Message: req.Message, JobID: job.ID, FileID: file, CreatedBy: caller.UserID})
		if err != nil {
			return fmt.Errorf("store template version %s: %w", id, err)
		}
		if err := s.putInputs(ctx, q, id, req.UserVariableValues); err != nil {
			return err
		}
		return audit.Record(ctx, q, audit.Entry{Action: audit.Create, ResourceType: typeVersion, ResourceID: id,
			Target: req.Name, OrganizationID: org, StatusCode: http.StatusCreated,
			After: map[string]any{"name": req.Name, "message": jobs.CleanText(req.Message, 256),
				"template_id": optional(req.TemplateID), "file_id": file}})
	})
	return id, err
}

// Version returns one version.
func (s *Service) Version(ctx context.Context, id api.ID) (api.TemplateVersion, error) {
	v, err := s.version(ctx, rbac.Read, id)
	if err != nil {
		return api.TemplateVersion{}, err
	}
	return s.oneVersion(ctx, database.ListTemplateVersionsParams{ID: &v.ID, IncludeArchived: true, MaxRows: 1})
}

// oneVersion loads the version that arg describes; the caller has checked it.
func (s *Service) oneVersion(ctx context.Context, arg database.ListTemplateVersionsParams) (api.TemplateVersion, error) {
	list, err := s.listVersions(ctx, arg)
	if err != nil {
		return api.TemplateVersion{}, err
	}
	if len(list) == 0 {
		return api.TemplateVersion{}, api.NotFound(aVersion)
	}
	return list[0], nil
}

// listVersions loads versions with their jobs by two statements.
func (s *Service) listVersions(ctx context.Context, arg database.ListTemplateVersionsParams) ([]api.TemplateVersion, error) {
	rows, err := s.opts.DB.ListTemplateVersions(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("list template versions: %w", err)
	}
	ids := make([]api.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.TemplateVersion.JobID
	}
	loaded, err := jobs.Load(ctx, s.opts.DB.Queries, ids...)
	if err != nil {
		return nil, err
	}
	out := make([]api.TemplateVersion, len(rows))
	for i, r := range rows {
		out[i] = convertVersion(r, loaded[r.TemplateVersion.JobID])
	}
	return out, nil
}

// VersionByName returns a version of a template.
func (s *Service) VersionByName(ctx context.Context, template api.ID, name string) (api.TemplateVersion, error) {
	t, err := s.template(ctx, rbac.Read, template)
	if err != nil {
		return api.TemplateVersion{}, err
	}
	if checkVersionName(name) != nil {
		return api.TemplateVersion{}, api.NotFound(aVersion)
	}
	return s.oneVersion(ctx, database.ListTemplateVersionsParams{TemplateID: &t.ID, Name: name, IncludeArchived: true, MaxRows: 1})
}

// VersionByNames is VersionByName for people who know names only.
func (s *Service) VersionByNames(ctx context.Context, org, template, version string) (api.TemplateVersion, error) {
	t, err := s.TemplateByName(ctx, org, template)
	if err != nil {
		return api.TemplateVersion{}, err
	}
	return s.VersionByName(ctx, t.ID, version)
}

// Versions lists the versions of a template, newest first.
func (s *Service) Versions(ctx context.Context, template, after api.ID, offset, limit int32, archived bool) ([]api.TemplateVersion, error) {
	t, err := s.template(ctx, rbac.Read, template)
	if err != nil {
		return nil, err
	}
	if !after.IsZero() {
		last, err := s.opts.DB.GetTemplateVersionRow(ctx, after)
		if err != nil && !database.IsNotFound(err) {
			return nil, fmt.Errorf("load template version %s: %w", after, err)
		}
		if err != nil || last.TemplateID == nil || *last.TemplateID != t.ID {
			return nil, api.Invalid("after_id", "is not a version of this template.")
		}
	}
	return s.listVersions(ctx, database.ListTemplateVersionsParams{TemplateID: &t.ID, AfterID: optional(after),
		IncludeArchived: archived, SkipRows: offset, MaxRows: limit})
}

// UpdateVersion changes name and message.
func (s *Service) UpdateVersion(ctx context.Context, id api.ID, req api.UpdateTemplateVersionRequest) (api.TemplateVersion, error) {
	if _, err := s.version(ctx, rbac.Update, id); err != nil {
		return api.TemplateVersion{}, err
	}
	if req.Name != nil {
		if err := checkVersionName(*req.Name); err != nil {
			return api.TemplateVersion{}, err
		}
	}
	if req.Message != nil && jobs.CleanText(*req.Message, maxValue) != *req.Message {
		return api.TemplateVersion{}, api.Invalid("message", fmt.Sprintf("must be text of at most %d bytes.", maxValue))
	}
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		v, err := q.LockTemplateVersion(ctx, id)
		if err != nil {
			return fmt.Errorf("load template version %s: %w", id, err)
		}
		before := map[string]any{"name": v.Name, "message": jobs.CleanText(v.Message, 256)}
		set(&v.Name, req.Name)
		set(&v.Message, req.Message)
		_, err = q.UpdateTemplateVersion(ctx, database.UpdateTemplateVersionParams{ID: id, Name: v.Name, Message: v.Message})
		if err != nil {
			return fmt.Errorf("update template version %s: %w", id, err)
		}
		return recordVersion(ctx, q, v, before, map[string]any{"name": v.Name, "message": jobs.CleanText(v.Message, 256)})
	})
	if database.IsUniqueViolation(err, "template_versions_name") && req.Name != nil {
		return api.TemplateVersion{}, versionNameTaken(*req.Name)
	}
	if err != nil {
		return api.TemplateVersion{}, err
	}
	return s.Version(ctx, id)
}

func recordVersion(ctx context.Context, q *database.Queries, v database.TemplateVersion, before, after map[string]any) error {
	return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: typeVersion, ResourceID: v.ID,
		Target: v.Name, OrganizationID: v.OrganizationID, StatusCode: http.StatusOK, Before: before, After: after})
}

// SetArchived hides a version from lists and from use, or brings it back. The
// active version cannot be archived. Doing it twice is fine.
func (s *Service) SetArchived(ctx context.Context, id api.ID, archived bool) error {
	v, err := s.version(ctx, rbac.Update, id)
	if err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if v.TemplateID != nil && archived {
			// The template first, as in Promote: no deadlock, and no race with it.
			t, err := q.LockTemplate(ctx, *v.TemplateID)
			if err != nil && !database.IsNotFound(err) {
				return fmt.Errorf("load template %s: %w", *v.TemplateID, err)
			}
			if err == nil && t.ActiveVersionID == id {
				return api.Conflict("The active version cannot be archived. Make another version active first.")
			}
		}
		n, err := q.SetTemplateVersionArchived(ctx, database.SetTemplateVersionArchivedParams{ID: id, Archived: archived})
		if err != nil {
			return fmt.Errorf("archive template version %s: %w", id, err)
		}
		if n == 0 {
			return nil
		}
		return recordVersion(ctx, q, v, map[string]any{"archived": !archived}, map[string]any{"archived": archived})
	})
}

// CancelVersion asks the import of a version to end.
func (s *Service) CancelVersion(ctx context.Context, id api.ID) error {
	v, err := s.version(ctx, rbac.Update, id)
	if err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if err := s.opts.Jobs.Cancel(ctx, q, v.JobID, false); err != nil {
			return err
		}
		return recordVersion(ctx, q, v, map[string]any{"canceled": false}, map[string]any{"canceled": true})
	})
}

// JobOfVersion returns the import job of a version that the caller may read.
func (s *Service) JobOfVersion(ctx context.Context, id api.ID) (api.ID, error) {
	v, err := s.version(ctx, rbac.Read, id)
	return v.JobID, err
}

// Resources returns what a workspace of a version would have, when started and
// when stopped.
func (s *Service) Resources(ctx context.Context, id api.ID) ([]api.WorkspaceResource, error) {
	v, err := s.version(ctx, rbac.Read, id)
	if err != nil {
		return nil, err
	}
	byJob, err := agents.ResourcesOf(ctx, s.opts.DB, []api.ID{v.JobID})
	if err != nil {
		return nil, err
	}
	if out := byJob[v.JobID]; out != nil {
		return out, nil
	}
	return []api.WorkspaceResource{}, nil
}

// set replaces *to when there is a new value.
func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}
