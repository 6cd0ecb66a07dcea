package open

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/target"
)

func vscodeCommand(env *cli.Env) *cobra.Command {
	var withToken bool
	cmd := &cobra.Command{Use: "vscode <workspace> [<directory in workspace>]", Short: "Open a workspace in VS Code Desktop",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return cli.Exactly("workspace")(cmd, args)
			}
			return cli.Exactly("workspace", "directory in workspace")(cmd, args)
		},
		Example: "  coder open vscode ws\n  coder open vscode ws project   below the directory of the agent\n  coder open vscode ws /srv"}
	cmd.ValidArgsFunction = complete(env, nil)
	cmd.Flags().BoolVar(&withToken, "generate-token", false, "put a new session into the link, so that an editor that is not signed in is")
	cli.Bind(cmd.Flags(), "generate-token", "CODER_OPEN_VSCODE_GENERATE_TOKEN")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		dir := ""
		if len(args) == 2 {
			dir = args[1]
		}
		return openEditor(ctx, env, args[0], dir, withToken)
	})
	return cmd
}

func openEditor(ctx context.Context, env *cli.Env, arg, dir string, withToken bool) error {
	c, err := env.Client(ctx)
	if err != nil {
		return err
	}
	ws, a, err := find(ctx, env, c, arg)
	if err != nil {
		return err
	}
	if err := target.Wait(ctx, c, ws, a, false, env.Stderr); err != nil {
		return err
	}
	if a.Directory != "" && a.ExpandedDirectory == "" {
		if a, err = introduced(ctx, c, ws, a); err != nil {
			return err
		}
	}
	if here := workingDir(env, ws, a); here != "" && dir != "" && !path.IsAbs(dir) {
		dir = path.Join(here, dir)
	}
	folder, err := folderOf(a, dir)
	if err != nil {
		return err
	}
	q := url.Values{"owner": {ws.OwnerName}, "workspace": {ws.Name}, "agent": {a.Name}, "url": {c.URL().String()}}
	if folder != "" {
		q.Set("folder", folder)
	} else {
		q.Set("openRecent", "true")
	}
	var key api.Secret
	if withToken {
		k, err := c.CreateSessionKey(ctx)
		if err != nil {
			return err
		}
		key = k.Key
		q.Set("token", key.Reveal())
	}
	link := url.URL{Scheme: "vscode", Host: "coder.coder-remote", Path: "/open", RawQuery: q.Encode()}
	return give(ctx, env, "VS Code", link.String())
}

// introduceTimeout bounds the wait for an agent that is connected and has not said
// yet what its directory is.
const introduceTimeout = 10 * time.Second

var errIntroduced = errors.New("agent has introduced itself")

// introduced returns the agent as it is once it has said where its directory is.
func introduced(ctx context.Context, c *client.Client, ws api.Workspace, a api.WorkspaceAgent) (api.WorkspaceAgent, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, introduceTimeout, api.Conflict("Agent "+cli.Inert(a.Name)+" does not say what its directory is; give a path from / on."))
	defer cancel()
	err := c.WatchWorkspace(ctx, ws.ID, func(now api.Workspace) error {
		for _, r := range now.LatestBuild.Resources {
			for _, found := range r.Agents {
				if found.ID == a.ID && found.ExpandedDirectory != "" {
					a = found
					return errIntroduced
				}
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errIntroduced):
		return a, nil
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	}
	return a, err
}

// workingDir is the directory of this process where it runs in the workspace itself.
func workingDir(env *cli.Env, ws api.Workspace, a api.WorkspaceAgent) string {
	if !inside(env) || env.Getenv("CODER_WORKSPACE_ID") != ws.ID.String() || env.Getenv("CODER_WORKSPACE_AGENT_NAME") != a.Name ||
		a.OperatingSystem == "windows" {
		return ""
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return dir
}

// folderOf is the absolute path of a directory in the workspace. One that is not
// absolute is below the directory of the agent.
func folderOf(a api.WorkspaceAgent, dir string) (string, error) {
	base := a.ExpandedDirectory
	windows := a.OperatingSystem == "windows"
	switch {
	case dir == "" || dir == ".":
		return base, nil
	case strings.ContainsFunc(dir, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", cli.Usage("directory", fmt.Sprintf("%q has control characters.", cli.Inert(dir)))
	case windows && (len(dir) > 2 && dir[1] == ':' || strings.HasPrefix(dir, `\\`)):
		return dir, nil
	case !windows && path.IsAbs(dir):
		return path.Clean(dir), nil
	case strings.HasPrefix(dir, "~"):
		return "", cli.Usage("directory", "The home directory of the workspace is not known here; give a path from / on, or one below the directory of the agent.")
	case base == "":
		return "", cli.Usage("directory", fmt.Sprintf("Agent %s has no directory that %q could be below; give a path from / on.", cli.Inert(a.Name), cli.Inert(dir)))
	case windows:
		return strings.TrimRight(base, `\`) + `\` + strings.ReplaceAll(dir, "/", `\`), nil
	}
	return path.Join(base, dir), nil
}
