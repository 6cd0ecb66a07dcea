package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	hcversion "github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"

	"coder.internal/internal/bundle"
	"coder.internal/provisionerd"
)

// layout returns where the providers of the operator's mirror are, and its
// manifest when the mirror is a bundle.
func layout(dir string) (string, *bundle.Manifest, error) {
	if dir == "" {
		return "", nil, nil
	}
	m, err := bundle.Load(dir)
	if err != nil || m == nil {
		return dir, nil, err
	}
	return filepath.Join(dir, bundle.Providers), m, nil
}

// callName matches the name of a module call.
var callName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// maxCalls bounds how many module calls a template may have below each other.
const maxCalls = 1000

// installed is an entry of .terraform/modules/modules.json.
type installed struct {
	Key     string `json:"Key"`
	Source  string `json:"Source"`
	Version string `json:"Version,omitempty"`
	Dir     string `json:"Dir"`
}

// placeModules puts the modules of a bundle where terraform init looks before it
// fetches. It decides by source and version whether they are what a call asks for.
func (p *Provisioner) placeModules() error {
	_, m, err := layout(p.opts.MirrorDir)
	if err != nil || m == nil || len(m.Modules) == 0 {
		return err
	}
	target := filepath.Join(p.build, ".terraform", "modules")
	if _, err := os.Lstat(filepath.Join(target, "modules.json")); err == nil {
		return nil // from the store
	}
	type call struct{ key, dir string }
	list := []installed{{Dir: "."}}
	for todo := []call{{"", "."}}; len(todo) > 0 && len(list) < maxCalls; todo = todo[1:] {
		module, _ := p.module(filepath.Join(p.build, filepath.FromSlash(todo[0].dir)))
		if module == nil {
			continue
		}
		for name, c := range module.ModuleCalls {
			if !callName.MatchString(name) {
				continue // terraform refuses it; it must not become a path
			}
			key := strings.TrimPrefix(todo[0].key+"."+name, ".")
			if local(c.Source) {
				if dir := path.Join(todo[0].dir, c.Source); filepath.IsLocal(dir) {
					list = append(list, installed{Key: key, Source: c.Source, Dir: dir})
					todo = append(todo, call{key, dir})
				}
				continue
			}
			from := pickModule(m.Modules, key, c)
			if from == nil {
				continue
			}
			dir, err := p.placeModule(m, *from, key)
			if err != nil {
				return err
			}
			list = append(list, installed{Key: key, Source: from.Source, Version: from.Version, Dir: dir})
			todo = append(todo, call{key, dir})
		}
	}
	if _, err := os.Stat(target); err != nil {
		return nil //nolint:nilerr // nothing of the bundle was asked for
	}
	b, err := json.Marshal(map[string]any{"Modules": list})
	if err != nil {
		return fmt.Errorf("list modules: %w", err)
	}
	if err := p.as(func() error { return writePrivate(filepath.Join(target, "modules.json"), b) }); err != nil {
		return fmt.Errorf("list modules: %w", err)
	}
	return nil
}

func local(source string) bool {
	return strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

// placeModule verifies one module of the bundle and copies it to the place of a
// call; it returns the module's directory.
func (p *Provisioner) placeModule(m *bundle.Manifest, from bundle.Module, key string) (string, error) {
	prefix := path.Join(bundle.Modules, from.Dir)
	if err := m.Verify(p.opts.MirrorDir, prefix); err != nil {
		return "", bundleRefused(err)
	}
	dir := path.Join(".terraform/modules", key)
	dst := filepath.Join(p.build, filepath.FromSlash(dir))
	if err := p.as(func() error { return os.MkdirAll(dst, 0o700) }); err != nil {
		return "", fmt.Errorf("place module %s: %w", key, err)
	}
	if err := copyTree(nil, filepath.Join(p.opts.MirrorDir, filepath.FromSlash(prefix)), p.opts.User, dst); err != nil {
		return "", fmt.Errorf("place module %s: %w", key, err)
	}
	return path.Join(dir, from.Path), nil
}

// pickModule finds the module of a bundle that a call asks for: by its source and
// version, the newest of several.
func pickModule(modules []bundle.Module, key string, c *tfconfig.ModuleCall) *bundle.Module {
	var best *bundle.Module
	for i, m := range modules {
		if !sameSource(m.Source, c.Source) && (m.Key != key || m.Source != c.Source) || !satisfies(m.Version, c.Version) {
			continue
		}
		if best == nil || older(best.Version, m.Version) {
			best = &modules[i]
		}
	}
	return best
}

// sameSource reports whether terraform init notes the source that a call declares
// in the given way.
func sameSource(noted, declared string) bool {
	base, sub, hasSub := strings.Cut(declared, "//")
	if strings.HasSuffix(base, ":") { // the // of an address
		rest, inner, found := strings.Cut(sub, "//")
		base, sub, hasSub = base+"//"+rest, inner, found
	}
	repo, query, _ := strings.Cut(base, "?")
	tail := ""
	if hasSub {
		tail = "//" + sub
	}
	if query != "" {
		tail += "?" + query
	}
	return slices.Contains([]string{declared, "registry.terraform.io/" + declared, "git::" + declared,
		"git::https://" + strings.TrimSuffix(repo, ".git") + ".git" + tail}, noted)
}

func satisfies(version, constraint string) bool {
	if constraint == "" {
		return true
	}
	c, err := hcversion.NewConstraint(constraint)
	if err != nil {
		return false
	}
	v, err := hcversion.NewVersion(version)
	return err == nil && c.Check(v)
}

// verifyProviders checks the packages of the given providers in a bundle.
func (p *Provisioner) verifyProviders(addresses []string) error {
	_, m, err := layout(p.opts.MirrorDir)
	if err != nil || m == nil {
		return err
	}
	for _, addr := range addresses {
		prefix := path.Join(bundle.Providers, addr)
		if _, err := os.Stat(filepath.Join(p.opts.MirrorDir, filepath.FromSlash(prefix))); err != nil {
			continue // it comes from elsewhere
		}
		if err := m.Verify(p.opts.MirrorDir, prefix); err != nil {
			return bundleRefused(err)
		}
	}
	return nil
}

// bundleRefused words what is wrong with the operator's bundle.
func bundleRefused(err error) error {
	return &provisionerd.Failure{Message: "The provisioner's bundle is damaged: " + err.Error() + ". Copy it again, or make it anew with coder templates bundle."}
}
