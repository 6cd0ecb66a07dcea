// Package groups holds `coder groups`.
package groups

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder groups`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "groups", Aliases: []string{"group"}, Short: "Manage groups"},
		create(env), list(env), edit(env), remove(env))
}

func output() *cli.Output[api.Group] {
	return &cli.Output[api.Group]{
		Columns: []cli.Column[api.Group]{
			{Name: "name", Value: func(g api.Group) string { return g.Name }},
			{Name: "display name", Value: func(g api.Group) string { return g.DisplayName }},
			{Name: "organization id", Value: func(g api.Group) string { return g.OrganizationID.String() }},
			{Name: "members", Value: members},
			{Name: "avatar url", Value: func(g api.Group) string { return g.AvatarURL }},
			{Name: "quota allowance", Value: func(g api.Group) string { return fmt.Sprint(g.QuotaAllowance) }},
		},
		Default: []string{"name", "display name", "organization id", "members", "avatar url"},
		Empty:   "No groups. Make one with: coder groups create <name>",
	}
}

// members names a few and counts the rest.
func members(g api.Group) string {
	const shown = 5
	var names []string
	for i, u := range g.Members {
		if i == shown {
			break
		}
		names = append(names, u.Username)
	}
	if more := g.TotalMemberCount - len(names); more > 0 {
		names = append(names, fmt.Sprintf("+%d", more))
	}
	return strings.Join(names, ", ")
}

type fields struct {
	org, avatar, display string
	quota                int
}

func (f *fields) bind(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.avatar, "avatar-url", "u", "", "picture")
	cli.Bind(fs, "avatar-url", "CODER_AVATAR_URL")
	fs.StringVar(&f.display, "display-name", "", "name that people see")
	cli.Bind(fs, "display-name", "CODER_DISPLAY_NAME")
	fs.IntVar(&f.quota, "quota-allowance", 0, "what each member may spend a day, added to that of their other groups")
	cli.Org(fs, &f.org)
}

func create(env *cli.Env) *cobra.Command {
	var f fields
	cmd := &cobra.Command{Use: "create <name>", Short: "Make a group", Args: cli.Exactly("name")}
	f.bind(cmd)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, o, err := env.InOrganization(ctx, f.org)
		if err != nil {
			return err
		}
		g, err := c.CreateGroup(ctx, o.ID.String(), api.CreateGroupRequest{Name: args[0], DisplayName: f.display, AvatarURL: f.avatar, QuotaAllowance: f.quota})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Group %s was made in %s. Add members with: coder groups edit %s --add-users <name>\n",
			cli.Inert(g.Name), cli.Inert(o.Name), cli.Inert(g.Name))
		return err
	})
	return cmd
}

func list(env *cli.Env) *cobra.Command {
	var org string
	out := output()
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List groups", Args: cli.Exactly()}
	cli.Org(cmd.Flags(), &org)
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, o, err := env.InOrganization(ctx, org)
		if err != nil {
			return err
		}
		rows, err := c.Groups(ctx, o.ID.String())
		if err != nil {
			return err
		}
		return out.Print(env, rows)
	})
	return cmd
}

func edit(env *cli.Env) *cobra.Command {
	var f fields
	var name string
	var add, drop []string
	cmd := &cobra.Command{Use: "edit <name>", Short: "Change a group and its members", Args: cli.Exactly("name")}
	f.bind(cmd)
	fs := cmd.Flags()
	fs.StringVarP(&name, "name", "n", "", "new name")
	cli.List(fs, &add, "add-users", "a", "members of the organization to add, by name or id")
	cli.List(fs, &drop, "rm-users", "r", "members to remove")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		changes := []string{"name", "avatar-url", "display-name", "quota-allowance", "add-users", "rm-users"}
		if !slices.ContainsFunc(changes, fs.Changed) {
			return &api.Error{Code: api.CodeInvalid, Message: "Nothing to change: give at least one of --" + strings.Join(changes, ", --") + "."}
		}
		c, o, err := env.InOrganization(ctx, f.org)
		if err != nil {
			return err
		}
		g, err := c.GroupNamed(ctx, o.ID.String(), args[0])
		if err != nil {
			return err
		}
		req := api.PatchGroupRequest{Name: name}
		if fs.Changed("avatar-url") {
			req.AvatarURL = &f.avatar
		}
		if fs.Changed("display-name") {
			req.DisplayName = &f.display
		}
		if fs.Changed("quota-allowance") {
			req.QuotaAllowance = &f.quota
		}
		for _, side := range []struct {
			names []string
			to    *[]string
		}{{add, &req.AddUsers}, {drop, &req.RemoveUsers}} {
			for _, n := range side.names {
				m, err := c.MemberOf(ctx, o.ID.String(), n)
				if err != nil {
					return fmt.Errorf("%s: %w", cli.Inert(n), err)
				}
				*side.to = append(*side.to, m.UserID.String())
			}
		}
		g, err = c.UpdateGroup(ctx, g.ID, req)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Group %s was changed; members: %s\n", cli.Inert(g.Name), cli.Inert(orNone(members(g))))
		return err
	})
	return cmd
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func remove(env *cli.Env) *cobra.Command {
	var org string
	cmd := &cobra.Command{Use: "delete <name>", Aliases: []string{"rm"}, Short: "Delete a group", Args: cli.Exactly("name")}
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, o, err := env.InOrganization(ctx, org)
		if err != nil {
			return err
		}
		g, err := c.GroupNamed(ctx, o.ID.String(), args[0])
		if err != nil {
			return err
		}
		if err := c.DeleteGroup(ctx, g.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Group %s was deleted.\n", cli.Inert(g.Name))
		return err
	})
	return cmd
}
