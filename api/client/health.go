package client

import (
	"context"
	"net/url"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// Health returns how the deployment is; force checks now instead of answering
// from the last report.
func (c *Client) Health(ctx context.Context, force bool) (api.HealthReport, error) {
	q := url.Values{}
	if force {
		q.Set("force", "true")
	}
	return get[api.HealthReport](ctx, c, path("debug", "health"), q)
}

// ConnectionInfo returns what a client must know before it joins the network.
func (c *Client) ConnectionInfo(ctx context.Context) (tailrpc.ConnectionInfo, error) {
	return get[tailrpc.ConnectionInfo](ctx, c, path("workspaceagents", "connection"), nil)
}
