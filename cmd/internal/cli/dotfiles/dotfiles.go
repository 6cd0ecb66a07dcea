// Package dotfiles is `coder dotfiles`: it fetches a repository with a person's
// settings and applies it, by its install script or by links in the home
// directory.
//
// It never overwrites a file: what is in the way is renamed. It never changes the
// repository beyond a fast-forward, and it runs nothing of it without a yes.
package dotfiles

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

type options struct {
	symlinkDir, branch, repoDir string
	yes                         bool
}

// Command is `coder dotfiles`. It needs no server.
func Command(env *cli.Env) *cobra.Command {
	o := options{}
	cmd := &cobra.Command{Use: "dotfiles <git_repo_url>", Short: "Fetch a repository of dotfiles and apply it",
		Args: cli.Exactly("git_repo_url"), Example: "  coder dotfiles --yes git@github.com:example/dotfiles.git"}
	fs := cmd.Flags()
	fs.StringVar(&o.symlinkDir, "symlink-dir", "", "where links are made; the home directory if empty")
	cli.Bind(fs, "symlink-dir", "CODER_SYMLINK_DIR")
	fs.StringVarP(&o.branch, "branch", "b", "", "branch to use; the one of the clone, or the repository's default, if empty")
	fs.StringVar(&o.repoDir, "repo-dir", "dotfiles", "directory of the clone, relative to the configuration directory")
	cli.Bind(fs, "repo-dir", "CODER_DOTFILES_REPO_DIR")
	cli.Yes(fs, &o.yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error { return o.run(ctx, env, args[0]) })
	return cmd
}

func (o *options) run(ctx context.Context, env *cli.Env, url string) error {
	if url == "" {
		return cli.Usage("git_repo_url", "Name the repository, for example git@github.com:example/dotfiles.git.")
	}
	if o.repoDir == "" {
		return cli.Usage("repo-dir", "--repo-dir is empty; leave it out or name a directory.")
	}
	repo := o.repoDir
	if !filepath.IsAbs(repo) {
		repo = filepath.Join(env.Global.ConfigDir, repo)
	}
	g := git{env: env, dir: repo, url: url, branch: o.branch, yes: o.yes}
	if err := g.fetch(ctx); err != nil {
		return err
	}
	script, err := findScript(repo)
	if err != nil {
		return err
	}
	if script != "" {
		return o.install(ctx, env, repo, script)
	}
	return o.link(ctx, env, repo)
}

// link makes the links and says how many.
func (o *options) link(ctx context.Context, env *cli.Env, repo string) error {
	to := o.symlinkDir
	if to == "" {
		to = env.Home
	}
	if to == "" {
		return cli.Usage("symlink-dir", "There is no home directory; name where the links go with --symlink-dir.")
	}
	l, err := planLinks(repo, to)
	if err != nil {
		return err
	}
	if l.known == 0 && len(l.links) == 0 {
		return &api.Error{Code: api.CodeInvalid, Message: "The repository has neither an install script (" + scriptNames() +
			") nor files whose names begin with a dot."}
	}
	if len(l.links) == 0 {
		fmt.Fprintln(env.Stderr, "All dotfiles are linked already.")
		return nil
	}
	question := fmt.Sprintf("Link %d of the repository's files in %s?", len(l.links), cli.Inert(to))
	if err := env.Confirm(ctx, o.yes, question); err != nil {
		return err
	}
	if err := l.make(env.Stderr); err != nil {
		return err
	}
	fmt.Fprintln(env.Stderr, "The dotfiles are applied.")
	return nil
}
