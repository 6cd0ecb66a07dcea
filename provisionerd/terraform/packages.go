package terraform

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coder.internal/internal/runas"
)

// Limits of one provider package.
const (
	maxPackageBytes = 2 << 30
	maxPackageFiles = 10_000
)

// freshFor is how long a package that came from a registry answers for it. After
// that the registry is asked first, so that templates which name no version get
// new ones; the package is then used when the registry does not answer.
const freshFor = 24 * time.Hour

// keepPackages is how long a package stays that no initialised template uses.
const keepPackages = 90 * 24 * time.Hour

// packages holds provider packages under the hash of their content. One appears
// whole, by a rename, and is never changed; several processes may share them.
//
//	HASH/       the package, its files read-only
//	HASH.json   what was verified: the hash, and size and times of each file
//	mirror/     a filesystem mirror of links to the packages
//	*.lock      see wait
//
// The hash is Terraform's own ("h1:") and was in the lock file of the init that
// brought the package. Builds do not compute it again; they compare size and
// times of the files, and the hash where those differ.
type packages struct {
	dir string
	now func() time.Time
}

// record is what HASH.json says.
type packageRecord struct {
	Hash    string       `json:"hash"`
	Address string       `json:"address"` // host/namespace/type
	Version string       `json:"version"`
	Fetched time.Time    `json:"fetched"` // last time a registry or the operator's mirror named it
	Files   []fileRecord `json:"files"`
}

// fileRecord is a file as it was when its content was verified.
type fileRecord struct {
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	Mode    uint32 `json:"mode"`
	ModTime int64  `json:"mtime"` // Unix nanoseconds
	Changed int64  `json:"ctime"` // Unix nanoseconds; 0 where there is none
}

func (p *packages) mirror() string             { return filepath.Join(p.dir, "mirror") }
func (p *packages) record(name string) string  { return filepath.Join(p.dir, name+".json") }
func (p *packages) content(name string) string { return filepath.Join(p.dir, name) }

// packageName is the file name of a hash.
func packageName(hash string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hash, "h1:"))
	if err != nil || len(b) != 32 || !strings.HasPrefix(hash, "h1:") {
		return "", fmt.Errorf("package hash %q is not known", hash)
	}
	return hex.EncodeToString(b), nil
}

// add keeps a copy of the package in dir, which belongs to from and must have one
// of the hashes, and returns where it is kept. What is there already is not copied again.
func (p *packages) add(from *runas.User, dir, address, version, platform string, hashes []string) (string, error) {
	for _, hash := range hashes {
		if name, err := packageName(hash); err == nil && p.intact(name) {
			return p.content(name), p.list(name, hash, address, version, platform)
		}
	}
	tmp, err := os.MkdirTemp(p.dir, ".new-")
	if err != nil {
		return "", fmt.Errorf("keep provider package: %w", err)
	}
	defer func() { _ = removeAll(tmp) }()
	if err := copyPackage(from, dir, tmp); err != nil {
		return "", fmt.Errorf("keep provider package %s %s: %w", address, version, err)
	}
	hash, err := hashPackage(tmp)
	if err != nil {
		return "", fmt.Errorf("keep provider package %s %s: %w", address, version, err)
	}
	if !slices.Contains(hashes, hash) {
		return "", fmt.Errorf("provider package %s %s has the hash %s, which is not the one that was verified", address, version, hash)
	}
	name, err := packageName(hash)
	if err != nil {
		return "", err
	}
	if err := errors.Join(freeze(tmp), openTree(tmp)); err != nil {
		return "", fmt.Errorf("keep provider package: %w", err)
	}
	dst := p.content(name)
	if have, err := hashPackage(dst); err == nil && have != hash || err != nil && !errors.Is(err, fs.ErrNotExist) {
		if err := p.drop(name); err != nil { // damaged; the copy is whole
			return "", err
		}
	}
	if err := os.Rename(tmp, dst); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("keep provider package: %w", err)
	}
	return dst, p.list(name, hash, address, version, platform)
}

// hold reports whether the packages that an initialised directory links to are
// intact, and notes that they are wanted.
func (p *packages) hold(dir string) bool {
	for _, target := range linkedPackages(dir) {
		if filepath.Dir(target) != p.dir {
			continue // our own provider
		}
		if !p.intact(filepath.Base(target)) {
			return false
		}
		p.use(target)
	}
	return true
}

// use notes that a package is still wanted.
func (p *packages) use(dir string) {
	now := p.now()
	_ = os.Chtimes(p.record(filepath.Base(dir)), now, now) // for prune; the order of use is only a hint
}

// list writes the record of a package that is in place and links it into the mirror.
func (p *packages) list(name, hash, address, version, platform string) error {
	files, err := fileRecords(p.content(name))
	if err != nil {
		return fmt.Errorf("keep provider package: %w", err)
	}
	b, err := json.Marshal(packageRecord{Hash: hash, Address: address, Version: version, Fetched: p.now(), Files: files})
	if err != nil {
		return fmt.Errorf("keep provider package: %w", err)
	}
	if err := replaceFile(p.record(name), string(b)); err != nil {
		return fmt.Errorf("keep provider package: %w", err)
	}
	link := filepath.Join(p.mirror(), filepath.FromSlash(address), version, platform)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fmt.Errorf("keep provider package: %w", err)
	}
	for dir := filepath.Dir(link); dir != p.dir; dir = filepath.Dir(dir) {
		if err := addMode(dir, 0o055); err != nil { // whatever the umask
			return fmt.Errorf("keep provider package: %w", err)
		}
	}
	if err := replaceLink(p.content(name), link); err != nil {
		return fmt.Errorf("keep provider package: %w", err)
	}
	return nil
}

// intact reports whether a package is what was verified. Its content is read
// only when a file does not look as it did then.
func (p *packages) intact(name string) bool {
	rec, err := p.read(name)
	if err != nil {
		return false
	}
	files, err := fileRecords(p.content(name))
	if err != nil {
		return false
	}
	if slices.Equal(files, rec.Files) {
		return true
	}
	hash, err := hashPackage(p.content(name))
	if err != nil || hash != rec.Hash {
		return false
	}
	rec.Files = files
	if b, err := json.Marshal(rec); err == nil {
		_ = replaceFile(p.record(name), string(b)) // else it is read again next time
	}
	return true
}

func (p *packages) read(name string) (packageRecord, error) {
	var rec packageRecord
	b, err := os.ReadFile(p.record(name))
	if err != nil {
		return rec, err
	}
	if err := json.Unmarshal(b, &rec); err != nil {
		return rec, err
	}
	if own, err := packageName(rec.Hash); err != nil || own != name {
		return rec, fmt.Errorf("record of package %s is of another one", name)
	}
	return rec, nil
}

// known lists the addresses in the mirror whose packages are intact; true means
// fresh. A damaged package is taken out.
func (p *packages) known(platform string) (map[string]bool, error) {
	links, err := filepath.Glob(filepath.Join(escapeGlob(p.mirror()), "*", "*", "*", "*", platform))
	if err != nil {
		return nil, fmt.Errorf("list provider packages: %w", err)
	}
	out := map[string]bool{}
	for _, link := range links {
		target, err := os.Readlink(link)
		name := filepath.Base(target)
		if err != nil || target != p.content(name) || !p.intact(name) {
			_ = os.Remove(link)
			if err == nil && target == p.content(name) {
				_ = p.drop(name)
			}
			continue
		}
		rec, err := p.read(name)
		if err != nil {
			continue
		}
		out[rec.Address] = out[rec.Address] || p.now().Sub(rec.Fetched) < freshFor
	}
	return out, nil
}

// drop removes a package.
func (p *packages) drop(name string) error {
	if err := os.Remove(p.record(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove provider package: %w", err)
	}
	return removeAll(p.content(name))
}

// prune removes packages that are in nobody's use: not linked from used, and not
// asked for since keepPackages.
func (p *packages) prune(used map[string]bool) error {
	records, err := filepath.Glob(filepath.Join(escapeGlob(p.dir), "*.json"))
	if err != nil {
		return fmt.Errorf("prune provider packages: %w", err)
	}
	for _, path := range records {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		info, err := os.Stat(path)
		if err != nil || used[p.content(name)] || p.now().Sub(info.ModTime()) < keepPackages {
			continue
		}
		if err := p.drop(name); err != nil {
			return err
		}
	}
	return p.sweep()
}

// sweep removes what crashes left behind.
func (p *packages) sweep() error {
	left, err := filepath.Glob(filepath.Join(escapeGlob(p.dir), ".new-*"))
	for _, path := range left {
		if info, statErr := os.Stat(path); statErr == nil && p.now().Sub(info.ModTime()) > time.Hour {
			err = errors.Join(err, removeAll(path))
		}
	}
	if err != nil {
		return fmt.Errorf("prune provider packages: %w", err)
	}
	return nil
}
