package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/users"
	"coder.internal/cmd/internal/serve"
)

// quiet logs warnings to standard error for commands that do one thing.
func quiet(env *cli.Env) *slog.Logger {
	return slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// offline is the part of the configuration that console commands need.
func offline(env *cli.Env, postgresURL string) serve.Config {
	return serve.Config{PostgresURL: api.Secret(postgresURL), ConfigDir: env.Global.ConfigDir,
		CacheDir: serve.DefaultCacheDir(env.Getenv), PostgresUser: env.Getenv("CODER_PG_BUILTIN_USER")}
}

// ResetPassword is what `coder reset-password` does in the full binary.
func ResetPassword(env *cli.Env) users.Reset {
	return func(ctx context.Context, postgresURL, username, password string) error {
		return serve.ResetPassword(ctx, offline(env, postgresURL), quiet(env), username, api.Secret(password))
	}
}

// createAdminUser is `coder server create-admin-user`.
func createAdminUser(env *cli.Env) *cobra.Command {
	var dsn, auth, keygen, username, email, password string
	var raw bool
	cmd := &cobra.Command{Use: "create-admin-user", Short: "Make one more owner, in the database itself", Args: cobra.NoArgs}
	fs := cmd.Flags()
	fs.StringVar(&dsn, "postgres-url", "", "address of the deployment's database (default: the built-in one)")
	cli.Bind(fs, "postgres-url", "CODER_PG_CONNECTION_URL")
	auth, keygen = "password", "ed25519"
	cli.Enum(fs, &auth, "postgres-connection-auth", "", "how to sign in to the database", "password")
	cli.Bind(fs, "postgres-connection-auth", "CODER_PG_CONNECTION_AUTH")
	cli.Enum(fs, &keygen, "ssh-keygen-algorithm", "", "kind of the user's SSH key, made when it is first needed", "ed25519")
	cli.Bind(fs, "ssh-keygen-algorithm", "CODER_SSH_KEYGEN_ALGORITHM")
	fs.StringVar(&username, "username", "", "name of the new owner")
	cli.Bind(fs, "username", "CODER_USERNAME")
	fs.StringVar(&email, "email", "", "e-mail address of the new owner")
	cli.Bind(fs, "email", "CODER_EMAIL")
	fs.StringVar(&password, "password", "", "password of the new owner")
	cli.Bind(fs, "password", "CODER_PASSWORD")
	fs.BoolVar(&raw, "raw-url", false, "accepted; the connection is not printed")
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		for _, q := range []struct {
			to *string
			q  cli.Question
		}{
			{&username, cli.Question{Text: "Username", Flag: "username"}},
			{&email, cli.Question{Text: "E-mail", Flag: "email"}},
			{&password, cli.Question{Text: "Password", Flag: "password", Secret: true}},
		} {
			if *q.to != "" {
				continue
			}
			answer, err := env.Ask(ctx, q.q)
			if err != nil {
				return err
			}
			*q.to = answer
		}
		u, err := serve.CreateOwner(ctx, offline(env, dsn), quiet(env),
			api.CreateFirstUserRequest{Username: username, Email: email, Password: api.Secret(password)})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Made the owner %s (%s).\n", cli.Inert(u.Username), u.ID)
		return err
	})
	return cmd
}
