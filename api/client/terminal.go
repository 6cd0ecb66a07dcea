package client

import (
	"context"
	"net/url"
	"strconv"

	"coder.internal/api"
	"coder.internal/api/termrpc"
	"coder.internal/internal/wsconn"
)

// Terminal opens a terminal of an agent, or comes back to one (see api/termrpc). The
// caller owns the connection: termrpc.Input goes out by Write, output comes in by
// ReadRaw.
func (c *Client) Terminal(ctx context.Context, agentID api.ID, init termrpc.Init) (*wsconn.Conn, error) {
	q := url.Values{"reconnect": {init.ID.String()}}
	for name, size := range map[string]uint16{"width": init.Width, "height": init.Height} {
		if size != 0 {
			q.Set(name, strconv.Itoa(int(size)))
		}
	}
	for name, text := range map[string]string{"command": init.Command, "container": init.Container, "container_user": init.ContainerUser} {
		if text != "" {
			q.Set(name, text)
		}
	}
	return c.dial(ctx, path("workspaceagents", agentID.String(), "pty"), q, 4*termrpc.MaxOutput)
}
