package users

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// MemberPath is the input of routes about one member.
type MemberPath struct {
	OrganizationPath
	User string `path:"user" maxLength:"64" doc:"Username, id or me."`
}

// RolePath is the input of routes about one custom role.
type RolePath struct {
	OrganizationPath
	Role string `path:"roleName" maxLength:"64"`
}

// HandleCreateOrganization: POST /organizations.
func (s *Service) HandleCreateOrganization(ctx context.Context, in *struct{ Body api.CreateOrganizationRequest }) (*httpapi.Out[api.Organization], error) {
	return httpapi.Reply(s.CreateOrganization(ctx, in.Body))
}

// HandleUpdateOrganization: PATCH /organizations/{organization}.
func (s *Service) HandleUpdateOrganization(ctx context.Context, in *struct {
	OrganizationPath
	Body api.UpdateOrganizationRequest
}) (*httpapi.Out[api.Organization], error) {
	return httpapi.Reply(s.UpdateOrganization(ctx, in.Organization, in.Body))
}

// HandleDeleteOrganization: DELETE /organizations/{organization}.
func (s *Service) HandleDeleteOrganization(ctx context.Context, in *OrganizationPath) (*httpapi.Out[api.Response], error) {
	return httpapi.Reply(s.DeleteOrganization(ctx, in.Organization))
}

// HandleSharing: GET /organizations/{organization}/settings/workspace-sharing.
func (s *Service) HandleSharing(ctx context.Context, in *OrganizationPath) (*httpapi.Out[api.WorkspaceSharingSettings], error) {
	return httpapi.Reply(s.Sharing(ctx, in.Organization))
}

// HandleSetSharing: PATCH /organizations/{organization}/settings/workspace-sharing.
func (s *Service) HandleSetSharing(ctx context.Context, in *struct {
	OrganizationPath
	Body api.UpdateWorkspaceSharingSettingsRequest
}) (*httpapi.Out[api.WorkspaceSharingSettings], error) {
	return httpapi.Reply(s.SetSharing(ctx, in.Organization, in.Body))
}

// HandleMembersPage: GET /organizations/{organization}/paginated-members.
func (s *Service) HandleMembersPage(ctx context.Context, in *struct {
	OrganizationPath
	httpapi.Page
	Q string `query:"q" maxLength:"1024" doc:"Words to find in names and addresses."`
}) (*httpapi.Out[api.MembersPage], error) {
	return httpapi.Reply(s.MembersPage(ctx, in.Organization, in.Q, in.Page))
}

// HandleMember: GET /organizations/{organization}/members/{user}.
func (s *Service) HandleMember(ctx context.Context, in *MemberPath) (*httpapi.Out[api.OrganizationMember], error) {
	return httpapi.Reply(s.Member(ctx, in.Organization, in.User))
}

// HandleAddMember: POST /organizations/{organization}/members/{user}.
func (s *Service) HandleAddMember(ctx context.Context, in *MemberPath) (*httpapi.Out[api.OrganizationMember], error) {
	return httpapi.Reply(s.AddMember(ctx, in.Organization, in.User))
}

// HandleRemoveMember: DELETE /organizations/{organization}/members/{user}.
func (s *Service) HandleRemoveMember(ctx context.Context, in *MemberPath) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.RemoveMember(ctx, in.Organization, in.User)
}

// HandleSetMemberRoles: PUT /organizations/{organization}/members/{user}/roles.
func (s *Service) HandleSetMemberRoles(ctx context.Context, in *struct {
	MemberPath
	Body api.UpdateRolesRequest
}) (*httpapi.Out[api.OrganizationMember], error) {
	return httpapi.Reply(s.SetMemberRoles(ctx, in.Organization, in.User, in.Body))
}

// HandleSiteRoles: GET /users/roles.
func (s *Service) HandleSiteRoles(ctx context.Context, _ *struct{}) (*httpapi.Out[[]api.AssignableRole], error) {
	return httpapi.Reply(s.SiteRoles(ctx))
}

// HandleOrganizationRoles: GET /organizations/{organization}/members/roles.
func (s *Service) HandleOrganizationRoles(ctx context.Context, in *OrganizationPath) (*httpapi.Out[[]api.AssignableRole], error) {
	return httpapi.Reply(s.OrganizationRoles(ctx, in.Organization))
}

// HandleCreateRole: POST /organizations/{organization}/members/roles.
func (s *Service) HandleCreateRole(ctx context.Context, in *struct {
	OrganizationPath
	Body api.CustomRoleRequest
}) (*httpapi.Out[api.Role], error) {
	return httpapi.Reply(s.CreateRole(ctx, in.Organization, in.Body))
}

// HandleUpdateRole: PUT /organizations/{organization}/members/roles.
func (s *Service) HandleUpdateRole(ctx context.Context, in *struct {
	OrganizationPath
	Body api.CustomRoleRequest
}) (*httpapi.Out[api.Role], error) {
	return httpapi.Reply(s.UpdateRole(ctx, in.Organization, in.Body))
}

// HandleDeleteRole: DELETE /organizations/{organization}/members/roles/{roleName}.
func (s *Service) HandleDeleteRole(ctx context.Context, in *RolePath) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.DeleteRole(ctx, in.Organization, in.Role)
}
