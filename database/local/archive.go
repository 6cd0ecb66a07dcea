package local

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const unpackedLimit = 512 << 20 // bytes

// unpack makes sure that the embedded binaries are on disk and returns their
// directory, or "" when this build has none. They go to the cache directory, or
// beside the data where the account cannot reach the cache.
func (s *Server) unpack() (string, error) {
	if len(embedded) == 0 {
		return "", nil
	}
	name := "postgres-" + strings.TrimSpace(embeddedHash)[:16]
	parent := s.cfg.CacheDir
	if blocked(filepath.Join(parent, name), s.account) != nil {
		parent = s.home
	}
	return unpackTo(parent, name, embedded)
}

// unpackTo unpacks a tar.zst into parent/name unless that is there already. It
// is complete or absent: the tree is made beside its place and then renamed, so
// several processes may do it at once.
func unpackTo(parent, name string, archive []byte) (string, error) {
	target := filepath.Join(parent, name)
	if _, err := os.Lstat(target); err == nil {
		return target, mustBeOwn(target, uint32(os.Geteuid()))
	}
	if err := makeEnterable(parent); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(parent, name+".*")
	if err != nil {
		return "", fmt.Errorf("unpack postgres: %w", err)
	}
	defer os.RemoveAll(temp) //nolint:errcheck // after success there is nothing left
	if err := extract(temp, archive); err != nil {
		return "", fmt.Errorf("unpack postgres: %w", err)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", fmt.Errorf("unpack postgres: %w", err)
	}
	if err := os.Rename(temp, target); err != nil {
		if _, statErr := os.Lstat(target); statErr != nil {
			return "", fmt.Errorf("unpack postgres: %w", err)
		}
		// Another process was faster.
	}
	return target, mustBeOwn(target, uint32(os.Geteuid()))
}

// extract writes the files of the archive below dir, and nowhere else.
func extract(dir string, archive []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a directory handle
	unzip, err := zstd.NewReader(bytes.NewReader(archive),
		zstd.WithDecoderLowmem(true))
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
		if err := extractOne(root, h, in); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func extractOne(root *os.Root, h *tar.Header, in io.Reader) error {
	mode := os.FileMode(0o644)
	if h.Mode&0o111 != 0 {
		mode = 0o755
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(h.Name, 0o755); err != nil {
			return err
		}
		return root.Chmod(h.Name, 0o755)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, h.Name)
	case tar.TypeReg:
		f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, in)
		return errors.Join(err, f.Chmod(mode), f.Close())
	}
	return fmt.Errorf("unexpected type %c", h.Typeflag)
}
