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
	"strconv"

	"coder.internal/provisionerd/coderprovider"
)

// writeMirror lays out the mirror with our own provider and writes Terraform's
// CLI configuration; it returns the latter's path.
func writeMirror(opts Options) (string, error) {
	mirror := filepath.Join(opts.CacheDir, "mirror")
	dir := filepath.Join(mirror, coderprovider.Address, coderprovider.Version, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make provider mirror: %w", err)
	}
	link := filepath.Join(dir, "terraform-provider-coder_v"+coderprovider.Version)
	if err := replaceLink(opts.ProviderBinary, link); err != nil {
		return "", fmt.Errorf("make provider mirror: %w", err)
	}
	path := filepath.Join(opts.WorkDir, "cli.tfrc")
	if err := os.WriteFile(path, []byte(cliConfig(mirror, opts.MirrorDir)), 0o600); err != nil {
		return "", fmt.Errorf("write terraform's configuration: %w", err)
	}
	return path, nil
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

// cliConfig says where providers come from: coder/coder from our mirror and from
// nowhere else, the rest from the operator's mirror if there is one, then from
// their registry.
func cliConfig(mirror, operator string) string {
	own := "[" + strconv.Quote(coderprovider.Address) + "]"
	text := "disable_checkpoint = true\nprovider_installation {\n" +
		"  filesystem_mirror {\n    path    = " + strconv.Quote(mirror) + "\n    include = " + own + "\n  }\n"
	if operator != "" {
		text += "  filesystem_mirror {\n    path    = " + strconv.Quote(operator) + "\n    exclude = " + own + "\n  }\n"
	}
	return text + "  direct {\n    exclude = " + own + "\n  }\n}\n"
}

// maxTemp is the longest TMPDIR in which a plugin's unix socket still fits.
const maxTemp = 80

// privateTemp returns a TMPDIR that only this user can enter. Below a long work
// directory it lies in the system's one, under a name made from the work directory.
func privateTemp(work string) (string, error) {
	dir := filepath.Join(work, "tmp")
	if len(dir) > maxTemp {
		sum := sha256.Sum256([]byte(work))
		dir = filepath.Join(os.TempDir(), "coder-"+strconv.Itoa(os.Getuid())+"-"+hex.EncodeToString(sum[:8]))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make temporary directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("make temporary directory: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ownedByUs(info) {
		return "", fmt.Errorf("temporary directory %s belongs to somebody else; remove it", dir)
	}
	return dir, nil
}
