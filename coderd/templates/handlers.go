package templates

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// Inputs of the typed endpoints.
type (
	// OrgInput names an organization by id, name or "default".
	OrgInput struct {
		Organization string `path:"organization" maxLength:"64"`
	}
	// ListInput asks for a page of templates.
	ListInput struct {
		httpapi.Page
	}
	// OrgListInput asks for a page of an organization's templates.
	OrgListInput struct {
		OrgInput
		httpapi.Page
	}
	// NamedInput names a template of an organization.
	NamedInput struct {
		OrgInput
		Template string `path:"templatename" maxLength:"64"`
	}
	// NamedVersionInput names a version of a template of an organization.
	NamedVersionInput struct {
		NamedInput
		Version string `path:"templateversionname" maxLength:"128"`
	}
	// TemplateInput names a template by id.
	TemplateInput struct {
		Template api.ID `path:"template" format:"uuid"`
	}
	// TemplateVersionsInput asks for a page of a template's versions.
	TemplateVersionsInput struct {
		TemplateInput
		httpapi.Page
		IncludeArchived bool `query:"include_archived"`
	}
	// TemplateVersionInput names a version of a template.
	TemplateVersionInput struct {
		TemplateInput
		Version string `path:"templateversionname" maxLength:"128"`
	}
	// VersionInput names a version by id.
	VersionInput struct {
		Version api.ID `path:"templateversion" format:"uuid"`
	}
	// CreateInput makes a template.
	CreateInput struct {
		OrgInput
		Body api.CreateTemplateRequest
	}
	// UpdateInput changes a template.
	UpdateInput struct {
		TemplateInput
		Body api.UpdateTemplateRequest
	}
	// PromoteInput changes the active version.
	PromoteInput struct {
		TemplateInput
		Body api.UpdateActiveTemplateVersionRequest
	}
	// CreateVersionInput starts an import.
	CreateVersionInput struct {
		OrgInput
		Body api.CreateTemplateVersionRequest
	}
	// UpdateVersionInput changes a version.
	UpdateVersionInput struct {
		VersionInput
		Body api.UpdateTemplateVersionRequest
	}
)

// MaxPushBody bounds the request that makes a version: message and values.
const MaxPushBody = 8 << 20

// listLimit is the page of templates when the client names none: the reference
// sends all, and a template is small.
const listLimit = 1000

// said answers with a sentence.
func said(message string, err error) (*httpapi.Out[api.Response], error) {
	return httpapi.Reply(api.Response{Message: message}, err)
}

// HandleExamples lists the starter templates.
func (s *Service) HandleExamples(ctx context.Context, _ *struct{}) (*httpapi.Out[[]api.TemplateExample], error) {
	return httpapi.Reply(s.Examples(ctx))
}

// HandleOrgExamples is HandleExamples at its older path.
func (s *Service) HandleOrgExamples(ctx context.Context, in *OrgInput) (*httpapi.Out[[]api.TemplateExample], error) {
	if _, err := s.organization(ctx, in.Organization); err != nil {
		return nil, err
	}
	return httpapi.Reply(s.Examples(ctx))
}

// HandleList lists templates of all organizations.
func (s *Service) HandleList(ctx context.Context, in *ListInput) (*httpapi.Out[[]api.Template], error) {
	return httpapi.Reply(s.List(ctx, "", int32(in.Offset), limitOf(in.Page))) //nolint:gosec // bounded by Page
}

// HandleOrgList lists templates of one organization.
func (s *Service) HandleOrgList(ctx context.Context, in *OrgListInput) (*httpapi.Out[[]api.Template], error) {
	return httpapi.Reply(s.List(ctx, in.Organization, int32(in.Offset), limitOf(in.Page))) //nolint:gosec // bounded by Page
}

func limitOf(p httpapi.Page) int32 {
	if p.Limit == 0 {
		return listLimit
	}
	return p.Rows()
}

// HandleCreate makes a template.
func (s *Service) HandleCreate(ctx context.Context, in *CreateInput) (*httpapi.Out[api.Template], error) {
	return httpapi.Reply(s.Create(ctx, in.Organization, in.Body))
}

// HandleGet returns a template.
func (s *Service) HandleGet(ctx context.Context, in *TemplateInput) (*httpapi.Out[api.Template], error) {
	return httpapi.Reply(s.Template(ctx, in.Template))
}

// HandleGetByName returns a template of an organization.
func (s *Service) HandleGetByName(ctx context.Context, in *NamedInput) (*httpapi.Out[api.Template], error) {
	return httpapi.Reply(s.TemplateByName(ctx, in.Organization, in.Template))
}

// HandleUpdate changes a template.
func (s *Service) HandleUpdate(ctx context.Context, in *UpdateInput) (*httpapi.Out[api.Template], error) {
	return httpapi.Reply(s.Update(ctx, in.Template, in.Body))
}

// HandleDelete deletes a template.
func (s *Service) HandleDelete(ctx context.Context, in *TemplateInput) (*httpapi.Out[api.Response], error) {
	return said("Template has been deleted!", s.Delete(ctx, in.Template))
}

// HandlePromote changes the active version.
func (s *Service) HandlePromote(ctx context.Context, in *PromoteInput) (*httpapi.Out[api.Response], error) {
	return said("Updated the active template version!", s.Promote(ctx, in.Template, in.Body.ID))
}

// HandleVersions lists the versions of a template.
func (s *Service) HandleVersions(ctx context.Context, in *TemplateVersionsInput) (*httpapi.Out[[]api.TemplateVersion], error) {
	after, err := in.After()
	if err != nil {
		return nil, err
	}
	return httpapi.Reply(s.Versions(ctx, in.Template, after, int32(in.Offset), in.Rows(), in.IncludeArchived)) //nolint:gosec // bounded by Page
}

// HandleVersionByName returns a version of a template.
func (s *Service) HandleVersionByName(ctx context.Context, in *TemplateVersionInput) (*httpapi.Out[api.TemplateVersion], error) {
	return httpapi.Reply(s.VersionByName(ctx, in.Template, in.Version))
}

// HandleVersionByNames returns a version of a template of an organization.
func (s *Service) HandleVersionByNames(ctx context.Context, in *NamedVersionInput) (*httpapi.Out[api.TemplateVersion], error) {
	return httpapi.Reply(s.VersionByNames(ctx, in.Organization, in.Template, in.Version))
}

// HandleCreateVersion starts an import.
func (s *Service) HandleCreateVersion(ctx context.Context, in *CreateVersionInput) (*httpapi.Out[api.TemplateVersion], error) {
	return httpapi.Reply(s.CreateVersion(ctx, in.Organization, in.Body))
}

// HandleVersion returns a version.
func (s *Service) HandleVersion(ctx context.Context, in *VersionInput) (*httpapi.Out[api.TemplateVersion], error) {
	return httpapi.Reply(s.Version(ctx, in.Version))
}

// HandleUpdateVersion changes a version.
func (s *Service) HandleUpdateVersion(ctx context.Context, in *UpdateVersionInput) (*httpapi.Out[api.TemplateVersion], error) {
	return httpapi.Reply(s.UpdateVersion(ctx, in.Version, in.Body))
}

// HandleCancelVersion cancels an import.
func (s *Service) HandleCancelVersion(ctx context.Context, in *VersionInput) (*httpapi.Out[api.Response], error) {
	return said("Job has been marked as canceled...", s.CancelVersion(ctx, in.Version))
}

// HandleArchive archives a version.
func (s *Service) HandleArchive(ctx context.Context, in *VersionInput) (*httpapi.Out[api.Response], error) {
	return said("Template version archived!", s.SetArchived(ctx, in.Version, true))
}

// HandleUnarchive brings a version back.
func (s *Service) HandleUnarchive(ctx context.Context, in *VersionInput) (*httpapi.Out[api.Response], error) {
	return said("Template version unarchived!", s.SetArchived(ctx, in.Version, false))
}

// HandleResources lists what a version would make.
func (s *Service) HandleResources(ctx context.Context, in *VersionInput) (*httpapi.Out[[]api.WorkspaceResource], error) {
	return httpapi.Reply(s.Resources(ctx, in.Version))
}

// HandleParameters lists the parameters of a version.
func (s *Service) HandleParameters(ctx context.Context, in *VersionInput) (*httpapi.Out[[]api.TemplateVersionParameter], error) {
	return httpapi.Reply(s.Parameters(ctx, in.Version))
}

// HandlePresets lists the presets of a version.
func (s *Service) HandlePresets(ctx context.Context, in *VersionInput) (*httpapi.Out[[]api.Preset], error) {
	return httpapi.Reply(s.Presets(ctx, in.Version))
}

// HandleExternalAuth lists the external services of a version.
func (s *Service) HandleExternalAuth(ctx context.Context, in *VersionInput) (*httpapi.Out[[]api.TemplateVersionExternalAuth], error) {
	return httpapi.Reply(s.ExternalAuth(ctx, in.Version))
}

// HandleVariables lists the variables of a version.
func (s *Service) HandleVariables(ctx context.Context, in *VersionInput) (*httpapi.Out[[]api.TemplateVersionVariable], error) {
	return httpapi.Reply(s.Variables(ctx, in.Version))
}

// LogsHandler serves the import logs of {templateversion}.
func (s *Service) LogsHandler(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.opts.Jobs.LogsHandler(a, func(ctx context.Context, r *http.Request) (api.ID, error) {
			id, err := api.ParseID(chi.URLParam(r, "templateversion"))
			if err != nil {
				return id, api.Invalid("templateversion", err.Error())
			}
			return s.JobOfVersion(ctx, id)
		}).ServeHTTP(w, r)
	})
}

// UploadHandler takes an archive as the whole body.
func (s *Service) UploadHandler(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, created, err := s.readUpload(w, r)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		status := http.StatusOK
		if created {
			status = http.StatusCreated
		}
		httpapi.WriteJSON(w, status, api.UploadResponse{ID: id})
	})
}

func (s *Service) readUpload(w http.ResponseWriter, r *http.Request) (api.ID, bool, error) {
	// What cannot be stored is not read.
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		contentType = ""
	}
	if _, err := archiveType(contentType); err != nil {
		return api.ID{}, false, err
	}
	if _, err := rbac.Caller(r.Context()); err != nil {
		return api.ID{}, false, err
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxUpload))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return api.ID{}, false, tooLarge("The archive is larger than " + strconv.Itoa(MaxUpload>>20) + " MiB. Leave out what the template does not need.")
	}
	if err != nil {
		return api.ID{}, false, api.Invalid("file", "the upload broke off.")
	}
	return s.Upload(r.Context(), contentType, data)
}

// DownloadHandler sends the archive {fileID}.
func (s *Service) DownloadHandler(a *httpapi.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := api.ParseID(chi.URLParam(r, "fileID"))
		if err != nil {
			a.WriteError(w, r, api.Invalid("fileID", err.Error()))
			return
		}
		f, err := s.File(r.Context(), id)
		if err != nil {
			a.WriteError(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.Mimetype)
		h.Set("Content-Length", strconv.Itoa(len(f.Data)))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Disposition", "attachment")
		_, _ = w.Write(f.Data) // the client is gone: nobody is left to tell
	})
}
