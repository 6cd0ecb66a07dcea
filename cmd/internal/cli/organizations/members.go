package organizations

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// pageSize is how many members are asked for at a time.
const pageSize = 500

func members(env *cli.Env, org *string) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "members", Aliases: []string{"member"}, Short: "Manage members"},
		listMembers(env, org), addMember(env, org), removeMember(env, org), editRoles(env, org))
}

func listMembers(env *cli.Env, org *string) *cobra.Command {
	out := &cli.Output[api.OrganizationMember]{
		Columns: []cli.Column[api.OrganizationMember]{
			{Name: "username", Value: func(m api.OrganizationMember) string { return m.Username }},
			{Name: "name", Value: func(m api.OrganizationMember) string { return m.Name }},
			{Name: "last seen at", Value: func(m api.OrganizationMember) string { return cli.Time(m.LastSeenAt) }},
			{Name: "user created at", Value: func(m api.OrganizationMember) string { return cli.Time(m.UserCreatedAt) }},
			{Name: "user updated at", Value: func(m api.OrganizationMember) string { return cli.Time(m.UserUpdatedAt) }},
			{Name: "user id", Value: func(m api.OrganizationMember) string { return m.UserID.String() }},
			{Name: "organization id", Value: func(m api.OrganizationMember) string { return m.OrganizationID.String() }},
			{Name: "created at", Value: func(m api.OrganizationMember) string { return cli.Time(m.CreatedAt) }},
			{Name: "updated at", Value: func(m api.OrganizationMember) string { return cli.Time(m.UpdatedAt) }},
			{Name: "organization roles", Value: func(m api.OrganizationMember) string { return roleNames(m.Roles) }},
		},
		Default: []string{"username", "organization roles"},
		Empty:   "The organization has no members.",
	}
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List members", Args: cli.Exactly()}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, o, err := env.InOrganization(ctx, *org)
		if err != nil {
			return err
		}
		var all []api.OrganizationMember
		for {
			p, err := c.Members(ctx, o.ID.String(), pageSize, len(all))
			if err != nil {
				return err
			}
			all = append(all, p.Members...)
			if len(p.Members) < pageSize || len(all) >= p.Count {
				return out.Print(env, all)
			}
		}
	})
	return cmd
}

func roleNames(roles []api.SlimRole) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

func addMember(env *cli.Env, org *string) *cobra.Command {
	return &cobra.Command{Use: "add <username | user_id>", Short: "Add a user", Args: cli.Exactly("username | user_id"),
		RunE: cli.RunE(func(ctx context.Context, args []string) error {
			c, o, err := env.InOrganization(ctx, *org)
			if err != nil {
				return err
			}
			m, err := c.AddMember(ctx, o.ID.String(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "%s is now a member of %s.\n", cli.Inert(m.Username), cli.Inert(o.Name))
			return err
		})}
}

func removeMember(env *cli.Env, org *string) *cobra.Command {
	return &cobra.Command{Use: "remove <username | user_id>", Aliases: []string{"rm"}, Short: "Remove a member", Args: cli.Exactly("username | user_id"),
		RunE: cli.RunE(func(ctx context.Context, args []string) error {
			c, o, err := env.InOrganization(ctx, *org)
			if err != nil {
				return err
			}
			if err := c.RemoveMember(ctx, o.ID.String(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "%s is no longer a member of %s.\n", cli.Inert(args[0]), cli.Inert(o.Name))
			return err
		})}
}

func editRoles(env *cli.Env, org *string) *cobra.Command {
	return &cobra.Command{Use: "edit-roles <username | user_id> [roles...]", Aliases: []string{"edit-role"},
		Short: "Replace the roles of a member; without roles, all are taken", Args: cli.AtLeast("username | user_id"),
		RunE: cli.RunE(func(ctx context.Context, args []string) error {
			c, o, err := env.InOrganization(ctx, *org)
			if err != nil {
				return err
			}
			m, err := c.SetMemberRoles(ctx, o.ID.String(), args[0], append([]string{}, args[1:]...))
			if err != nil {
				return err
			}
			names := roleNames(m.Roles)
			if names == "" {
				names = "none"
			}
			_, err = fmt.Fprintf(env.Stdout, "Roles of %s in %s: %s\n", cli.Inert(m.Username), cli.Inert(o.Name), cli.Inert(names))
			return err
		})}
}
