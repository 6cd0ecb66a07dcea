package client

import (
	"context"
	"net/http"

	"coder.internal/api/agentrpc"
)

// PostConnection tells that a connection has begun or ended.
func (c *AgentClient) PostConnection(ctx context.Context, v agentrpc.Connection) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathConnections, v)
}
