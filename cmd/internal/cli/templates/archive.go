package templates

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// Limits of uploads and downloads.
const (
	maxArchive  = 10 << 20  // bytes of an upload
	maxUnpacked = 100 << 20 // bytes of a download once it is unpacked
	maxEntries  = 10_000
)

func errTooLarge(what string) error {
	return &api.Error{Code: api.CodeTooLarge, Message: what +
		" is larger than 10 MiB. Keep big files out of the template's directory; download them at build time instead."}
}

// skip reports what never belongs into an upload: work files of Terraform and
// git, and state, which holds secrets.
func skip(name string) bool {
	base := path.Base(name)
	return base == ".terraform" || base == ".git" || strings.HasSuffix(base, ".tfstate") || strings.Contains(base, ".tfstate.")
}

// Tar packs a directory in a fixed order and without times and owners, so that
// the same content is the same archive.
func Tar(dir string) ([]byte, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("read template directory: %w", err)
	}
	if !st.IsDir() {
		return nil, cli.Usage("directory", cli.Inert(dir)+" is not a directory.")
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	hasModule, entries := false, 0
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if skip(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entries++; entries > maxEntries {
			return cli.Usage("directory", fmt.Sprintf("There are more than %d files; this does not look like a template.", maxEntries))
		}
		hasModule = hasModule || !strings.Contains(name, "/") && (strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json"))
		if err := add(w, dir, name, d); err != nil {
			return err
		}
		if buf.Len() > maxArchive {
			return errTooLarge(cli.Inert(dir))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !hasModule {
		return nil, cli.Usage("directory", "There is no .tf file in "+cli.Inert(dir)+". Start with: coder templates init")
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack template: %w", err)
	}
	if buf.Len() > maxArchive {
		return nil, errTooLarge(cli.Inert(dir))
	}
	return buf.Bytes(), nil
}

func add(w *tar.Writer, dir, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return fmt.Errorf("pack template: %w", err)
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		h.Name, h.Typeflag = name+"/", tar.TypeDir
		return w.WriteHeader(h)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("pack template: %w", err)
		}
		target = filepath.ToSlash(target)
		if path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(name), target)) {
			return cli.Usage("directory", cli.Inert(name)+" is a link that leads out of the directory; copy the file instead.")
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return w.WriteHeader(h)
	case !info.Mode().IsRegular():
		return cli.Usage("directory", cli.Inert(name)+" is neither a file nor a directory nor a link.")
	case info.Size() > maxArchive:
		return errTooLarge(cli.Inert(name))
	}
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return fmt.Errorf("pack template: %w", err)
	}
	h.Size = int64(len(b))
	if err := w.WriteHeader(h); err != nil {
		return fmt.Errorf("pack template: %w", err)
	}
	_, err = w.Write(b)
	return err
}

// Unpack writes an archive below dir, which must exist. Nothing can be written
// outside of it, whatever the archive says, and links are not made.
func Unpack(archive []byte, contentType, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open destination: %w", err)
	}
	defer root.Close()
	u := unpacker{root: root, left: maxUnpacked}
	if strings.HasPrefix(contentType, api.ContentTypeZip) {
		return u.zip(archive)
	}
	return u.tar(archive)
}

type unpacker struct {
	root    *os.Root
	left    int64
	entries int
}

func (u *unpacker) tar(archive []byte) error {
	r := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = u.dir(h.Name)
		case tar.TypeReg:
			err = u.file(h.Name, fs.FileMode(h.Mode), r)
		}
		if err != nil {
			return err
		}
	}
}

func (u *unpacker) zip(archive []byte) error {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			err = u.dir(f.Name)
		} else if f.Mode().IsRegular() {
			var rc io.ReadCloser
			if rc, err = f.Open(); err == nil {
				err = errors.Join(u.file(f.Name, f.Mode(), rc), rc.Close())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) name(raw string) (string, error) {
	if u.entries++; u.entries > maxEntries {
		return "", fmt.Errorf("the archive has more than %d entries", maxEntries)
	}
	name := strings.TrimPrefix(path.Clean(raw), "/")
	if !fs.ValidPath(name) {
		return "", fmt.Errorf("the archive names %q, which is outside of its directory", cli.Inert(raw))
	}
	return filepath.FromSlash(name), nil
}

func (u *unpacker) dir(raw string) error {
	name, err := u.name(raw)
	if err != nil || name == "." {
		return err
	}
	return u.root.MkdirAll(name, 0o755)
}

func (u *unpacker) file(raw string, mode fs.FileMode, r io.Reader) error {
	name, err := u.name(raw)
	if err != nil {
		return err
	}
	if err := u.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode.Perm()|0o600)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	n, err := io.Copy(f, io.LimitReader(r, u.left+1))
	if u.left -= n; u.left < 0 {
		err = errors.New("the archive unpacks to more than 100 MiB")
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	return nil
}

// ToZip turns a tar archive into a zip archive of the same files. Links are left
// out: what reads zip archives seldom knows them.
func ToZip(archive []byte) ([]byte, error) {
	r := tar.NewReader(bytes.NewReader(archive))
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	left := int64(maxUnpacked)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		zh := &zip.FileHeader{Name: h.Name, Method: zip.Deflate}
		zh.SetMode(fs.FileMode(h.Mode).Perm())
		f, err := w.CreateHeader(zh)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", cli.Inert(h.Name), err)
		}
		n, err := io.Copy(f, io.LimitReader(r, left+1))
		if left -= n; left < 0 {
			err = errors.New("the archive unpacks to more than 100 MiB")
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", cli.Inert(h.Name), err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack archive: %w", err)
	}
	return out.Bytes(), nil
}
