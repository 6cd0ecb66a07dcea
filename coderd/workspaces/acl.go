package workspaces

import (
	"context"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// ACL returns with whom a workspace is shared, for all who may read it.
func (s *Service) ACL(ctx context.Context, id api.ID) (api.WorkspaceACL, error) {
	w, err := s.loadLiving(ctx, id, rbac.Read)
	if err != nil {
		return api.WorkspaceACL{}, err
	}
	g, err := users.LoadGrantees(ctx, s.db.Queries, w.Acl)
	if err != nil {
		return api.WorkspaceACL{}, err
	}
	out := api.WorkspaceACL{Users: []api.WorkspaceUser{}, Groups: []api.WorkspaceGroup{}}
	for _, u := range g.Users {
		out.Users = append(out.Users, api.WorkspaceUser{Role: g.Roles[u.ID],
			MinimalUser: api.MinimalUser{ID: u.ID, Username: u.Username, Name: u.Name, AvatarURL: u.AvatarUrl}})
	}
	for _, group := range g.Groups {
		out.Groups = append(out.Groups, api.WorkspaceGroup{Group: group, Role: g.Roles[group.ID]})
	}
	return out, nil
}

// UpdateACL shares a workspace with users and groups, or ends that.
func (s *Service) UpdateACL(ctx context.Context, id api.ID, req api.UpdateWorkspaceACL) error {
	return s.changeACL(ctx, id, func(q *database.Queries, w database.Workspace) ([]string, error) {
		list, err := users.EditACL(ctx, q, objectOf(w), w.Acl, req.UserRoles, req.GroupRoles)
		if err != nil || len(list) <= len(w.Acl) {
			return list, err
		}
		return list, checkSharing(ctx, q, w)
	})
}

// ClearACL ends all sharing of a workspace.
func (s *Service) ClearACL(ctx context.Context, id api.ID) error {
	return s.changeACL(ctx, id, func(*database.Queries, database.Workspace) ([]string, error) { return []string{}, nil })
}

func (s *Service) changeACL(ctx context.Context, id api.ID, edit func(*database.Queries, database.Workspace) ([]string, error)) error {
	w, err := s.loadLiving(ctx, id, rbac.Share)
	if err != nil {
		return err
	}
	if caller, err := rbac.Caller(ctx); err != nil {
		return err
	} else if caller.Deployment.NoSharing {
		return &api.Error{Code: api.CodeForbidden, Message: "Sharing workspaces is switched off in this deployment (--disable-workspace-sharing)."}
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		// The organization first, as when its policy changes.
		if _, err := q.LockOrganizationForShare(ctx, w.OrganizationID); err != nil {
			return fmt.Errorf("lock organization %s: %w", w.OrganizationID, err)
		}
		w, err := q.LockWorkspace(ctx, id)
		if err == nil && w.Deleted || database.IsNotFound(err) {
			return api.NotFound(what)
		}
		if err != nil {
			return fmt.Errorf("lock workspace %s: %w", id, err)
		}
		list, err := edit(q, w)
		if err != nil {
			return err
		}
		if _, err := q.SetWorkspaceACL(ctx, database.SetWorkspaceACLParams{ID: id, Acl: list}); err != nil {
			return fmt.Errorf("set access list of workspace %s: %w", id, err)
		}
		err = audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "workspace", ResourceID: id, Target: w.Name,
			OrganizationID: w.OrganizationID, StatusCode: http.StatusNoContent, Before: map[string]any{"acl": w.Acl}, After: map[string]any{"acl": list}})
		if err != nil {
			return err
		}
		return s.changed(ctx, q, id)
	})
}

// checkSharing asks the organization whose workspaces may be shared.
func checkSharing(ctx context.Context, q *database.Queries, w database.Workspace) error {
	o, err := q.GetOrganization(ctx, w.OrganizationID)
	if err != nil {
		return fmt.Errorf("load organization %s: %w", w.OrganizationID, err)
	}
	switch o.SharingOwners {
	case api.ShareEveryone:
		return nil
	case api.ShareServiceAccounts:
		u, err := q.GetUser(ctx, w.OwnerID)
		if err != nil {
			return fmt.Errorf("load user %s: %w", w.OwnerID, err)
		}
		if u.IsServiceAccount {
			return nil
		}
	}
	return &api.Error{Code: api.CodeForbidden, Message: "The organization does not allow this workspace to be shared. An administrator of the organization can change that in its settings."}
}

// mayUseTemplate refuses a start to those who have lost the template. What runs can
// be stopped and deleted all the same.
func mayUseTemplate(ctx context.Context, t database.Template, to api.Transition) error {
	caller, err := rbac.Caller(ctx)
	// The question is what the person may, not the token.
	if err != nil || to != api.TransitionStart || rbac.Authorize(caller.Person(), rbac.Use, templateObject(t)) {
		return err
	}
	return &api.Error{Code: api.CodeForbidden, Message: "You may no longer use the template of this workspace, so you cannot start it. Ask an administrator of the template."}
}

// HandleACL: GET /workspaces/{workspace}/acl.
func (s *Service) HandleACL(ctx context.Context, in *WorkspaceInput) (*httpapi.Out[api.WorkspaceACL], error) {
	return httpapi.Reply(s.ACL(ctx, in.ID))
}

// HandleUpdateACL: PATCH /workspaces/{workspace}/acl.
func (s *Service) HandleUpdateACL(ctx context.Context, in *struct {
	WorkspaceInput
	Body api.UpdateWorkspaceACL
}) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.UpdateACL(ctx, in.ID, in.Body)
}

// HandleClearACL: DELETE /workspaces/{workspace}/acl.
func (s *Service) HandleClearACL(ctx context.Context, in *WorkspaceInput) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.ClearACL(ctx, in.ID)
}
