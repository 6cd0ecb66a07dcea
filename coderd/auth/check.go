package auth

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxChecks bounds one question, which may need a query for each check.
const maxChecks = 100

// CheckAuthorization tells the caller what they may do. Whatever is unknown or
// malformed counts as no.
func (s *Service) CheckAuthorization(ctx context.Context, req api.AuthorizationRequest) (api.AuthorizationResponse, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.Checks) > maxChecks {
		return nil, api.Invalid("checks", fmt.Sprintf("ask at most %d at a time.", maxChecks))
	}
	out := api.AuthorizationResponse{}
	for name, c := range req.Checks {
		if out[name], err = s.may(ctx, caller, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) may(ctx context.Context, caller rbac.Subject, c api.AuthorizationCheck) (bool, error) {
	o := rbac.Object{Type: rbac.Type(c.Object.ResourceType)}
	if !rbac.KnownType(o.Type) {
		return false, nil
	}
	if c.Object.OwnerID == api.Me {
		c.Object.OwnerID = caller.UserID.String()
	}
	for _, f := range []struct {
		text string
		into *api.ID
	}{{c.Object.ResourceID, &o.ID}, {c.Object.OrganizationID, &o.OrgID}, {c.Object.OwnerID, &o.OwnerID}} {
		if err := f.into.UnmarshalText([]byte(f.text)); err != nil {
			return false, nil //nolint:nilerr // malformed counts as no
		}
	}
	if !o.ID.IsZero() {
		ok, err := s.locate(ctx, &o)
		if err != nil || !ok {
			return false, err
		}
	}
	action := rbac.Action(c.Action)
	if !c.Object.AnyOrg {
		return rbac.Authorize(caller, action, o), nil
	}
	for org := range caller.OrgRoles {
		o.OrgID = org
		if rbac.Authorize(caller, action, o) {
			return true, nil
		}
	}
	o.OrgID = api.ID{}
	return rbac.Authorize(caller, action, o), nil
}

// locate fills in where the object really stands, whatever the caller claims.
func (s *Service) locate(ctx context.Context, o *rbac.Object) (bool, error) {
	switch o.Type {
	case rbac.TypeWorkspace, rbac.TypeTemplate, rbac.TypeUser, rbac.TypeOrganization, rbac.TypeGroup:
	default:
		return true, nil
	}
	row, err := s.opts.DB.LocateObject(ctx, database.LocateObjectParams{ID: o.ID, Type: string(o.Type)})
	if database.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("locate %s %s: %w", o.Type, o.ID, err)
	}
	o.OrgID, o.OwnerID, o.ACL = row.OrganizationID, row.OwnerID, row.Acl
	return true, nil
}
