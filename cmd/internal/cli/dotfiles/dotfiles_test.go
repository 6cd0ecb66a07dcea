package dotfiles_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/clitest"
)

// repository is a real one on disk.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T, files map[string]string) *repository {
	t.Helper()
	r := &repository{t, filepath.Join(t.TempDir(), "origin")}
	r.git("init", "--quiet", "--initial-branch=main", r.dir)
	r.commit(files)
	return r
}

func (r *repository) git(args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=T", "-c", "user.email=t@example.com"}, args...)...)
	if _, err := os.Stat(r.dir); err == nil {
		cmd.Dir = r.dir
	}
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, string(out))
}

func (r *repository) commit(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		write(r.t, filepath.Join(r.dir, name), text)
	}
	r.git("add", "--all", "--force")
	r.git("commit", "--quiet", "--message", "change")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(text)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	r := newRepository(t, map[string]string{".bashrc": "new", ".config/tool/conf": "mine", ".gitignore": "x", "README": "no dot"})
	c := clitest.New(t)
	write(t, filepath.Join(c.Home, ".bashrc"), "old")
	write(t, filepath.Join(c.Home, ".bashrc.bak"), "older")
	write(t, filepath.Join(c.Home, ".config/other"), "stays")

	res := c.Run("dotfiles", r.dir)
	require.Equal(t, 1, res.Code)
	require.Contains(t, res.Stderr, "--yes")
	require.Equal(t, "old", read(t, c.Home, ".bashrc"))

	res = c.Run("dotfiles", "--yes", r.dir)
	require.Equal(t, 0, res.Code, res.Stderr)
	require.Contains(t, res.Stderr, ".bashrc.bak.1")
	require.Equal(t, "new", read(t, c.Home, ".bashrc"))
	require.Equal(t, "old", read(t, c.Home, ".bashrc.bak.1"))
	require.Equal(t, "older", read(t, c.Home, ".bashrc.bak"))
	require.Equal(t, "mine", read(t, c.Home, ".config/tool/conf"))
	require.Equal(t, "stays", read(t, c.Home, ".config/other"))
	require.NoFileExists(t, filepath.Join(c.Home, "README"))
	require.NoDirExists(t, filepath.Join(c.Home, ".git"))

	// Again: pulled, and nothing is linked twice.
	r.commit(map[string]string{".bashrc": "newer"})
	res = c.Run("dotfiles", "--yes", r.dir)
	require.Equal(t, 0, res.Code, res.Stderr)
	require.Contains(t, res.Stderr, "linked already")
	require.Equal(t, "newer", read(t, c.Home, ".bashrc"))

	// A clone that went its own way is used as it is.
	write(t, filepath.Join(c.Dir, "dotfiles", ".bashrc"), "edited here")
	r.commit(map[string]string{".bashrc": "newest"})
	res = c.Run("dotfiles", "--yes", r.dir)
	require.Equal(t, 0, res.Code, res.Stderr)
	require.Equal(t, "edited here", read(t, c.Home, ".bashrc"))

	// Another repository sets the first one aside.
	other := newRepository(t, map[string]string{".vimrc": "v"})
	elsewhere := t.TempDir()
	res = c.Run("dotfiles", "--yes", "--symlink-dir", elsewhere, other.dir)
	require.Equal(t, 0, res.Code, res.Stderr)
	require.Equal(t, "v", read(t, elsewhere, ".vimrc"))
	require.Equal(t, "edited here", read(t, c.Dir, "dotfiles.bak", ".bashrc"))
}

func TestInstallScript(t *testing.T) {
	t.Parallel()
	r := newRepository(t, map[string]string{"setup.sh": "#!/bin/bash\nexit 3", "script/bootstrap": "#!/usr/bin/env bash\n[[ -n x ]] && pwd && cat .bashrc",
		".bashrc": "not linked"})
	c := clitest.New(t)
	res := c.Run("dotfiles", "-y", "--repo-dir", "mine", r.dir)
	require.Equal(t, 0, res.Code, res.Stderr)
	require.Equal(t, filepath.Join(c.Dir, "mine")+"\nnot linked", res.Stdout)
	require.NoFileExists(t, filepath.Join(c.Home, ".bashrc"))

	r.git("mv", "script/bootstrap", "script/other")
	r.commit(nil)
	res = c.Run("dotfiles", "-y", "--repo-dir", "mine", r.dir)
	require.Equal(t, 3, res.Code, "the script's exit status")
}

func TestBranch(t *testing.T) {
	t.Parallel()
	r := newRepository(t, map[string]string{".rc": "main"})
	r.git("switch", "--quiet", "--create", "work")
	r.commit(map[string]string{".rc": "work"})
	r.git("switch", "--quiet", "main")
	c := clitest.New(t)
	for _, branch := range []string{"main", "work", "main", "work"} {
		res := c.Run("dotfiles", "--yes", "--branch", branch, r.dir)
		require.Equal(t, 0, res.Code, res.Stderr)
		require.Equal(t, branch, read(t, c.Home, ".rc"))
	}
	res := c.Run("dotfiles", "--yes", "--branch", "none", r.dir)
	require.Equal(t, 1, res.Code)
	require.Contains(t, res.Stderr, "fetch branch none")
}

func TestBadRepositories(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	res := c.Run("dotfiles", "--yes", "--", "--upload-pack=touch /tmp/never")
	require.Equal(t, 1, res.Code)
	res = c.Run("dotfiles", "--yes", filepath.Join(t.TempDir(), "nowhere"))
	require.Equal(t, 1, res.Code)
	require.Contains(t, res.Stderr, "could not clone")
	res = c.Run("dotfiles", "--yes", newRepository(t, map[string]string{"README": "x"}).dir)
	require.Equal(t, 1, res.Code)
	require.Contains(t, res.Stderr, "install.sh")
}
