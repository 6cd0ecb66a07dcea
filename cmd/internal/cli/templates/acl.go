package templates

import (
	"context"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// acl is `coder templates acl`: who may use a template, and who may change it.
func acl(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "acl", Aliases: []string{"access"}, Short: "See and change who may use a template"},
		showACL(env),
		editACL(env, "add <template> --user <user>:<role> --group <group>:<role>", nil, "Give access; roles are use and admin", false),
		editACL(env, "remove <template> --user <user> --group <group>", []string{"rm"}, "Take access away", true))
}

// aclEntry is one line of a template's list.
type aclEntry struct {
	Kind string `json:"kind"` // "user" or "group"
	Name string `json:"name"`
	Role string `json:"role"`
	ID   api.ID `json:"id"`
}

func aclOutput() *cli.Output[aclEntry] {
	return &cli.Output[aclEntry]{
		Columns: []cli.Column[aclEntry]{
			{Name: "kind", Value: func(e aclEntry) string { return e.Kind }},
			{Name: "name", Value: func(e aclEntry) string { return e.Name }},
			{Name: "role", Value: func(e aclEntry) string { return e.Role }},
			{Name: "id", Value: func(e aclEntry) string { return e.ID.String() }},
		},
		Default: []string{"kind", "name", "role"},
		Empty:   "The template is for administrators only.",
	}
}

func printACL(ctx context.Context, env *cli.Env, c *client.Client, t api.Template, out *cli.Output[aclEntry]) error {
	list, err := c.TemplateACL(ctx, t.ID)
	if err != nil {
		return err
	}
	var rows []aclEntry
	for _, u := range list.Users {
		rows = append(rows, aclEntry{Kind: "user", Name: u.Username, Role: u.Role, ID: u.ID})
	}
	for _, g := range list.Groups {
		rows = append(rows, aclEntry{Kind: "group", Name: g.Name, Role: g.Role, ID: g.ID})
	}
	return out.Print(env, rows)
}

func showACL(env *cli.Env) *cobra.Command {
	var org string
	out := aclOutput()
	cmd := &cobra.Command{Use: "show <template>", Aliases: []string{"list", "ls"}, Short: "Show who may use a template", Args: cli.Exactly("template")}
	cli.Org(cmd.Flags(), &org)
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		return printACL(ctx, env, c, t, out)
	})
	return cmd
}

func editACL(env *cli.Env, use string, aliases []string, short string, take bool) *cobra.Command {
	var users, groups []string
	var org string
	cmd := &cobra.Command{Use: use, Aliases: aliases, Short: short, Args: cli.Exactly("template")}
	cli.List(cmd.Flags(), &users, "user", "", "user, with :role when adding; may be repeated")
	cli.List(cmd.Flags(), &groups, "group", "", "group, with :role when adding; may be repeated; Everyone is all members of the organization")
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if len(users)+len(groups) == 0 {
			return cli.Usage("user", "Say for whom: --user or --group.")
		}
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		in := t.OrganizationID.String()
		var req api.UpdateTemplateACL
		req.UserPerms, err = cli.Grants(users, take, func(name string) (api.ID, error) {
			m, err := c.MemberOf(ctx, in, name)
			return m.UserID, err
		})
		if err != nil {
			return err
		}
		req.GroupPerms, err = cli.Grants(groups, take, func(name string) (api.ID, error) {
			g, err := c.GroupNamed(ctx, in, name)
			return g.ID, err
		})
		if err != nil {
			return err
		}
		if err := c.UpdateTemplateACL(ctx, t.ID, req); err != nil {
			return err
		}
		return printACL(ctx, env, c, t, aclOutput())
	})
	return cmd
}
