package workspaces

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// containersWait is how long show waits for an agent to list its containers.
const containersWait = 3 * time.Second

// showContainers shows the dev containers of connected agents, and with details
// the other containers. An agent that does not answer in time has none to show.
func showContainers(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, details bool) error {
	rows := [][]string{{"CONTAINER", "STATUS", "FOLDER", "ACCESS"}}
	for _, r := range w.LatestBuild.Resources {
		for _, a := range r.Agents {
			if a.Status != api.AgentConnected {
				continue
			}
			ctx, cancel := context.WithTimeout(ctx, containersWait)
			all, err := c.AgentContainers(ctx, a.ID)
			cancel()
			if err == nil {
				rows = append(rows, containerRows(w.Name+"."+a.Name, all, details)...)
			}
		}
	}
	if len(rows) == 1 {
		return nil
	}
	fmt.Fprintln(env.Stdout)
	return cli.Table(env.Stdout, rows)
}

func containerRows(host string, all api.AgentContainers, details bool) (rows [][]string) {
	shown := map[string]bool{}
	for _, d := range all.Devcontainers {
		status, access := string(d.Status), ""
		if d.Dirty {
			status += " (outdated)"
		}
		if d.Error != "" {
			status += ": " + d.Error
		}
		if d.Container != nil {
			shown[d.Container.ID] = true
			if d.Container.Running {
				access = "coder ssh -c " + d.Container.Name + " " + host
			}
		}
		rows = append(rows, []string{cli.Inert(d.Name + " (dev container)"), cli.Inert(status), cli.Inert(d.WorkspaceFolder), cli.Inert(access)})
	}
	if !details {
		return rows
	}
	for _, x := range all.Containers {
		access := ""
		if x.Running {
			access = "coder ssh -c " + x.Name + " " + host
		}
		if !shown[x.ID] {
			rows = append(rows, []string{cli.Inert(x.Name + " (" + x.Image + ")"), cli.Inert(x.Status), "", cli.Inert(access)})
		}
	}
	return rows
}
