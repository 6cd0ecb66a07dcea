package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/serve"
	"coder.internal/coderd/keys"
)

func dbcryptDecrypt(env *cli.Env) *cobra.Command {
	var dsn string
	var given []string
	var yes bool
	cmd := &cobra.Command{Use: "decrypt", Short: "Take the encryption off the database", Args: cobra.NoArgs,
		Long: "Take the encryption off the database: states and secrets are then readable for everybody who can read the database or its backups. " +
			"Stop all servers first; interrupted, it goes on where it was when it is run again.\n\n" +
			"A server that starts afterwards takes any key, and encrypts with it what it writes from then on; `coder server dbcrypt rotate` encrypts the rest.",
		Example: "  coder server dbcrypt decrypt                 with the key file below the configuration directory\n" +
			"  coder server dbcrypt decrypt --keys KEY --keys OLDER_KEY"}
	fs := cmd.Flags()
	database(fs, &dsn, "CODER_PG_CONNECTION_URL")
	fs.StringArrayVar(&given, "keys", nil, "base64 of a key that the database is encrypted with; may be repeated")
	cli.Bind(fs, "keys", "CODER_EXTERNAL_TOKEN_ENCRYPTION_DECRYPT_KEYS")
	cli.Yes(fs, &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		if err := env.Confirm(ctx, yes, "Store all states and secrets of the database in clear?"); err != nil {
			return err
		}
		cfg := offline(env, dsn)
		cfg.EncryptionKeys = secrets(env.Getenv("CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS"))
		rows := 0
		err := serve.Decrypt(ctx, cfg, quiet(env), secrets(strings.Join(given, ",")), func(n int) { rows = n })
		if err != nil {
			if rows > 0 {
				fmt.Fprintf(env.Stderr, "%d entries were decrypted before this error. To go on: the same command.\n", rows)
			}
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Nothing in the database is encrypted any more (%d entries changed).\n", rows)
		return err
	})
	return cmd
}

func dbcryptDelete(env *cli.Env) *cobra.Command {
	var dsn string
	var yes bool
	cmd := &cobra.Command{Use: "delete", Aliases: []string{"rm"}, Short: "Remove all that is encrypted from the database", Args: cobra.NoArgs,
		Long: "Remove all that is encrypted from the database, for when its keys are lost. Stop all servers first. This cannot be undone.\n\n" +
			"Workspaces lose their Terraform states: what they have made stays where it is, and their next start makes it once more. " +
			"`coder delete --orphan` lists what it leaves behind. Sensitive variables of templates have to be set again, with a new version. Users get new SSH keys for Git."}
	fs := cmd.Flags()
	database(fs, &dsn, "CODER_EXTERNAL_TOKEN_ENCRYPTION_POSTGRES_URL")
	cli.Yes(fs, &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		var lost keys.Sealed
		err := serve.DeleteEncrypted(ctx, offline(env, dsn), quiet(env), func(s keys.Sealed) error {
			lost = s
			return env.Confirm(ctx, yes, "Remove "+describe(s)+" for good?")
		})
		if err != nil {
			return err
		}
		if lost == (keys.Sealed{}) {
			_, err = fmt.Fprintln(env.Stdout, "Nothing that is lost was encrypted. The next server to start may have any key.")
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Removed: %s.\nThe next server to start may have any key.\n", describe(lost))
		return err
	})
	return cmd
}

// describe names what is sealed, in words.
func describe(s keys.Sealed) string {
	var parts []string
	add := func(n int64, one, many string) {
		if n > 0 {
			parts = append(parts, counted(n, one, many))
		}
	}
	add(s.States, "Terraform state", "Terraform states")
	if s.Workspaces > 0 {
		parts[0] += " of " + counted(s.Workspaces, "workspace", "workspaces")
	}
	add(s.Variables, "secret variable", "secret variables")
	add(s.SSHKeys, "SSH key for Git", "SSH keys for Git")
	add(s.ExternalAuths, "sign-in to a service outside", "sign-ins to services outside")
	add(s.Strays, "result of a late attempt at a build", "results of late attempts at builds")
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
