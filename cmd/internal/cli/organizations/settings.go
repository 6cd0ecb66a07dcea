package organizations

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

func settings(env *cli.Env, org *string) *cobra.Command {
	sharing := func(use, short string, run cli.Run) *cobra.Command {
		return cli.Group(&cobra.Command{Use: use, Short: short},
			&cobra.Command{Use: "workspace-sharing", Aliases: []string{"workspacesharing"}, Short: "Whose workspaces may be shared", Args: cli.Exactly(), RunE: cli.RunE(run)})
	}
	return cli.Group(&cobra.Command{Use: "settings", Aliases: []string{"setting"}, Short: "Manage settings"},
		sharing("show", "Print a setting as JSON", func(ctx context.Context, _ []string) error {
			c, o, err := env.InOrganization(ctx, *org)
			if err != nil {
				return err
			}
			s, err := c.Sharing(ctx, o.ID.String())
			if err != nil {
				return err
			}
			return cli.PrintJSON(env.Stdout, s)
		}),
		sharing("set", "Change a setting, given as JSON on standard input", func(ctx context.Context, _ []string) error {
			c, o, err := env.InOrganization(ctx, *org)
			if err != nil {
				return err
			}
			text, err := input(env)
			if err != nil {
				return err
			}
			var req api.UpdateWorkspaceSharingSettingsRequest
			if err := json.Unmarshal(text, &req); err != nil {
				return cli.Usage("stdin", `Give JSON, such as {"shareable_workspace_owners": "none"}: `+err.Error())
			}
			s, err := c.SetSharing(ctx, o.ID.String(), req)
			if err != nil {
				return err
			}
			return cli.PrintJSON(env.Stdout, s)
		}))
}
