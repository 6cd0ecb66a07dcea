package coderd

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/coordinator"
	"coder.internal/internal/wsconn"
)

// Coordinate fits the coordinator to what agents asks for. The two stand on one
// floor and do not know each other.
func Coordinate(c *coordinator.Coordinator) agents.Coordinator { return coordinate{c} }

type coordinate struct{ c *coordinator.Coordinator }

func (x coordinate) ServeAgent(ctx context.Context, ws *wsconn.Conn, agentID api.ID, hooks agents.Hooks) error {
	return x.c.ServeAgent(ctx, ws, agentID, coordinator.Hooks(hooks))
}

func (x coordinate) ServeClient(ctx context.Context, ws *wsconn.Conn, clientID, agentID api.ID) error {
	return x.c.ServeClient(ctx, ws, clientID, agentID)
}

func (x coordinate) Revoke(ws *wsconn.Conn, reason string) { x.c.Revoke(ws, reason) }
