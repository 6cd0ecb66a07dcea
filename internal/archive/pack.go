package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// headerBytes is room for what a tar says of one entry: a header, an extended one
// for a long name, padding.
const headerBytes = 8 << 10

// readTarGzip reads no more than what the limits allow can need.
func readTarGzip(r io.Reader, lim Limits, s *sink) error {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return &Error{Reason: "is not a readable gzip: " + err.Error()}
	}
	return readTar(io.LimitReader(zr, lim.Bytes+int64(lim.Files+1)*headerBytes), s)
}

// Pack returns what lies below dir as a TarGzip of at most size bytes, with the
// same bytes for the same content. Entries for which skip is true are left out,
// with what lies below them. It fails with what Check would refuse, and with an
// error that wraps ErrTooLarge.
func Pack(dir string, lim Limits, size int, skip func(name string) bool) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = root.Close() }()
	out := &bounded{left: size}
	zw := gzip.NewWriter(out)
	tw := tar.NewWriter(zw)
	p := packer{root: root, tw: tw, s: &sink{to: nowhere{}, left: lim.Bytes, files: lim.Files, kinds: map[string]byte{}}}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if skip != nil && skip(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return p.add(name, d)
	})
	if err := errors.Join(err, tw.Close(), zw.Close()); err != nil {
		return nil, fmt.Errorf("pack %s: %w", path.Base(dir), err)
	}
	return out.Bytes(), nil
}

// packer writes entries that the rules of sink accept.
type packer struct {
	root *os.Root
	tw   *tar.Writer
	s    *sink
}

func (p packer) add(name string, d fs.DirEntry) error {
	h := &tar.Header{Name: name, Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	switch {
	case d.IsDir():
		h.Typeflag, h.Mode = tar.TypeDir, 0o700
		return errors.Join(p.s.directory(name), p.tw.WriteHeader(h))
	case d.Type() == fs.ModeSymlink:
		to, err := p.root.Readlink(name)
		if err == nil {
			err = p.s.symlink(name, to)
		}
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, to
		return p.tw.WriteHeader(h)
	case !d.Type().IsRegular():
		return &Error{name, "is neither a file, a directory nor a symbolic link"}
	}
	return p.regular(name, h)
}

func (p packer) regular(name string, h *tar.Header) error {
	f, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&0o111 != 0 {
		h.Mode = 0o700
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := p.tw.WriteHeader(h); err != nil {
		return err
	}
	// What the sink reads to count it is what is written.
	return p.s.regular(name, info.Mode(), io.TeeReader(f, p.tw))
}

// bounded is a buffer that does not grow beyond a size.
type bounded struct {
	bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("%w: compressed, it has more bytes than are allowed", ErrTooLarge)
	}
	return b.Buffer.Write(p)
}
