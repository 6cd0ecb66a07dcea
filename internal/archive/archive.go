// Package archive unpacks archives that came from outside, and packs directories.
//
// It owns the rules that make an archive acceptable: every name stays below the
// root and has one spelling, entries are files, directories and symbolic links
// that stay inside, and size, count and depth are counted on what comes out, not
// on what a header claims. It never reads a clock or a network, and never writes
// outside the directory it was given.
//
// Check and Unpack apply the same rules. Check writes nothing. What Pack makes is
// acceptable.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Content types that Unpack and Check take.
const (
	Tar = "application/x-tar"
	Zip = "application/zip"
	// TarGzip is a tar in gzip; templates are never that.
	TarGzip = "application/gzip"
)

// Limits of one archive. Bytes counts expanded content in bytes; Files counts
// entries of every kind.
type Limits struct {
	Bytes int64
	Files int
}

// Longest name and deepest nesting that are taken, and the longest link target.
const (
	maxName  = 1024
	maxDepth = 32
)

// Error says which entry of an archive is refused and why. Entry is empty when
// the archive as a whole is at fault.
type Error struct {
	Entry  string
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Entry == "" {
		return "archive " + e.Reason
	}
	return fmt.Sprintf("archive entry %q %s", clip(e.Entry), e.Reason)
}

// ErrTooLarge is wrapped by the errors about Limits.
var ErrTooLarge = errors.New("archive is too large")

// Unpack writes the archive r of the given content type below dir, which must
// exist. Files get mode 0600, or 0700 if executable; directories 0700. On error
// dir may hold a part of the archive; it is the caller's to remove. Errors about
// the content are *Error or wrap ErrTooLarge.
func Unpack(r io.Reader, contentType, dir string, lim Limits) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = root.Close() }()
	return walk(r, contentType, lim, disk{root})
}

// Check reads the whole archive and reports what Unpack would refuse.
func Check(r io.Reader, contentType string, lim Limits) error {
	return walk(r, contentType, lim, nowhere{})
}

// Read returns the regular files of an archive that want names, and no more than
// maxFile+1 bytes of each, so that one that is too long shows. It refuses what
// Unpack refuses.
func Read(r io.Reader, contentType string, lim Limits, maxFile int64, want func(name string) bool) (map[string][]byte, error) {
	m := memory{files: map[string][]byte{}, max: maxFile, want: want}
	return m.files, walk(r, contentType, lim, m)
}

// memory keeps the wanted files and reads past the others.
type memory struct {
	files map[string][]byte
	max   int64
	want  func(string) bool
}

func (memory) dir(string) error          { return nil }
func (memory) link(string, string) error { return nil }

func (m memory) file(name string, _ fs.FileMode, r io.Reader) error {
	if m.want(name) {
		b, err := io.ReadAll(io.LimitReader(r, m.max+1))
		if err != nil {
			return wrap(name, err)
		}
		m.files[name] = b
	}
	_, err := io.Copy(io.Discard, r)
	return wrap(name, err)
}

func walk(r io.Reader, contentType string, lim Limits, to target) error {
	s := &sink{to: to, left: lim.Bytes, files: lim.Files, kinds: map[string]byte{}}
	switch contentType {
	case Tar:
		return readTar(r, s)
	case TarGzip:
		return readTarGzip(r, lim, s)
	case Zip:
		// A zip is read from its end, so it is held in memory; compressed data is
		// never allowed to be larger than what it may expand to.
		b, err := io.ReadAll(io.LimitReader(r, lim.Bytes+1))
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if int64(len(b)) > lim.Bytes {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, lim.Bytes)
		}
		return readZip(bytes.NewReader(b), int64(len(b)), s)
	}
	return &Error{Reason: fmt.Sprintf("has content type %q; use %s or %s", clip(contentType), Tar, Zip)}
}

// target is where entries go: a directory, or nowhere.
type target interface {
	dir(name string) error
	file(name string, mode fs.FileMode, r io.Reader) error
	link(name, to string) error
}

// sink applies the rules to one entry after the other.
type sink struct {
	to    target
	left  int64
	files int
	kinds map[string]byte // what each name is: 'd', 'f' or 'l'
}

// enter checks a name and its parents, and returns its canonical form. An empty
// result means the root itself.
func (s *sink) enter(raw string, kind byte) (string, error) {
	if s.files--; s.files < 0 {
		return "", fmt.Errorf("%w: too many files", ErrTooLarge)
	}
	name, err := canonical(raw)
	if err != nil || name == "." {
		return "", err
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		switch s.kinds[dir] {
		case 'f', 'l':
			return "", &Error{raw, "lies below a name that is not a directory"}
		}
		s.kinds[dir] = 'd'
	}
	if old := s.kinds[name]; old != 0 && (old != 'd' || kind != 'd') {
		return "", &Error{raw, "appears twice"}
	}
	s.kinds[name] = kind
	return name, nil
}

func (s *sink) directory(raw string) error {
	name, err := s.enter(raw, 'd')
	if err != nil || name == "" {
		return err
	}
	return s.to.dir(name)
}

func (s *sink) regular(raw string, mode fs.FileMode, r io.Reader) error {
	name, err := s.enter(raw, 'f')
	if err != nil {
		return err
	}
	if name == "" {
		return &Error{raw, "is a file with the name of the root"}
	}
	perm := fs.FileMode(0o600)
	if mode&0o111 != 0 {
		perm = 0o700
	}
	counted := &counter{r: r, left: s.left}
	err = s.to.file(name, perm, counted)
	s.left = counted.left
	return err
}

func (s *sink) symlink(raw, to string) error {
	name, err := s.enter(raw, 'l')
	if err != nil {
		return err
	}
	if name == "" || to == "" || len(to) > maxName || path.IsAbs(to) || strings.ContainsAny(to, "\\\x00") {
		return &Error{raw, "is a link that is not relative"}
	}
	// Only leading ".." can be judged by spelling: further on, a step up could
	// start at the end of another link.
	rest := to
	for rest == ".." || strings.HasPrefix(rest, "../") {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, ".."), "/")
	}
	end := path.Join(path.Dir(name), to)
	if end == ".." || strings.HasPrefix(end, "../") || strings.Contains("/"+rest+"/", "/../") {
		return &Error{raw, "is a link out of the archive"}
	}
	return s.to.link(name, to)
}

// canonical returns the one spelling of an entry's name.
func canonical(raw string) (string, error) {
	if raw == "" || len(raw) > maxName || strings.ContainsAny(raw, "\\\x00") || path.IsAbs(raw) {
		return "", &Error{raw, "has a name that is empty, absolute, too long or not portable"}
	}
	parts := strings.Split(strings.TrimSuffix(raw, "/"), "/")
	for _, p := range parts {
		if p == ".." {
			return "", &Error{raw, "points outside of the archive"}
		}
	}
	name := path.Clean(raw)
	if strings.Count(name, "/") >= maxDepth {
		return "", &Error{raw, fmt.Sprintf("is nested deeper than %d directories", maxDepth)}
	}
	return name, nil
}

// counter fails once more than left bytes were read.
type counter struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, fmt.Errorf("%w: it expands past the limit", ErrTooLarge)
	}
	return n, err
}

// nowhere discards entries after reading them.
type nowhere struct{}

func (nowhere) dir(string) error { return nil }
func (nowhere) file(_ string, _ fs.FileMode, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
func (nowhere) link(string, string) error { return nil }

// disk writes entries below a root that no name and no link can leave.
type disk struct{ root *os.Root }

func (d disk) dir(name string) error {
	return wrap(name, d.root.MkdirAll(name, 0o700))
}

func (d disk) file(name string, mode fs.FileMode, r io.Reader) error {
	if err := d.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return wrap(name, err)
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return wrap(name, err)
	}
	_, err = io.Copy(f, r)
	return wrap(name, errors.Join(err, f.Close()))
}

func (d disk) link(name, to string) error {
	if err := d.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return wrap(name, err)
	}
	return wrap(name, d.root.Symlink(to, name))
}

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("unpack %q: %w", clip(name), err)
}

// clip keeps foreign text short in messages.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "…"
	}
	return s
}
