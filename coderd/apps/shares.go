package apps

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// maxShares bounds the shared ports of a workspace.
const maxShares = 256

// WorkspaceInput names a workspace in the path.
type WorkspaceInput struct {
	ID api.ID `path:"workspace"`
}

// ShareInput shares a port.
type ShareInput struct {
	WorkspaceInput
	Body api.UpsertPortShareRequest
}

// UnshareInput ends the sharing of a port.
type UnshareInput struct {
	WorkspaceInput
	Body api.DeletePortShareRequest
}

// load returns a living workspace if the caller may do action on it.
func (s *Service) load(ctx context.Context, q *database.Queries, id api.ID, action rbac.Action) (database.Workspace, error) {
	if _, err := rbac.Caller(ctx); err != nil {
		return database.Workspace{}, err
	}
	w, err := q.GetWorkspaceRow(ctx, id)
	if database.IsNotFound(err) || err == nil && w.Deleted {
		return w, api.NotFound("Workspace")
	}
	if err != nil {
		return w, fmt.Errorf("load workspace %s: %w", id, err)
	}
	return w, rbac.Check(ctx, action, rbac.Object{Type: rbac.TypeWorkspace, ID: w.ID, OrgID: w.OrganizationID, OwnerID: w.OwnerID, ACL: w.Acl}, "Workspace")
}

// HandleShares answers GET /workspaces/{workspace}/port-share.
func (s *Service) HandleShares(ctx context.Context, in *WorkspaceInput) (*httpapi.Out[api.PortShares], error) {
	if _, err := s.load(ctx, s.db.Queries, in.ID, rbac.Read); err != nil {
		return nil, err
	}
	rows, err := s.db.ListPortShares(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("list shared ports of workspace %s: %w", in.ID, err)
	}
	out := api.PortShares{Shares: []api.PortShare{}}
	for _, r := range rows {
		out.Shares = append(out.Shares, toShare(r))
	}
	return httpapi.OK(out), nil
}

func toShare(r database.WorkspacePortShare) api.PortShare {
	return api.PortShare{WorkspaceID: r.WorkspaceID, AgentName: r.AgentName, Port: int(r.Port), ShareLevel: api.ShareLevel(r.ShareLevel), Protocol: r.Protocol}
}

// HandleShare answers POST /workspaces/{workspace}/port-share.
func (s *Service) HandleShare(ctx context.Context, in *ShareInput) (*httpapi.Out[api.PortShare], error) {
	req := in.Body
	if _, err := s.load(ctx, s.db.Queries, in.ID, rbac.Share); err != nil {
		return nil, err
	}
	req.Protocol = cmp.Or(req.Protocol, api.PortHTTP)
	switch {
	case req.Port < devurl.MinPort || req.Port > 65535:
		return nil, api.Invalid("port", fmt.Sprintf("use a port from %d to 65535.", devurl.MinPort))
	case !req.ShareLevel.Valid():
		return nil, api.Invalid("share_level", "use owner, organization, authenticated or public.")
	case req.Protocol != api.PortHTTP && req.Protocol != api.PortHTTPS:
		return nil, api.Invalid("protocol", "use http or https.")
	}
	var out api.PortShare
	err := s.db.InTx(ctx, func(q *database.Queries) error {
		w, err := q.LockWorkspace(ctx, in.ID)
		if err != nil {
			return fmt.Errorf("lock workspace %s: %w", in.ID, err)
		}
		if w, err = s.load(ctx, q, in.ID, rbac.Share); err != nil {
			return err
		}
		if req.AgentName, err = s.checkShare(ctx, q, w.ID, req); err != nil {
			return err
		}
		out, err = s.share(ctx, q, w, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return httpapi.OK(out), nil
}

// checkShare returns the agent's name as the workspace has it.
func (s *Service) checkShare(ctx context.Context, q *database.Queries, id api.ID, req api.UpsertPortShareRequest) (string, error) {
	limits, err := q.GetPortShareLimits(ctx, database.GetPortShareLimitsParams{WorkspaceID: id, AgentName: req.AgentName})
	if err != nil {
		return "", fmt.Errorf("load limits of workspace %s: %w", id, err)
	}
	if limits.AgentName == "" {
		return "", api.Invalid("agent_name", "the workspace has no agent of this name.")
	}
	if widest := api.ShareLevel(limits.MaxPortShareLevel); req.ShareLevel.AtMost(widest) != req.ShareLevel {
		return "", &api.Error{Code: api.CodeForbidden, Message: fmt.Sprintf("The template lets ports be shared with %s at most.", widest),
			Validations: []api.ValidationError{{Field: "share_level", Detail: fmt.Sprintf("use a level up to %s", widest)}}}
	}
	n, err := q.CountPortShares(ctx, id)
	if err != nil {
		return "", fmt.Errorf("count shared ports of workspace %s: %w", id, err)
	}
	if n >= maxShares {
		return "", api.Conflict(fmt.Sprintf("The workspace shares %d ports, which is the limit. End the sharing of another one first.", n))
	}
	return limits.AgentName, nil
}

func (s *Service) share(ctx context.Context, q *database.Queries, w database.Workspace, req api.UpsertPortShareRequest) (api.PortShare, error) {
	key := database.GetPortShareParams{WorkspaceID: w.ID, AgentName: req.AgentName, Port: int32(req.Port)} //nolint:gosec // checked
	old, err := q.GetPortShare(ctx, key)
	if err != nil && !database.IsNotFound(err) {
		return api.PortShare{}, fmt.Errorf("load share of port %d: %w", req.Port, err)
	}
	var before map[string]any
	if err == nil {
		before = fieldsOf(old)
	}
	row := database.WorkspacePortShare{WorkspaceID: w.ID, AgentName: req.AgentName, Port: key.Port, ShareLevel: string(req.ShareLevel), Protocol: req.Protocol}
	if err := q.UpsertPortShare(ctx, database.UpsertPortShareParams(row)); err != nil {
		return api.PortShare{}, fmt.Errorf("share port %d: %w", req.Port, err)
	}
	return toShare(row), s.changed(ctx, q, w, row, before, fieldsOf(row))
}

func fieldsOf(r database.WorkspacePortShare) map[string]any {
	return map[string]any{"agent_name": r.AgentName, "port": r.Port, "share_level": r.ShareLevel, "protocol": r.Protocol}
}

// changed files the change and tells who watches the workspace.
func (s *Service) changed(ctx context.Context, q *database.Queries, w database.Workspace, r database.WorkspacePortShare, before, after map[string]any) error {
	err := audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "workspace", ResourceID: w.ID, Target: w.Name,
		OrganizationID: w.OrganizationID, StatusCode: http.StatusOK, Before: before, After: after,
		Fields: map[string]any{"port_share": r.AgentName + ":" + strconv.Itoa(int(r.Port))}})
	if err != nil {
		return err
	}
	return s.opts.PubSub.Publish(ctx, q, pubsub.TopicWorkspace(w.ID))
}

// HandleUnshare answers DELETE /workspaces/{workspace}/port-share. Streams that are
// open by the share end within 2 s.
func (s *Service) HandleUnshare(ctx context.Context, in *UnshareInput) (*httpapi.Out[api.Response], error) {
	if _, err := s.load(ctx, s.db.Queries, in.ID, rbac.Share); err != nil {
		return nil, err
	}
	err := s.db.InTx(ctx, func(q *database.Queries) error {
		w, err := s.load(ctx, q, in.ID, rbac.Share)
		if err != nil {
			return err
		}
		limits, err := q.GetPortShareLimits(ctx, database.GetPortShareLimitsParams{WorkspaceID: w.ID, AgentName: in.Body.AgentName})
		if err != nil {
			return fmt.Errorf("load agent of workspace %s: %w", w.ID, err)
		}
		port := int32(min(max(in.Body.Port, 0), 65536)) //nolint:gosec // bounded here
		key := database.GetPortShareParams{WorkspaceID: w.ID, AgentName: cmp.Or(limits.AgentName, in.Body.AgentName), Port: port}
		old, err := q.GetPortShare(ctx, key)
		if database.IsNotFound(err) {
			return api.NotFound("Port share")
		}
		if err != nil {
			return fmt.Errorf("load share of port %d: %w", port, err)
		}
		n, err := q.DeletePortShare(ctx, database.DeletePortShareParams(key))
		if err != nil {
			return fmt.Errorf("end share of port %d: %w", port, err)
		}
		if n == 0 {
			return api.NotFound("Port share")
		}
		return s.changed(ctx, q, w, old, fieldsOf(old), nil)
	})
	return httpapi.OK(api.Response{Message: "The port is no longer shared."}), err
}
