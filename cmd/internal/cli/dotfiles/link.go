package dotfiles

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"coder.internal/cmd/internal/cli"
)

// maxDepth bounds how deep directories that exist on both sides are merged.
const maxDepth = 16

// link is one symbolic link to be made.
type link struct{ from, to string }

// plan is what there is to do.
type plan struct {
	links []link
	known int // links that are there already
}

// planLinks finds the dotfiles of repo that are not linked in dir. Where dir has
// a directory of the same name, its entries are linked one by one: nobody's
// ~/.config is replaced as a whole.
func planLinks(repo, dir string) (*plan, error) {
	entries, err := os.ReadDir(repo)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", repo, err)
	}
	p := &plan{}
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, ".") && name != ".git" {
			if err := p.add(filepath.Join(repo, name), filepath.Join(dir, name), 0); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *plan) add(from, to string, depth int) error {
	if where, err := os.Readlink(to); err == nil && where == from {
		p.known++
		return nil
	}
	mine, err := os.Lstat(from)
	if err != nil {
		return fmt.Errorf("look at %s: %w", from, err)
	}
	theirs, err := os.Lstat(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at %s: %w", to, err)
	}
	if err != nil || !mine.IsDir() || !theirs.IsDir() || depth == maxDepth {
		p.links = append(p.links, link{from, to})
		return nil
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("read %s: %w", from, err)
	}
	for _, e := range entries {
		if err := p.add(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// make makes the links; what is in the way gets another name, which w is told.
func (p *plan) make(w io.Writer) error {
	for _, l := range p.links {
		if _, err := os.Lstat(l.to); err == nil {
			backup, err := setAside(l.to)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s is now %s.\n", cli.Inert(l.to), cli.Inert(backup))
		}
		if err := os.MkdirAll(filepath.Dir(l.to), 0o755); err != nil {
			return fmt.Errorf("make directory for %s: %w", l.to, err)
		}
		if err := os.Symlink(l.from, l.to); err != nil {
			return fmt.Errorf("link %s: %w", l.to, err)
		}
	}
	return nil
}

// setAside renames path to a free name: with .bak behind, or .bak.1 and so on.
func setAside(path string) (string, error) {
	for i := range 1000 {
		name := path + ".bak"
		if i > 0 {
			name += "." + strconv.Itoa(i)
		}
		if _, err := os.Lstat(name); err == nil {
			continue
		}
		if err := os.Rename(path, name); err != nil {
			return "", fmt.Errorf("set %s aside: %w", path, err)
		}
		return name, nil
	}
	return "", fmt.Errorf("set %s aside: it has too many backups; remove some", path)
}
