// Package open is `coder open`: links to what is in a workspace, given to the
// program of this computer that opens links, or printed where there is none.
//
// It never starts a workspace and never runs what a link names. A link with a
// session in it is made only on demand.
package open

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/target"
)

// Command is `coder open`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "open", Short: "Open a workspace in a browser or an editor"},
		appCommand(env), vscodeCommand(env))
}

// inside reports whether this process runs in a workspace, where nobody sees a
// browser.
func inside(env *cli.Env) bool { return env.Getenv("CODER") == "true" }

// find returns a running workspace and its agent.
func find(ctx context.Context, env *cli.Env, c *client.Client, arg string) (api.Workspace, api.WorkspaceAgent, error) {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return api.Workspace{}, api.WorkspaceAgent{}, err
	}
	ws, err := target.Find(ctx, c, ref)
	if err != nil {
		return ws, api.WorkspaceAgent{}, err
	}
	if ws, err = target.Start(ctx, env, c, ws, false, env.Stderr); err != nil {
		return ws, api.WorkspaceAgent{}, err
	}
	a, err := target.Agent(ws, ref.Agent)
	return ws, a, err
}

// give opens link, or prints it and says why. what names it to people.
func give(ctx context.Context, env *cli.Env, what, link string) error {
	why := try(ctx, env, link)
	if why == nil {
		fmt.Fprintf(env.Stderr, "Opened %s.\n", what)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Fprintf(env.Stderr, "%s was not opened: %s.\nOpen this link on your computer:\n", what, cli.Inert(why.Error()))
	_, err := fmt.Fprintln(env.Stdout, link)
	return err
}

// giveOnce opens a link with a session in it that nobody asked to see. Where it is
// not opened, the session ends.
func giveOnce(ctx context.Context, env *cli.Env, what, link string, drop func(context.Context)) error {
	why := try(ctx, env, link)
	if why == nil {
		fmt.Fprintf(env.Stderr, "Opened %s.\n", what)
		return nil
	}
	drop(context.WithoutCancel(ctx))
	return api.Conflict(fmt.Sprintf("%s was not opened: %s. Its link has a session of yours in it, so it is not printed.", what, cli.Inert(why.Error())))
}

func try(ctx context.Context, env *cli.Env, link string) error {
	if err := cannot(env); err != nil {
		return err
	}
	return launch(ctx, env, link)
}

// completeTimeout bounds what a shell waits for words.
const completeTimeout = 3 * time.Second

// complete offers workspaces for the first argument, and what more returns for the
// second. Trouble is no word.
func complete(env *cli.Env, more func(api.WorkspaceAgent) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeTimeout)
		defer cancel()
		c, err := env.Client(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var words []string
		switch {
		case len(args) == 0:
			words = workspaces(ctx, c)
		case len(args) == 1 && more != nil:
			words = inWorkspace(ctx, c, args[0], more)
		}
		var out []string
		for _, w := range words {
			if strings.HasPrefix(w, begun) && cli.Inert(w) == w {
				out = append(out, w)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// workspaces are the caller's own.
func workspaces(ctx context.Context, c *client.Client) []string {
	list, err := c.Workspaces(ctx, client.WorkspacesFilter{Query: "owner:me", Limit: 100})
	if err != nil {
		return nil
	}
	var out []string
	for _, w := range list.Workspaces {
		out = append(out, w.Name)
	}
	return out
}

func inWorkspace(ctx context.Context, c *client.Client, arg string, more func(api.WorkspaceAgent) []string) []string {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return nil
	}
	ws, err := target.Find(ctx, c, ref)
	if err != nil {
		return nil
	}
	a, err := target.Agent(ws, ref.Agent)
	if err != nil {
		return nil
	}
	return more(a)
}
