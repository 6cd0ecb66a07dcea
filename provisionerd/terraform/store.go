package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"coder.internal/api/jobrpc"
	"coder.internal/internal/runas"
	"coder.internal/provisionerd/coderprovider"
)

// store holds initialised templates. An entry appears whole, by a rename, and is
// never changed; several daemons and processes may share one store. A file beside
// each entry is locked, shared, by who uses it, and exclusively by who removes it.
type store struct {
	dir      string
	salt     string // what else an entry depends on
	max      int
	maxBytes int64
	now      func() time.Time
}

func newStore(opts Options) *store {
	s := &store{dir: filepath.Join(opts.CacheDir, "templates"), max: opts.MaxTemplates, maxBytes: opts.MaxTemplateBytes,
		now:  func() time.Time { return opts.Clock.Now() },
		salt: strings.Join([]string{"2", coderprovider.Version, opts.Binary.Version, runtime.GOOS, runtime.GOARCH}, "\n")}
	if s.max <= 0 {
		s.max = 500
	}
	if s.maxBytes <= 0 {
		s.maxBytes = 5 << 30
	}
	return s
}

// key names the entry of a job's archive, with the modules of its version if the
// import has brought them: the same source may give others at another time.
func (s *store) key(job *jobrpc.Job) string {
	text := job.ArchiveHash + "\n" + job.ArchiveType + "\n" + s.salt
	if job.ModulesHash != "" {
		text += "\n" + job.ModulesHash
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// open returns the path of an entry and a function that gives it back, or an
// empty path when there is none.
func (s *store) open(key string) (string, func(), error) {
	unlock, err := lockFile(filepath.Join(s.dir, key+".lock"), false)
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(s.dir, key)
	if _, err := os.Stat(path); err != nil {
		unlock()
		return "", func() {}, nil
	}
	now := s.now()
	_ = os.Chtimes(path, now, now) // for prune; the order of use is only a hint
	return path, unlock, nil
}

// publish makes an entry out of a copy of an initialised directory, which belongs
// to from. If somebody
// was faster, their entry stays.
func (s *store) publish(key string, from *runas.User, src string) error {
	tmp, err := os.MkdirTemp(s.dir, ".new-")
	if err != nil {
		return fmt.Errorf("store template: %w", err)
	}
	defer func() { _ = removeAll(tmp) }()
	if err := copyTree(from, src, nil, tmp); err != nil {
		return fmt.Errorf("store template: %w", err)
	}
	if err := errors.Join(freeze(tmp), openEntry(tmp)); err != nil {
		return fmt.Errorf("store template: %w", err)
	}
	unlock, err := lockFile(filepath.Join(s.dir, key+".lock"), false)
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Rename(tmp, filepath.Join(s.dir, key)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("store template: %w", err)
	}
	return nil
}

// has reports whether there is an entry.
func (s *store) has(key string) bool {
	_, err := os.Stat(filepath.Join(s.dir, key))
	return err == nil
}

// prune removes the entries that were used longest ago, until the store is
// within its bounds. Entries in use stay, and so does keep.
func (s *store) prune(keep string) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("prune templates: %w", err)
	}
	type item struct {
		name string
		used time.Time
		size int64
	}
	var items []item
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		path := filepath.Join(s.dir, e.Name())
		if strings.HasPrefix(e.Name(), ".new-") {
			if s.now().Sub(info.ModTime()) > time.Hour { // left behind by a crash
				err = removeAll(path)
			}
			if err != nil {
				return err
			}
			continue
		}
		it := item{e.Name(), info.ModTime(), treeSize(path)}
		total += it.size
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b item) int { return a.used.Compare(b.used) })
	left := len(items)
	for _, it := range items {
		if left <= s.max && total <= s.maxBytes {
			return nil
		}
		if it.name == keep {
			continue
		}
		removed, err := s.remove(it.name)
		if err != nil {
			return err
		}
		if removed {
			left, total = left-1, total-it.size
		}
	}
	return nil
}

// linked returns the targets of the links to providers in all entries.
func (s *store) linked() map[string]bool {
	out := map[string]bool{}
	entries, _ := filepath.Glob(filepath.Join(escapeGlob(s.dir), "*"))
	for _, entry := range entries {
		for _, target := range linkedPackages(entry) {
			out[target] = true
		}
	}
	return out
}

// linkedPackages returns the targets of the links to providers in an initialised
// directory.
func linkedPackages(dir string) []string {
	links, _ := filepath.Glob(filepath.Join(escapeGlob(dir), ".terraform", "providers", "*", "*", "*", "*", "*"))
	var out []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			out = append(out, target)
		}
	}
	return out
}

// remove deletes an entry unless it is in use. The lock file stays: removing it
// would let two processes hold different locks for one entry.
func (s *store) remove(name string) (bool, error) {
	unlock, err := lockFile(filepath.Join(s.dir, name+".lock"), true)
	if err != nil {
		return false, nil //nolint:nilerr // in use
	}
	defer unlock()
	return true, removeAll(filepath.Join(s.dir, name))
}

// freeze takes the right to write from the files below dir. Directories stay
// writable, so that a cache can be removed with plain means.
func freeze(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(path, info.Mode().Perm()&^0o222)
	})
}

func treeSize(dir string) int64 {
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// lockedProvider matches an entry of a dependency lock file: address, version
// and checksums.
var lockedProvider = regexp.MustCompile(`(?ms)^provider "([^"\n]+)" \{\n.*?^\}\n?`)

// lockedVersion and lockedHashes match the parts of such an entry.
var (
	lockedVersion = regexp.MustCompile(`(?m)^  version\s*=\s*"([^"\n]+)"`)
	lockedHashes  = regexp.MustCompile(`(?ms)^  hashes = \[.*?^  \]\n`)
	lockedHash    = regexp.MustCompile(`"(h1:[A-Za-z0-9+/=]+)"`)
)

// locked is an entry of a lock file.
type locked struct {
	address, version string
	hashes           []string // of the kind that we can compute
}

// readLock lists the entries of dir's lock file.
func readLock(dir string) ([]locked, error) {
	var out []locked
	err := editLock(dir, func(address, entry string) string {
		l := locked{address: address}
		if v := lockedVersion.FindStringSubmatch(entry); v != nil {
			l.version = v[1]
		}
		for _, h := range lockedHash.FindAllStringSubmatch(entry, -1) {
			l.hashes = append(l.hashes, h[1])
		}
		out = append(out, l)
		return entry
	})
	return out, err
}

// editLock rewrites the entries of dir's lock file.
func editLock(dir string, edit func(address, entry string) string) error {
	path := filepath.Join(dir, ".terraform.lock.hcl")
	b, err := readPlain(path, maxSource)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("edit lock file: %w", err)
	}
	text := lockedProvider.ReplaceAllStringFunc(string(b), func(entry string) string {
		return edit(lockedProvider.FindStringSubmatch(entry)[1], entry)
	})
	if text == string(b) {
		return nil
	}
	if err := writePrivate(path, []byte(text)); err != nil {
		return fmt.Errorf("edit lock file: %w", err)
	}
	return nil
}
