package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/database"
)

// actions are all that an entry can be of.
var actions = []Action{Create, Write, Delete, Start, Stop, Login, Logout, Register, RequestPasswordReset,
	Connect, Disconnect, Open, Close}

// parseQuery reads a search.
func (s *Service) parseQuery(ctx context.Context, q string) (database.ListAuditLogsParams, error) {
	var p database.ListAuditLogsParams
	t, err := httpapi.Terms(q, "resource_type", "resource_id", "resource_target", "action", "username", "email",
		"organization", "request_id", "build_reason", "date_from", "date_to")
	if err != nil {
		return p, err
	}
	p.ResourceType, p.ResourceTarget, p.Action = t["resource_type"], t["resource_target"], t["action"]
	p.Username, p.Email, p.BuildReason = t["username"], t["email"], t["build_reason"]
	if p.Action != "" && !slices.Contains(actions, Action(p.Action)) {
		names := make([]string, len(actions))
		for i, a := range actions {
			names[i] = string(a)
		}
		return p, api.Invalid("q", fmt.Sprintf("action: %.32q is unknown; use %s.", p.Action, strings.Join(names, ", ")))
	}
	if p.ResourceID, err = httpapi.TermID(t, "resource_id"); err != nil {
		return p, err
	}
	if p.RequestID, err = httpapi.TermID(t, "request_id"); err != nil {
		return p, err
	}
	if p.DateFrom, err = httpapi.TermTime(t, "date_from", false); err != nil {
		return p, err
	}
	if p.DateTo, err = httpapi.TermTime(t, "date_to", true); err != nil {
		return p, err
	}
	p.OrganizationID, err = organizationOf(ctx, s.db.Queries, t["organization"])
	return p, err
}

// organizationOf finds the organization of a search by name or id; zero for an
// absent one. One that does not exist has no entries.
func organizationOf(ctx context.Context, q *database.Queries, ref string) (api.ID, error) {
	var org database.Organization
	var err error
	switch {
	case ref == "":
		return api.ID{}, nil
	case ref == "default":
		org, err = q.GetDefaultOrganization(ctx)
	default:
		if id, err := api.ParseID(ref); err == nil {
			return id, nil
		}
		org, err = q.GetOrganizationByName(ctx, ref)
	}
	if database.IsNotFound(err) {
		return api.NewID(), nil
	}
	if err != nil {
		return api.ID{}, fmt.Errorf("load organization: %w", err)
	}
	return org.ID, nil
}
