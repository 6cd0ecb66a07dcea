package terraform

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-config-inspect/tfconfig"

	"coder.internal/internal/runas"
)

// as calls f with the rights to files that jobs have. Whatever is done in the
// directories of a job goes through it: jobs are hostile, and this process may
// be root. f must do nothing that needs this process's own rights.
func (p *Provisioner) as(f func() error) error { return p.opts.User.Do(f) }

// ownDirs are the directories that belong to the job.
func (p *Provisioner) ownDirs() []string {
	return []string{p.build, filepath.Join(p.opts.WorkDir, "home")}
}

// makeDirs makes the directories of the work directory and of the cache.
func (p *Provisioner) makeDirs() error {
	shared := []string{filepath.Join(p.opts.CacheDir, "templates"), filepath.Join(p.opts.CacheDir, "packages", "mirror")}
	for _, dir := range append(p.ownDirs(), shared...) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	if p.opts.User == nil {
		return p.takeBack()
	}
	for _, dir := range p.ownDirs() {
		if err := p.handOver(dir); err != nil {
			return err
		}
	}
	return nil
}

// takeBack makes the directories of jobs ours again when they were a user's,
// which root only has to do; others cannot have had one.
func (p *Provisioner) takeBack() error {
	for _, dir := range p.ownDirs() {
		if info, err := os.Lstat(dir); err == nil && os.Geteuid() == 0 && !p.opts.User.Owns(info) {
			if err := p.handOver(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// handOver makes dir a directory of the user's own. What somebody else had in it
// goes, because it may hold links to files of theirs; a state is kept before.
func (p *Provisioner) handOver(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("hand over directory: %w", err)
	}
	if info.IsDir() && p.opts.User.Owns(info) {
		return nil
	}
	if dir == p.build {
		if b, state := readState(p.stateFile()); state != nil {
			if err := replaceWith(p.lastState(), p.newer(b, state), 0o600); err != nil {
				return fmt.Errorf("keep a state: %w", err)
			}
		}
	}
	err = errors.Join(removeAll(dir), os.Mkdir(dir, 0o700), p.opts.User.Give(dir))
	if err != nil {
		return fmt.Errorf("hand over directory: %w", err)
	}
	return nil
}

// openWay lets the user through to what every job needs, and makes what all
// templates share readable. Names of other jobs and templates stay unknown:
// these directories can be passed and not listed.
func (p *Provisioner) openWay() error {
	pass := []string{p.opts.CacheDir, filepath.Join(p.opts.CacheDir, "templates"), p.opts.WorkDir}
	if rel, err := filepath.Rel(p.opts.CacheDir, p.opts.WorkDir); err == nil && filepath.IsLocal(rel) {
		for dir := filepath.Dir(p.opts.WorkDir); dir != p.opts.CacheDir && len(dir) > len(p.opts.CacheDir); dir = filepath.Dir(dir) {
			pass = append(pass, dir)
		}
	}
	entries, err := os.ReadDir(filepath.Join(p.opts.CacheDir, "templates"))
	if err != nil {
		return fmt.Errorf("open cache: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			if err := openEntry(filepath.Join(p.opts.CacheDir, "templates", e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("open cache: %w", err)
			}
		}
	}
	for _, dir := range pass {
		if err := addMode(dir, 0o011); err != nil {
			return fmt.Errorf("open cache: %w", err)
		}
	}
	for _, name := range []string{"packages", "mirror", "provider", "terraform"} {
		err := openTree(filepath.Join(p.opts.CacheDir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open cache: %w", err)
		}
	}
	return nil
}

// openEntry lets all users read the providers of an initialised template, and
// nothing else of it.
func openEntry(entry string) error {
	providers := filepath.Join(entry, ".terraform", "providers")
	if _, err := os.Lstat(providers); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(addMode(entry, 0o011), addMode(filepath.Dir(providers), 0o011), openTree(providers))
}

// openTree lets all users read what is in a tree of ours, and run what we may.
func openTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // somebody else's, who was just at work
		case err != nil:
			return err
		case d.IsDir():
			return addMode(path, 0o055)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return nil //nolint:nilerr // as above
			}
			return addMode(path, 0o044|info.Mode().Perm()&0o100>>3|info.Mode().Perm()&0o100>>6)
		}
		return nil
	})
}

// addMode sets bits of a mode, and touches nothing that has them.
func addMode(path string, bits fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm()&bits == bits {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()|bits)
}

// checkWay tells the operator what the user cannot reach.
func (p *Provisioner) checkWay() error {
	u := p.opts.User
	if u == nil {
		return nil
	}
	for _, need := range []struct{ what, path, remedy string }{
		{"the cache directory", filepath.Join(p.opts.CacheDir, "packages"), "choose another one with --cache-dir, such as /var/cache/coder"},
		{"the work directory", p.build, "choose another cache directory with --cache-dir, such as /var/cache/coder"},
		{"the terraform binary", p.opts.Binary.Path, "put it where all users may run it, such as /usr/local/bin"},
		{"this program, which serves the provider coder/coder", p.opts.ProviderBinary, "put it where all users may run it, such as /usr/local/bin"},
		{"the mirror", p.opts.MirrorDir, "put it where all users may read it"},
		{"the data directory", p.opts.DataDir, "choose another one with --provisioner-data-dir"},
	} {
		if need.path == "" {
			continue
		}
		closed, err := u.Closed(need.path)
		if err != nil {
			return fmt.Errorf("look for %s: %w", need.what, err)
		}
		if closed != "" {
			return fmt.Errorf("user %s, for builds, cannot reach %s, %s: %s is closed to it; %s", u.Name, need.what, need.path, closed, need.remedy)
		}
	}
	return nil
}

// giveFile writes a file beside the job's directories that the job may read.
func (p *Provisioner) giveFile(path string, b []byte) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close(), p.opts.User.Give(path))
}

// writePrivate makes a file in a directory of the job, which is to be called
// within as. It replaces whatever has the name.
func writePrivate(path string, b []byte) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// replaceWith writes a file, at once for whoever reads it.
func replaceWith(path string, b []byte, mode fs.FileMode) error {
	if err := os.WriteFile(path+".new", b, mode); err != nil {
		return err
	}
	if err := os.Chmod(path+".new", mode); err != nil { // whatever the umask
		return err
	}
	return os.Rename(path+".new", path)
}

// errNotPlain says that something is not a file that can be read to its end.
var errNotPlain = errors.New("it is not a regular file, or too large")

// readPlain reads a regular file of at most maxSize bytes. It follows no link
// and never waits, whatever the job has put there.
func readPlain(path string, maxSize int64) ([]byte, error) {
	return readFile(path, maxSize, noFollow)
}

func readFile(path string, maxSize int64, flags int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noWait|flags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSize {
		return nil, errNotPlain
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && int64(len(b)) > maxSize {
		err = errNotPlain
	}
	return b, err
}

// maxSource bounds one source file of a template.
const maxSource = 16 << 20

// sources is how the module loader sees the files of a job.
type sources struct{ tfconfig.FS }

// ReadFile implements tfconfig.FS. Links of the archive are followed, as
// Terraform does.
func (sources) ReadFile(name string) ([]byte, error) { return readFile(name, maxSource, 0) }

// module reads the module in a directory of the job. What is wrong with it is in
// the diagnostics.
func (p *Provisioner) module(dir string) (*tfconfig.Module, tfconfig.Diagnostics) {
	var m *tfconfig.Module
	var diags tfconfig.Diagnostics
	err := p.as(func() error {
		m, diags = tfconfig.LoadModuleFromFilesystem(sources{tfconfig.NewOsFs()}, dir)
		return nil
	})
	if err != nil {
		return &tfconfig.Module{}, tfconfig.Diagnostics{{Severity: tfconfig.DiagError, Summary: err.Error()}}
	}
	return m, diags
}

// copyTree copies directories, files and links below src, which belong to from,
// into dst, which exists and belongs to to.
func copyTree(from *runas.User, src string, to *runas.User, dst string) error {
	type item struct {
		rel, target string
		mode        fs.FileMode
	}
	var items []item
	err := from.Do(func() error {
		return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == src {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			it := item{mode: info.Mode()}
			if it.rel, err = filepath.Rel(src, path); err == nil && it.mode.Type() == fs.ModeSymlink {
				it.target, err = os.Readlink(path)
			}
			if items = append(items, it); len(items) > maxTree {
				return fmt.Errorf("more than %d files", maxTree)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, it := range items {
		path := filepath.Join(dst, it.rel)
		switch {
		case it.mode.IsDir():
			err = to.Do(func() error { return os.MkdirAll(path, 0o700) })
		case it.mode.Type() == fs.ModeSymlink:
			err = to.Do(func() error { return os.Symlink(it.target, path) })
		case it.mode.IsRegular():
			err = copyFile(from, filepath.Join(src, it.rel), to, path, it.mode.Perm()|0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxTree bounds how many files an initialised template may have.
const maxTree = 200_000

// copyFile copies a regular file of from to a new one of to.
func copyFile(from *runas.User, src string, to *runas.User, dst string, mode fs.FileMode) error {
	var in, out *os.File
	err := from.Do(func() (err error) { in, err = os.OpenFile(src, os.O_RDONLY|noWait, 0); return err })
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("copy %s: %w", src, errNotPlain))
	}
	err = to.Do(func() (err error) {
		out, err = os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
