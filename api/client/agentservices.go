package client

import (
	"context"
	"net/http"

	"coder.internal/api/agentrpc"
)

// PostMonitors reports changed states of watched resources.
func (c *AgentClient) PostMonitors(ctx context.Context, v agentrpc.Monitors) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathMonitors, v)
}

// PostLogSource adds a place that logs come from.
func (c *AgentClient) PostLogSource(ctx context.Context, v agentrpc.LogSource) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathLogSource, v)
}

// PostUsage reports who uses the agent.
func (c *AgentClient) PostUsage(ctx context.Context, v agentrpc.Usage) error {
	return c.send(ctx, http.MethodPost, agentrpc.PathUsage, v)
}
