package audit

import (
	"context"
	"errors"
	"fmt"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// countCap is where counting ends.
const countCap = 10_000

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
	Q string `query:"q" maxLength:"1024" doc:"resource_type:, resource_id:, resource_target:, action:, username:, email:, organization:, request_id:, build_reason:, date_from: and date_to: narrow."`
}) (*httpapi.Out[api.AuditLogResponse], error) {
	return httpapi.Reply(s.List(ctx, in.Q, in.Page))
}

// List returns entries that the caller may read and that match query, newest
// first, and how many match, counted up to countCap.
func (s *Service) List(ctx context.Context, query string, page httpapi.Page) (api.AuditLogResponse, error) {
	where, err := s.narrow(ctx, query)
	if err != nil {
		return api.AuditLogResponse{}, err
	}
	count, err := s.db.CountAuditLogs(ctx, countOf(where))
	if err != nil {
		return api.AuditLogResponse{}, fmt.Errorf("count audit log: %w", err)
	}
	if where.AfterID, err = page.After(); err != nil {
		return api.AuditLogResponse{}, err
	}
	where.MaxRows, where.Skip = page.Rows(), int32(page.Offset) //nolint:gosec // bounded by Page
	rows, err := s.db.ListAuditLogs(ctx, where)
	if err != nil {
		return api.AuditLogResponse{}, fmt.Errorf("list audit log: %w", err)
	}
	out := api.AuditLogResponse{AuditLogs: make([]api.AuditLog, 0, len(rows)), Count: int(count), CountCap: countCap}
	for _, r := range rows {
		out.AuditLogs = append(out.AuditLogs, toLog(r))
	}
	return out, nil
}

// narrow turns the caller's rights and a search into what to look for.
func (s *Service) narrow(ctx context.Context, query string) (database.ListAuditLogsParams, error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return database.ListAuditLogsParams{}, err
	}
	f := rbac.FilterFor(caller, rbac.Read, rbac.TypeAuditLog)
	if !f.All && len(f.Orgs) == 0 {
		return database.ListAuditLogsParams{}, rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeAuditLog}, "Audit log")
	}
	where, err := s.parseQuery(ctx, query)
	where.AllOrgs, where.Orgs = f.All, f.Orgs
	return where, err
}

func countOf(p database.ListAuditLogsParams) database.CountAuditLogsParams {
	return database.CountAuditLogsParams{AllOrgs: p.AllOrgs, Orgs: p.Orgs, ResourceType: p.ResourceType,
		ResourceID: p.ResourceID, ResourceTarget: p.ResourceTarget, Action: p.Action, Username: p.Username, Email: p.Email,
		OrganizationID: p.OrganizationID, RequestID: p.RequestID, BuildReason: p.BuildReason,
		DateFrom: p.DateFrom, DateTo: p.DateTo, Cap: countCap}
}
