package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"coder.internal/api"
)

// WorkspacesFilter pages Workspaces; Query is in the search syntax ("owner:me").
type WorkspacesFilter struct {
	Query         string
	Limit, Offset int
}

// Workspaces returns one page of workspaces.
func (c *Client) Workspaces(ctx context.Context, f WorkspacesFilter) (api.WorkspacesResponse, error) {
	q := page(f.Limit, f.Offset)
	if f.Query != "" {
		q.Set("q", f.Query)
	}
	return get[api.WorkspacesResponse](ctx, c, path("workspaces"), q)
}

// Workspace returns a workspace by id.
func (c *Client) Workspace(ctx context.Context, id api.ID) (api.Workspace, error) {
	return get[api.Workspace](ctx, c, path("workspaces", id.String()), nil)
}

// WorkspaceByName returns the workspace of an owner ("me", name or id), with
// its latest build, resources and agents.
func (c *Client) WorkspaceByName(ctx context.Context, owner, name string) (api.Workspace, error) {
	return get[api.Workspace](ctx, c, path("users", owner, "workspace", name), nil)
}

// CreateWorkspace makes a workspace of user and starts its first build.
func (c *Client) CreateWorkspace(ctx context.Context, user string, r api.CreateWorkspaceRequest) (api.Workspace, error) {
	return write[api.Workspace](ctx, c, http.MethodPost, path("users", user, "workspaces"), r)
}

// RenameWorkspace changes a workspace's name.
func (c *Client) RenameWorkspace(ctx context.Context, id api.ID, name string) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("workspaces", id.String()), api.UpdateWorkspaceRequest{Name: name})
	return err
}

// CreateBuild starts, stops or deletes a workspace.
func (c *Client) CreateBuild(ctx context.Context, workspace api.ID, r api.CreateWorkspaceBuildRequest) (api.WorkspaceBuild, error) {
	return write[api.WorkspaceBuild](ctx, c, http.MethodPost, path("workspaces", workspace.String(), "builds"), r)
}

// Builds lists the builds of a workspace, newest first.
func (c *Client) Builds(ctx context.Context, workspace api.ID, limit, offset int) ([]api.WorkspaceBuild, error) {
	return get[[]api.WorkspaceBuild](ctx, c, path("workspaces", workspace.String(), "builds"), page(limit, offset))
}

// Build returns a build by id.
func (c *Client) Build(ctx context.Context, id api.ID) (api.WorkspaceBuild, error) {
	return get[api.WorkspaceBuild](ctx, c, path("workspacebuilds", id.String()), nil)
}

// BuildByNumber returns a build of a workspace by its number.
func (c *Client) BuildByNumber(ctx context.Context, owner, workspace string, number int) (api.WorkspaceBuild, error) {
	return get[api.WorkspaceBuild](ctx, c, path("users", owner, "workspace", workspace, "builds", strconv.Itoa(number)), nil)
}

// CancelBuild asks a build to stop.
func (c *Client) CancelBuild(ctx context.Context, id api.ID) error {
	_, err := write[none](ctx, c, http.MethodPatch, path("workspacebuilds", id.String(), "cancel"), nil)
	return err
}

// BuildParameters returns the parameter values of a build.
func (c *Client) BuildParameters(ctx context.Context, id api.ID) ([]api.ParameterValue, error) {
	return get[[]api.ParameterValue](ctx, c, path("workspacebuilds", id.String(), "parameters"), nil)
}

// BuildLogs returns the log lines of a build after the given id.
func (c *Client) BuildLogs(ctx context.Context, id api.ID, after int64) ([]api.ProvisionerJobLog, error) {
	return get[[]api.ProvisionerJobLog](ctx, c, path("workspacebuilds", id.String(), "logs"), afterQuery(after))
}

// Agent returns an agent by id.
func (c *Client) Agent(ctx context.Context, id api.ID) (api.WorkspaceAgent, error) {
	return get[api.WorkspaceAgent](ctx, c, path("workspaceagents", id.String()), nil)
}

// AgentContainers returns the containers beside an agent.
func (c *Client) AgentContainers(ctx context.Context, id api.ID) (api.AgentContainers, error) {
	return get[api.AgentContainers](ctx, c, path("workspaceagents", id.String(), "containers"), nil)
}

// AgentLogs returns the log lines of an agent after the given id.
func (c *Client) AgentLogs(ctx context.Context, id api.ID, after int64) ([]api.AgentLog, error) {
	return get[[]api.AgentLog](ctx, c, path("workspaceagents", id.String(), "logs"), afterQuery(after))
}

func afterQuery(after int64) url.Values {
	if after == 0 {
		return nil
	}
	return url.Values{"after": {strconv.FormatInt(after, 10)}}
}

// ExternalAgentCredentials returns what starts an external agent of a workspace.
func (c *Client) ExternalAgentCredentials(ctx context.Context, workspace api.ID, agent string) (api.ExternalAgentCredentials, error) {
	return get[api.ExternalAgentCredentials](ctx, c, path("workspaces", workspace.String(), "external-agent", agent, "credentials"), nil)
}
