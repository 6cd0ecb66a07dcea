package dotfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// git keeps a clone of url in dir.
type git struct {
	env              *cli.Env
	dir, url, branch string
	yes              bool
}

// fetch clones, or moves the clone that is there forward. A directory that is
// something else is renamed.
func (g *git) fetch(ctx context.Context) error {
	if _, err := exec.LookPath("git"); err != nil {
		return &api.Error{Code: api.CodeInvalid, Message: "There is no git here. Install Git first."}
	}
	_, err := os.Lstat(g.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return g.clone(ctx)
	case err != nil:
		return fmt.Errorf("look at %s: %w", g.dir, err)
	}
	origin, err := g.output(ctx, "config", "--local", "--get", "remote.origin.url")
	if err != nil || origin != g.url {
		backup, err := setAside(g.dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(g.env.Stderr, "%s held something else; it is now %s.\n", cli.Inert(g.dir), cli.Inert(backup))
		return g.clone(ctx)
	}
	return g.update(ctx)
}

func (g *git) clone(ctx context.Context) error {
	if err := g.env.Confirm(ctx, g.yes, "Clone "+cli.Inert(g.url)+" to "+cli.Inert(g.dir)+"?"); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(g.dir), 0o700); err != nil {
		return fmt.Errorf("make directory for the clone: %w", err)
	}
	args := []string{"clone"}
	if g.branch != "" {
		args = append(args, "--branch", g.branch)
	}
	// What follows -- is never an option, whatever it looks like.
	cmd := g.command(ctx, append(args, "--", g.url, g.dir)...)
	cmd.Dir = ""
	if err := cmd.Run(); err != nil {
		return g.failed(ctx, "clone "+g.url, err)
	}
	return nil
}

// update fast-forwards. Changes that were made in the clone are not touched: a
// clone that cannot be moved forward is used as it is.
func (g *git) update(ctx context.Context) error {
	if g.branch != "" {
		if err := g.command(ctx, "fetch", "--", "origin", "+refs/heads/"+g.branch+":refs/remotes/origin/"+g.branch).Run(); err != nil {
			return g.failed(ctx, "fetch branch "+g.branch, err)
		}
		if now, err := g.output(ctx, "symbolic-ref", "--short", "HEAD"); err != nil || now != g.branch {
			args := []string{"switch", "--quiet", g.branch}
			if err := g.command(ctx, "show-ref", "--verify", "--quiet", "refs/heads/"+g.branch).Run(); err != nil {
				args = []string{"switch", "--quiet", "--create", g.branch, "--track", "origin/" + g.branch}
			}
			if err := g.command(ctx, args...).Run(); err != nil {
				return g.failed(ctx, "switch to branch "+g.branch, err)
			}
		}
	}
	if err := g.command(ctx, "pull", "--ff-only").Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(g.env.Stderr, "%s could not be moved forward; it is used as it is.\n", cli.Inert(g.dir))
	}
	return nil
}

// command is git in the clone. Nobody answers its questions unless somebody is
// there. With --yes an unknown host key is taken and kept; a changed one is
// refused all the same.
func (g *git) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = g.dir
	cmd.Stdout, cmd.Stderr = g.env.Stderr, g.env.Stderr
	cmd.Env = os.Environ()
	if g.env.Interactive() {
		cmd.Stdin = g.env.Stdin
	} else {
		cmd.Env = append(cmd.Env, "GIT_TERMINAL_PROMPT=0")
	}
	if g.yes {
		ssh := g.env.Getenv("GIT_SSH_COMMAND")
		if ssh == "" {
			ssh = "ssh"
		}
		cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND="+ssh+" -o StrictHostKeyChecking=accept-new")
	}
	return cmd
}

func (g *git) output(ctx context.Context, args ...string) (string, error) {
	cmd := g.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = nil, nil
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// failed is the error after git has said on standard error what is wrong.
func (g *git) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var ee *exec.ExitError
	if !errors.As(err, &ee) {
		return fmt.Errorf("run git: %w", err)
	}
	return &api.Error{Code: api.CodeInvalid, Message: "Git could not " + cli.Inert(what) + "; it says above why. Check the URL, the branch and your rights to the repository."}
}
