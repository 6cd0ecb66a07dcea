package server

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/serve"
)

// builtinURL is `coder server postgres-builtin-url`.
func builtinURL(env *cli.Env) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{Use: "postgres-builtin-url", Short: "Print how to connect to the built-in Postgres", Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&raw, "raw-url", false, "print the URL alone")
	cmd.RunE = cli.RunE(func(context.Context, []string) error {
		pg, err := serve.BuiltinPostgres(env.Global.ConfigDir, serve.DefaultCacheDir(env.Getenv), env.Getenv("CODER_PG_BUILTIN_USER"), quiet(env))
		if err != nil {
			return plain(err)
		}
		printURL(env, pg.URL(), raw)
		return nil
	})
	return cmd
}

// builtinServe is `coder server postgres-builtin-serve`.
func builtinServe(env *cli.Env) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{Use: "postgres-builtin-serve", Short: "Run the built-in Postgres alone, for maintenance", Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&raw, "raw-url", false, "print the URL alone")
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		pg, err := serve.BuiltinPostgres(env.Global.ConfigDir, serve.DefaultCacheDir(env.Getenv), env.Getenv("CODER_PG_BUILTIN_USER"), quiet(env))
		if err != nil {
			return plain(err)
		}
		u, err := pg.Start(ctx)
		if err != nil {
			return plain(err)
		}
		printURL(env, u, raw)
		return plain(pg.Run(ctx))
	})
	return cmd
}

func printURL(env *cli.Env, u string, raw bool) {
	if raw {
		fmt.Fprintln(env.Stdout, u)
		return
	}
	fmt.Fprintf(env.Stdout, "psql %q\n", u)
}
