package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"coder.internal/provisionerd/coderprovider"
)

// ownPackage is the place of our provider in a mirror and in .terraform/providers.
func ownPackage() string {
	return filepath.Join(filepath.FromSlash(coderprovider.Address), coderprovider.Version, runtime.GOOS+"_"+runtime.GOARCH)
}

// providerDir is the directory in which our provider is a link to this program.
func providerDir(cache string) string {
	return filepath.Join(cache, "provider", coderprovider.Version, runtime.GOOS+"_"+runtime.GOARCH)
}

// writeMirror lays out the mirror with our own provider and writes Terraform's
// CLI configuration; it returns the latter's path. Init computes a checksum of
// what is in the mirror. For a program of this size that takes longer than all
// else it does, so the mirror has a short script in its place; see useProgram.
func writeMirror(opts Options) (string, error) {
	mirror := filepath.Join(opts.CacheDir, "mirror")
	const name = "terraform-provider-coder_v" + coderprovider.Version
	dir, real := filepath.Join(mirror, ownPackage()), providerDir(opts.CacheDir)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.MkdirAll(real, 0o755)); err != nil {
		return "", fmt.Errorf("make provider mirror: %w", err)
	}
	if err := replaceLink(opts.ProviderBinary, filepath.Join(real, name)); err != nil {
		return "", fmt.Errorf("make provider mirror: %w", err)
	}
	script := "#!/bin/sh\nexec '" + strings.ReplaceAll(opts.ProviderBinary, "'", `'\''`) + "' \"$@\"\n"
	if err := replaceFile(filepath.Join(dir, name), script); err != nil {
		return "", fmt.Errorf("make provider mirror: %w", err)
	}
	path := filepath.Join(opts.WorkDir, "cli.tfrc")
	return path, writeCLIConfig(opts, path, "", nil)
}

// writeCLIConfig writes Terraform's configuration for what the operator's mirror
// holds now, and for the providers that may come from our kept packages.
func writeCLIConfig(opts Options, path, packages string, kept []string) error {
	places := []place{{filepath.Join(opts.CacheDir, "mirror"), []string{coderprovider.Address}}}
	dir, _, err := layout(opts.MirrorDir)
	if err != nil {
		return err
	}
	if dir != "" {
		mirrored, err := mirroredProviders(dir)
		if err != nil {
			return err
		}
		places = append(places, place{dir, mirrored})
		kept = slices.DeleteFunc(slices.Clone(kept), func(addr string) bool { return slices.Contains(mirrored, addr) })
	}
	text := cliConfig(append(places, place{packages, kept}))
	// It holds no secrets, and the job's user must read it.
	if err := replaceWith(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write terraform's configuration: %w", err)
	}
	return nil
}

// maxMirrored bounds how many providers a mirror may hold.
const maxMirrored = 10_000

// mirroredProviders lists the providers in a filesystem mirror, as host/namespace/type.
func mirroredProviders(dir string) ([]string, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the provider mirror %s cannot be read; give a directory in Terraform's filesystem-mirror layout (%w)", dir, err)
	}
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*", "*", "*"))
	if err != nil || len(paths) > maxMirrored {
		return nil, fmt.Errorf("the provider mirror %s holds more than %d providers (%w)", dir, maxMirrored, err)
	}
	var out []string
	for _, path := range paths {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return nil, fmt.Errorf("read the provider mirror: %w", err)
		}
		if addr := filepath.ToSlash(rel); addr != coderprovider.Address {
			out = append(out, addr)
		}
	}
	return out, nil
}

// escapeGlob makes a path a pattern that matches it alone.
func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// useProgram makes an initialised directory start our provider without the
// script that stands for it in the mirror.
func (p *Provisioner) useProgram() error {
	path := filepath.Join(p.build, ".terraform", "providers", ownPackage())
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil // a template without coder/coder
	}
	if err := p.as(func() error { return errors.Join(removeAll(path), os.Symlink(providerDir(p.opts.CacheDir), path)) }); err != nil {
		return fmt.Errorf("link our provider: %w", err)
	}
	return nil
}

// replaceFile writes an executable file, at once for whoever reads it meanwhile.
func replaceFile(path, text string) error {
	if now, err := os.ReadFile(path); err == nil && string(now) == text {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			return nil
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o755), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// replaceLink points link to target, at once for whoever reads it meanwhile.
func replaceLink(target, link string) error {
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	tmp := link + "." + strconv.Itoa(os.Getpid())
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, link)
}

// place is a filesystem mirror and the providers that come from it.
type place struct {
	dir     string
	include []string
}

// cliConfig says where providers come from: each from its place, the rest from
// their registry. Each has one place only: Terraform asks all that it may and
// fails if one does not answer, so a mirror would be of no use without a network.
func cliConfig(places []place) string {
	text := "disable_checkpoint = true\nprovider_installation {\n"
	var exclude []string
	for _, p := range places {
		if len(p.include) == 0 {
			continue
		}
		var list []string
		for _, addr := range p.include {
			list = append(list, strconv.Quote(addr))
		}
		exclude = append(exclude, list...)
		text += "  filesystem_mirror {\n    path    = " + strconv.Quote(p.dir) + "\n    include = [" + strings.Join(list, ", ") + "]\n  }\n"
	}
	return text + "  direct {\n    exclude = [" + strings.Join(exclude, ", ") + "]\n  }\n}\n"
}

// maxTemp is the longest TMPDIR in which a plugin's unix socket still fits.
const maxTemp = 80

// privateTemp returns a TMPDIR that only the job's user can enter. Below a long
// work directory it lies in the system's one, under a name made from the work
// directory.
func (p *Provisioner) privateTemp() (string, error) {
	dir := filepath.Join(p.opts.WorkDir, "tmp")
	var err error
	if len(dir) <= maxTemp {
		if err = os.Mkdir(dir, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			err = p.handOver(dir)
		}
	} else if p.opts.User != nil {
		// In the system's one the user could put something else in its place.
		return "", fmt.Errorf("the path %s is too long for the sockets of providers; choose a shorter cache directory (--cache-dir), such as /var/cache/coder", dir)
	} else {
		sum := sha256.Sum256([]byte(p.opts.WorkDir))
		dir = filepath.Join(os.TempDir(), "coder-"+strconv.Itoa(os.Getuid())+"-"+hex.EncodeToString(sum[:8]))
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make temporary directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("make temporary directory: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !p.opts.User.Owns(info) {
		return "", fmt.Errorf("temporary directory %s belongs to somebody else; remove it", dir)
	}
	return dir, nil
}
