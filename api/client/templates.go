package client

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"coder.internal/api"
)

// Upload stores an archive of the given content type; see api.ContentTypeTar.
func (c *Client) Upload(ctx context.Context, contentType string, archive []byte) (api.UploadResponse, error) {
	return send[api.UploadResponse](ctx, c, call{method: http.MethodPost, path: path("files"), body: archive, contentType: contentType})
}

// Download returns an archive as it was uploaded, and its content type.
func (c *Client) Download(ctx context.Context, file api.ID) ([]byte, string, error) {
	resp, err := c.do(ctx, call{method: http.MethodGet, path: path("files", file.String())})
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := readLimited(resp.Body, MaxFile)
	if err != nil {
		return nil, "", fmt.Errorf("download file %s: %w", file, err)
	}
	return b, resp.Header.Get("Content-Type"), nil
}

// CreateTemplateVersion starts an import.
func (c *Client) CreateTemplateVersion(ctx context.Context, org string, r api.CreateTemplateVersionRequest) (api.TemplateVersion, error) {
	return write[api.TemplateVersion](ctx, c, http.MethodPost, path("organizations", org, "templateversions"), r)
}

// TemplateVersion returns a version by id.
func (c *Client) TemplateVersion(ctx context.Context, id api.ID) (api.TemplateVersion, error) {
	return get[api.TemplateVersion](ctx, c, path("templateversions", id.String()), nil)
}

// UpdateTemplateVersion renames a version or changes its message.
func (c *Client) UpdateTemplateVersion(ctx context.Context, id api.ID, r api.UpdateTemplateVersionRequest) (api.TemplateVersion, error) {
	return write[api.TemplateVersion](ctx, c, http.MethodPatch, path("templateversions", id.String()), r)
}

// CancelTemplateVersion asks the import to stop.
func (c *Client) CancelTemplateVersion(ctx context.Context, id api.ID) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("templateversions", id.String(), "cancel"), nil)
	return err
}

// ArchiveTemplateVersion hides a version; UnarchiveTemplateVersion shows it again.
func (c *Client) ArchiveTemplateVersion(ctx context.Context, id api.ID) error {
	_, err := write[none](ctx, c, http.MethodPost, path("templateversions", id.String(), "archive"), nil)
	return err
}

// UnarchiveTemplateVersion undoes ArchiveTemplateVersion.
func (c *Client) UnarchiveTemplateVersion(ctx context.Context, id api.ID) error {
	_, err := write[none](ctx, c, http.MethodPost, path("templateversions", id.String(), "unarchive"), nil)
	return err
}

// TemplateVersionParameters returns what people fill in.
func (c *Client) TemplateVersionParameters(ctx context.Context, id api.ID) ([]api.TemplateVersionParameter, error) {
	return get[[]api.TemplateVersionParameter](ctx, c, path("templateversions", id.String(), "rich-parameters"), nil)
}

// TemplateVersionVariables returns the Terraform input variables.
func (c *Client) TemplateVersionVariables(ctx context.Context, id api.ID) ([]api.TemplateVersionVariable, error) {
	return get[[]api.TemplateVersionVariable](ctx, c, path("templateversions", id.String(), "variables"), nil)
}

// TemplateVersionResources returns the preview of what a version makes.
func (c *Client) TemplateVersionResources(ctx context.Context, id api.ID) ([]api.WorkspaceResource, error) {
	return get[[]api.WorkspaceResource](ctx, c, path("templateversions", id.String(), "resources"), nil)
}

// CreateTemplate makes a template from an imported version.
func (c *Client) CreateTemplate(ctx context.Context, org string, r api.CreateTemplateRequest) (api.Template, error) {
	return write[api.Template](ctx, c, http.MethodPost, path("organizations", org, "templates"), r)
}

// Templates lists the templates of all organizations of the caller.
func (c *Client) Templates(ctx context.Context) ([]api.Template, error) {
	return get[[]api.Template](ctx, c, path("templates"), nil)
}

// OrganizationTemplates lists the templates of one organization.
func (c *Client) OrganizationTemplates(ctx context.Context, org string) ([]api.Template, error) {
	return get[[]api.Template](ctx, c, path("organizations", org, "templates"), nil)
}

// Template returns a template by id.
func (c *Client) Template(ctx context.Context, id api.ID) (api.Template, error) {
	return get[api.Template](ctx, c, path("templates", id.String()), nil)
}

// TemplateByName returns a template of an organization.
func (c *Client) TemplateByName(ctx context.Context, org, name string) (api.Template, error) {
	return get[api.Template](ctx, c, path("organizations", org, "templates", name), nil)
}

// UpdateTemplate changes a template's settings.
func (c *Client) UpdateTemplate(ctx context.Context, id api.ID, r api.UpdateTemplateRequest) (api.Template, error) {
	return write[api.Template](ctx, c, http.MethodPatch, path("templates", id.String()), r)
}

// DeleteTemplate removes a template without workspaces.
func (c *Client) DeleteTemplate(ctx context.Context, id api.ID) error {
	_, err := write[none](ctx, c, http.MethodDelete, path("templates", id.String()), nil)
	return err
}

// VersionsFilter pages TemplateVersions.
type VersionsFilter struct {
	Archived      bool
	Limit, Offset int
}

// TemplateVersions lists the versions of a template.
func (c *Client) TemplateVersions(ctx context.Context, template api.ID, f VersionsFilter) ([]api.TemplateVersion, error) {
	q := page(f.Limit, f.Offset)
	if f.Archived {
		q.Set("include_archived", strconv.FormatBool(true))
	}
	return get[[]api.TemplateVersion](ctx, c, path("templates", template.String(), "versions"), q)
}

// TemplateVersionByName returns a version of a template in an organization.
func (c *Client) TemplateVersionByName(ctx context.Context, org, template, version string) (api.TemplateVersion, error) {
	return get[api.TemplateVersion](ctx, c, path("organizations", org, "templates", template, "versions", version), nil)
}

// PromoteTemplateVersion makes a version the active one.
func (c *Client) PromoteTemplateVersion(ctx context.Context, template, version api.ID) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("templates", template.String(), "versions"),
		api.UpdateActiveTemplateVersionRequest{ID: version})
	return err
}

// TemplateVersionPresets lists the presets of a version, the default one first.
func (c *Client) TemplateVersionPresets(ctx context.Context, id api.ID) ([]api.Preset, error) {
	return get[[]api.Preset](ctx, c, path("templateversions", id.String(), "presets"), nil)
}

// TemplateExamples lists the starter templates inside the server.
func (c *Client) TemplateExamples(ctx context.Context) ([]api.TemplateExample, error) {
	return get[[]api.TemplateExample](ctx, c, path("templates", "examples"), nil)
}

// EvaluateParameters returns the parameters of a version as they are with the
// inputs of req.
func (c *Client) EvaluateParameters(ctx context.Context, version api.ID, req api.DynamicParametersRequest) (api.DynamicParametersResponse, error) {
	return write[api.DynamicParametersResponse](ctx, c, http.MethodPost, path("templateversions", version.String(), "dynamic-parameters", "evaluate"), req)
}
