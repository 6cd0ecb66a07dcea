package users

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// GroupPath is the input of routes about one group.
type GroupPath struct {
	ID api.ID `path:"group"`
}

// GroupNamePath names a group of an organization.
type GroupNamePath struct {
	OrganizationPath
	Name string `path:"groupName" maxLength:"64"`
}

// MembersQuery searches members of a group.
type MembersQuery struct {
	httpapi.Page
	Q string `query:"q" maxLength:"1024" doc:"Words to find in names and addresses."`
}

// HandleGroups: GET /groups.
func (s *Service) HandleGroups(ctx context.Context, in *struct {
	Organization string   `query:"organization" maxLength:"64" doc:"Name or id of an organization."`
	HasMember    string   `query:"has_member" maxLength:"64" doc:"Name or id of a user."`
	IDs          []string `query:"group_ids" maxItems:"500" doc:"Only these."`
}) (*httpapi.Out[[]api.Group], error) {
	ids, err := parseIDs("group_ids", in.IDs)
	if err != nil {
		return nil, err
	}
	return httpapi.Reply(s.Groups(ctx, GroupsQuery{Organization: in.Organization, HasMember: in.HasMember, IDs: ids}))
}

// HandleOrganizationGroups: GET /organizations/{organization}/groups.
func (s *Service) HandleOrganizationGroups(ctx context.Context, in *OrganizationPath) (*httpapi.Out[[]api.Group], error) {
	return httpapi.Reply(s.Groups(ctx, GroupsQuery{Organization: in.Organization}))
}

// HandleCreateGroup: POST /organizations/{organization}/groups.
func (s *Service) HandleCreateGroup(ctx context.Context, in *struct {
	OrganizationPath
	Body api.CreateGroupRequest
}) (*httpapi.Out[api.Group], error) {
	return httpapi.Reply(s.CreateGroup(ctx, in.Organization, in.Body))
}

// HandleGroup: GET /groups/{group}.
func (s *Service) HandleGroup(ctx context.Context, in *struct {
	GroupPath
	ExcludeMembers bool `query:"exclude_members"`
}) (*httpapi.Out[api.Group], error) {
	g, err := s.Group(ctx, in.ID)
	if in.ExcludeMembers {
		g.Members = []api.ReducedUser{}
	}
	return httpapi.Reply(g, err)
}

// HandleGroupNamed: GET /organizations/{organization}/groups/{groupName}.
func (s *Service) HandleGroupNamed(ctx context.Context, in *GroupNamePath) (*httpapi.Out[api.Group], error) {
	return httpapi.Reply(s.GroupNamed(ctx, in.Organization, in.Name))
}

// HandleGroupMembers: GET /groups/{group}/members.
func (s *Service) HandleGroupMembers(ctx context.Context, in *struct {
	GroupPath
	MembersQuery
}) (*httpapi.Out[api.GroupMembersResponse], error) {
	g, err := s.Group(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return httpapi.Reply(s.GroupMembers(ctx, g, in.Q, in.Page))
}

// HandleGroupNamedMembers: GET /organizations/{organization}/groups/{groupName}/members.
func (s *Service) HandleGroupNamedMembers(ctx context.Context, in *struct {
	GroupNamePath
	MembersQuery
}) (*httpapi.Out[api.GroupMembersResponse], error) {
	g, err := s.GroupNamed(ctx, in.Organization, in.Name)
	if err != nil {
		return nil, err
	}
	return httpapi.Reply(s.GroupMembers(ctx, g, in.Q, in.Page))
}

// HandleUpdateGroup: PATCH /groups/{group}.
func (s *Service) HandleUpdateGroup(ctx context.Context, in *struct {
	GroupPath
	Body api.PatchGroupRequest
}) (*httpapi.Out[api.Group], error) {
	return httpapi.Reply(s.UpdateGroup(ctx, in.ID, in.Body))
}

// HandleDeleteGroup: DELETE /groups/{group}.
func (s *Service) HandleDeleteGroup(ctx context.Context, in *GroupPath) (*httpapi.Out[api.Group], error) {
	return httpapi.Reply(s.DeleteGroup(ctx, in.ID))
}
