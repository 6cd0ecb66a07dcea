package client

import (
	"context"

	"coder.internal/api"
)

// WorkspaceQuota returns what the workspaces of a user cost in an organization, and
// what they may.
func (c *Client) WorkspaceQuota(ctx context.Context, org, user string) (api.WorkspaceQuota, error) {
	return get[api.WorkspaceQuota](ctx, c, path("organizations", org, "members", user, "workspace-quota"), nil)
}
