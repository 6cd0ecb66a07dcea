package dotfiles

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"coder.internal/cmd/internal/cli"
)

// scripts are the names of install scripts; the first that is there is run.
func scripts() []string {
	return []string{"install.sh", "install", "bootstrap.sh", "bootstrap", "script/bootstrap",
		"setup.sh", "setup", "script/setup"}
}

func scriptNames() string { return strings.Join(scripts(), ", ") }

// findScript returns the install script of repo, empty if it has none.
func findScript(repo string) (string, error) {
	for _, name := range scripts() {
		st, err := os.Stat(filepath.Join(repo, filepath.FromSlash(name)))
		switch {
		case err == nil && st.Mode().IsRegular():
			return name, nil
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("look for install script: %w", err)
		}
	}
	return "", nil
}

// install runs the script in the clone. Its exit status becomes ours.
func (o *options) install(ctx context.Context, env *cli.Env, repo, script string) error {
	if err := env.Confirm(ctx, o.yes, "Run the install script "+script+"?"); err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "Running %s.\n", script)
	args, err := scriptArgs(filepath.Join(repo, filepath.FromSlash(script)))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = repo
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, env.Stdout, env.Stderr
	var ee *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil:
		fmt.Fprintln(env.Stderr, "The dotfiles are applied.")
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &ee):
		fmt.Fprintf(env.Stderr, "The install script %s ended with %v.\n", script, ee)
		return &cli.ExitError{Code: max(1, ee.ExitCode())}
	default:
		return fmt.Errorf("run install script %s: %w", script, err)
	}
}

// scriptArgs runs a file that Git did not mark executable by what its first line
// names, or by sh. The file is not changed: that would stop the next pull.
func scriptArgs(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at install script: %w", err)
	}
	if st.Mode().Perm()&0o111 != 0 {
		return []string{path}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read install script: %w", err)
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, 256)).ReadString('\n')
	if line, ok := strings.CutPrefix(line, "#!"); ok {
		if name, arg, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" {
			if arg = strings.TrimSpace(arg); arg != "" {
				return []string{name, arg, path}, nil
			}
			return []string{name, path}, nil
		}
	}
	return []string{"sh", path}, nil
}
