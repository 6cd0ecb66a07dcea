// Package sharing holds `coder sharing`: who else may use a workspace.
package sharing

import (
	"context"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder sharing`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "sharing", Aliases: []string{"share"}, Short: "Share workspaces with users and groups"},
		change(env, "add <workspace> --user <user>:<role> --group <group>:<role>", "share", "Share a workspace; roles are use and admin", true),
		change(env, "remove <workspace> --user <user> --group <group>", "unshare", "End sharing with users and groups", false),
		status(env))
}

func find(ctx context.Context, env *cli.Env, arg string) (*client.Client, api.Workspace, error) {
	ref, err := cli.ParseWorkspace(arg)
	if err != nil {
		return nil, api.Workspace{}, err
	}
	c, err := env.Client(ctx)
	if err != nil {
		return nil, api.Workspace{}, err
	}
	w, err := c.WorkspaceByName(ctx, ref.Owner, ref.Name)
	return c, w, err
}

func change(env *cli.Env, use, alias, short string, add bool) *cobra.Command {
	var users, groups []string
	cmd := &cobra.Command{Use: use, Aliases: []string{alias}, Short: short, Args: cli.Exactly("workspace")}
	cli.List(cmd.Flags(), &users, "user", "", "user, with :role when adding; may be repeated")
	cli.List(cmd.Flags(), &groups, "group", "", "group, with :role when adding; may be repeated")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if len(users)+len(groups) == 0 {
			return cli.Usage("user", "Say with whom: --user or --group.")
		}
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		org := w.OrganizationID.String()
		var req api.UpdateWorkspaceACL
		req.UserRoles, err = cli.Grants(users, !add, func(name string) (api.ID, error) {
			m, err := c.MemberOf(ctx, org, name)
			return m.UserID, err
		})
		if err != nil {
			return err
		}
		req.GroupRoles, err = cli.Grants(groups, !add, func(name string) (api.ID, error) {
			g, err := c.GroupNamed(ctx, org, name)
			return g.ID, err
		})
		if err != nil {
			return err
		}
		if err := c.UpdateWorkspaceACL(ctx, w.ID, req); err != nil {
			return err
		}
		return print(ctx, env, c, w, output())
	})
	return cmd
}

// entry is one line of a workspace's list.
type entry struct {
	Kind string `json:"kind"` // "user" or "group"
	Name string `json:"name"`
	Role string `json:"role"`
}

func output() *cli.Output[entry] {
	return &cli.Output[entry]{
		Columns: []cli.Column[entry]{
			{Name: "kind", Value: func(e entry) string { return e.Kind }},
			{Name: "name", Value: func(e entry) string { return e.Name }},
			{Name: "role", Value: func(e entry) string { return e.Role }},
		},
		Default: []string{"kind", "name", "role"},
		Empty:   "The workspace is shared with nobody.",
	}
}

func print(ctx context.Context, env *cli.Env, c *client.Client, w api.Workspace, out *cli.Output[entry]) error {
	acl, err := c.WorkspaceACL(ctx, w.ID)
	if err != nil {
		return err
	}
	var rows []entry
	for _, u := range acl.Users {
		rows = append(rows, entry{Kind: "user", Name: u.Username, Role: u.Role})
	}
	for _, g := range acl.Groups {
		rows = append(rows, entry{Kind: "group", Name: g.Name, Role: g.Role})
	}
	return out.Print(env, rows)
}

func status(env *cli.Env) *cobra.Command {
	out := output()
	cmd := &cobra.Command{Use: "status <workspace>", Aliases: []string{"list"}, Short: "Show with whom a workspace is shared", Args: cli.Exactly("workspace")}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, w, err := find(ctx, env, args[0])
		if err != nil {
			return err
		}
		return print(ctx, env, c, w, out)
	})
	return cmd
}
