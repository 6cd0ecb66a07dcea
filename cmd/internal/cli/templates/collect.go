package templates

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/bundle"
)

const coderProvider = "registry.terraform.io/coder/coder"

// lockedCoder matches the entry of coder/coder in a lock file: it travels in the
// server, whose package is another than the registry's.
var lockedCoder = regexp.MustCompile(`(?ms)^provider "` + regexp.QuoteMeta(coderProvider) + `" \{.*?^\}\n?`)

// collector fills a bundle with real terraform.
type collector struct {
	env       *cli.Env
	opts      bundleOptions
	work, out string
	config    string // of terraform
	manifest  *bundle.Manifest
}

// begin asks terraform for its version and writes its configuration. Init does
// not run providers, so an empty package stands for coder/coder.
func (c *collector) begin(ctx context.Context) error {
	var version struct {
		Version string `json:"terraform_version"`
	}
	b, err := c.run(ctx, c.work, "version", "-json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return fmt.Errorf("read terraform's version: %w", err)
	}
	c.manifest.Terraform = version.Version
	own := filepath.Join(c.work, "own", filepath.FromSlash(coderProvider), bundle.CoderProvider, runtime.GOOS+"_"+runtime.GOARCH)
	if err := errors.Join(os.MkdirAll(own, 0o755), os.MkdirAll(filepath.Join(c.out, bundle.Providers), 0o755)); err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	if err := os.WriteFile(filepath.Join(own, "terraform-provider-coder_v"+bundle.CoderProvider), nil, 0o755); err != nil { //nolint:gosec // a program
		return fmt.Errorf("make bundle: %w", err)
	}
	text := "disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = " +
		strconv.Quote(filepath.Join(c.work, "own")) + "\n    include = [" + strconv.Quote(coderProvider) + "]\n  }\n"
	exclude := []string{strconv.Quote(coderProvider)}
	if c.opts.mirror != "" {
		names, err := c.mirrored()
		if err != nil {
			return err
		}
		if len(names) > 0 {
			text += "  filesystem_mirror {\n    path    = " + strconv.Quote(c.opts.mirror) + "\n    include = [" + strings.Join(names, ", ") + "]\n  }\n"
		}
		exclude = append(exclude, names...)
	}
	text += "  direct {\n    exclude = [" + strings.Join(exclude, ", ") + "]\n  }\n}\n"
	c.config = filepath.Join(c.work, "cli.tfrc")
	return os.WriteFile(c.config, []byte(text), 0o600)
}

// mirrored lists the providers of the given mirror, quoted.
func (c *collector) mirrored() ([]string, error) {
	var err error
	if c.opts.mirror, err = filepath.Abs(c.opts.mirror); err != nil {
		return nil, fmt.Errorf("resolve mirror: %w", err)
	}
	if m, err := bundle.Load(c.opts.mirror); err != nil {
		return nil, err
	} else if m != nil {
		c.opts.mirror = filepath.Join(c.opts.mirror, bundle.Providers)
	}
	names, err := fs.Glob(os.DirFS(c.opts.mirror), "*/*/*")
	if err != nil || len(names) == 0 {
		return nil, cli.Usage("mirror", cli.Inert(c.opts.mirror)+" holds no providers in Terraform's filesystem-mirror layout.")
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == coderProvider })
	for i := range names {
		names[i] = strconv.Quote(names[i])
	}
	return names, nil
}

// add takes one template in.
func (c *collector) add(ctx context.Context, arg string) error {
	name, archive, kind, err := c.fetch(ctx, arg)
	if err != nil {
		return err
	}
	if slices.Contains(c.manifest.Templates, name) {
		return cli.Usage("template", fmt.Sprintf("Two templates are called %s.", cli.Inert(name)))
	}
	dir := filepath.Join(c.work, "init-"+strconv.Itoa(len(c.manifest.Templates)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make bundle: %w", err)
	}
	if err := Unpack(archive, kind, dir); err != nil {
		return err
	}
	if err := unlockCoder(dir); err != nil {
		return err
	}
	fmt.Fprintf(c.env.Stderr, "Initialising %s.\n", cli.Inert(name))
	if _, err := c.run(ctx, dir, "init", "-backend=false", "-input=false", "-no-color"); err != nil {
		return err
	}
	if err := errors.Join(c.providers(dir), c.modules(dir), unlockCoder(dir)); err != nil {
		return err
	}
	c.manifest.Templates = append(c.manifest.Templates, name)
	if err := copyFiles(dir, filepath.Join(c.out, bundle.Templates, name)); err != nil {
		return fmt.Errorf("copy template %s: %w", name, err)
	}
	return nil
}

// fetch returns the name and the archive of a template here or on the server.
func (c *collector) fetch(ctx context.Context, arg string) (name string, archive []byte, kind string, err error) {
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return "", nil, "", fmt.Errorf("resolve %s: %w", arg, err)
		}
		archive, err := Tar(abs)
		return filepath.Base(abs), archive, api.ContentTypeTar, err
	}
	client, t, err := find(ctx, c.env, c.opts.org, arg)
	if err != nil {
		return "", nil, "", err
	}
	v, err := client.TemplateVersion(ctx, t.ActiveVersionID)
	if err != nil {
		return "", nil, "", err
	}
	archive, kind, err = client.Download(ctx, v.Job.FileID)
	if err == nil && (!fs.ValidPath(t.Name) || strings.Contains(t.Name, "/") || t.Name == ".") {
		err = fmt.Errorf("the server calls a template %q, which is no file name", t.Name)
	}
	return t.Name, archive, kind, err
}

func unlockCoder(dir string) error {
	path := filepath.Join(dir, ".terraform.lock.hcl")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read lock file: %w", err)
	}
	return os.WriteFile(path, lockedCoder.ReplaceAll(b, nil), 0o644) //nolint:gosec // for all to read
}

// providers takes over what init installed.
func (c *collector) providers(dir string) error {
	root := filepath.Join(dir, ".terraform", "providers")
	names, err := fs.Glob(os.DirFS(root), "*/*/*/*/*")
	if err != nil {
		return fmt.Errorf("list providers: %w", err)
	}
	for _, name := range names {
		parts := strings.Split(name, "/")
		p := bundle.Provider{Address: strings.Join(parts[:3], "/"), Version: parts[3]}
		if p.Address == coderProvider || slices.Contains(c.manifest.Providers, p) {
			continue
		}
		from, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(name)))
		if err == nil {
			err = copyFiles(from, filepath.Join(c.out, bundle.Providers, filepath.FromSlash(name)))
		}
		if err != nil {
			return fmt.Errorf("copy provider %s: %w", name, err)
		}
		c.manifest.Providers = append(c.manifest.Providers, p)
	}
	return nil
}

// modules takes over what init fetched.
func (c *collector) modules(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, ".terraform", "modules", "modules.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list modules: %w", err)
	}
	var list struct {
		Modules []struct{ Key, Source, Version, Dir string }
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("list modules: %w", err)
	}
	for _, m := range list.Modules {
		rest, fetched := strings.CutPrefix(path.Clean(filepath.ToSlash(m.Dir)), ".terraform/modules/")
		if !fetched || strings.HasPrefix(m.Source, "./") || strings.HasPrefix(m.Source, "../") {
			continue
		}
		place, inner, _ := strings.Cut(rest, "/")
		if inner == "" {
			inner = "."
		}
		base, _, _ := strings.Cut(m.Source, "?")
		sum := sha256.Sum256([]byte(m.Source + "\n" + m.Version))
		entry := bundle.Module{Key: m.Key, Source: m.Source, Version: m.Version, Path: inner,
			Dir: strings.TrimSuffix(path.Base(base), ".git") + "-" + hex.EncodeToString(sum[:6])}
		if slices.Contains(c.manifest.Modules, entry) {
			continue
		}
		if err := copyFiles(filepath.Join(dir, ".terraform", "modules", place), filepath.Join(c.out, bundle.Modules, entry.Dir)); err != nil {
			return fmt.Errorf("copy module %s: %w", m.Key, err)
		}
		c.manifest.Modules = append(c.manifest.Modules, entry)
	}
	return nil
}

// otherPlatforms fetches the same versions for platforms that are not this one.
func (c *collector) otherPlatforms(ctx context.Context) error {
	var args []string
	for _, p := range c.opts.platforms {
		if p != runtime.GOOS+"_"+runtime.GOARCH {
			args = append(args, "-platform="+p)
		}
	}
	if len(args) == 0 || len(c.manifest.Providers) == 0 {
		return nil
	}
	// One at a time: a module can ask for one version of a provider only.
	for i, p := range c.manifest.Providers {
		dir := filepath.Join(c.work, "platform-"+strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make bundle: %w", err)
		}
		text := fmt.Sprintf("terraform {\n  required_providers {\n    it = {\n      source  = %q\n      version = %q\n    }\n  }\n}\n", p.Address, p.Version)
		if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o600); err != nil {
			return fmt.Errorf("make bundle: %w", err)
		}
		fmt.Fprintf(c.env.Stderr, "Fetching %s %s.\n", p.Address, p.Version)
		if _, err := c.run(ctx, dir, append(append([]string{"providers", "mirror"}, args...), filepath.Join(c.out, bundle.Providers))...); err != nil {
			return err
		}
	}
	return nil
}

// run runs terraform; its complaint becomes the error.
func (c *collector) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.opts.terraform, args...) //nolint:gosec // the user chose it
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+c.config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_PLUGIN_CACHE_DIR=")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Usage("terraform", fmt.Sprintf("There is no %s. Install Terraform, or name its binary with --terraform.", cli.Inert(c.opts.terraform)))
	}
	if err != nil {
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "terraform " + args[0] + " did not succeed.",
			Detail: cli.Inert(strings.TrimSpace(complaint.String()))}
	}
	return out.Bytes(), nil
}
