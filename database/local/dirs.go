package local

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// socketPathMax is the longest path of a Unix socket, less the closing zero.
const (
	socketPathMax = 107
	socketName    = ".s.PGSQL.5432"
)

// chooseHome decides where everything of the built-in Postgres is; see the
// package doc. What exists already decides first.
func chooseHome(cfg Config, who account) (string, error) {
	inDir := filepath.Join(cfg.Dir, "postgres")
	elsewhere := filepath.Join(cfg.FallbackDir, "coder-"+shortHash(cfg.Dir))
	if target, err := os.Readlink(inDir); err == nil {
		return target, blocked(target, who)
	}
	_, err := os.Lstat(filepath.Join(inDir, "data"))
	switch {
	case err == nil:
		return inDir, blocked(inDir, who)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("built-in postgres: %w", err)
	}
	if blocked(inDir, who) == nil {
		return inDir, nil
	}
	if err := blocked(elsewhere, who); err != nil {
		return "", fmt.Errorf("%w, and neither can it enter %s; choose another --global-config, or use --postgres-url",
			blocked(inDir, who), filepath.Dir(elsewhere))
	}
	return elsewhere, nil
}

// blocked names the first existing ancestor of path, path included, that the
// account cannot enter; nil when there is none. What does not exist yet will be
// made by us so that it can be entered.
func blocked(path string, who account) error {
	if !who.drop {
		return nil
	}
	if at := blockedAt(path, who); at != "" {
		return fmt.Errorf("built-in postgres: user %s cannot enter %s", who.name, at)
	}
	return nil
}

func blockedAt(path string, who account) string {
	at := string(filepath.Separator)
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		at = filepath.Join(at, part)
		info, err := os.Stat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		if err != nil || !who.mayEnter(info) {
			return at
		}
		// A link may lead below a closed directory.
		if real, err := filepath.EvalSymlinks(at); err == nil && real != at {
			if closed := blockedAt(real, who); closed != "" {
				return closed
			}
			at = real
		}
	}
	return ""
}

// makeHome creates home, its link in the configuration directory where the two
// differ, and run/. Only we can write in home itself.
func (s *Server) makeHome() error {
	for _, dir := range []string{s.cfg.Dir, s.home} {
		if err := makeEnterable(dir); err != nil {
			return err
		}
	}
	if err := mustBeOwn(s.home, uint32(os.Geteuid())); err != nil {
		return err
	}
	if link := filepath.Join(s.cfg.Dir, "postgres"); link != s.home {
		if err := os.Symlink(s.home, link); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link %s: %w", link, err)
		}
	}
	if err := s.makeOwned(s.run); err != nil {
		return err
	}
	return mustBeOwn(s.run, s.account.uid)
}

// makeEnterable is MkdirAll whose new directories everybody can enter, but not
// list, whatever the umask says.
func makeEnterable(dir string) error {
	err := os.Mkdir(dir, 0o711)
	if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		if err := makeEnterable(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o711)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		return fmt.Errorf("built-in postgres: make directory: %w", err)
	}
	return nil
}

// makeOwned makes a 0700 directory of the account, or leaves the one there is.
func (s *Server) makeOwned(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	if err := s.account.own(path); err != nil {
		return fmt.Errorf("hand over %s: %w", path, err)
	}
	return nil
}

// mustBeOwn refuses a directory that somebody else has put there.
func mustBeOwn(path string, uid uint32) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("built-in postgres: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || st.Uid != uid || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("built-in postgres: %s must be a directory of user %d that nobody else can write; "+
			"remove it or correct its owner (the data stays with the user that made it)", path, uid)
	}
	return nil
}

// socketDir is home/run, or a short directory where that is too long.
func socketDir(home string) string {
	dir := filepath.Join(home, "run")
	if len(filepath.Join(dir, socketName)) <= socketPathMax {
		return dir
	}
	return "/tmp/coder-pg-" + shortHash(home)
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
