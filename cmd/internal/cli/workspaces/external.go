package workspaces

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// External is `coder external-workspaces`: workspaces on machines that no
// template makes, whose agent a person starts.
func External(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "external-workspaces", Short: "Workspaces on machines that you bring yourself"}
	make := createCommand(env, true)
	make.Short = "Make a workspace and say how to start its agent"
	make.Example = "  coder external-workspaces create my-server --template external"
	list := listCommand(env, true)
	list.Short = "List workspaces with external agents"
	cmd.AddCommand(make, list, instructions(env))
	return cmd
}

// mustBeExternal refuses versions of templates without an external agent.
func mustBeExternal(ctx context.Context, c *client.Client, t api.Template, version api.ID) error {
	v, err := c.TemplateVersion(ctx, version)
	if err != nil {
		return err
	}
	if !v.HasExternalAgent {
		return cli.Usage("template", fmt.Sprintf("Template %s has no coder_external_agent. Use: coder create --template %s", cli.Inert(t.Name), cli.Inert(t.Name)))
	}
	return nil
}

// instruction is what starts one agent. The command and the token are shown
// because that is what the user asked for.
type instruction struct {
	Workspace   string `json:"workspace_name"`
	Agent       string `json:"agent_name"`
	AuthToken   string `json:"auth_token"`
	InitCommand string `json:"init_script"`
}

func instructions(env *cli.Env) *cobra.Command {
	format := "text"
	cmd := &cobra.Command{Use: "agent-instructions [user/]workspace[.agent]", Short: "Say how to start an external agent",
		Args: cli.Exactly("workspace")}
	cli.Enum(cmd.Flags(), &format, "output", "o", "output format", "text", "json")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		ref, err := cli.ParseWorkspace(args[0])
		if err != nil {
			return err
		}
		all, err := externalAgents(ctx, c, w, ref.Agent)
		if err != nil {
			return err
		}
		if format == "json" {
			if ref.Agent != "" || len(all) == 1 {
				return cli.PrintJSON(env.Stdout, all[0])
			}
			return cli.PrintJSON(env.Stdout, all)
		}
		return printInstructions(env.Stdout, all)
	})
	return cmd
}

// externalAgents returns what starts the agents of a workspace, or the one of
// that name.
func externalAgents(ctx context.Context, c *client.Client, w api.Workspace, name string) ([]instruction, error) {
	var out []instruction
	for _, r := range w.LatestBuild.Resources {
		if r.Type != "coder_external_agent" {
			continue
		}
		for _, a := range r.Agents {
			if name != "" && name != a.Name {
				continue
			}
			creds, err := c.ExternalAgentCredentials(ctx, w.ID, a.Name)
			if err != nil {
				return nil, err
			}
			out = append(out, instruction{w.Name, a.Name, creds.AgentToken.Reveal(), creds.Command.Reveal()})
		}
	}
	if len(out) == 0 {
		what := "no external agent"
		if name != "" {
			what += " " + cli.Inert(name)
		}
		return nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("Workspace %s has %s, or is not running. See: coder show %s", cli.Inert(w.Name), what, cli.Inert(w.Name))}
	}
	return out, nil
}

func printInstructions(w io.Writer, all []instruction) error {
	for i, a := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		_, err := fmt.Fprintf(w, "Run this on the machine of agent %s. It holds the agent's token, so keep it to yourself.\n\n  %s\n",
			cli.Inert(a.Agent), cli.Inert(a.InitCommand))
		if err != nil {
			return err
		}
	}
	return nil
}
