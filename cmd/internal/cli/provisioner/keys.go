package provisioner

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

func keys(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "keys", Aliases: []string{"key"}, Short: "Manage keys of provisioner daemons"},
		createKey(env), listKeys(env), deleteKey(env))
}

func createKey(env *cli.Env) *cobra.Command {
	var tags []string
	var org string
	cmd := &cobra.Command{Use: "create <name>", Short: "Make a key and print it", Args: cli.Exactly("name")}
	TagFlag(cmd.Flags(), &tags)
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		parsed, err := ParseTags(tags)
		if err != nil {
			return err
		}
		c, o, err := signedIn(ctx, env, org)
		if err != nil {
			return err
		}
		key, err := c.CreateProvisionerKey(ctx, o.ID.String(), api.CreateProvisionerKeyRequest{Name: args[0], Tags: parsed})
		if err != nil {
			return err
		}
		// The key alone goes to standard output, so that scripts can take it.
		fmt.Fprintf(env.Stderr, "Made the key %s. It is shown this once:\n", cli.Inert(args[0]))
		fmt.Fprintln(env.Stdout, key.Reveal())
		fmt.Fprintln(env.Stderr, "Start a daemon with it: CODER_PROVISIONER_DAEMON_KEY=<key> coder provisioner start --url "+c.URL().String())
		return nil
	})
	return cmd
}

func listKeys(env *cli.Env) *cobra.Command {
	out := &cli.Output[api.ProvisionerKey]{
		Columns: []cli.Column[api.ProvisionerKey]{
			{Name: "created at", Value: func(k api.ProvisionerKey) string { return cli.Time(k.CreatedAt) }},
			{Name: "name", Value: func(k api.ProvisionerKey) string { return k.Name }},
			{Name: "tags", Value: func(k api.ProvisionerKey) string { return showTags(k.Tags) }},
		},
		Default: []string{"created at", "name", "tags"},
		Empty:   "No provisioner keys. Make one with: coder provisioner keys create <name>",
	}
	var org string
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List keys", Args: cli.Exactly()}
	cli.Org(cmd.Flags(), &org)
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, o, err := signedIn(ctx, env, org)
		if err != nil {
			return err
		}
		rows, err := c.ProvisionerKeys(ctx, o.ID.String())
		if err != nil {
			return err
		}
		return out.Print(env, rows)
	})
	return cmd
}

func deleteKey(env *cli.Env) *cobra.Command {
	var org string
	var yes bool
	cmd := &cobra.Command{Use: "delete <name>", Aliases: []string{"rm"}, Short: "Delete a key and end its daemons' connections", Args: cli.Exactly("name")}
	cli.Yes(cmd.Flags(), &yes)
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, o, err := signedIn(ctx, env, org)
		if err != nil {
			return err
		}
		if err := env.Confirm(ctx, yes, fmt.Sprintf("Delete the key %s? Its daemons lose their connection.", cli.Inert(args[0]))); err != nil {
			return err
		}
		if err := c.DeleteProvisionerKey(ctx, o.ID.String(), args[0]); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Deleted the key %s.\n", cli.Inert(args[0]))
		return err
	})
	return cmd
}
