package workspaces

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Delete is `coder delete`.
func Delete(env *cli.Env) *cobra.Command {
	var yes, orphan bool
	cmd := &cobra.Command{Use: "delete <workspace>", Aliases: []string{"rm"}, Short: "Destroy a workspace", Args: cli.Exactly("workspace")}
	cli.Yes(cmd.Flags(), &yes)
	cmd.Flags().BoolVar(&orphan, "orphan", false, "drop the record and leave the resources as they are")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		var left [][]string
		question := "Delete " + cli.Inert(w.Name) + " and all that is in it?"
		if orphan {
			question = "Forget " + cli.Inert(w.Name) + " and leave its resources to you?"
			if left, err = leftBehind(ctx, env, c, w); err != nil {
				return err
			}
		}
		if err := env.Confirm(ctx, yes, question); err != nil {
			return err
		}
		r := api.CreateWorkspaceBuildRequest{Transition: api.TransitionDelete, Orphan: orphan, Reason: reasonCLI}
		if err := transition(ctx, env, c, w, r); err != nil || len(left) == 0 {
			return err
		}
		fmt.Fprintln(env.Stdout, "Nobody looks after these any more:")
		return cli.Table(env.Stdout, left)
	})
	return cmd
}

// leftBehind shows what an orphan delete will not destroy, and returns the table.
func leftBehind(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace) ([][]string, error) {
	list, err := c.BuildStateResources(ctx, w.LatestBuild.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		fmt.Fprintln(env.Stderr, "Its state names no resources.")
		return nil, nil
	}
	rows := [][]string{{"TYPE", "NAME", "ID"}}
	for _, r := range list {
		rows = append(rows, []string{cli.Inert(r.Type), cli.Inert(r.Name), cli.Inert(cmp.Or(r.ResourceID, "-"))})
	}
	fmt.Fprintln(env.Stderr, "These will not be destroyed:")
	return rows, cli.Table(env.Stderr, rows)
}
