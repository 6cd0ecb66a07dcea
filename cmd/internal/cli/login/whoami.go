package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// Logout is `coder logout`.
func Logout(env *cli.Env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "logout", Short: "End the session of this computer", Args: cli.Exactly()}
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		if err := env.Confirm(ctx, yes, "Sign out of "+c.URL().String()+"?"); err != nil {
			return err
		}
		err = c.Logout(ctx)
		if api.CodeOf(err) == api.CodeUnauthenticated {
			err = nil // over already; the file still has to go
		}
		// The files go even when the server cannot be reached: the user wants
		// the credential off this computer.
		err = errors.Join(err, env.SetConfig(cli.FileSession, ""), env.SetConfig(cli.FileOrganization, ""))
		if err == nil {
			fmt.Fprintln(env.Stdout, "Signed out.")
		}
		return err
	})
	return cmd
}

type identity struct {
	URL      string         `json:"url"`
	Username string         `json:"username"`
	ID       api.ID         `json:"id"`
	Orgs     []api.ID       `json:"organization_ids"`
	Roles    []api.SlimRole `json:"roles"`
	orgNames []string       // where a table shows them
}

// Whoami is `coder whoami`.
func Whoami(env *cli.Env) *cobra.Command {
	out := cli.Output[identity]{
		Columns: []cli.Column[identity]{
			{Name: "URL", Value: func(i identity) string { return i.URL }},
			{Name: "Username", Value: func(i identity) string { return i.Username }},
			{Name: "ID", Value: func(i identity) string { return i.ID.String() }},
			{Name: "Orgs", Value: func(i identity) string { return strings.Join(i.orgNames, ", ") }},
			{Name: "Roles", Value: func(i identity) string { return joinRoles(i.Roles) }},
		},
		Default: []string{"url", "username", "id"},
		Text: func(w io.Writer, rows []identity) error {
			_, err := fmt.Fprintf(w, "Coder is running at %s, you are signed in as %s.\n", rows[0].URL, cli.Inert(rows[0].Username))
			return err
		},
	}
	cmd := &cobra.Command{Use: "whoami", Short: "Show who you are and where", Args: cli.Exactly()}
	out.Flags(cmd.Flags(), "text", "json", "table")
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		me, err := c.User(ctx, api.Me)
		if err != nil {
			return err
		}
		who := identity{URL: c.URL().String(), Username: me.Username, ID: me.ID, Orgs: me.OrganizationIDs, Roles: me.Roles}
		if out.Shows("Orgs") {
			orgs, err := c.Organizations(ctx, api.Me)
			if err != nil {
				return err
			}
			for _, o := range orgs {
				who.orgNames = append(who.orgNames, o.Name)
			}
		}
		return out.Print(env, []identity{who})
	})
	return cmd
}

func joinRoles(roles []api.SlimRole) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = r.Name
	}
	return strings.Join(s, ", ")
}
