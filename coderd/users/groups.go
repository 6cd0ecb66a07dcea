package users

import (
	"context"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const (
	aGroup    = "Group"
	maxGroups = 1000
	// maxShown bounds the members that a group itself shows; the rest is paged.
	maxShown = 1000
)

func groupObject(g database.Group) rbac.Object {
	return rbac.Object{Type: rbac.TypeGroup, ID: g.ID, OrgID: g.OrganizationID}
}

// GroupsQuery narrows Groups; empty fields do not.
type GroupsQuery struct {
	Organization string
	HasMember    string
	IDs          []api.ID
}

// Groups returns the groups that the caller may read, and those that they are in.
func (s *Service) Groups(ctx context.Context, query GroupsQuery) ([]api.Group, error) {
	p, err := s.visibleGroups(ctx)
	if err != nil {
		return nil, err
	}
	p.Ids = append(p.Ids, query.IDs...)
	if query.Organization != "" {
		o, err := s.loadOrganization(ctx, query.Organization)
		if err != nil {
			return nil, err
		}
		p.OrganizationID = &o.ID
	}
	if query.HasMember != "" {
		u, err := Load(ctx, s.opts.DB.Queries, rbac.Read, query.HasMember)
		if err != nil {
			return nil, err
		}
		p.HasMember = &u.ID
	}
	return listGroups(ctx, s.opts.DB.Queries, p)
}

// visibleGroups is the filter of the caller: groups that roles let them read, and
// those that they are in.
func (s *Service) visibleGroups(ctx context.Context) (database.ListGroupsParams, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return database.ListGroupsParams{}, err
	}
	f := rbac.ListFor(caller, rbac.Read, rbac.TypeGroup)
	p := database.ListGroupsParams{Everything: f.All, Orgs: f.Orgs, Owner: f.Owner, MemberOf: f.MemberOf, AtLarge: f.AtLarge,
		SharedIn: f.SharedIn, Entries: f.Entries, Anything: f.Anything, Named: f.Named, Joined: []api.ID{}, Ids: []api.ID{}, MaxRows: maxGroups}
	if rbac.Admits(caller, rbac.Read, rbac.TypeGroup) {
		p.Joined = append(p.Joined, caller.Groups...)
		for org := range caller.OrgRoles {
			p.Joined = append(p.Joined, org)
		}
	}
	return p, nil
}

// listGroups loads groups with those of their members whom the caller may see: all of
// them, or only the caller.
func listGroups(ctx context.Context, q *database.Queries, p database.ListGroupsParams) ([]api.Group, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.ListGroups(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	ids := make([]api.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.Group.ID
	}
	people, err := q.ListMembersOfGroups(ctx, database.ListMembersOfGroupsParams{GroupIds: ids, PerGroup: maxShown})
	if err != nil {
		return nil, fmt.Errorf("list members of groups: %w", err)
	}
	members := map[api.ID][]database.User{}
	for _, m := range people {
		members[m.GroupID] = append(members[m.GroupID], m.User)
	}
	out := make([]api.Group, len(rows))
	for i, r := range rows {
		out[i] = toGroup(r)
		all := maySeeMembers(caller, r.Group)
		for _, u := range members[r.Group.ID] {
			if all || u.ID == caller.UserID {
				out[i].Members = append(out[i].Members, toReduced(u))
			}
		}
	}
	return out, nil
}

// maySeeMembers: everybody sees who is in their organization, so the group of all
// is no secret; who is in another group is for those with the right to it.
func maySeeMembers(caller rbac.Subject, g database.Group) bool {
	t := rbac.TypeGroupMember
	if g.ID == g.OrganizationID {
		t = rbac.TypeOrganizationMember
	}
	return rbac.Authorize(caller, rbac.Read, rbac.Object{Type: t, OrgID: g.OrganizationID})
}

// Group returns one group by id.
func (s *Service) Group(ctx context.Context, id api.ID) (api.Group, error) {
	return s.oneGroup(ctx, func(p *database.ListGroupsParams) { p.Ids = []api.ID{id} })
}

// GroupNamed returns one group of an organization by name.
func (s *Service) GroupNamed(ctx context.Context, ref, name string) (api.Group, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return api.Group{}, err
	}
	return s.oneGroup(ctx, func(p *database.ListGroupsParams) { p.OrganizationID, p.Name = &o.ID, name })
}

func (s *Service) oneGroup(ctx context.Context, narrow func(*database.ListGroupsParams)) (api.Group, error) {
	p, err := s.visibleGroups(ctx)
	if err != nil {
		return api.Group{}, err
	}
	narrow(&p)
	if (p.Name == "") == (len(p.Ids) == 0) {
		return api.Group{}, api.NotFound(aGroup)
	}
	return s.onlyGroup(ctx, p)
}

// onlyGroup returns the one group that p finds.
func (s *Service) onlyGroup(ctx context.Context, p database.ListGroupsParams) (api.Group, error) {
	found, err := listGroups(ctx, s.opts.DB.Queries, p)
	if err == nil && len(found) != 1 {
		err = api.NotFound(aGroup)
	}
	if err != nil {
		return api.Group{}, err
	}
	return found[0], nil
}

// GroupMembers returns a page of the members of a group.
func (s *Service) GroupMembers(ctx context.Context, g api.Group, search string, page httpapi.Page) (api.GroupMembersResponse, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.GroupMembersResponse{}, err
	}
	if !maySeeMembers(caller, database.Group{ID: g.ID, OrganizationID: g.OrganizationID}) {
		return api.GroupMembersResponse{Users: g.Members, Count: len(g.Members)}, nil
	}
	after, err := page.After()
	if err != nil {
		return api.GroupMembersResponse{}, err
	}
	rows, err := s.opts.DB.SearchGroupMembers(ctx, database.SearchGroupMembersParams{GroupID: g.ID, Search: search, AfterID: after,
		MaxRows: page.Rows(), Skip: int32(page.Offset)}) //nolint:gosec // bounded by Page
	if err != nil {
		return api.GroupMembersResponse{}, fmt.Errorf("list members of group %s: %w", g.ID, err)
	}
	n, err := s.opts.DB.CountGroupMembers(ctx, database.CountGroupMembersParams{GroupID: g.ID, Search: search})
	if err != nil {
		return api.GroupMembersResponse{}, fmt.Errorf("count members of group %s: %w", g.ID, err)
	}
	out := api.GroupMembersResponse{Users: make([]api.ReducedUser, len(rows)), Count: int(n)}
	for i, u := range rows {
		out.Users[i] = toReduced(u)
	}
	return out, nil
}

func toGroup(r database.ListGroupsRow) api.Group {
	g := r.Group
	return api.Group{ID: g.ID, Name: g.Name, DisplayName: g.DisplayName, OrganizationID: g.OrganizationID,
		OrganizationName: r.OrganizationName, OrganizationDisplayName: r.OrganizationDisplayName, Members: []api.ReducedUser{},
		TotalMemberCount: int(r.Total), AvatarURL: g.AvatarUrl, QuotaAllowance: int(g.QuotaAllowance), Source: g.Source}
}

func toReduced(u database.User) api.ReducedUser {
	return api.ReducedUser{ID: u.ID, Username: u.Username, Name: u.Name, Email: u.Email, AvatarURL: u.AvatarUrl,
		Status: api.UserStatus(u.Status), LoginType: api.LoginType(u.LoginType), IsServiceAccount: u.IsServiceAccount,
		ThemePreference: u.ThemePreference, CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(), LastSeenAt: u.LastSeenAt.UTC()}
}

// parseIDs reads ids of a field, each once.
func parseIDs(field string, texts []string) ([]api.ID, error) {
	out := []api.ID{}
	for _, t := range texts {
		id, err := api.ParseID(t)
		if err != nil {
			return nil, api.Invalid(field, err.Error()+".")
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}
