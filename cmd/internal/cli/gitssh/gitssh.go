// Package gitssh is `coder gitssh`, which Git runs in a workspace instead of ssh:
// it fetches the key of the workspace's owner, keeps it in a file that only the
// user can read while ssh runs, and removes it.
//
// The user's own keys come first, as ssh itself would choose them. Where the
// server gives no key they are all there is. It never changes a file of the user
// and never decides about host keys.
package gitssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/cmd/internal/cli"
)

const (
	configTimeout = 10 * time.Second // for ssh to say what it would do
	grace         = 5 * time.Second  // for ssh to end once it is told to
	maxTail       = 8 << 10          // of what ssh says, in bytes
	sshFailed     = 255              // ssh's status for failures of its own
)

// Command is `coder gitssh`, hidden because Git starts it, not people.
func Command(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "gitssh -- <ssh arguments>", Short: "Run ssh for Git with the key of the workspace's owner",
		Hidden: true, Args: cli.AtLeast("ssh arguments")}
	cmd.Flags().SetInterspersed(false)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		// Nothing may end this process before the key is removed.
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
		defer stop()
		return run(ctx, env, args)
	})
	return cmd
}

func run(ctx context.Context, env *cli.Env, args []string) error {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return &api.Error{Code: api.CodeInvalid, Message: "There is no ssh here. Install the OpenSSH client in the workspace."}
	}
	// By this Git learns which ssh it has; no key is needed.
	if args[0] == "-G" {
		_, err := start(ctx, env, ssh, args)
		return err
	}
	c, err := env.AgentClient(ctx)
	if err != nil {
		return err
	}
	key, err := c.GitSSHKey(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(env.Stderr, "coder: no key from the server, trying your own keys: %s\n", cli.Inert(err.Error()))
		_, err = start(ctx, env, ssh, args)
		return err
	}
	return withKey(ctx, env, ssh, key, args)
}

// withKey runs ssh with the user's own keys and key. The file of the key is gone
// when it returns.
func withKey(ctx context.Context, env *cli.Env, ssh string, key agentrpc.GitKeyPair, args []string) error {
	dir, err := os.MkdirTemp("", "coder-gitssh-")
	if err != nil {
		return fmt.Errorf("make directory for key: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "key")
	if err := os.WriteFile(file, []byte(key.PrivateKey.Reveal()), 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	var all []string
	for _, own := range ownKeys(ctx, env, ssh, args) {
		// Not with -i: ssh would offer a key of its configuration twice.
		all = append(all, "-o", `IdentityFile="`+own+`"`)
	}
	refused, err := start(ctx, env, ssh, append(append(all, "-i", file), args...))
	if refused {
		fmt.Fprintf(env.Stderr, "coder: the Git server refused the key of this workspace's owner. Add this line to your account there\n"+
			"(GitHub: https://github.com/settings/ssh/new; GitLab: Preferences, SSH Keys), then try again:\n%s\n", cli.Inert(key.PublicKey))
	}
	return err
}

// ownKeys lists the key files that ssh would try by itself and that exist, in the
// words of ssh: it tries no default key once it is given one with -i.
func ownKeys(ctx context.Context, env *cli.Env, ssh string, args []string) []string {
	ctx, cancel := context.WithTimeout(ctx, configTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, ssh, append([]string{"-G"}, args...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil // ssh itself will say what is wrong
	}
	var files []string
	for line := range strings.Lines(string(out)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "identityfile ")
		if !ok {
			continue
		}
		path := name
		if rest, ok := strings.CutPrefix(name, "~/"); ok {
			path = filepath.Join(env.Home, rest)
		}
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && !strings.Contains(name, `"`) {
			files = append(files, name)
		}
	}
	return files
}

// start runs ssh and reports whether the other side refused all keys. Any other
// status than 0 is a cli.ExitError with it.
func start(ctx context.Context, env *cli.Env, ssh string, args []string) (refused bool, err error) {
	said := &tail{next: env.Stderr}
	cmd := exec.CommandContext(ctx, ssh, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, env.Stdout, said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = grace
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			err = fmt.Errorf("run ssh: %w", err)
		}
		return false, err
	}
	code := exit.ExitCode()
	if code < 0 {
		code = sshFailed // ended by a signal
	}
	return code == sshFailed && bytes.Contains(said.last, []byte("Permission denied (")), &cli.ExitError{Code: code}
}

// tail passes on what is written and keeps the end of it.
type tail struct {
	next io.Writer
	last []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p[max(0, len(p)-maxTail):]...)
	t.last = t.last[max(0, len(t.last)-maxTail):]
	return t.next.Write(p)
}
