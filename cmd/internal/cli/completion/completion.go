// Package completion is `coder completion`: scripts that complete commands in a
// shell, printed or put where the shell looks for them.
package completion

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
)

// Command is `coder completion`.
func Command(env *cli.Env) *cobra.Command {
	var shell string
	var show bool
	cmd := &cobra.Command{Use: "completion", Short: "Install or print completion for a shell", Args: cli.Exactly()}
	cli.Enum(cmd.Flags(), &shell, "shell", "s", "which shell (default: yours)", "bash", "fish", "zsh", "powershell")
	cmd.Flags().BoolVarP(&show, "print", "p", false, "print the script")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if shell == "" {
			shell = filepath.Base(env.Getenv("SHELL"))
		}
		return run(cmd.Context(), env, cmd.Root(), shell, show)
	}
	return cmd
}

func run(_ context.Context, env *cli.Env, root *cobra.Command, shell string, show bool) error {
	generate, dest := map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"zsh":        root.GenZshCompletion,
		"powershell": root.GenPowerShellCompletionWithDesc,
	}[shell], map[string]string{
		"bash": ".local/share/bash-completion/completions/coder",
		"fish": ".config/fish/completions/coder.fish",
		"zsh":  ".zfunc/_coder",
	}[shell]
	if generate == nil {
		return cli.Usage("shell", fmt.Sprintf("%q is not supported; give --shell bash, fish, zsh or powershell.", cli.Inert(shell)))
	}
	var b bytes.Buffer
	if err := generate(&b); err != nil {
		return fmt.Errorf("generate completion: %w", err)
	}
	if show || dest == "" {
		_, err := env.Stdout.Write(b.Bytes())
		return err
	}
	name := filepath.Join(env.Home, filepath.FromSlash(dest))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("install completion: %w", err)
	}
	if err := cli.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Installed %s. It works in new shells.\n", name)
	if shell == "zsh" {
		fmt.Fprintln(env.Stdout, "If it does not, put this before compinit in ~/.zshrc: fpath=(~/.zfunc $fpath)")
	}
	return nil
}
