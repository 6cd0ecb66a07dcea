package client

import (
	"context"

	"coder.internal/api"
)

// Entitlements returns what may be used.
func (c *Client) Entitlements(ctx context.Context) (api.Entitlements, error) {
	return get[api.Entitlements](ctx, c, path("entitlements"), nil)
}

// Regions lists the places that serve applications, the primary first.
func (c *Client) Regions(ctx context.Context) (api.RegionsResponse, error) {
	return get[api.RegionsResponse](ctx, c, path("regions"), nil)
}
