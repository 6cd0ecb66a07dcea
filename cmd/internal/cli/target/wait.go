package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// errReady ends the watch when there is nothing more to wait for.
var errReady = errors.New("agent is ready")

// Blocks reports whether a session has to wait for the agent's start scripts;
// mode is "yes", "no" or "auto", where the template decides: for the agent, or by
// start_blocks_login of a script.
func Blocks(mode string, a api.WorkspaceAgent) bool {
	return mode == "yes" || mode == "auto" && (a.StartupScriptBehavior == "blocking" ||
		slices.ContainsFunc(a.Scripts, func(s api.AgentScript) bool { return s.RunOnStart && s.StartBlocksLogin }))
}

// Ready reports whether there is nothing to wait for.
func Ready(a api.WorkspaceAgent, scripts bool) bool {
	return a.Status == api.AgentConnected && (!scripts || !a.LifecycleState.Starting())
}

// Wait blocks until the agent is connected and, with scripts, until its start
// scripts are over, and says on w what it waits for, and if they did not end well.
// Script output is shown meanwhile. It returns at once where all is over.
func Wait(ctx context.Context, c *client.Client, ws api.Workspace, a api.WorkspaceAgent, scripts bool, w io.Writer) error {
	wt := &waiter{w: w, agent: a.ID, scripts: scripts}
	if Ready(a, scripts) {
		if scripts {
			wt.say(startTrouble(ws, a))
		}
		return nil
	}
	if done, err := wt.look(ws, a); done || err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var logs sync.WaitGroup
	defer logs.Wait()
	defer cancel()
	err := c.WatchWorkspace(ctx, ws.ID, func(now api.Workspace) error {
		if now.LatestBuild.ID != ws.LatestBuild.ID {
			return api.Conflict("A new build of workspace " + cli.Inert(ws.Name) + " has begun; connect again after it.")
		}
		for _, r := range now.LatestBuild.Resources {
			for _, agent := range r.Agents {
				if agent.ID != a.ID {
					continue
				}
				done, err := wt.look(now, agent)
				if err != nil {
					return err
				}
				if done {
					return errReady
				}
				if agent.Status == api.AgentConnected && !wt.following {
					wt.following = true
					logs.Go(func() { wt.follow(ctx, c) })
				}
			}
		}
		return nil
	})
	if errors.Is(err, errReady) {
		return nil
	}
	return err
}

type waiter struct {
	agent     api.ID
	scripts   bool
	following bool
	said      string

	mu sync.Mutex // guards w
	w  io.Writer
}

// look decides whether the wait is over, and says why not.
func (t *waiter) look(ws api.Workspace, a api.WorkspaceAgent) (bool, error) {
	if a.LifecycleState.ShuttingDown() {
		return false, api.Conflict("Workspace " + cli.Inert(ws.Name) + " is shutting down.")
	}
	if Ready(a, t.scripts) {
		if t.scripts {
			t.say(startTrouble(ws, a))
		}
		return true, nil
	}
	reason := ""
	switch a.Status {
	case api.AgentConnecting:
		reason = "Waiting for agent " + a.Name + " to connect."
	case api.AgentTimeout:
		reason = fmt.Sprintf("Agent %s has not connected within %d s; still waiting. See its log on the machine", a.Name, a.ConnectionTimeoutSeconds)
		if a.TroubleshootingURL != "" {
			reason += ", and " + a.TroubleshootingURL
		}
	case api.AgentDisconnected:
		reason = "Agent " + a.Name + " lost its connection; waiting for it to come back."
	default:
		reason = "Waiting for the start scripts of agent " + a.Name + ". To connect without waiting: --wait=no"
	}
	t.say(reason)
	return false, nil
}

// startTrouble says what became of start scripts that did not end well, or "".
func startTrouble(ws api.Workspace, a api.WorkspaceAgent) string {
	what := ""
	switch a.LifecycleState {
	case api.LifecycleStartError:
		what = "failed"
	case api.LifecycleStartTimeout:
		what = "did not end in time"
	default:
		return ""
	}
	return "The start scripts of agent " + a.Name + " " + what + "; the workspace may be incomplete. See: coder logs " + ws.Name
}

// say writes a sentence once.
func (t *waiter) say(s string) {
	if s != "" && s != t.said {
		t.said = s
		t.mu.Lock()
		defer t.mu.Unlock()
		fmt.Fprintln(t.w, cli.Inert(s))
	}
}

// follow shows script output until ctx ends; that it cannot is no reason to
// stop waiting.
func (t *waiter) follow(ctx context.Context, c *client.Client) {
	_ = c.FollowAgentLogs(ctx, t.agent, 0, func(lines []api.AgentLog) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, l := range lines {
			fmt.Fprintf(t.w, "  %s\n", cli.Inert(l.Output))
		}
		return nil
	})
}
