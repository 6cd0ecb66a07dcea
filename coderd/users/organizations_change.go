package users

import (
	"context"
	"fmt"
	"net/http"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

const anOrganization = "Organization"

// CreateOrganization makes an organization with the caller as its administrator.
func (s *Service) CreateOrganization(ctx context.Context, req api.CreateOrganizationRequest) (api.Organization, error) {
	if err := rbac.Check(ctx, rbac.Create, rbac.Object{Type: rbac.TypeOrganization}, anOrganization); err != nil {
		return api.Organization{}, err
	}
	o := database.Organization{ID: api.NewID(), Name: req.Name, DisplayName: req.DisplayName, Description: req.Description, Icon: req.Icon}
	if o.DisplayName == "" {
		o.DisplayName = o.Name
	}
	if err := checkOrganization(o); err != nil {
		return api.Organization{}, err
	}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.Organization{}, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if n, err := q.CountOrganizations(ctx); err != nil {
			return fmt.Errorf("count organizations: %w", err)
		} else if n >= maxOrganizations {
			return api.Conflict(fmt.Sprintf("There are %d organizations, which is the limit. Delete one first.", n))
		}
		made, err := q.InsertNewOrganization(ctx, database.InsertNewOrganizationParams{ID: o.ID, Name: o.Name,
			DisplayName: o.DisplayName, Description: o.Description, Icon: o.Icon})
		if err != nil {
			return organizationTaken(fmt.Errorf("insert organization: %w", err))
		}
		err = q.InsertOrganizationMember(ctx, database.InsertOrganizationMemberParams{OrganizationID: o.ID, UserID: caller.UserID,
			Roles: []string{rbac.RoleOrgAdmin}})
		if err != nil {
			return fmt.Errorf("add user %s to organization %s: %w", caller.UserID, o.ID, err)
		}
		o = made
		return recordOrganization(ctx, q, audit.Create, http.StatusCreated, o, nil, organizationFields(o))
	})
	return toOrganization(o), err
}

// UpdateOrganization changes what req names.
func (s *Service) UpdateOrganization(ctx context.Context, ref string, req api.UpdateOrganizationRequest) (api.Organization, error) {
	o, err := s.organizationFor(ctx, ref, rbac.Update)
	if err != nil {
		return api.Organization{}, err
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if o, err = lockOrganization(ctx, q, o.ID); err != nil {
			return err
		}
		before := organizationFields(o)
		for _, f := range []struct {
			to   *string
			from *string
		}{{&o.Name, req.Name}, {&o.DisplayName, req.DisplayName}, {&o.Description, req.Description}, {&o.Icon, req.Icon}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if err := checkOrganization(o); err != nil {
			return err
		}
		if req.DefaultMemberRoles != nil {
			roles := distinct(*req.DefaultMemberRoles)
			if err := mayChangeRoles(ctx, q, o.ID, "default_org_member_roles", o.DefaultMemberRoles, roles); err != nil {
				return err
			}
			o.DefaultMemberRoles = roles
		}
		o, err = q.UpdateOrganization(ctx, database.UpdateOrganizationParams{ID: o.ID, Name: o.Name, DisplayName: o.DisplayName,
			Description: o.Description, Icon: o.Icon, DefaultMemberRoles: o.DefaultMemberRoles})
		if err != nil {
			return organizationTaken(fmt.Errorf("update organization: %w", err))
		}
		return recordOrganization(ctx, q, audit.Write, http.StatusOK, o, before, organizationFields(o))
	})
	return toOrganization(o), err
}

// DeleteOrganization removes an organization that has no workspaces, templates and
// provisioner keys left; its memberships, groups and roles go with it.
func (s *Service) DeleteOrganization(ctx context.Context, ref string) (api.Response, error) {
	o, err := s.organizationFor(ctx, ref, rbac.Delete)
	if err != nil {
		return api.Response{}, err
	}
	if o.IsDefault {
		return api.Response{}, api.Conflict("The default organization cannot be deleted.")
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if o, err = lockOrganization(ctx, q, o.ID); err != nil {
			return err
		}
		holds, err := q.WhatOrganizationHolds(ctx, o.ID)
		if err != nil {
			return fmt.Errorf("look into organization %s: %w", o.ID, err)
		}
		if holds.Workspaces+holds.Templates+holds.ProvisionerKeys > 0 {
			return api.Conflict(fmt.Sprintf("The organization has %d workspaces, %d templates and %d provisioner keys. Delete them first.",
				holds.Workspaces, holds.Templates, holds.ProvisionerKeys))
		}
		if err := q.DeleteMembersOfOrganization(ctx, o.ID); err != nil {
			return fmt.Errorf("delete members of organization %s: %w", o.ID, err)
		}
		if _, err := q.DeleteOrganization(ctx, o.ID); err != nil {
			return fmt.Errorf("delete organization %s: %w", o.ID, err)
		}
		return recordOrganization(ctx, q, audit.Delete, http.StatusOK, o, organizationFields(o), nil)
	})
	return api.Response{Message: "Organization has been deleted."}, err
}

// organizationFor loads an organization for action. Who may not read it learns
// nothing of it.
func (s *Service) organizationFor(ctx context.Context, ref string, action rbac.Action) (database.Organization, error) {
	o, err := s.loadOrganization(ctx, ref)
	if err != nil {
		return o, err
	}
	return o, rbac.Check(ctx, action, organizationObject(o), anOrganization)
}

func lockOrganization(ctx context.Context, q *database.Queries, id api.ID) (database.Organization, error) {
	o, err := q.LockOrganization(ctx, id)
	if database.IsNotFound(err) {
		return o, api.NotFound(anOrganization)
	}
	if err != nil {
		return o, fmt.Errorf("lock organization %s: %w", id, err)
	}
	return o, nil
}

func checkOrganization(o database.Organization) error {
	if err := httpapi.CheckName("name", o.Name, "default"); err != nil {
		return err
	}
	if err := checkText("display_name", o.DisplayName, 64); err != nil {
		return err
	}
	if err := checkText("description", o.Description, 256); err != nil {
		return err
	}
	return checkIcon("icon", o.Icon)
}

func organizationTaken(err error) error {
	if database.IsUniqueViolation(err, "organizations_name") {
		return api.Conflict("An organization with this name exists already.",
			api.ValidationError{Field: "name", Detail: "this name is taken; choose another."})
	}
	return err
}

func organizationFields(o database.Organization) map[string]any {
	return map[string]any{"name": o.Name, "display_name": o.DisplayName, "description": o.Description, "icon": o.Icon,
		"default_org_member_roles": o.DefaultMemberRoles, "shareable_workspace_owners": o.SharingOwners}
}

func recordOrganization(ctx context.Context, q *database.Queries, a audit.Action, status int, o database.Organization, before, after map[string]any) error {
	return audit.Record(ctx, q, audit.Entry{Action: a, ResourceType: "organization", ResourceID: o.ID, Target: o.Name,
		OrganizationID: o.ID, StatusCode: status, Before: before, After: after})
}

// Sharing returns whose workspaces of the organization may be shared.
func (s *Service) Sharing(ctx context.Context, ref string) (api.WorkspaceSharingSettings, error) {
	o, err := s.organizationFor(ctx, ref, rbac.Read)
	if err != nil {
		return api.WorkspaceSharingSettings{}, err
	}
	return toSharing(ctx, o)
}

// SetSharing changes that. Workspaces that may no longer be shared stop being so.
func (s *Service) SetSharing(ctx context.Context, ref string, req api.UpdateWorkspaceSharingSettingsRequest) (api.WorkspaceSharingSettings, error) {
	o, err := s.organizationFor(ctx, ref, rbac.Update)
	if err != nil {
		return api.WorkspaceSharingSettings{}, err
	}
	to := req.ShareableWorkspaceOwners
	switch {
	case to == "" && req.SharingDisabled:
		to = api.ShareNone
	case to == "":
		to = api.ShareEveryone
	}
	err = s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if o, err = lockOrganization(ctx, q, o.ID); err != nil {
			return err
		}
		before := organizationFields(o)
		if o, err = q.SetSharingOwners(ctx, database.SetSharingOwnersParams{ID: o.ID, SharingOwners: to}); err != nil {
			return fmt.Errorf("set sharing of organization %s: %w", o.ID, err)
		}
		if to != api.ShareEveryone {
			_, err := q.ClearWorkspaceACLs(ctx, database.ClearWorkspaceACLsParams{OrganizationID: o.ID, Every: to == api.ShareNone})
			if err != nil {
				return fmt.Errorf("end sharing in organization %s: %w", o.ID, err)
			}
		}
		return recordOrganization(ctx, q, audit.Write, http.StatusOK, o, before, organizationFields(o))
	})
	if err != nil {
		return api.WorkspaceSharingSettings{}, err
	}
	return toSharing(ctx, o)
}

func toSharing(ctx context.Context, o database.Organization) (api.WorkspaceSharingSettings, error) {
	caller, err := rbac.Caller(ctx)
	return api.WorkspaceSharingSettings{SharingDisabled: o.SharingOwners == api.ShareNone, ShareableWorkspaceOwners: o.SharingOwners,
		SharingGloballyDisabled: caller.Deployment.NoSharing}, err
}
