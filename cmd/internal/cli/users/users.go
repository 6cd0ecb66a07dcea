// Package users holds `coder users` and `coder reset-password`. It never keeps a
// password longer than the request that carries it.
package users

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder users`.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "users", Aliases: []string{"user"}, Short: "Manage users"},
		create(env), list(env), show(env), remove(env), editRoles(env),
		status(env, "suspend", nil, "Keep a user from signing in", (*client.Client).SuspendUser),
		status(env, "activate", []string{"active"}, "Let a suspended user sign in again", (*client.Client).ActivateUser))
}

func output() *cli.Output[api.User] {
	return &cli.Output[api.User]{
		Columns: []cli.Column[api.User]{
			{Name: "id", Value: func(u api.User) string { return u.ID.String() }},
			{Name: "username", Value: func(u api.User) string { return u.Username }},
			{Name: "name", Value: func(u api.User) string { return u.Name }},
			{Name: "email", Value: func(u api.User) string { return u.Email }},
			{Name: "created at", Value: func(u api.User) string { return cli.Time(u.CreatedAt) }},
			{Name: "updated at", Value: func(u api.User) string { return cli.Time(u.UpdatedAt) }},
			{Name: "status", Value: func(u api.User) string { return string(u.Status) }},
		},
		Default: []string{"username", "email", "created at", "status"},
		Empty:   "No users match.",
	}
}

type newUser struct {
	email, username, name, password, loginType, org string
	disableLogin, service                           bool
}

func create(env *cli.Env) *cobra.Command {
	var o newUser
	cmd := &cobra.Command{Use: "create", Short: "Make a user", Args: cli.Exactly()}
	fs := cmd.Flags()
	fs.StringVarP(&o.email, "email", "e", "", "e-mail")
	fs.StringVarP(&o.username, "username", "u", "", "name to sign in with")
	fs.StringVarP(&o.name, "full-name", "n", "", "full name")
	fs.StringVarP(&o.password, "password", "p", "", "password (default: a random one, printed once)")
	cli.Enum(fs, &o.loginType, "login-type", "", "how the user signs in", "password", "none", "github", "oidc")
	fs.BoolVar(&o.disableLogin, "disable-login", false, "same as --login-type none")
	fs.BoolVar(&o.service, "service-account", false, "an account for scripts: no password, no sign-in")
	cli.Org(fs, &o.org)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error { return createUser(ctx, env, o) })
	return cmd
}

func createUser(ctx context.Context, env *cli.Env, o newUser) error {
	c, err := env.Client(ctx)
	if err != nil {
		return err
	}
	if err := o.complete(ctx, env); err != nil {
		return err
	}
	r := api.CreateUserRequest{Email: o.email, Username: o.username, Name: o.name,
		LoginType: api.LoginType(o.loginType), Password: api.Secret(o.password), ServiceAccount: o.service}
	generated := ""
	if r.LoginType == api.LoginPassword && o.password == "" {
		if generated, err = randomPassword(); err != nil {
			return err
		}
		r.Password = api.Secret(generated)
	}
	if o.org != "" {
		org, err := c.Organization(ctx, o.org)
		if err != nil {
			return err
		}
		r.OrganizationIDs = []api.ID{org.ID}
	}
	u, err := c.CreateUser(ctx, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "User %s was made.\n", cli.Inert(u.Username))
	if generated != "" {
		fmt.Fprintf(env.Stdout, "  E-mail:   %s\n  Password: %s   (shown this once)\n  Sign in:  coder login %s\n",
			cli.Inert(u.Email), generated, c.URL())
	}
	return nil
}

// complete asks for what the flags leave open.
func (o *newUser) complete(ctx context.Context, env *cli.Env) error {
	if o.loginType == "" {
		o.loginType = string(api.LoginPassword)
	}
	if o.disableLogin || o.service {
		o.loginType = string(api.LoginNone)
	}
	if o.password != "" && o.loginType != string(api.LoginPassword) {
		return cli.Usage("password", "A user of login type "+o.loginType+" has no password; leave it out.")
	}
	var err error
	if o.username == "" {
		if o.username, err = env.Ask(ctx, cli.Question{Text: "Username", Flag: "username"}); err != nil {
			return err
		}
	}
	if o.email == "" && !o.service {
		o.email, err = env.Ask(ctx, cli.Question{Text: "E-mail", Flag: "email"})
	}
	return err
}

// randomPassword has about 118 bits.
func randomPassword() (string, error) {
	const letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, 20)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", fmt.Errorf("make password: %w", err)
		}
		b[i] = letters[n.Int64()]
	}
	return string(b), nil
}

// pageSize is how many users are asked for at a time.
const pageSize = 100

func list(env *cli.Env) *cobra.Command {
	out := output()
	var github int64
	var search string
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List users", Args: cli.Exactly()}
	cmd.Flags().Int64Var(&github, "github-user-id", 0, "only the user whom GitHub knows by this number")
	cmd.Flags().StringVar(&search, "search", "", "words and filters, such as \"status:active role:owner last_seen_before:2026-01-31\"")
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		if github < 0 {
			return cli.Usage("github-user-id", "Use the positive number of a GitHub user.")
		}
		if github > 0 {
			search = fmt.Sprintf("%s github_com_user_id:%d", search, github)
		}
		var all []api.User
		for {
			p, err := c.Users(ctx, client.UsersFilter{Search: search, Limit: pageSize, Offset: len(all)})
			if err != nil {
				return err
			}
			all = append(all, p.Users...)
			if len(p.Users) < pageSize || len(all) >= p.Count {
				return out.Print(env, all)
			}
		}
	})
	return cmd
}

func show(env *cli.Env) *cobra.Command {
	out := cli.Output[api.User]{Text: printUser}
	format := "table"
	cmd := &cobra.Command{Use: "show <username|user_id|'me'>", Short: "Show one user", Args: cli.Exactly("username|user_id|'me'")}
	cli.Enum(cmd.Flags(), &format, "output", "o", "output format", "table", "json")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		u, err := c.User(ctx, args[0])
		if err != nil {
			return err
		}
		if format == "json" {
			return cli.PrintJSON(env.Stdout, u)
		}
		return out.Text(env.Stdout, []api.User{u})
	})
	return cmd
}

func printUser(w io.Writer, users []api.User) error {
	u := users[0]
	roles := make([]string, len(u.Roles))
	for i, r := range u.Roles {
		roles[i] = r.Name
	}
	held := "none beside that of a member"
	if len(roles) > 0 {
		held = strings.Join(roles, ", ")
	}
	kind := string(u.LoginType)
	if u.IsServiceAccount {
		kind += " (service account)"
	}
	return cli.Table(w, [][]string{
		{"Username:", cli.Inert(u.Username)}, {"Name:", cli.Inert(u.Name)}, {"E-mail:", cli.Inert(u.Email)},
		{"ID:", u.ID.String()}, {"Status:", string(u.Status)}, {"Roles:", cli.Inert(held)},
		{"Login type:", kind}, {"Created at:", cli.Time(u.CreatedAt)}, {"Last seen:", cli.TimeOr(u.LastSeenAt, "never")},
	})
}

func remove(env *cli.Env) *cobra.Command {
	return &cobra.Command{Use: "delete <username|user_id>", Aliases: []string{"rm"}, Short: "Remove a user",
		Args: cli.Exactly("username|user_id"),
		RunE: cli.RunE(func(ctx context.Context, args []string) error {
			c, err := env.Client(ctx)
			if err != nil {
				return err
			}
			if err := c.DeleteUser(ctx, args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "User %s was deleted.\n", cli.Inert(args[0]))
			return err
		})}
}

func status(env *cli.Env, verb string, aliases []string, short string,
	change func(*client.Client, context.Context, string) (api.User, error)) *cobra.Command {
	out := output()
	cmd := &cobra.Command{Use: verb + " <username|user_id>", Aliases: aliases, Short: short, Args: cli.Exactly("username|user_id")}
	out.ColumnFlag(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		u, err := change(c, ctx, args[0])
		if err != nil {
			return err
		}
		return out.Print(env, []api.User{u})
	})
	return cmd
}

func editRoles(env *cli.Env) *cobra.Command {
	var yes bool
	var roles []string
	cmd := &cobra.Command{Use: "edit-roles <username|user_id>", Short: "Replace the roles of a user", Args: cli.Exactly("username|user_id")}
	cli.List(cmd.Flags(), &roles, "roles", "", "all roles that the user shall have; an empty value takes them away")
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		if !cmd.Flags().Changed("roles") {
			text, err := env.Ask(ctx, cli.Question{Text: "Roles, separated by commas", Flag: "roles",
				Validate: func(string) error { return nil }})
			if err != nil {
				return err
			}
			roles = strings.Split(text, ",")
		}
		want := []string{}
		for _, r := range roles {
			if r = strings.TrimSpace(r); r != "" {
				want = append(want, r)
			}
		}
		question := fmt.Sprintf("Give %s the roles [%s] and no other?", cli.Inert(args[0]), strings.Join(want, ", "))
		if err := env.Confirm(ctx, yes, question); err != nil {
			return err
		}
		u, err := c.UpdateUserRoles(ctx, args[0], want)
		if err != nil {
			return err
		}
		return printUser(env.Stdout, []api.User{u})
	})
	return cmd
}

// Reset sets a user's password in the database itself.
type Reset func(ctx context.Context, postgresURL, username, password string) error

// ResetPassword is `coder reset-password`. The small binary has no database and
// gives a nil reset.
func ResetPassword(reset Reset) cli.Maker {
	return func(env *cli.Env) *cobra.Command {
		var dsn, auth = "", "password"
		cmd := &cobra.Command{Use: "reset-password <username>", Short: "Set a user's password in the database",
			Args: cli.Exactly("username")}
		fs := cmd.Flags()
		fs.StringVar(&dsn, "postgres-url", "", "address of the deployment's database (default: the built-in one)")
		cli.Bind(fs, "postgres-url", "CODER_PG_CONNECTION_URL")
		cli.Enum(fs, &auth, "postgres-connection-auth", "", "how to sign in to the database", "password", "awsiamrds")
		cli.Bind(fs, "postgres-connection-auth", "CODER_PG_CONNECTION_AUTH")
		cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
			if reset == nil {
				return &api.Error{Code: api.CodeUnavailable, Message: "This small binary has no database access. " +
					"Run reset-password with the full coder binary on the server."}
			}
			if auth != "password" {
				return cli.Usage("postgres-connection-auth", "Only password is supported by this command; put the credential into --postgres-url.")
			}
			password, err := askTwice(ctx, env)
			if err != nil {
				return err
			}
			if err := reset(ctx, dsn, args[0], password); err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "The password of %s was changed.\n", cli.Inert(args[0]))
			return err
		})
		return cmd
	}
}

// askTwice takes a new password from a terminal, or one line of a pipe.
func askTwice(ctx context.Context, env *cli.Env) (string, error) {
	piped := *env
	if !env.Interactive() {
		piped.Global.ForceTTY = true
		return piped.Ask(ctx, cli.Question{Text: "New password", Flag: "password", Secret: true})
	}
	p, err := env.Ask(ctx, cli.Question{Text: "New password", Flag: "password", Secret: true})
	if err != nil {
		return "", err
	}
	_, err = env.Ask(ctx, cli.Question{Text: "New password again", Flag: "password", Secret: true, Validate: func(s string) error {
		if s != p {
			return errors.New("the two are not the same")
		}
		return nil
	}})
	return p, err
}
