package client

import (
	"context"

	"coder.internal/api"
)

// Entitlements returns what may be used.
func (c *Client) Entitlements(ctx context.Context) (api.Entitlements, error) {
	return get[api.Entitlements](ctx, c, path("entitlements"), nil)
}
