package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/serve"
)

// dbcrypt is `coder server dbcrypt`.
func dbcrypt(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "dbcrypt", Short: "Manage the encryption of the database"}
	cmd.AddCommand(dbcryptRotate(env), dbcryptDecrypt(env), dbcryptDelete(env))
	return cmd
}

func dbcryptRotate(env *cli.Env) *cobra.Command {
	var dsn, newKey string
	var oldKeys []string
	var yes, resume bool
	cmd := &cobra.Command{Use: "rotate", Short: "Encrypt states and secrets in the database with a new key", Args: cobra.NoArgs,
		Long: "Encrypt states and secrets in the database with a new key. Servers may run meanwhile; interrupted, it goes on where it was with --resume or the same keys.\n\n" +
			"A server with a key file uses the new key at once. Servers that are given their keys must have all of them first: add the new key behind the old ones and restart them, then put it first and restart them again, then run this.",
		Example: "  coder server dbcrypt rotate                  the key file below the configuration directory gets a new key\n" +
			"  coder server dbcrypt rotate --new-key NEW --old-keys OLD"}
	fs := cmd.Flags()
	database(fs, &dsn, "CODER_PG_CONNECTION_URL")
	fs.StringVar(&newKey, "new-key", "", "base64 of the new key, 32 bytes")
	cli.Bind(fs, "new-key", "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_NEW_KEY")
	fs.StringArrayVar(&oldKeys, "old-keys", nil, "base64 of a key that the database was encrypted with; may be repeated")
	cli.Bind(fs, "old-keys", "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_OLD_KEYS")
	fs.BoolVar(&resume, "resume", false, "go on with the newest key of the key file instead of making another one")
	cli.Yes(fs, &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		if err := env.Confirm(ctx, yes, "Encrypt everything in the database with a new key?"); err != nil {
			return err
		}
		cfg := offline(env, dsn)
		cfg.EncryptionKeys = secrets(env.Getenv("CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS"))
		rotation := serve.Rotation{New: api.Secret(newKey), Resume: resume}
		for _, k := range oldKeys {
			rotation.Old = append(rotation.Old, secrets(k)...)
		}
		rows := 0
		err := serve.RotateKeys(ctx, cfg, quiet(env), rotation, func(n int) { rows = n })
		if err != nil {
			if rows > 0 {
				fmt.Fprintf(env.Stderr, "%d entries were encrypted anew before this error. To go on: the same command with the same keys, or --resume with the key file.\n", rows)
			}
			return err
		}
		fmt.Fprintf(env.Stdout, "Everything is encrypted with the new key (%d entries changed).\n", rows)
		_, err = fmt.Fprintln(env.Stdout, "The old keys are needed for older backups of the database only.")
		return err
	})
	return cmd
}

// database adds the options that say where the database is.
func database(fs *pflag.FlagSet, dsn *string, name string) {
	fs.StringVar(dsn, "postgres-url", "", "address of the deployment's database (default: the built-in one)")
	cli.Bind(fs, "postgres-url", name)
	auth := "password"
	cli.Enum(fs, &auth, "postgres-connection-auth", "", "how to sign in to the database", "password")
	cli.Bind(fs, "postgres-connection-auth", "CODER_PG_CONNECTION_AUTH")
}

// secrets splits a list of keys at commas.
func secrets(text string) (out []api.Secret) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, api.Secret(part))
		}
	}
	return out
}
