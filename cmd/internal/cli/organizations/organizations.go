// Package organizations holds `coder organizations`: organizations, their members,
// roles and settings, and which one the other commands work in.
package organizations

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder organizations`.
func Command(env *cli.Env) *cobra.Command {
	var org string
	cmd := &cobra.Command{Use: "organizations", Aliases: []string{"organization", "org", "orgs"}, Short: "Manage organizations"}
	cli.Org(cmd.PersistentFlags(), &org)
	return cli.Group(cmd, list(env), show(env, &org), choose(env), create(env), remove(env), members(env, &org), roles(env, &org), settings(env, &org))
}

func output() *cli.Output[api.Organization] {
	return &cli.Output[api.Organization]{
		Columns: []cli.Column[api.Organization]{
			{Name: "id", Value: func(o api.Organization) string { return o.ID.String() }},
			{Name: "name", Value: func(o api.Organization) string { return o.Name }},
			{Name: "display name", Value: func(o api.Organization) string { return o.DisplayName }},
			{Name: "icon", Value: func(o api.Organization) string { return o.Icon }},
			{Name: "description", Value: func(o api.Organization) string { return o.Description }},
			{Name: "created at", Value: func(o api.Organization) string { return cli.Time(o.CreatedAt) }},
			{Name: "updated at", Value: func(o api.Organization) string { return cli.Time(o.UpdatedAt) }},
			{Name: "default", Value: func(o api.Organization) string { return strconv.FormatBool(o.IsDefault) }},
			{Name: "default org member roles", Value: func(o api.Organization) string { return strings.Join(o.DefaultMemberRoles, ", ") }},
		},
		Empty: "You are in no organization.",
	}
}

func list(env *cli.Env) *cobra.Command {
	out := output()
	out.Default = []string{"name", "display name", "id", "default"}
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List organizations", Args: cli.Exactly()}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		rows, err := c.AllOrganizations(ctx)
		if err != nil {
			return err
		}
		return out.Print(env, rows)
	})
	return cmd
}

func show(env *cli.Env, org *string) *cobra.Command {
	var onlyID bool
	out := output()
	out.Default = []string{"id", "name", "default"}
	out.Text = func(w io.Writer, rows []api.Organization) error {
		for _, o := range rows {
			if _, err := fmt.Fprintf(w, "%s (%s)\n", cli.Inert(o.Name), o.ID); err != nil {
				return err
			}
		}
		return nil
	}
	cmd := &cobra.Command{Use: `show ["selected"|"me"|uuid|org_name]`, Short: "Show an organization: the chosen one, one by name, or all of your own (me)",
		Args: cli.Optional("organization")}
	out.Flags(cmd.Flags(), "text", "table", "json")
	cmd.Flags().BoolVar(&onlyID, "only-id", false, "print the id alone")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		rows, err := find(ctx, env, *org, args)
		if err != nil {
			return err
		}
		if !onlyID {
			return out.Print(env, rows)
		}
		for _, o := range rows {
			fmt.Fprintln(env.Stdout, o.ID)
		}
		return nil
	})
	return cmd
}

func find(ctx context.Context, env *cli.Env, flag string, args []string) ([]api.Organization, error) {
	if len(args) == 1 && args[0] == api.Me {
		c, err := env.Client(ctx)
		if err != nil {
			return nil, err
		}
		return c.Organizations(ctx, api.Me)
	}
	if len(args) == 1 && args[0] != "selected" {
		flag = args[0]
	}
	_, o, err := env.InOrganization(ctx, flag)
	return []api.Organization{o}, err
}

// choose writes the organization that commands work in where no flag names one.
func choose(env *cli.Env) *cobra.Command {
	return &cobra.Command{Use: "set <organization_name_or_id>", Short: `Choose the organization that commands work in ("default" takes the choice back)`,
		Args: cli.Exactly("organization"),
		RunE: cli.RunE(func(ctx context.Context, args []string) error {
			if args[0] == "default" {
				if err := env.SetConfig(cli.FileOrganization, ""); err != nil {
					return err
				}
				_, err := fmt.Fprintln(env.Stdout, "Commands work in the default organization.")
				return err
			}
			_, o, err := env.InOrganization(ctx, args[0])
			if err != nil {
				return err
			}
			// By id: names change.
			if err := env.SetConfig(cli.FileOrganization, o.ID.String()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "Commands work in the organization %s.\n", cli.Inert(o.Name))
			return err
		})}
}

func create(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "create <organization name>", Short: "Make an organization, with you as its administrator", Args: cli.Exactly("organization name")}
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		if err := env.Confirm(ctx, yes, fmt.Sprintf("Make the organization %s?", cli.Inert(args[0]))); err != nil {
			return err
		}
		o, err := c.CreateOrganization(ctx, api.CreateOrganizationRequest{Name: args[0]})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Organization %s (%s) was made.\n", cli.Inert(o.Name), o.ID)
		return err
	})
	return cmd
}

func remove(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "delete <organization_name_or_id>", Aliases: []string{"rm"}, Short: "Delete an organization that has no workspaces and templates left",
		Args: cli.Exactly("organization_name_or_id")}
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, o, err := env.InOrganization(ctx, args[0])
		if err != nil {
			return err
		}
		if err := env.Confirm(ctx, yes, fmt.Sprintf("Delete the organization %s with its memberships, groups and roles?", cli.Inert(o.Name))); err != nil {
			return err
		}
		if err := c.DeleteOrganization(ctx, o.ID.String()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Organization %s was deleted.\n", cli.Inert(o.Name))
		return err
	})
	return cmd
}
