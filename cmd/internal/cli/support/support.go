// Package support is `coder support bundle`: one zip file with what is needed to
// find out why something does not work.
//
// It owns what goes in and what is taken out: every text passes the redactor
// before it is written, and what cannot be known to be harmless, such as the
// environment that a template gives to its agents, goes as a whole. Nothing is
// sent anywhere; the file is for the user alone to read and pass on.
package support

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// Command is `coder support`.
func Command(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "support", Short: "Collect what helps to find a fault"}
	cmd.AddCommand(bundle(env))
	return cmd
}

const consent = `The bundle will hold:
  - versions, the options of the server without secrets, and its health
  - the way from this computer to the deployment (coder doctor), with addresses
  - of the workspace, if you name one: its state, build log, agents and their logs
  - the names of CODER_* variables here, without their values
Tokens, passwords and keys are taken out as far as they can be recognised. Logs of
scripts may hold other things that are private: look into the file before you
pass it on. Nothing is sent.`

func bundle(env *cli.Env) *cobra.Command {
	var out string
	var yes bool
	cmd := &cobra.Command{Use: "bundle [<workspace>] [<agent>]", Short: "Write a zip file for those who help you",
		Example: "  coder support bundle my-workspace --output-file fault.zip", Args: cobra.MaximumNArgs(2)}
	fs := cmd.Flags()
	fs.StringVarP(&out, "output-file", "O", "", "file to write (default: coder-support-<time>.zip here)")
	cli.Bind(fs, "output-file", "CODER_SUPPORT_BUNDLE_OUTPUT_FILE")
	cli.Yes(fs, &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		var ref *cli.Workspace
		if len(args) > 0 {
			r, err := cli.ParseWorkspace(args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				r.Agent = args[1]
			}
			ref = &r
		}
		fmt.Fprintln(env.Stderr, consent)
		if err := env.Confirm(ctx, yes, "Write the bundle?"); err != nil {
			return err
		}
		if out == "" {
			out = "coder-support-" + env.Clock.Now().UTC().Format("20060102-150405") + ".zip"
		}
		return write(ctx, env, out, ref)
	})
	return cmd
}

// write collects into a file that only its owner reads. A file that exists is
// never replaced.
func write(ctx context.Context, env *cli.Env, name string, ref *cli.Workspace) error {
	name, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if os.IsExist(err) {
		return api.Conflict(name + " exists already. Pick another name with --output-file.")
	}
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	c := newCollector(env, f)
	err = c.collect(ctx, ref)
	if err == nil {
		err = c.zip.Close()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(name)
		return fmt.Errorf("write bundle: %w", err)
	}
	for _, p := range c.problems {
		fmt.Fprintf(env.Stderr, "left out: %s\n", cli.Inert(p))
	}
	_, err = fmt.Fprintf(env.Stdout, "Wrote %s with %d files. Look into it before you pass it on.\n", name, c.files)
	return err
}
