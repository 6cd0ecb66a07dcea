package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// Service reads the log. Use NewService.
type Service struct {
	db *database.DB
}

// NewService returns a Service on db.
func NewService(db *database.DB) (*Service, error) {
	if db == nil {
		return nil, errors.New("audit: no database given")
	}
	return &Service{db: db}, nil
}

// HandleList: GET /audit.
func (s *Service) HandleList(ctx context.Context, in *struct {
	httpapi.Page
	Q string `query:"q" maxLength:"1024" doc:"resource_type:, resource_id:, resource_target:, action: and username: narrow."`
}) (*httpapi.Out[api.AuditLogResponse], error) {
	res, err := s.List(ctx, in.Q, in.Page)
	if err != nil {
		return nil, err
	}
	return httpapi.OK(res), nil
}

// List returns entries that the caller may read and that match query, newest
// first, and how many match, counted up to 10000.
func (s *Service) List(ctx context.Context, query string, page httpapi.Page) (api.AuditLogResponse, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return api.AuditLogResponse{}, err
	}
	f := rbac.FilterFor(caller, rbac.Read, rbac.TypeAuditLog)
	if !f.All && len(f.Orgs) == 0 {
		return api.AuditLogResponse{}, rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeAuditLog}, "Audit log")
	}
	where, err := parseQuery(query)
	if err != nil {
		return api.AuditLogResponse{}, err
	}
	if where.AfterID, err = page.After(); err != nil {
		return api.AuditLogResponse{}, err
	}
	where.AllOrgs, where.Orgs = f.All, f.Orgs
	where.MaxRows, where.Skip = page.Rows(), int32(page.Offset) //nolint:gosec // bounded by Page
	rows, err := s.db.ListAuditLogs(ctx, where)
	if err != nil {
		return api.AuditLogResponse{}, fmt.Errorf("list audit log: %w", err)
	}
	count, err := s.db.CountAuditLogs(ctx, database.CountAuditLogsParams{
		AllOrgs: f.All, Orgs: f.Orgs, ResourceType: where.ResourceType, ResourceID: where.ResourceID,
		ResourceTarget: where.ResourceTarget, Action: where.Action, Username: where.Username,
	})
	if err != nil {
		return api.AuditLogResponse{}, fmt.Errorf("count audit log: %w", err)
	}
	out := api.AuditLogResponse{AuditLogs: make([]api.AuditLog, 0, len(rows)), Count: int(count)}
	for _, r := range rows {
		out.AuditLogs = append(out.AuditLogs, toLog(r))
	}
	return out, nil
}

// parseQuery reads key:value pairs.
func parseQuery(q string) (database.ListAuditLogsParams, error) {
	var p database.ListAuditLogsParams
	for _, word := range strings.Fields(q) {
		key, value, _ := strings.Cut(word, ":")
		switch key {
		case "resource_type":
			p.ResourceType = value
		case "resource_target":
			p.ResourceTarget = value
		case "action":
			p.Action = value
		case "username":
			p.Username = value
		case "resource_id":
			id, err := api.ParseID(value)
			if err != nil {
				return p, api.Invalid("q", "resource_id: "+err.Error()+".")
			}
			p.ResourceID = id
		default:
			return p, api.Invalid("q", fmt.Sprintf("filter %.32q is unknown; use resource_type, resource_id, resource_target, action or username.", key))
		}
	}
	return p, nil
}

func toLog(r database.AuditLog) api.AuditLog {
	out := api.AuditLog{
		ID: r.ID, Time: r.Time.UTC(), IP: r.Ip, UserAgent: r.UserAgent, UserID: r.UserID,
		Username: r.Username, ResourceType: r.ResourceType, ResourceID: r.ResourceID, ResourceTarget: r.ResourceTarget,
		Action: r.Action, StatusCode: int(r.StatusCode), Diff: r.Diff,
	}
	if r.RequestID != nil {
		out.RequestID = *r.RequestID
	}
	if r.OrganizationID != nil {
		out.OrganizationID = *r.OrganizationID
	}
	return out
}
