package client

import (
	"context"
	"net/http"

	"coder.internal/api"
)

// AllOrganizations lists the organizations that the caller may read.
func (c *Client) AllOrganizations(ctx context.Context) ([]api.Organization, error) {
	return get[[]api.Organization](ctx, c, path("organizations"), nil)
}

// CreateOrganization makes an organization.
func (c *Client) CreateOrganization(ctx context.Context, r api.CreateOrganizationRequest) (api.Organization, error) {
	return write[api.Organization](ctx, c, http.MethodPost, path("organizations"), r)
}

// DeleteOrganization deletes an empty organization.
func (c *Client) DeleteOrganization(ctx context.Context, org string) error {
	_, err := write[api.Response](ctx, c, http.MethodDelete, path("organizations", org), nil)
	return err
}

// Members returns one page of the members of an organization.
func (c *Client) Members(ctx context.Context, org string, limit, offset int) (api.MembersPage, error) {
	return get[api.MembersPage](ctx, c, path("organizations", org, "paginated-members"), page(limit, offset))
}

// MemberOf returns a member of an organization by name or id.
func (c *Client) MemberOf(ctx context.Context, org, user string) (api.OrganizationMember, error) {
	return get[api.OrganizationMember](ctx, c, path("organizations", org, "members", user), nil)
}

// AddMember puts a user into an organization.
func (c *Client) AddMember(ctx context.Context, org, user string) (api.OrganizationMember, error) {
	return write[api.OrganizationMember](ctx, c, http.MethodPost, path("organizations", org, "members", user), nil)
}

// RemoveMember takes a user out of an organization.
func (c *Client) RemoveMember(ctx context.Context, org, user string) error {
	_, err := write[none](ctx, c, http.MethodDelete, path("organizations", org, "members", user), nil)
	return err
}

// SetMemberRoles replaces the roles of a member.
func (c *Client) SetMemberRoles(ctx context.Context, org, user string, roles []string) (api.OrganizationMember, error) {
	return write[api.OrganizationMember](ctx, c, http.MethodPut, path("organizations", org, "members", user, "roles"), api.UpdateRolesRequest{Roles: roles})
}

// OrganizationRoles lists the roles that there are in an organization.
func (c *Client) OrganizationRoles(ctx context.Context, org string) ([]api.AssignableRole, error) {
	return get[[]api.AssignableRole](ctx, c, path("organizations", org, "members", "roles"), nil)
}

// CreateRole defines a custom role.
func (c *Client) CreateRole(ctx context.Context, org string, r api.CustomRoleRequest) (api.Role, error) {
	return write[api.Role](ctx, c, http.MethodPost, path("organizations", org, "members", "roles"), r)
}

// UpdateRole replaces the definition of a custom role.
func (c *Client) UpdateRole(ctx context.Context, org string, r api.CustomRoleRequest) (api.Role, error) {
	return write[api.Role](ctx, c, http.MethodPut, path("organizations", org, "members", "roles"), r)
}

// DeleteRole deletes a custom role.
func (c *Client) DeleteRole(ctx context.Context, org, name string) error {
	_, err := write[none](ctx, c, http.MethodDelete, path("organizations", org, "members", "roles", name), nil)
	return err
}

// Sharing returns whose workspaces may be shared in an organization.
func (c *Client) Sharing(ctx context.Context, org string) (api.WorkspaceSharingSettings, error) {
	return get[api.WorkspaceSharingSettings](ctx, c, path("organizations", org, "settings", "workspace-sharing"), nil)
}

// SetSharing changes that.
func (c *Client) SetSharing(ctx context.Context, org string, r api.UpdateWorkspaceSharingSettingsRequest) (api.WorkspaceSharingSettings, error) {
	return write[api.WorkspaceSharingSettings](ctx, c, http.MethodPatch, path("organizations", org, "settings", "workspace-sharing"), r)
}

// Groups lists the groups of an organization that the caller may see.
func (c *Client) Groups(ctx context.Context, org string) ([]api.Group, error) {
	return get[[]api.Group](ctx, c, path("organizations", org, "groups"), nil)
}

// GroupNamed returns a group of an organization.
func (c *Client) GroupNamed(ctx context.Context, org, name string) (api.Group, error) {
	return get[api.Group](ctx, c, path("organizations", org, "groups", name), nil)
}

// CreateGroup makes a group.
func (c *Client) CreateGroup(ctx context.Context, org string, r api.CreateGroupRequest) (api.Group, error) {
	return write[api.Group](ctx, c, http.MethodPost, path("organizations", org, "groups"), r)
}

// UpdateGroup changes a group.
func (c *Client) UpdateGroup(ctx context.Context, id api.ID, r api.PatchGroupRequest) (api.Group, error) {
	return write[api.Group](ctx, c, http.MethodPatch, path("groups", id.String()), r)
}

// DeleteGroup deletes a group.
func (c *Client) DeleteGroup(ctx context.Context, id api.ID) error {
	_, err := write[api.Group](ctx, c, http.MethodDelete, path("groups", id.String()), nil)
	return err
}

// TemplateACL returns who may use a template.
func (c *Client) TemplateACL(ctx context.Context, id api.ID) (api.TemplateACL, error) {
	return get[api.TemplateACL](ctx, c, path("templates", id.String(), "acl"), nil)
}

// UpdateTemplateACL changes that.
func (c *Client) UpdateTemplateACL(ctx context.Context, id api.ID, r api.UpdateTemplateACL) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("templates", id.String(), "acl"), r)
	return err
}

// WorkspaceACL returns with whom a workspace is shared.
func (c *Client) WorkspaceACL(ctx context.Context, id api.ID) (api.WorkspaceACL, error) {
	return get[api.WorkspaceACL](ctx, c, path("workspaces", id.String(), "acl"), nil)
}

// UpdateWorkspaceACL changes that.
func (c *Client) UpdateWorkspaceACL(ctx context.Context, id api.ID, r api.UpdateWorkspaceACL) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("workspaces", id.String(), "acl"), r)
	return err
}
