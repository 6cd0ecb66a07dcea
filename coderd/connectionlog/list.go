package connectionlog

import (
	"context"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/coderd/users"
	"coder.internal/database"
)

// countCap is where counting ends.
const countCap = 10_000

// types are all kinds of connections.
var types = []api.ConnectionType{api.ConnectionSSH, api.ConnectionVSCode, api.ConnectionJetBrains,
	api.ConnectionReconnectingPTY, api.ConnectionWorkspaceApp, api.ConnectionPortForwarding}

// ListInput searches.
type ListInput struct {
	httpapi.Page
	Q string `query:"q" maxLength:"1024" doc:"organization:, workspace_owner:, workspace_owner_email:, type:, username:, user_email:, connected_after:, connected_before:, workspace_id:, connection_id: and status: narrow."`
}

// HandleList answers GET /connectionlog.
func (s *Service) HandleList(ctx context.Context, in *ListInput) (*httpapi.Out[api.ConnectionLogResponse], error) {
	return httpapi.Reply(s.List(ctx, in.Q, in.Page))
}

// List returns connections that the caller may read and that match query, newest
// first, and how many match, counted up to countCap.
func (s *Service) List(ctx context.Context, query string, page httpapi.Page) (api.ConnectionLogResponse, error) {
	out := api.ConnectionLogResponse{ConnectionLogs: []api.ConnectionLog{}, CountCap: countCap}
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return out, err
	}
	f := rbac.FilterFor(caller, rbac.Read, rbac.TypeConnectionLog)
	if !f.All && len(f.Orgs) == 0 {
		return out, rbac.Check(ctx, rbac.Read, rbac.Object{Type: rbac.TypeConnectionLog}, "Connection log")
	}
	p, err := s.parseQuery(ctx, query, caller)
	if err != nil {
		return out, err
	}
	p.AllOrgs, p.Orgs = f.All, f.Orgs
	n, err := s.db.CountConnectionLogs(ctx, database.CountConnectionLogsParams{AllOrgs: p.AllOrgs, Orgs: p.Orgs,
		OrganizationID: p.OrganizationID, WorkspaceOwner: p.WorkspaceOwner, WorkspaceOwnerEmail: p.WorkspaceOwnerEmail,
		Type: p.Type, Username: p.Username, UserEmail: p.UserEmail, ConnectedAfter: p.ConnectedAfter,
		ConnectedBefore: p.ConnectedBefore, WorkspaceID: p.WorkspaceID, ConnectionID: p.ConnectionID, Status: p.Status, Cap: countCap})
	if err != nil {
		return out, fmt.Errorf("count connections: %w", err)
	}
	out.Count = int(n)
	if p.AfterID, err = page.After(); err != nil {
		return out, err
	}
	p.MaxRows, p.Skip = page.Rows(), int32(page.Offset) //nolint:gosec // bounded by Page
	rows, err := s.db.ListConnectionLogs(ctx, p)
	if err != nil {
		return out, fmt.Errorf("list connections: %w", err)
	}
	for _, r := range rows {
		out.ConnectionLogs = append(out.ConnectionLogs, toLog(r))
	}
	return out, nil
}

// parseQuery reads a search. "me" is the caller.
func (s *Service) parseQuery(ctx context.Context, q string, caller rbac.Subject) (database.ListConnectionLogsParams, error) {
	var p database.ListConnectionLogsParams
	t, err := httpapi.Terms(q, "organization", "workspace_owner", "workspace_owner_email", "type", "username", "user_email",
		"connected_after", "connected_before", "workspace_id", "connection_id", "status")
	if err != nil {
		return p, err
	}
	for _, key := range []string{"workspace_owner", "username"} {
		if t[key] == api.Me {
			t[key] = caller.Username
		}
	}
	p.WorkspaceOwner, p.WorkspaceOwnerEmail = t["workspace_owner"], t["workspace_owner_email"]
	p.Type, p.Username, p.UserEmail, p.Status = t["type"], t["username"], t["user_email"], t["status"]
	if p.Type != "" && !slices.Contains(types, api.ConnectionType(p.Type)) {
		return p, api.Invalid("q", fmt.Sprintf("type: %.32q is unknown; use ssh, vscode, jetbrains, reconnecting_pty, workspace_app or port_forwarding.", p.Type))
	}
	if p.Status != "" && p.Status != "ongoing" && p.Status != "completed" {
		return p, api.Invalid("q", "status: use ongoing or completed.")
	}
	if p.ConnectedAfter, err = httpapi.TermTime(t, "connected_after", false); err != nil {
		return p, err
	}
	if p.ConnectedBefore, err = httpapi.TermTime(t, "connected_before", true); err != nil {
		return p, err
	}
	if p.WorkspaceID, err = httpapi.TermID(t, "workspace_id"); err != nil {
		return p, err
	}
	if p.ConnectionID, err = httpapi.TermID(t, "connection_id"); err != nil {
		return p, err
	}
	if ref := t["organization"]; ref != "" {
		// One that does not exist, or is not to be seen, has no connections.
		org, err := users.LookupOrganization(ctx, s.db.Queries, ref)
		if p.OrganizationID = org.ID; api.CodeOf(err) == api.CodeNotFound {
			p.OrganizationID, err = api.NewID(), nil
		}
		return p, err
	}
	return p, nil
}

func toLog(r database.ListConnectionLogsRow) api.ConnectionLog {
	c := r.ConnectionLog
	out := api.ConnectionLog{ID: c.ID, ConnectTime: c.ConnectTime.UTC(), WorkspaceOwnerID: c.WorkspaceOwnerID,
		Organization: api.MinimalOrganization{ID: c.OrganizationID, Name: r.OrganizationName,
			DisplayName: r.OrganizationDisplayName, Icon: r.OrganizationIcon},
		WorkspaceOwnerUsername: r.OwnerUsername, WorkspaceID: c.WorkspaceID, WorkspaceName: c.WorkspaceName,
		AgentName: c.AgentName, IP: c.Ip, Type: api.ConnectionType(c.Type)}
	web := slices.Contains([]api.ConnectionType{api.ConnectionReconnectingPTY, api.ConnectionWorkspaceApp}, out.Type) || c.ConnectionID == nil
	if web || c.SlugOrPort != "" {
		out.WebInfo = &api.ConnectionLogWebInfo{UserAgent: c.UserAgent, SlugOrPort: c.SlugOrPort}
		if web && c.Code != nil {
			out.WebInfo.StatusCode = int(*c.Code)
		}
		if r.UserCreatedAt != nil && r.UserLastSeenAt != nil {
			out.WebInfo.User = &api.User{ID: c.UserID, Username: r.UserUsername, Name: r.UserFullName, Email: r.UserEmail,
				AvatarURL: r.UserAvatarUrl, Status: api.UserStatus(r.UserStatus), LoginType: api.LoginType(r.UserLoginType),
				OrganizationIDs: []api.ID{}, Roles: []api.SlimRole{}, CreatedAt: r.UserCreatedAt.UTC(), LastSeenAt: r.UserLastSeenAt.UTC()}
		}
	}
	if c.ConnectionID == nil {
		return out
	}
	out.SSHInfo = &api.ConnectionLogSSHInfo{ConnectionID: *c.ConnectionID, DisconnectReason: c.DisconnectReason}
	if c.DisconnectTime != nil {
		at := c.DisconnectTime.UTC()
		out.SSHInfo.DisconnectTime = &at
		if !web && c.Code != nil {
			n := int(*c.Code)
			out.SSHInfo.ExitCode = &n
		}
	}
	return out
}
