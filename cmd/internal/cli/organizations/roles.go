package organizations

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// maxInput bounds what is read from standard input, in bytes.
const maxInput = 1 << 20

// input reads all of standard input.
func input(env *cli.Env) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(env.Stdin, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	if len(text) > maxInput {
		return nil, cli.Usage("stdin", "This is longer than 1 MiB.")
	}
	return text, nil
}

func roles(env *cli.Env, org *string) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "roles", Aliases: []string{"role"}, Short: "Manage roles"},
		showRoles(env, org), defineRole(env, org, "create"), defineRole(env, org, "update"), deleteRole(env, org))
}

func roleOutput() *cli.Output[api.Role] {
	return &cli.Output[api.Role]{
		Columns: []cli.Column[api.Role]{
			{Name: "name", Value: func(r api.Role) string { return r.Name }},
			{Name: "display name", Value: func(r api.Role) string { return r.DisplayName }},
			{Name: "organization id", Value: func(r api.Role) string { return r.OrganizationID.String() }},
			{Name: "site permissions", Value: func(r api.Role) string { return summary(r.SitePermissions) }},
			{Name: "organization permissions", Value: func(r api.Role) string { return summary(r.OrganizationPermissions) }},
			{Name: "organization member permissions", Value: func(r api.Role) string { return summary(r.MemberPermissions) }},
			{Name: "user permissions", Value: func(r api.Role) string { return summary(r.UserPermissions) }},
		},
		Default: []string{"name", "display name", "site permissions", "organization permissions", "user permissions"},
		Empty:   "No such roles.",
	}
}

// summary counts: whole lists do not fit into a table.
func summary(list []api.Permission) string {
	if len(list) == 0 {
		return "none"
	}
	if len(list) > 3 {
		return fmt.Sprintf("%d permissions", len(list))
	}
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.ResourceType + ":" + p.Action
	}
	return strings.Join(out, " ")
}

func showRoles(env *cli.Env, org *string) *cobra.Command {
	out := roleOutput()
	cmd := &cobra.Command{Use: "show [role_names ...]", Short: "Show roles: all, or those named", Args: cli.AtLeast()}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, names []string) error {
		c, o, err := env.InOrganization(ctx, *org)
		if err != nil {
			return err
		}
		all, err := c.OrganizationRoles(ctx, o.ID.String())
		if err != nil {
			return err
		}
		for _, n := range names {
			if !slices.ContainsFunc(all, func(r api.AssignableRole) bool { return strings.EqualFold(n, r.Name) }) {
				return api.NotFound("Role " + cli.Inert(n))
			}
		}
		var rows []api.Role
		for _, r := range all {
			if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, r.Name) }) {
				rows = append(rows, r.Role)
			}
		}
		return out.Print(env, rows)
	})
	return cmd
}

// definition is what the flags say of a role.
type definition struct {
	stdin, dryRun, yes      bool
	display                 string
	site, org, member, user []string
}

func (d *definition) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&d.stdin, "stdin", false, "read the role as JSON from standard input, as `show -o json` prints it")
	fs.BoolVar(&d.dryRun, "dry-run", false, "print what would be sent, change nothing")
	cli.Yes(fs, &d.yes)
	fs.StringVar(&d.display, "display-name", "", "name that people see")
	cli.List(fs, &d.org, "org-permission", "", "resource:action on everything in the organization; may be repeated, * stands for all")
	cli.List(fs, &d.member, "member-permission", "", "resource:action on what the holder owns in the organization")
	cli.List(fs, &d.user, "user-permission", "", "resource:action on what the holder owns anywhere")
	cli.List(fs, &d.site, "site-permission", "", "resource:action on everything in the deployment")
}

func defineRole(env *cli.Env, org *string, verb string) *cobra.Command {
	var d definition
	out := roleOutput()
	short := "Define a role"
	if verb == "update" {
		short = "Replace the permissions of a role, for all who hold it"
	}
	cmd := &cobra.Command{Use: verb + " <role_name>", Short: short, Args: cli.Optional("role_name")}
	d.flags(cmd.Flags())
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, o, err := env.InOrganization(ctx, *org)
		if err != nil {
			return err
		}
		req, err := d.request(env, args)
		if err != nil {
			return err
		}
		if d.dryRun {
			return cli.PrintJSON(env.Stdout, req)
		}
		change, question := (*client.Client).CreateRole, "Define the role %s?"
		if verb == "update" {
			change, question = (*client.Client).UpdateRole, "Change the role %s for all who hold it?"
		}
		if err := env.Confirm(ctx, d.yes || d.stdin, fmt.Sprintf(question, cli.Inert(req.Name))); err != nil {
			return err
		}
		r, err := change(c, ctx, o.ID.String(), req)
		if err != nil {
			return err
		}
		return out.Print(env, []api.Role{r})
	})
	return cmd
}

// request builds the definition from standard input or from flags.
func (d *definition) request(env *cli.Env, args []string) (api.CustomRoleRequest, error) {
	var req api.CustomRoleRequest
	if d.stdin {
		text, err := input(env)
		if err != nil {
			return req, err
		}
		list := []api.CustomRoleRequest{}
		if json.Unmarshal(text, &list) == nil && len(list) == 1 {
			req = list[0]
		} else if err := json.Unmarshal(text, &req); err != nil {
			return req, cli.Usage("stdin", "This is not one role in JSON: "+err.Error())
		}
		if len(args) == 1 {
			req.Name = args[0]
		}
		return req, nil
	}
	if len(args) == 0 {
		return req, cli.Usage("role_name", "Name the role, or give it with --stdin.")
	}
	req.Name, req.DisplayName = args[0], d.display
	for _, level := range []struct {
		flag string
		from []string
		to   *[]api.Permission
	}{{"site-permission", d.site, &req.SitePermissions}, {"org-permission", d.org, &req.OrganizationPermissions},
		{"member-permission", d.member, &req.MemberPermissions}, {"user-permission", d.user, &req.UserPermissions}} {
		for _, text := range level.from {
			resource, action, ok := strings.Cut(text, ":")
			if !ok {
				return req, cli.Usage(level.flag, fmt.Sprintf("%q is not of the form resource:action, such as template:update.", cli.Inert(text)))
			}
			*level.to = append(*level.to, api.Permission{ResourceType: resource, Action: action})
		}
	}
	return req, nil
}

func deleteRole(env *cli.Env, org *string) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "delete <role_name>", Aliases: []string{"rm"}, Short: "Delete a role and take it from everybody", Args: cli.Exactly("role_name")}
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, o, err := env.InOrganization(ctx, *org)
		if err != nil {
			return err
		}
		if err := env.Confirm(ctx, yes, fmt.Sprintf("Delete the role %s and take it from all who hold it?", cli.Inert(args[0]))); err != nil {
			return err
		}
		if err := c.DeleteRole(ctx, o.ID.String(), args[0]); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Role %s was deleted.\n", cli.Inert(args[0]))
		return err
	})
	return cmd
}
