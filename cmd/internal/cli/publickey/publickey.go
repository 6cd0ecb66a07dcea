// Package publickey is `coder publickey`: the public half of the key by which
// the caller's workspaces sign in to Git servers. The private half never comes here.
package publickey

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder publickey`. The key alone goes to standard output, so that it
// can be piped; what to do with it goes to standard error.
func Command(env *cli.Env) *cobra.Command {
	var reset, yes bool
	cmd := &cobra.Command{Use: "publickey", Aliases: []string{"pubkey"}, Args: cli.Exactly(),
		Short: "Print the SSH key by which your workspaces sign in to Git servers"}
	cmd.Flags().BoolVar(&reset, "reset", false, "replace the key; Git servers refuse the old one's workspaces until they know the new one")
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		ask := c.GitSSHKey
		if reset {
			if err := env.Confirm(ctx, yes, "Replace your Git SSH key? The old one stops working and has to be replaced at every Git server."); err != nil {
				return err
			}
			ask = c.ResetGitSSHKey
		}
		key, err := ask(ctx, api.Me)
		if err != nil {
			return err
		}
		if env.Interactive() {
			fmt.Fprintln(env.Stderr, "Add this key to your account at each Git server, for example at https://github.com/settings/ssh/new:")
		}
		_, err = fmt.Fprintln(env.Stdout, cli.Inert(key.PublicKey))
		return err
	})
	return cmd
}
