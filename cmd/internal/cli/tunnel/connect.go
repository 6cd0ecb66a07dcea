package tunnel

import (
	"context"
	"io"
	"log/slog"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/target"
)

// Options say what Connect may do on the way to an agent.
type Options struct {
	Ref       cli.Workspace
	Autostart bool
	Wait      string       // yes, no, auto: whether start scripts are waited for
	Progress  io.Writer    // what the user reads meanwhile
	Log       *slog.Logger // of the network node; nil as in Open
	Packets   bool         // streams travel in packets even where a direct one is possible
}

// Connection is a joined tunnel and what it leads to.
type Connection struct {
	*Tunnel
	Client    *client.Client
	Workspace api.Workspace
	Agent     api.WorkspaceAgent
}

// Connect looks the workspace up while the node is made, starts the workspace
// if it must, joins the agent, and waits until it is ready. The join happens
// before the wait, so that the path is there as soon as the agent is.
func Connect(ctx context.Context, env *cli.Env, o Options) (*Connection, error) {
	c, err := env.Client(ctx)
	if err != nil {
		return nil, err
	}
	type opened struct {
		t   *Tunnel
		err error
	}
	made := make(chan opened, 1)
	go func() {
		t, err := Open(env, c, o.Log)
		made <- opened{t, err}
	}()
	ws, agent, err := lookUp(ctx, env, c, o)
	node := <-made
	if node.err != nil {
		return nil, node.err
	}
	if err != nil {
		_ = node.t.Close()
		return nil, err
	}
	node.t.packets = node.t.packets || o.Packets
	node.t.Join(ctx, agent.ID)
	scripts := target.Blocks(o.Wait, agent)
	if err := target.Wait(ctx, c, ws, agent, scripts, o.Progress); err != nil {
		_ = node.t.Close()
		return nil, err
	}
	return &Connection{Tunnel: node.t, Client: c, Workspace: ws, Agent: agent}, nil
}

func lookUp(ctx context.Context, env *cli.Env, c *client.Client, o Options) (api.Workspace, api.WorkspaceAgent, error) {
	ws, err := target.Find(ctx, c, o.Ref)
	if err != nil {
		return ws, api.WorkspaceAgent{}, err
	}
	if ws, err = target.Start(ctx, env, c, ws, o.Autostart, o.Progress); err != nil {
		return ws, api.WorkspaceAgent{}, err
	}
	agent, err := target.Agent(ws, o.Ref.Agent)
	return ws, agent, err
}
