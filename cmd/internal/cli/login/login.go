// Package login holds the commands about who the caller is: login, logout,
// whoami. It owns the decision how a session token is obtained; where it is kept
// is package cli's affair. It never prints a token, except in `login token`,
// whose purpose that is.
package login

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

type options struct {
	email, username, name, password string
	trial, useToken                 bool
}

// Command is `coder login`.
func Command(env *cli.Env) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "login [<url>]",
		Short: "Sign in, or set up a new deployment",
		Args:  cli.Optional("url"),
	}
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error { return login(ctx, env, o, args) })
	fs := cmd.Flags()
	for _, f := range []struct {
		to               *string
		name, env, usage string
	}{
		{&o.email, "first-user-email", "CODER_FIRST_USER_EMAIL", "e-mail of the first user"},
		{&o.username, "first-user-username", "CODER_FIRST_USER_USERNAME", "name of the first user"},
		{&o.name, "first-user-full-name", "CODER_FIRST_USER_FULL_NAME", "full name of the first user"},
		{&o.password, "first-user-password", "CODER_FIRST_USER_PASSWORD", "password of the first user"},
	} {
		fs.StringVar(f.to, f.name, "", f.usage)
		cli.Bind(fs, f.name, f.env)
	}
	fs.BoolVar(&o.trial, "first-user-trial", false, "accepted; everything is included anyway")
	cli.Bind(fs, "first-user-trial", "CODER_FIRST_USER_TRIAL")
	fs.BoolVar(&o.useToken, "use-token-as-session", false, "store the token of --token itself instead of a new session")
	cmd.AddCommand(&cobra.Command{
		Use:   "token",
		Short: "Print the session token",
		Args:  cli.Exactly(),
		RunE: cli.RunE(func(context.Context, []string) error {
			t, err := env.Token()
			if err == nil && t == "" {
				err = &api.Error{Code: api.CodeInvalid, Message: "There is no session. Sign in with: coder login <url>"}
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.Stdout, t.Reveal())
			return err
		}),
	})
	return cmd
}

func login(ctx context.Context, env *cli.Env, o options, args []string) error {
	u, err := target(env, args)
	if err != nil {
		return err
	}
	c, err := env.ClientFor(ctx, u, "")
	if err != nil {
		return err
	}
	exists, err := c.HasFirstUser(ctx)
	if err != nil {
		return err
	}
	var token api.Secret
	if exists {
		token, err = existing(ctx, env, o, c)
	} else {
		token, err = first(ctx, env, o, c)
	}
	if err != nil {
		return err
	}
	signed, err := env.ClientFor(ctx, u, token)
	if err != nil {
		return err
	}
	me, err := signed.User(ctx, api.Me)
	if err != nil {
		return err
	}
	if err := errors.Join(env.SetConfig(cli.FileURL, u.String()), env.SetConfig(cli.FileSession, token.Reveal())); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Signed in to %s as %s.\n", u, cli.Inert(me.Username))
	if !exists {
		fmt.Fprintln(env.Stdout, "Next, upload a template: coder templates init && coder templates push")
	}
	return nil
}

func target(env *cli.Env, args []string) (*url.URL, error) {
	raw := env.Global.URL
	if len(args) > 0 {
		raw = args[0]
	}
	if raw == "" {
		stored, err := env.Config(cli.FileURL)
		if err != nil {
			return nil, err
		}
		raw = stored
	}
	if raw == "" {
		return nil, cli.Usage("url", "Say where to sign in: coder login https://coder.example.com")
	}
	return cli.ParseURL(raw)
}

// tokenForm is what a session token looks like.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$`)

// existing signs in to a deployment that has users.
func existing(ctx context.Context, env *cli.Env, o options, c *client.Client) (api.Secret, error) {
	if env.Global.Token != "" {
		return fromToken(ctx, env, o, c, api.Secret(env.Global.Token))
	}
	if o.email != "" && o.password != "" {
		return withPassword(ctx, c, o.email, o.password)
	}
	email, err := env.Ask(ctx, cli.Question{Text: "E-mail, or a session token of " + c.URL().JoinPath("cli-auth").String(), Flag: "token", Default: o.email})
	if err != nil {
		return "", err
	}
	if tokenForm.MatchString(email) {
		return fromToken(ctx, env, o, c, api.Secret(email))
	}
	password, err := env.Ask(ctx, cli.Question{Text: "Password", Flag: "token", Secret: true})
	if err != nil {
		return "", err
	}
	return withPassword(ctx, c, email, password)
}

func fromToken(ctx context.Context, env *cli.Env, o options, c *client.Client, token api.Secret) (api.Secret, error) {
	if o.useToken {
		return token, nil
	}
	signed, err := env.ClientFor(ctx, c.URL(), token)
	if err != nil {
		return "", err
	}
	k, err := signed.CreateSessionKey(ctx)
	return k.Key, err
}

func withPassword(ctx context.Context, c *client.Client, email, password string) (api.Secret, error) {
	r, err := c.LoginWithPassword(ctx, api.LoginRequest{Email: email, Password: api.Secret(password)})
	return r.SessionToken, err
}

// first makes the owner of a new deployment.
func first(ctx context.Context, env *cli.Env, o options, c *client.Client) (api.Secret, error) {
	fmt.Fprintf(env.Stderr, "%s has no users yet. Its first user becomes the owner.\n", c.URL())
	steps := []struct {
		to *string
		q  cli.Question
	}{
		{&o.username, cli.Question{Text: "Username", Flag: "first-user-username", Default: "admin"}},
		{&o.email, cli.Question{Text: "E-mail", Flag: "first-user-email", Validate: validEmail}},
	}
	for _, s := range steps {
		if *s.to != "" {
			continue
		}
		v, err := env.Ask(ctx, s.q)
		if err != nil {
			return "", err
		}
		*s.to = v
	}
	if o.password == "" {
		p, err := newPassword(ctx, env, "first-user-password")
		if err != nil {
			return "", err
		}
		o.password = p
	}
	_, err := c.CreateFirstUser(ctx, api.CreateFirstUserRequest{Email: o.email, Username: o.username, Name: o.name,
		Password: api.Secret(o.password), Trial: o.trial})
	if err != nil {
		return "", err
	}
	return withPassword(ctx, c, o.email, o.password)
}

func validEmail(s string) error {
	if local, host, ok := strings.Cut(s, "@"); !ok || local == "" || host == "" {
		return errors.New("an e-mail address has the form name@host")
	}
	return nil
}

func newPassword(ctx context.Context, env *cli.Env, flag string) (string, error) {
	p, err := env.Ask(ctx, cli.Question{Text: "Password", Flag: flag, Secret: true})
	if err != nil {
		return "", err
	}
	_, err = env.Ask(ctx, cli.Question{Text: "Password again", Flag: flag, Secret: true, Validate: func(s string) error {
		if s != p {
			return errors.New("the two are not the same")
		}
		return nil
	}})
	return p, err
}
