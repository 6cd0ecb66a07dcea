package templates

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// ACL returns who may use and who may administrate a template, for those who may
// change it.
func (s *Service) ACL(ctx context.Context, id api.ID) (api.TemplateACL, error) {
	t, err := s.template(ctx, rbac.Update, id)
	if err != nil {
		return api.TemplateACL{}, err
	}
	g, err := users.LoadGrantees(ctx, s.opts.DB.Queries, rbac.TemplateACL(t.OrganizationID, t.Acl))
	if err != nil {
		return api.TemplateACL{}, err
	}
	out := api.TemplateACL{Users: []api.TemplateUser{}, Groups: []api.TemplateGroup{}}
	for _, u := range g.Users {
		out.Users = append(out.Users, api.TemplateUser{User: g.User(u), Role: g.Roles[u.ID]})
	}
	for _, group := range g.Groups {
		out.Groups = append(out.Groups, api.TemplateGroup{Group: group, Role: g.Roles[group.ID]})
	}
	return out, nil
}

// UpdateACL sets roles of users and groups on a template.
func (s *Service) UpdateACL(ctx context.Context, id api.ID, req api.UpdateTemplateACL) error {
	if _, err := s.template(ctx, rbac.Update, id); err != nil {
		return err
	}
	return s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		t, err := lockTemplate(ctx, q, id)
		if err != nil {
			return err
		}
		// Once more, now that the list cannot change.
		if err := rbac.Check(ctx, rbac.Update, objectOfTemplate(t), aTemplate); err != nil {
			return err
		}
		before := rbac.TemplateACL(t.OrganizationID, t.Acl)
		if err := editACL(ctx, q, &t, req.UserPerms, req.GroupPerms); err != nil {
			return err
		}
		return recordTemplate(ctx, q, t, audit.Write, map[string]any{"acl": before}, map[string]any{"acl": t.Acl})
	})
}

// editACL sets roles on the list of a template that is locked.
func editACL(ctx context.Context, q *database.Queries, t *database.Template, people, groups map[string]string) error {
	list, err := users.EditACL(ctx, q, objectOfTemplate(*t), rbac.TemplateACL(t.OrganizationID, t.Acl), people, groups)
	if err != nil {
		return err
	}
	t.Acl = list
	if _, err := q.SetTemplateACL(ctx, database.SetTemplateACLParams{ID: t.ID, Acl: list}); err != nil {
		return fmt.Errorf("set access list of template %s: %w", t.ID, err)
	}
	return nil
}

// setEveryone takes the members of the organization off the list of a template that
// is locked, or puts them there; nil leaves it.
func setEveryone(ctx context.Context, q *database.Queries, t *database.Template, disable *bool) error {
	if disable == nil {
		return nil
	}
	role := api.RoleUse
	if *disable {
		role = api.RoleNone
	}
	return editACL(ctx, q, t, nil, map[string]string{t.OrganizationID.String(): role})
}

// ACLAvailable returns who can be put on the list.
func (s *Service) ACLAvailable(ctx context.Context, id api.ID) (api.ACLAvailable, error) {
	t, err := s.template(ctx, rbac.Update, id)
	if err != nil {
		return api.ACLAvailable{}, err
	}
	return users.Available(ctx, s.opts.DB.Queries, t.OrganizationID)
}

// HandleACL: GET /templates/{template}/acl.
func (s *Service) HandleACL(ctx context.Context, in *TemplateInput) (*httpapi.Out[api.TemplateACL], error) {
	return httpapi.Reply(s.ACL(ctx, in.Template))
}

// HandleUpdateACL: PATCH /templates/{template}/acl.
func (s *Service) HandleUpdateACL(ctx context.Context, in *struct {
	TemplateInput
	Body api.UpdateTemplateACL
}) (*httpapi.Out[api.Response], error) {
	return said("Successfully updated template ACL list.", s.UpdateACL(ctx, in.Template, in.Body))
}

// HandleACLAvailable: GET /templates/{template}/acl/available.
func (s *Service) HandleACLAvailable(ctx context.Context, in *TemplateInput) (*httpapi.Out[api.ACLAvailable], error) {
	return httpapi.Reply(s.ACLAvailable(ctx, in.Template))
}
