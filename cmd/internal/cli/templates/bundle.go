package templates

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/internal/bundle"
)

// bundleOptions are the flags of `templates bundle`.
type bundleOptions struct {
	output, verify, mirror, terraform, org string
	platforms                              []string
}

func bundleCommand(env *cli.Env) *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{Use: "bundle [template|directory...]", Short: "Collect what templates need where there is no network",
		Long: "Collect templates with their providers and modules in a directory or tar file,\n" +
			"with the hash of each file. A provisioner without a network takes the unpacked\n" +
			"directory as --provisioner-mirror. An argument that is a directory is a template\n" +
			"on this machine, any other the name of one on the server.",
		Example: "  coder templates bundle --output /srv/bundle docker ./my-template\n" +
			"  coder templates bundle --verify /srv/bundle"}
	flags := cmd.Flags()
	flags.StringVar(&o.output, "output", "bundle", "directory, which must be empty, or a file that ends in .tar")
	flags.StringVar(&o.verify, "verify", "", "check the files of a bundle against its manifest and do nothing else")
	flags.StringVar(&o.mirror, "mirror", "", "filesystem mirror that providers are taken from before any registry")
	flags.StringVar(&o.terraform, "terraform", "terraform", "terraform binary")
	cli.List(flags, &o.platforms, "platform", "", "another platform, such as linux_arm64; may be repeated")
	cli.Org(flags, &o.org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		switch {
		case o.verify != "" && len(args) > 0:
			return cli.Usage("verify", "--verify takes no templates.")
		case o.verify != "":
			return verifyBundle(env, o.verify)
		case len(args) == 0:
			return cli.Usage("template", "Name at least one template or directory, or give --verify.")
		}
		return makeBundle(ctx, env, o, args)
	})
	return cmd
}

func verifyBundle(env *cli.Env, dir string) error {
	m, err := bundle.Load(dir)
	if err != nil {
		return err
	}
	if m == nil {
		return cli.Usage("verify", fmt.Sprintf("%s holds no %s. A bundle in a tar file must be unpacked first.", cli.Inert(dir), bundle.ManifestName))
	}
	if err := m.Verify(dir, ""); err != nil {
		return &api.Error{Code: api.CodeConflict, Message: "The bundle is damaged: " + err.Error()}
	}
	_, err = fmt.Fprintf(env.Stdout, "The bundle is whole: %s.\n", contents(m))
	return err
}

func contents(m *bundle.Manifest) string {
	count := func(n int, what string) string {
		if n != 1 {
			what += "s"
		}
		return fmt.Sprintf("%d %s", n, what)
	}
	return strings.Join([]string{count(len(m.Templates), "template"), count(len(m.Providers), "provider"),
		count(len(m.Modules), "module"), count(len(m.Files), "file")}, ", ")
}

// makeBundle collects everything in a directory beside the output first.
func makeBundle(ctx context.Context, env *cli.Env, o bundleOptions, args []string) error {
	o.platforms = append([]string{runtime.GOOS + "_" + runtime.GOARCH}, o.platforms...)
	slices.Sort(o.platforms)
	o.platforms = slices.Compact(o.platforms)
	for _, p := range o.platforms {
		if goos, arch, ok := strings.Cut(p, "_"); !ok || goos == "" || arch == "" || !fs.ValidPath(p) || strings.Contains(p, "/") {
			return cli.Usage("platform", fmt.Sprintf("%q is not a platform; write it like linux_arm64.", cli.Inert(p)))
		}
	}
	if err := free(o.output); err != nil {
		return err
	}
	parent, err := filepath.Abs(filepath.Dir(o.output))
	if err != nil {
		return fmt.Errorf("resolve output: %w", err)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make output: %w", err)
	}
	work, err := os.MkdirTemp(parent, ".bundle-")
	if err != nil {
		return fmt.Errorf("make output: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	c := &collector{env: env, opts: o, work: work, out: filepath.Join(work, "bundle"), manifest: &bundle.Manifest{Platforms: o.platforms}}
	if err := c.begin(ctx); err != nil {
		return err
	}
	for _, arg := range args {
		if err := c.add(ctx, arg); err != nil {
			return err
		}
	}
	if err := c.otherPlatforms(ctx); err != nil {
		return err
	}
	if err := c.manifest.Write(c.out); err != nil {
		return err
	}
	if err := deliver(c.out, o.output); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "Wrote %s: %s.\n", cli.Inert(o.output), contents(c.manifest))
	return err
}

// free checks that the output can be made without replacing anything.
func free(output string) error {
	entries, err := os.ReadDir(output)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0 && !strings.HasSuffix(output, ".tar"):
		return nil
	}
	return cli.Usage("output", cli.Inert(output)+" exists. Remove it, or choose another name.")
}

// deliver moves a directory to its place, or packs it.
func deliver(dir, output string) error {
	if !strings.HasSuffix(output, ".tar") {
		_ = os.Remove(output) // an empty directory
		if err := os.Rename(dir, output); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		return os.Chmod(output, 0o755) //nolint:gosec // for all to read
	}
	f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // for all to read
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	w := tar.NewWriter(f)
	err = errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), f.Close())
	if err != nil {
		_ = os.Remove(output)
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// copyFiles copies the files below src to dst. Links to files are followed, and
// git's own directories are left out.
func copyFiles(src, dst string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			if slices.Contains([]string{".git", ".terraform"}, d.Name()) && path != src {
				return fs.SkipDir
			}
			return os.MkdirAll(to, 0o755)
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		return copyOne(path, to, info.Mode().Perm()|0o600)
	})
}

func copyOne(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
