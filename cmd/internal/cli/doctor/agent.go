package doctor

import (
	"context"
	"fmt"
	"io"
	"time"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/target"
	"coder.internal/cmd/internal/cli/tunnel"
	"coder.internal/derp/netcheck"
	"coder.internal/derp/tailnet"
)

// reachAgent looks at the workspace, its agent, and the path to it.
func reachAgent(ctx context.Context, env *cli.Env, ref cli.Workspace, timeout time.Duration) []netcheck.Step {
	c, err := env.Client(ctx)
	if err != nil {
		return []netcheck.Step{{Name: "workspace", Status: netcheck.Failed, Detail: firstLine(err)}}
	}
	ws, err := target.Find(ctx, c, ref)
	if err != nil {
		return []netcheck.Step{{Name: "workspace", Status: netcheck.Failed, Detail: firstLine(err)}}
	}
	name := ws.Name
	if ws.LatestBuild.Status != api.WorkspaceRunning {
		return []netcheck.Step{{Name: "workspace", Status: netcheck.Failed, Detail: name + " is " + string(ws.LatestBuild.Status),
			Cure: "Start it with: coder start " + name}}
	}
	steps := []netcheck.Step{{Name: "workspace", Status: netcheck.OK, Detail: name + " is running"}}
	agent, err := target.Agent(ws, ref.Agent)
	if err != nil {
		return append(steps, netcheck.Step{Name: "agent", Status: netcheck.Failed, Detail: firstLine(err)})
	}
	if s := agentStep(ws, agent); s.Status != netcheck.OK {
		return append(steps, s)
	}
	conn, err := tunnel.Connect(ctx, env, tunnel.Options{Ref: ref, Wait: "no", Progress: io.Discard})
	if err != nil {
		return append(steps, netcheck.Step{Name: "agent", Status: netcheck.Failed, Detail: firstLine(err)})
	}
	defer conn.Close()
	steps = append(steps, agentStep(ws, agent))
	return append(steps, path(ctx, env, conn, timeout))
}

func agentStep(ws api.Workspace, a api.WorkspaceAgent) netcheck.Step {
	s := netcheck.Step{Name: "agent", Status: netcheck.OK, Detail: fmt.Sprintf("%s is connected and %s", a.Name, a.LifecycleState)}
	switch a.Status {
	case api.AgentConnected:
		return s
	case api.AgentConnecting:
		s.Detail, s.Cure = a.Name+" has not connected yet", "Wait for it, or look at its log on the machine: coder-agent.log below /tmp."
	case api.AgentTimeout:
		s.Detail, s.Cure = a.Name+" has never connected", "Its machine may not reach the deployment: run coder doctor --url <address> there, and look at coder-agent.log below /tmp."
	default:
		s.Detail, s.Cure = a.Name+" has lost its connection", "Look whether its machine runs; then restart it with: coder restart "+ws.Name
	}
	if a.TroubleshootingURL != "" {
		s.Cure += " The template's author says more at " + a.TroubleshootingURL
	}
	s.Status = netcheck.Failed
	return s
}

// path pings until the way is direct or timeout is over; relayed is a warning.
func path(ctx context.Context, env *cli.Env, conn *tunnel.Connection, timeout time.Duration) netcheck.Step {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last tailnet.PingResult
	var answered bool
	for {
		r, err := conn.Ping(ctx)
		if err == nil {
			last, answered = r, true
			if r.Direct {
				return netcheck.Step{Name: "direct", Status: netcheck.OK, Took: r.Latency, Detail: "the agent answers directly, at " + r.Endpoint}
			}
		}
		t := env.Clock.NewTimer(200*time.Millisecond, "doctor", "ping")
		select {
		case <-ctx.Done():
			t.Stop()
			return relayed(context.WithoutCancel(ctx), env, conn, last, answered)
		case <-t.C:
		}
	}
}

func relayed(ctx context.Context, env *cli.Env, conn *tunnel.Connection, last tailnet.PingResult, answered bool) netcheck.Step {
	if !answered {
		return netcheck.Step{Name: "direct", Status: netcheck.Failed, Detail: "the agent answers neither directly nor through a relay",
			Cure: "It says it is connected, so its way to the relay is broken: run coder doctor in the workspace."}
	}
	reason, cure := conn.WhyRelayed(ctx, env)
	return netcheck.Step{Name: "direct", Status: netcheck.Warning, Took: last.Latency,
		Detail: "the agent answers through relay " + last.RelayRegionName + ": " + reason, Cure: cure}
}
