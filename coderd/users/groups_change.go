package users

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// CreateGroup makes a group without members.
func (s *Service) CreateGroup(ctx context.Context, ref string, req api.CreateGroupRequest) (api.Group, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return api.Group{}, err
	}
	if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeGroup, OrgID: o.ID}, aGroup); err != nil {
		return api.Group{}, err
	}
	g := database.Group{ID: api.NewID(), OrganizationID: o.ID, Name: req.Name, DisplayName: req.DisplayName, AvatarUrl: req.AvatarURL,
		QuotaAllowance: int32(req.QuotaAllowance)} //nolint:gosec // bounded by the request's tag
	if err := checkGroup(g); err != nil {
		return api.Group{}, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		// One after another, so that the limit holds.
		if _, err := lockOrganization(ctx, q, o.ID); err != nil {
			return err
		}
		if n, err := q.CountGroups(ctx, o.ID); err != nil {
			return fmt.Errorf("count groups of organization %s: %w", o.ID, err)
		} else if n >= maxGroups {
			return api.Conflict(fmt.Sprintf("The organization has %d groups, which is the limit. Delete one first.", n))
		}
		made, err := q.InsertGroup(ctx, database.InsertGroupParams{ID: g.ID, OrganizationID: g.OrganizationID, Name: g.Name,
			DisplayName: g.DisplayName, AvatarUrl: g.AvatarUrl, QuotaAllowance: g.QuotaAllowance})
		if err != nil {
			return groupTaken(fmt.Errorf("insert group: %w", err))
		}
		return recordGroup(ctx, q, audit.Create, http.StatusCreated, made, nil, groupFields(made, nil))
	})
	if err != nil {
		return api.Group{}, err
	}
	return s.groupUnchecked(ctx, g.ID)
}

// groupUnchecked returns a group that the caller has just changed.
func (s *Service) groupUnchecked(ctx context.Context, id api.ID) (api.Group, error) {
	return s.onlyGroup(ctx, database.ListGroupsParams{Everything: true, Anything: true, Joined: []api.ID{}, Ids: []api.ID{id}, MaxRows: 1})
}

// groupFor loads a group for a change. To those who cannot see it, it is absent.
func (s *Service) groupFor(ctx context.Context, id api.ID, action rbac.Action) (database.Group, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return database.Group{}, err
	}
	g, err := s.opts.DB.GetGroup(ctx, id)
	if database.IsNotFound(err) {
		return g, api.NotFound(aGroup)
	}
	if err != nil {
		return g, fmt.Errorf("load group %s: %w", id, err)
	}
	err = rbac.Check(ctx, action, groupObject(g), aGroup)
	_, inOrg := caller.OrgRoles[g.ID]
	if api.CodeOf(err) == api.CodeNotFound && (inOrg || slices.Contains(caller.Groups, g.ID)) {
		err = &api.Error{Code: api.CodeForbidden, Message: "You may not " + string(action) + " this group. Ask an administrator for a role that allows it."}
	}
	return g, err
}

// UpdateGroup changes what req names.
func (s *Service) UpdateGroup(ctx context.Context, id api.ID, req api.PatchGroupRequest) (api.Group, error) {
	g, err := s.groupFor(ctx, id, rbac.Update)
	if err != nil {
		return api.Group{}, err
	}
	add, err := parseIDs("add_users", req.AddUsers)
	if err != nil {
		return api.Group{}, err
	}
	drop, err := parseIDs("remove_users", req.RemoveUsers)
	if err != nil {
		return api.Group{}, err
	}
	if g.ID == g.OrganizationID && (len(add)+len(drop) > 0 || req.Name != "" && req.Name != g.Name) {
		return api.Group{}, api.Conflict("All members of the organization are in this group, and it keeps its name. Add them to or remove them from the organization.")
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error { return changeGroup(ctx, q, g, req, add, drop) })
	if err != nil {
		return api.Group{}, err
	}
	return s.groupUnchecked(ctx, id)
}

// changeGroup is the transaction of UpdateGroup.
func changeGroup(ctx context.Context, q *database.Queries, g database.Group, req api.PatchGroupRequest, add, drop []api.ID) error {
	g, err := lockGroup(ctx, q, g.ID)
	if err != nil {
		return err
	}
	before, everyone := groupFields(g, nil), g.ID == g.OrganizationID
	if req.Name != "" {
		g.Name = req.Name
	}
	if req.DisplayName != nil {
		g.DisplayName = *req.DisplayName
	}
	if req.AvatarURL != nil {
		g.AvatarUrl = *req.AvatarURL
	}
	if req.QuotaAllowance != nil {
		g.QuotaAllowance = int32(*req.QuotaAllowance) //nolint:gosec // bounded by the request's tag
	}
	if !everyone {
		err = checkGroup(g)
	} else if err = checkText("display_name", g.DisplayName, 64); err == nil {
		err = checkIcon("avatar_url", g.AvatarUrl)
	}
	if err != nil {
		return err
	}
	g, err = q.UpdateGroup(ctx, database.UpdateGroupParams{ID: g.ID, Name: g.Name, DisplayName: g.DisplayName,
		AvatarUrl: g.AvatarUrl, QuotaAllowance: g.QuotaAllowance})
	if err != nil {
		return groupTaken(fmt.Errorf("update group: %w", err))
	}
	if err := changeMembers(ctx, q, g, add, drop); err != nil {
		return err
	}
	after := groupFields(g, map[string]any{"add_users": add, "remove_users": drop})
	return recordGroup(ctx, q, audit.Write, http.StatusOK, g, before, after)
}

// changeMembers adds members of the organization to a group and removes others.
func changeMembers(ctx context.Context, q *database.Queries, g database.Group, add, drop []api.ID) error {
	members, err := q.ListMemberIDs(ctx, database.ListMemberIDsParams{OrganizationID: g.OrganizationID, Ids: add})
	if err != nil {
		return fmt.Errorf("look for members of organization %s: %w", g.OrganizationID, err)
	}
	for _, id := range add {
		if !slices.Contains(members, id) {
			return api.Invalid("add_users", fmt.Sprintf("%s is not a member of the organization.", id))
		}
		if _, err := q.AddGroupMember(ctx, database.AddGroupMemberParams{OrganizationID: g.OrganizationID, UserID: id, GroupID: g.ID}); err != nil {
			return fmt.Errorf("add user %s to group %s: %w", id, g.ID, err)
		}
	}
	for _, id := range drop {
		if _, err := q.RemoveGroupMember(ctx, database.RemoveGroupMemberParams{GroupID: g.ID, UserID: id}); err != nil {
			return fmt.Errorf("remove user %s from group %s: %w", id, g.ID, err)
		}
	}
	return nil
}

// DeleteGroup deletes a group and takes it off all access lists. It returns what it
// was.
func (s *Service) DeleteGroup(ctx context.Context, id api.ID) (api.Group, error) {
	g, err := s.groupFor(ctx, id, rbac.Delete)
	if err != nil {
		return api.Group{}, err
	}
	if g.ID == g.OrganizationID {
		return api.Group{}, api.Conflict("The group of all members cannot be deleted.")
	}
	was, err := s.groupUnchecked(ctx, id)
	if err != nil {
		return api.Group{}, err
	}
	return was, s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		locked, err := lockGroup(ctx, q, id)
		if err != nil {
			return err
		}
		entries := []string{rbac.Entry(rbac.GranteeGroup, id, rbac.ACLUse), rbac.Entry(rbac.GranteeGroup, id, rbac.ACLAdmin)}
		if err := q.LeaveACLs(ctx, database.LeaveACLsParams{OrganizationID: locked.OrganizationID, Entries: entries}); err != nil {
			return fmt.Errorf("take group %s off access lists: %w", id, err)
		}
		if _, err := q.DeleteGroup(ctx, id); err != nil {
			return fmt.Errorf("delete group %s: %w", id, err)
		}
		return recordGroup(ctx, q, audit.Delete, http.StatusOK, locked, groupFields(locked, nil), nil)
	})
}

func lockGroup(ctx context.Context, q *database.Queries, id api.ID) (database.Group, error) {
	g, err := q.LockGroup(ctx, id)
	if database.IsNotFound(err) {
		return g, api.NotFound(aGroup)
	}
	if err != nil {
		return g, fmt.Errorf("lock group %s: %w", id, err)
	}
	return g, nil
}

func checkGroup(g database.Group) error {
	if err := httpapi.CheckName("name", g.Name, "Everyone", "new"); err != nil {
		return err
	}
	if err := checkText("display_name", g.DisplayName, 64); err != nil {
		return err
	}
	return checkIcon("avatar_url", g.AvatarUrl)
}

func groupTaken(err error) error {
	if database.IsUniqueViolation(err, "groups_name") || database.IsUniqueViolation(err, "groups_organization_id_name_key") {
		return api.Conflict("A group with this name exists already.", api.ValidationError{Field: "name", Detail: "this name is taken; choose another."})
	}
	return err
}

func groupFields(g database.Group, more map[string]any) map[string]any {
	out := map[string]any{"name": g.Name, "display_name": g.DisplayName, "avatar_url": g.AvatarUrl, "quota_allowance": g.QuotaAllowance}
	for k, v := range more {
		if ids, ok := v.([]api.ID); !ok || len(ids) > 0 {
			out[k] = v
		}
	}
	return out
}

func recordGroup(ctx context.Context, q *database.Queries, a audit.Action, status int, g database.Group, before, after map[string]any) error {
	return audit.Record(ctx, q, audit.Entry{Action: a, ResourceType: "group", ResourceID: g.ID, Target: g.Name,
		OrganizationID: g.OrganizationID, StatusCode: status, Before: before, After: after})
}
