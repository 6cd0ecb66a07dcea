package workspaces

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Show is `coder show`.
func Show(env *cli.Env) *cobra.Command {
	var details bool
	cmd := &cobra.Command{Use: "show <workspace>", Short: "Show the resources and agents of a workspace", Args: cli.Exactly("workspace")}
	cmd.Flags().BoolVar(&details, "details", false, "show metadata, apps and hidden resources")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		if err := show(env, w, details); err != nil {
			return err
		}
		return showContainers(ctx, env, c, w, details)
	})
	return cmd
}

func show(env *cli.Env, w api.Workspace, details bool) error {
	b := w.LatestBuild
	head := [][]string{
		{"Workspace:", cli.Inert(w.OwnerName + "/" + w.Name)},
		{"Status:", title(string(b.Status))},
		{"Template:", cli.Inert(w.TemplateName + ", version " + b.TemplateVersionName)},
		{"Last build:", fmt.Sprintf("%s, number %d, %s", b.Transition, b.BuildNumber, env.Ago(b.CreatedAt))},
	}
	if w.Outdated {
		head = append(head, []string{"Outdated:", "yes; update with: coder update " + cli.Inert(w.Name)})
	}
	if b.Job.Error != "" {
		head = append(head, []string{"Error:", cli.Inert(strings.ReplaceAll(b.Job.Error, "\n", " "))})
	}
	if err := cli.Table(env.Stdout, head); err != nil {
		return err
	}
	rows := [][]string{{"RESOURCE", "STATUS", "LIFECYCLE", "VERSION", "ACCESS"}}
	for _, r := range b.Resources {
		if !r.Hide || details || len(r.Agents) > 0 {
			rows = append(rows, resource(w, r, details)...)
		}
	}
	if len(rows) == 1 {
		return nil
	}
	fmt.Fprintln(env.Stdout)
	return cli.Table(env.Stdout, rows)
}

func resource(w api.Workspace, r api.WorkspaceResource, details bool) [][]string {
	name := r.Type + "." + r.Name
	if r.Persistent {
		name += " (kept by a stop)"
	}
	rows := [][]string{{cli.Inert(name)}}
	if details {
		for _, m := range r.Metadata {
			v := m.Value
			if m.Sensitive {
				v = "(sensitive)"
			}
			rows = append(rows, []string{cli.Inert("  " + m.Key + " = " + v)})
		}
	}
	for _, a := range r.Agents {
		status := string(a.Status)
		if a.Status == api.AgentConnected && !a.Health.Healthy && a.Health.Reason != "" {
			status += " (" + a.Health.Reason + ")"
		}
		rows = append(rows, []string{cli.Inert("└─ " + a.Name + " (" + a.OperatingSystem + ", " + a.Architecture + ")"),
			cli.Inert(status), string(a.LifecycleState), cli.Inert(a.Version), cli.Inert("coder ssh " + w.Name + "." + a.Name)})
		for _, app := range a.Apps {
			if details {
				rows = append(rows, []string{cli.Inert("   app " + app.Slug + " (" + app.DisplayName + ")"), cli.Inert(app.Health)})
			}
		}
	}
	return rows
}

// Logs is `coder logs`.
func Logs(env *cli.Env) *cobra.Command {
	var number int
	var followIt bool
	cmd := &cobra.Command{Use: "logs <workspace>", Short: "Show the logs of a build and of its agents", Args: cli.Exactly("workspace")}
	cmd.Flags().IntVarP(&number, "build-number", "n", 0, "which build; 0 is the latest, -1 the one before it")
	cmd.Flags().BoolVarP(&followIt, "follow", "f", false, "go on until the build is over and the agents are ready")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		b := w.LatestBuild
		if number != 0 {
			n := number
			if n < 0 {
				n += b.BuildNumber
			}
			if n < 1 || n > b.BuildNumber {
				return cli.Usage("build-number", fmt.Sprintf("There is no build %d; the latest is %d.", n, b.BuildNumber))
			}
			if b, err = c.BuildByNumber(ctx, w.OwnerName, w.Name, n); err != nil {
				return err
			}
		}
		return logs(ctx, env, c, b, followIt)
	})
	return cmd
}

func logs(ctx context.Context, env *cli.Env, c *client.Client, b api.WorkspaceBuild, followIt bool) error {
	stage := ""
	line := func(l api.ProvisionerJobLog) error {
		if l.Stage != stage {
			stage = l.Stage
			fmt.Fprintf(env.Stdout, "%s [provisioner] == %s\n", cli.Time(l.CreatedAt), cli.Inert(stage))
		}
		if strings.TrimSpace(l.Output) == "" {
			return nil
		}
		_, err := fmt.Fprintf(env.Stdout, "%s [provisioner] %s\n", cli.Time(l.CreatedAt), cli.Inert(l.Output))
		return err
	}
	if followIt {
		if err := c.FollowBuildLogs(ctx, b.ID, 0, line); err != nil {
			return err
		}
		var err error
		if b, err = c.Build(ctx, b.ID); err != nil {
			return err
		}
	} else {
		lines, err := c.BuildLogs(ctx, b.ID, 0)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := line(l); err != nil {
				return err
			}
		}
	}
	if b.Job.Error != "" {
		fmt.Fprintf(env.Stdout, "%s [provisioner] error: %s\n", cli.Time(b.UpdatedAt), cli.Inert(b.Job.Error))
	}
	for _, r := range b.Resources {
		for _, a := range r.Agents {
			if err := agentLogs(ctx, env, c, a, followIt && b.Transition == api.TransitionStart); err != nil {
				return err
			}
		}
	}
	return nil
}

func agentLogs(ctx context.Context, env *cli.Env, c *client.Client, a api.WorkspaceAgent, followIt bool) error {
	show := func(lines []api.AgentLog) error {
		for _, l := range lines {
			if _, err := fmt.Fprintf(env.Stdout, "%s [agent.%s] %s\n", cli.Time(l.CreatedAt), cli.Inert(a.Name), cli.Inert(l.Output)); err != nil {
				return err
			}
		}
		return nil
	}
	if followIt {
		return c.FollowAgentLogs(ctx, a.ID, 0, show)
	}
	lines, err := c.AgentLogs(ctx, a.ID, 0)
	if err != nil {
		return err
	}
	return show(lines)
}
