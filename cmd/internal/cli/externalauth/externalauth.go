// Package externalauth holds `coder external-auth`: the sign-ins of a user to
// services outside, such as Git servers. Signing in takes a browser; the commands
// say where.
package externalauth

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder external-auth`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "external-auth", Short: "Sign-ins to services outside, such as Git servers"},
		accessToken(env), list(env))
}

// accessToken prints a token for scripts in a workspace. Where there is none it
// prints the URL of the sign-in instead and exits with 1.
func accessToken(env *cli.Env) *cobra.Command {
	var extra string
	cmd := &cobra.Command{Use: "access-token <provider>", Args: cli.Exactly("provider"),
		Short: "Print the token of the workspace's owner, or where to sign in",
		Example: "  if token=$(coder external-auth access-token github); then\n" +
			"    curl -H \"Authorization: Bearer $token\" https://api.github.com/user\n" +
			"  else\n    echo \"Sign in first: $token\"\n  fi\n" +
			"  coder external-auth access-token slack --extra authed_user.id   a field of the provider's answer"}
	cmd.Flags().StringVar(&extra, "extra", "", "print this field of what the provider sent beside the token (EXTRA_TOKEN_KEYS), parts joined by dots")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.AgentClient(ctx)
		if err != nil {
			return err
		}
		res, err := c.ExternalAuth(ctx, client.ExternalAuthQuery{ID: args[0]})
		if err != nil {
			return err
		}
		if res.URL != "" {
			fmt.Fprintln(env.Stdout, cli.Inert(res.URL))
			return &cli.ExitError{Code: 1}
		}
		text := res.AccessToken.Reveal()
		if extra != "" {
			if text, err = field(res.TokenExtra, extra); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintln(env.Stdout, cli.Inert(text))
		return err
	})
	return cmd
}

// field reads "a.b" of what was kept of the provider's answer.
func field(extra map[string]any, path string) (string, error) {
	var at any = extra
	for part := range strings.SplitSeq(path, ".") {
		m, _ := at.(map[string]any)
		v, ok := m[part]
		if !ok {
			return "", cli.Usage("extra", fmt.Sprintf("there is no field %q. An administrator chooses what is kept with CODER_EXTERNAL_AUTH_0_EXTRA_TOKEN_KEYS.", cli.Inert(path)))
		}
		at = v
	}
	if s, ok := at.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(at)
	return string(b), err
}

// row is a provider with the caller's sign-in.
type row struct {
	api.ExternalAuthLinkProvider
	Link *api.ExternalAuthLink `json:"link"`
	URL  string                `json:"url"`
}

func list(env *cli.Env) *cobra.Command {
	out := cli.Output[row]{
		Columns: []cli.Column[row]{
			{Name: "id", Value: func(r row) string { return r.ID }},
			{Name: "name", Value: func(r row) string { return r.DisplayName }},
			{Name: "type", Value: func(r row) string { return r.Type }},
			{Name: "signed in", Value: signedIn},
			{Name: "expires", Value: expires},
			{Name: "url", Value: func(r row) string { return r.URL }},
		},
		Default: []string{"id", "name", "signed in", "expires", "url"},
		Empty:   "No external authentication is configured. Administrators do it with CODER_EXTERNAL_AUTH_0_ID and others.",
	}
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List what you can sign in to, and have", Args: cli.Exactly()}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		all, err := c.ExternalAuths(ctx)
		if err != nil {
			return err
		}
		rows := []row{}
		for _, p := range all.Providers {
			r := row{ExternalAuthLinkProvider: p, URL: c.URL().JoinPath("external-auth", p.ID).String()}
			for _, l := range all.Links {
				if l.ProviderID == p.ID {
					r.Link = &l
				}
			}
			rows = append(rows, r)
		}
		return out.Print(env, rows)
	})
	return cmd
}

func signedIn(r row) string {
	switch {
	case r.Link == nil:
		return "no"
	case r.Link.Authenticated:
		return "yes"
	}
	return "no: " + r.Link.ValidateError
}

func expires(r row) string {
	switch {
	case r.Link == nil || !r.Link.Authenticated:
		return "-"
	case r.Link.HasRefreshToken && r.AllowRefresh:
		return "renewed by itself"
	case r.Link.Expires.Equal(time.Time{}):
		return "never"
	}
	return cli.Time(r.Link.Expires)
}
