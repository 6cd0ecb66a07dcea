// Package server holds `coder server` and its subcommands. It reads options and
// hands a serve.Config to the composition root; it knows no part of a server.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/option"
	"coder.internal/cmd/internal/serve"
)

// maxConfigFile bounds the configuration file in bytes.
const maxConfigFile = 1 << 20

// Command is `coder server`.
func Command() cli.Maker {
	return func(env *cli.Env) *cobra.Command {
		var cfg serve.Config
		var file string
		var write bool
		table := serve.Options(&cfg, serve.DefaultCacheDir(env.Getenv))
		cmd := &cobra.Command{Use: "server", Short: "Start a Coder server", Args: cobra.NoArgs,
			Example: "  coder server                                     http://127.0.0.1:3000, Postgres inside\n" +
				"  coder server --access-url https://coder.example.com --tls-enable …\n" +
				"  coder server --write-config > coder.yaml"}
		table.AddFlags(cmd.Flags())
		cmd.Flags().StringVarP(&file, "config", "c", "", "YAML file with options ($CODER_CONFIG_PATH)")
		cmd.Flags().BoolVar(&write, "write-config", false, "print the configuration as YAML and end")
		cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
			src, err := resolve(env, cmd, table, file)
			if err != nil {
				return err
			}
			cfg.Origins = table.Origins(src)
			cfg.ConfigDir = env.Global.ConfigDir
			if write {
				text, err := table.WriteYAML()
				if err != nil {
					return fmt.Errorf("write configuration: %w", err)
				}
				_, err = env.Stdout.Write(text)
				return err
			}
			return run(ctx, env, cfg, table)
		})
		cmd.SetUsageFunc(usage(cmd, table))
		cmd.AddCommand(builtinURL(env), builtinServe(env), createAdminUser(env), dbcrypt(env))
		return cmd
	}
}

// usage writes the flags of server under the headings of the option table. What is
// below server keeps its plain list.
func usage(server *cobra.Command, table option.Set) func(*cobra.Command) error {
	plain := (&cobra.Command{}).UsageFunc()
	return func(c *cobra.Command) error {
		if c != server {
			return plain(c)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "Usage:\n  %s\n  %s [command]\n\nExamples:\n%s\n\nCommands:\n", c.UseLine(), c.CommandPath(), c.Example)
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-24s%s\n", sub.Name(), sub.Short)
			}
		}
		b.WriteString("\nFiles and help:\n")
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		inTable := map[string]bool{}
		for _, o := range table {
			inTable[o.Flag] = true
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if !inTable[f.Name] {
				own.AddFlag(f)
			}
		})
		b.WriteString(own.FlagUsagesWrapped(usageWidth))
		b.WriteString(table.Usage(c.Flags(), usageWidth))
		fmt.Fprintf(&b, "\nGlobal flags:\n%s", c.InheritedFlags().FlagUsagesWrapped(usageWidth))
		_, err := io.WriteString(c.OutOrStderr(), b.String())
		return err
	}
}

// usageWidth is how wide the help is, in columns.
const usageWidth = 120

// resolve reads flags, environment and file into the table's fields.
func resolve(env *cli.Env, cmd *cobra.Command, table option.Set, file string) (option.Source, error) {
	src := option.Source{Flags: table.Changed(cmd.Flags()), Getenv: env.Getenv, File: file}
	if src.File == "" {
		src.File = env.Getenv("CODER_CONFIG_PATH")
	}
	if src.File != "" {
		f, err := os.Open(src.File)
		if err != nil {
			return src, cli.Usage("--config", "cannot read the configuration file: "+err.Error())
		}
		defer f.Close() //nolint:errcheck // opened for reading
		if src.YAML, err = io.ReadAll(io.LimitReader(f, maxConfigFile+1)); err != nil {
			return src, cli.Usage("--config", "cannot read the configuration file: "+err.Error())
		}
	}
	return src, table.Resolve(src)
}

// run serves until SIGINT or SIGTERM. A second signal ends the process at once.
func run(ctx context.Context, env *cli.Env, cfg serve.Config, table option.Set) error {
	log, closeLog, err := serve.NewLogger(cfg.Log, env.Stdout, env.Stderr)
	if err != nil {
		return err
	}
	defer closeLog() //nolint:errcheck // nothing is written any more
	for _, name := range table.UnknownEnv(os.Environ(), "CODER_", knownElsewhere...) {
		log.Warn("environment variable is not a server option and has no effect", "component", "server", "name", name)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // ends with ctx, which stop ends at the latest
		<-ctx.Done()
		stop()
	}()
	srv, err := serve.NewServer(ctx, cfg, log)
	if err != nil {
		return plain(err)
	}
	greet(env.Stdout, srv.AccessURL(), cfg)
	return plain(srv.Run(ctx))
}

// knownElsewhere are variables that other commands read.
var knownElsewhere = []string{"CODER_URL", "CODER_SESSION_TOKEN", "CODER_CONFIG_DIR", "CODER_CONFIG_PATH",
	"CODER_NO_VERSION_WARNING", "CODER_NO_FEATURE_WARNING", "CODER_ORGANIZATION", "CODER_FIRST_USER_EMAIL",
	"CODER_FIRST_USER_USERNAME", "CODER_FIRST_USER_PASSWORD", "CODER_FIRST_USER_FULL_NAME", "CODER_USE_KEYRING"}

// plain makes a start-up failure one line.
func plain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func greet(w io.Writer, access *url.URL, cfg serve.Config) {
	fmt.Fprintf(w, "Coder is at %s\n", access)
	if cfg.AccessURL == nil {
		fmt.Fprintln(w, "Only this machine can reach it; set --access-url for others.")
	}
	fmt.Fprintf(w, "Sign in, or make the first user: coder login %s\n", access)
}
