package client

import (
	"context"
	"encoding/json"
	"net/url"
)

// Raw returns the JSON answer of GET /api/v2/<segments> as it is, up to MaxJSON.
func (c *Client) Raw(ctx context.Context, q url.Values, segments ...string) (json.RawMessage, error) {
	return get[json.RawMessage](ctx, c, path(segments...), q)
}
