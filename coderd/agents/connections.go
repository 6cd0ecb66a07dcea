package agents

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/connectionlog"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// reported are the kinds of connections that agents may speak of.
var reported = []string{string(api.ConnectionSSH), string(api.ConnectionVSCode), string(api.ConnectionJetBrains),
	string(api.ConnectionPortForwarding)}

// HandleConnectionReport answers POST /workspaceagents/me/connections: one that has begun
// or ended at the agent. It can only be one of the agent's own workspace.
func (s *Service) HandleConnectionReport(ctx context.Context, in *BodyInput[agentrpc.Connection]) (*httpapi.Empty, error) {
	a, c := httpmw.AgentFrom(ctx), in.Body
	if c.ID.IsZero() {
		return nil, api.Invalid("id", "give the connection an id of its own")
	}
	if !slices.Contains(reported, string(c.Type)) {
		return nil, api.Invalid("type", "use "+strings.Join(reported, ", "))
	}
	if c.Action != agentrpc.ConnectionBegan && c.Action != agentrpc.ConnectionEnded {
		return nil, api.Invalid("action", "use connect or disconnect")
	}
	return &httpapi.Empty{}, s.db.InTx(ctx, func(q *database.Queries) error {
		if c.Action == agentrpc.ConnectionEnded {
			return connectionlog.Close(ctx, q, connectionlog.End{ID: c.ID, WorkspaceID: a.WorkspaceID, AgentName: a.Name,
				Types: []string{string(c.Type)}, Reason: c.Reason, ExitCode: &c.ExitCode})
		}
		row, err := q.GetWorkspaceAgent(ctx, a.ID)
		if err != nil {
			return fmt.Errorf("load agent %s: %w", a.ID, err)
		}
		_, err = connectionlog.Open(ctx, q, connectionlog.Connection{Place: placeOf(row), ID: c.ID, Type: c.Type, IP: c.IP, SlugOrPort: c.Target})
		return err
	})
}

func placeOf(row database.GetWorkspaceAgentRow) connectionlog.Place {
	return connectionlog.Place{OrganizationID: row.OrganizationID, OwnerID: row.OwnerID, WorkspaceID: row.WorkspaceID,
		WorkspaceName: row.WorkspaceName, AgentID: row.WorkspaceAgent.ID, AgentName: row.WorkspaceAgent.Name}
}

// OpenTerminal records that the caller opens a terminal, which they may: AdmitTerminal
// has said so. A terminal that somebody comes back to is recorded once in the audit
// log, and goes on in the connection log. The returned function records its end.
func (s *Service) OpenTerminal(ctx context.Context, agentID, terminal api.ID) (closed func(reason string), err error) {
	caller, err := rbac.Caller(ctx)
	if err != nil {
		return nil, err
	}
	row, err := s.load(ctx, agentID, rbac.SSH)
	if err != nil {
		return nil, err
	}
	from := audit.RequestFrom(ctx)
	err = s.db.InTx(ctx, func(q *database.Queries) error {
		first, err := connectionlog.Open(ctx, q, connectionlog.Connection{Place: placeOf(row), ID: terminal,
			Type: api.ConnectionReconnectingPTY, IP: from.IP, UserID: caller.UserID, UserAgent: from.UserAgent,
			StatusCode: http.StatusSwitchingProtocols, Reopen: true})
		if err != nil || !first {
			return err
		}
		return recordConnect(ctx, q, row, map[string]any{"connection_type": api.ConnectionReconnectingPTY, "client_id": terminal})
	})
	if err != nil {
		return nil, err
	}
	return func(reason string) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
		defer cancel()
		err := s.db.InTx(ctx, func(q *database.Queries) error {
			return connectionlog.Close(ctx, q, connectionlog.End{ID: terminal, WorkspaceID: row.WorkspaceID,
				AgentName: row.WorkspaceAgent.Name, UserID: caller.UserID, Types: []string{string(api.ConnectionReconnectingPTY)}, Reason: reason})
		})
		if err != nil { // the end of the agent ends it too
			s.log.Warn("end of a terminal not stored", "agent_id", agentID.String(), "error", err)
		}
	}, nil
}

// recordConnect files the entry of a use of the right to connect.
func recordConnect(ctx context.Context, q *database.Queries, row database.GetWorkspaceAgentRow, fields map[string]any) error {
	fields["workspace_id"], fields["workspace_name"] = row.WorkspaceID, row.WorkspaceName
	return audit.Record(ctx, q, audit.Entry{Action: audit.Connect, ResourceType: "workspace_agent",
		ResourceID: row.WorkspaceAgent.ID, Target: row.WorkspaceName + "." + row.WorkspaceAgent.Name,
		OrganizationID: row.OrganizationID, StatusCode: http.StatusSwitchingProtocols, Fields: fields})
}
