package users

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// UserPath is the input of routes about one user.
type UserPath struct {
	User string `path:"user" doc:"Username, id or me."`
}

// OrganizationPath is the input of routes about one organization.
type OrganizationPath struct {
	Organization string `path:"organization" doc:"Name, id or default."`
}

// HandleFirstExists: GET /users/first.
func (s *Service) HandleFirstExists(ctx context.Context, _ *struct{}) (*httpapi.Out[api.Response], error) {
	if err := s.FirstExists(ctx); err != nil {
		return nil, err
	}
	return httpapi.OK(api.Response{Message: "The initial user has already been created!"}), nil
}

// HandleCreateFirst: POST /users/first.
func (s *Service) HandleCreateFirst(ctx context.Context, in *struct{ Body api.CreateFirstUserRequest }) (*httpapi.Out[api.CreateFirstUserResponse], error) {
	return httpapi.Reply(s.CreateFirst(ctx, in.Body))
}

// HandleList: GET /users.
func (s *Service) HandleList(ctx context.Context, in *struct {
	httpapi.Page
	Q string `query:"q" maxLength:"1024" doc:"Words to find in names and addresses; status:, role:, login_type:, name:, last_seen_before:, last_seen_after:, created_before:, created_after:, github_com_user_id: and service_account: narrow."`
}) (*httpapi.Out[api.UsersResponse], error) {
	return httpapi.Reply(s.List(ctx, in.Q, in.Page))
}

// HandleCreate: POST /users.
func (s *Service) HandleCreate(ctx context.Context, in *struct{ Body api.CreateUserRequest }) (*httpapi.Out[api.User], error) {
	return httpapi.Reply(s.Create(ctx, in.Body))
}

// HandleGet: GET /users/{user}.
func (s *Service) HandleGet(ctx context.Context, in *UserPath) (*httpapi.Out[api.User], error) {
	return httpapi.Reply(s.Get(ctx, in.User))
}

// HandleDelete: DELETE /users/{user}.
func (s *Service) HandleDelete(ctx context.Context, in *UserPath) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.Delete(ctx, in.User)
}

// HandleUpdateProfile: PUT /users/{user}/profile.
func (s *Service) HandleUpdateProfile(ctx context.Context, in *struct {
	UserPath
	Body api.UpdateUserProfileRequest
}) (*httpapi.Out[api.User], error) {
	return httpapi.Reply(s.UpdateProfile(ctx, in.User, in.Body))
}

// HandleSuspend: PUT /users/{user}/status/suspend.
func (s *Service) HandleSuspend(ctx context.Context, in *UserPath) (*httpapi.Out[api.User], error) {
	return httpapi.Reply(s.Suspend(ctx, in.User))
}

// HandleActivate: PUT /users/{user}/status/activate.
func (s *Service) HandleActivate(ctx context.Context, in *UserPath) (*httpapi.Out[api.User], error) {
	return httpapi.Reply(s.Activate(ctx, in.User))
}

// HandleSetRoles: PUT /users/{user}/roles.
func (s *Service) HandleSetRoles(ctx context.Context, in *struct {
	UserPath
	Body api.UpdateRolesRequest
}) (*httpapi.Out[api.User], error) {
	return httpapi.Reply(s.SetRoles(ctx, in.User, in.Body))
}

// HandleOrganizationsOf: GET /users/{user}/organizations.
func (s *Service) HandleOrganizationsOf(ctx context.Context, in *UserPath) (*httpapi.Out[[]api.Organization], error) {
	return httpapi.Reply(s.OrganizationsOf(ctx, in.User))
}

// HandleOrganizationOf: GET /users/{user}/organizations/{organizationname}.
func (s *Service) HandleOrganizationOf(ctx context.Context, in *struct {
	UserPath
	Name string `path:"organizationname"`
}) (*httpapi.Out[api.Organization], error) {
	return httpapi.Reply(s.OrganizationOf(ctx, in.User, in.Name))
}

// HandleOrganizations: GET /organizations.
func (s *Service) HandleOrganizations(ctx context.Context, _ *struct{}) (*httpapi.Out[[]api.Organization], error) {
	return httpapi.Reply(s.Organizations(ctx))
}

// HandleOrganization: GET /organizations/{organization}.
func (s *Service) HandleOrganization(ctx context.Context, in *OrganizationPath) (*httpapi.Out[api.Organization], error) {
	return httpapi.Reply(s.Organization(ctx, in.Organization))
}

// HandleMembers: GET /organizations/{organization}/members.
func (s *Service) HandleMembers(ctx context.Context, in *struct {
	OrganizationPath
	httpapi.Page
}) (*httpapi.Out[[]api.OrganizationMember], error) {
	return httpapi.Reply(s.Members(ctx, in.Organization, in.Page))
}
