// Package bundle owns the form of a directory with all that a set of templates
// needs where there is no network, and checks one against its manifest. It never
// runs terraform and never fetches anything.
//
//	manifest.json       what is here, with the SHA-256 of each file
//	providers/          a Terraform filesystem mirror
//	modules/NAME/       a module from elsewhere, as terraform init unpacked it
//	templates/NAME/     a template, with its lock file
package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Names within a bundle.
const (
	ManifestName = "manifest.json"
	Providers    = "providers"
	Modules      = "modules"
	Templates    = "templates"
)

// CoderProvider is the version of coder/coder inside this release. It travels in
// the binary and never in a bundle.
const CoderProvider = "2.19.0"

// format is the version of the manifest.
const format = 1

// Limits of a bundle.
const (
	maxManifest = 64 << 20
	maxFiles    = 500_000
)

// Manifest says what a bundle holds.
type Manifest struct {
	Format    int        `json:"format"`
	Terraform string     `json:"terraform"` // version that made it
	Platforms []string   `json:"platforms"`
	Templates []string   `json:"templates"`
	Providers []Provider `json:"providers"`
	Modules   []Module   `json:"modules"`
	// Files holds the SHA-256 in hex of each file by its slash-separated name.
	Files map[string]string `json:"files"`
}

// Provider is one in the mirror.
type Provider struct {
	Address string `json:"address"`
	Version string `json:"version"`
}

// Module is one that a template calls from elsewhere. Source and Version are as
// terraform init notes them; Dir is a directory below modules, and Path the place
// of the module in it, "." for itself.
type Module struct {
	Key     string `json:"key"` // of the call, such as "a.b"
	Source  string `json:"source"`
	Version string `json:"version,omitempty"`
	Dir     string `json:"dir"`
	Path    string `json:"path"`
}

// Load reads the manifest of dir; nil without an error says that dir is no bundle.
func Load(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // not a bundle is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("read bundle manifest: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxManifest {
		return nil, fmt.Errorf("bundle manifest %s is not a file of at most %d bytes", path, maxManifest)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read bundle manifest: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read bundle manifest %s: %w", path, err)
	}
	if m.Format != format {
		return nil, fmt.Errorf("bundle manifest %s has format %d; this release reads format %d", path, m.Format, format)
	}
	for _, mod := range m.Modules {
		if !fs.ValidPath(mod.Dir) || mod.Dir == "." || !fs.ValidPath(mod.Path) {
			return nil, fmt.Errorf("bundle manifest %s names the module directory %q, which is outside of the bundle", path, mod.Dir)
		}
	}
	return m, nil
}

// Write computes the hashes of what is in dir and writes the manifest.
func (m *Manifest) Write(dir string) error {
	m.Format = format
	names, err := list(dir)
	if err != nil {
		return err
	}
	m.Files = make(map[string]string, len(names))
	for _, name := range names {
		if m.Files[name], err = HashFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("hash %s: %w", name, err)
		}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode bundle manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ManifestName), append(b, '\n'), 0o644); err != nil { //nolint:gosec // for all to read
		return fmt.Errorf("write bundle manifest: %w", err)
	}
	return nil
}

// Verify checks the files of dir below a prefix, "" for all, against the
// manifest: none changed, missing or added. The error names the first file that
// is not as it should be.
func (m *Manifest) Verify(dir, prefix string) error {
	below := func(name string) bool {
		return prefix == "" || name == prefix || strings.HasPrefix(name, prefix+"/")
	}
	root := dir
	if prefix != "" {
		root = filepath.Join(dir, filepath.FromSlash(prefix))
	}
	names, err := list(root)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, name := range names {
		if prefix != "" {
			name = prefix + "/" + name
		}
		seen[name] = true
		want, ok := m.Files[name]
		if !ok {
			return fmt.Errorf("%s is not in the manifest of the bundle", name)
		}
		got, err := HashFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("hash %s: %w", name, err)
		}
		if got != want {
			return fmt.Errorf("%s is not what the manifest of the bundle says: its SHA-256 is %s, expected %s", name, got, want)
		}
	}
	missing := []string{}
	for name := range m.Files {
		if below(name) && !seen[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("%s is missing from the bundle", missing[0])
	}
	return nil
}

// list returns the files below dir, without the manifest, by slash-separated
// name. Links lead out of what is verified and are refused.
func list(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s in the bundle is not a regular file", rel)
		}
		if rel != ManifestName {
			names = append(names, rel)
		}
		if len(names) > maxFiles {
			return fmt.Errorf("the bundle has more than %d files", maxFiles)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	return names, nil
}

// HashFile returns the hex SHA-256 of a file.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
