package local

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"coder.internal/internal/filelock"
	"coder.internal/internal/memory"
)

const (
	unpackedLimit = 512 << 20 // bytes
	unpackTurn    = time.Minute
	completeName  = "complete" // marks a tree that is on disk
)

// unpack makes sure that the embedded binaries are there and returns their
// directory, or "" when this build has none. They go to the cache directory, or
// beside the data where the account cannot reach the cache.
func (s *Server) unpack(ctx context.Context) (string, error) {
	if embedded == "" {
		return "", nil
	}
	name := "postgres-" + strings.TrimSpace(embeddedHash)[:16]
	parent := s.cfg.CacheDir
	if blocked(filepath.Join(parent, name), s.account) != nil {
		parent = s.home
	}
	defer memory.Forget(embedded)
	return unpackTo(ctx, parent, name, embedded)
}

// unpackTo unpacks a tar.zst into parent/name unless that is there already. The
// tree is made beside its place and then renamed. That it is on disk as well is
// known only from the mark that settleTree leaves; a tree without it is compared
// with the archive, and replaced where a crash of the machine has damaged it.
// Several processes may do it at once: it waits up to a minute for another one.
func unpackTo(ctx context.Context, parent, name, archive string) (string, error) {
	target := filepath.Join(parent, name)
	if isComplete(target) {
		return target, mustBeOwn(target, uint32(os.Geteuid()))
	}
	if err := makeEnterable(parent); err != nil {
		return "", err
	}
	unlock, err := takeTurn(ctx, parent)
	if err != nil {
		return "", fmt.Errorf("unpack postgres: %w", err)
	}
	defer unlock()
	if _, err := os.Lstat(target); err == nil {
		if err := mustBeOwn(target, uint32(os.Geteuid())); err != nil {
			return "", err
		}
		if isComplete(target) || compare(target, archive) == nil {
			return target, nil
		}
	}
	if err := replace(parent, name, archive); err != nil {
		return "", fmt.Errorf("unpack postgres: %w", err)
	}
	return target, mustBeOwn(target, uint32(os.Geteuid()))
}

func isComplete(tree string) bool {
	_, err := os.Lstat(filepath.Join(tree, completeName))
	return err == nil
}

// takeTurn makes this caller the only one that unpacks below dir. The kernel
// frees the lock when the process ends, however it ends.
func takeTurn(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	free := func() bool {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		return !errors.Is(err, syscall.EWOULDBLOCK)
	}
	if waitUntil(ctx, unpackTurn, free) && err == nil {
		return func() { filelock.Release(f) }, nil
	}
	_ = f.Close()
	return nil, fmt.Errorf("lock directory %s: %w", dir, err)
}

// replace puts the unpacked archive at parent/name, in place of what is there,
// and removes what unpacking that was cut short has left. It is this caller's
// turn.
func replace(parent, name, archive string) error {
	stale, err := filepath.Glob(filepath.Join(parent, name+".*"))
	for _, path := range stale {
		err = errors.Join(err, os.RemoveAll(path))
	}
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(parent, name+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // the next to unpack removes it
	tree := filepath.Join(temp, "new")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	if err := extract(tree, archive, sharedTree); err != nil {
		return err
	}
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	target := filepath.Join(parent, name)
	if err := os.Rename(target, filepath.Join(temp, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(tree, target)
}

// layout says what unpacked entries are like.
type layout struct {
	file, program, dir os.FileMode
	finish             func(f *os.File, name string) error // called for each file and directory; may be nil
}

// sharedTree is the layout of what everybody may run.
var sharedTree = layout{file: 0o644, program: 0o755, dir: 0o755}

func (l layout) fileMode(h *tar.Header) os.FileMode {
	if h.Mode&0o111 != 0 {
		return l.program
	}
	return l.file
}

// walkArchive calls visit for every entry.
func walkArchive(archive string, visit func(h *tar.Header, in io.Reader) error) error {
	// One core at most, and little memory: two archives are unpacked at once.
	unzip, err := zstd.NewReader(strings.NewReader(archive),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer unzip.Close()
	in := tar.NewReader(io.LimitReader(unzip, unpackedLimit))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(h, in); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// extract writes the files of the archive below dir, and nowhere else.
func extract(dir, archive string, like layout) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a directory handle
	buffer := make([]byte, 128<<10)
	return walkArchive(archive, func(h *tar.Header, in io.Reader) error {
		switch h.Typeflag {
		case tar.TypeDir:
			return makeDir(root, h.Name, like)
		case tar.TypeSymlink:
			return root.Symlink(h.Linkname, h.Name)
		case tar.TypeReg:
			return makeFile(root, h, in, buffer, like)
		}
		return fmt.Errorf("unexpected type %c", h.Typeflag)
	})
}

func makeDir(root *os.Root, name string, like layout) error {
	if err := root.MkdirAll(name, like.dir); err != nil {
		return err
	}
	if like.finish == nil {
		return root.Chmod(name, like.dir)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(like.dir), like.finish(f, name), f.Close())
}

func makeFile(root *os.Root, h *tar.Header, in io.Reader, buffer []byte, like layout) error {
	mode := like.fileMode(h)
	f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	// Without the file's own ReadFrom, which would make a buffer each time.
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{in}, buffer)
	if err == nil && like.finish != nil {
		err = like.finish(f, h.Name)
	}
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// compare returns an error unless everything in the archive is below dir as
// extract would make it.
func compare(dir, archive string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a directory handle
	want, got := make([]byte, 128<<10), make([]byte, 128<<10)
	return walkArchive(archive, func(h *tar.Header, in io.Reader) error {
		switch h.Typeflag {
		case tar.TypeDir:
			return nil // what matters is in it
		case tar.TypeSymlink:
			link, err := root.Readlink(h.Name)
			if err == nil && link != h.Linkname {
				err = errors.New("another link")
			}
			return err
		}
		f, err := root.Open(h.Name)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() != h.Size || info.Mode().Perm() != sharedTree.fileMode(h) {
			return errors.New("another kind, size or mode")
		}
		return sameContent(in, f, want, got)
	})
}

func sameContent(a, b io.Reader, bufA, bufB []byte) error {
	for {
		n, err := io.ReadFull(a, bufA)
		if n > 0 {
			if _, err := io.ReadFull(b, bufB[:n]); err != nil {
				return err
			}
			if string(bufA[:n]) != string(bufB[:n]) {
				return errors.New("another content")
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}
