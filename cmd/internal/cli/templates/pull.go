package templates

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

func pull(env *cli.Env) *cobra.Command {
	var asTar, asZip, yes bool
	var version, org string
	cmd := &cobra.Command{Use: "pull <name> [destination]", Short: "Download a template", Args: func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cli.Exactly("name")(cmd, args)
		}
		return cli.Optional("name", "destination")(cmd, args)
	}}
	fs := cmd.Flags()
	fs.BoolVar(&asTar, "tar", false, "write a tar archive to standard output")
	fs.BoolVar(&asZip, "zip", false, "write a zip archive to standard output")
	fs.StringVar(&version, "version", "", "version (default: the active one)")
	cli.Yes(fs, &yes)
	cli.Org(fs, &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if asTar && asZip {
			return cli.Usage("tar", "Give one of --tar and --zip.")
		}
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		var v api.TemplateVersion
		if version == "" || version == "active" {
			v, err = c.TemplateVersion(ctx, t.ActiveVersionID)
		} else {
			v, err = c.TemplateVersionByName(ctx, t.OrganizationID.String(), t.Name, version)
		}
		if err != nil {
			return err
		}
		b, kind, err := c.Download(ctx, v.Job.FileID)
		if err != nil {
			return err
		}
		isZip := strings.HasPrefix(kind, api.ContentTypeZip)
		if asTar && isZip {
			return cli.Usage("tar", "This version was uploaded as a zip archive; use --zip.")
		}
		if asZip && !isZip {
			if b, err = ToZip(b); err != nil {
				return err
			}
		}
		if asTar || asZip {
			_, err := env.Stdout.Write(b)
			return err
		}
		dest := t.Name
		if len(args) > 1 {
			dest = args[1]
		}
		return write(ctx, env, yes, dest, func(dir string) error { return Unpack(b, kind, dir) })
	})
	return cmd
}

// write fills a directory, which may hold files only if the user agrees.
func write(ctx context.Context, env *cli.Env, yes bool, dest string, fill func(dir string) error) error {
	entries, err := os.ReadDir(dest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read destination: %w", err)
	}
	if len(entries) > 0 {
		if err := env.Confirm(ctx, yes, cli.Inert(dest)+" is not empty. Write into it and replace files of the same name?"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return fmt.Errorf("make destination: %w", err)
	}
	if err := fill(dest); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "Wrote the template to %s.\n", cli.Inert(dest))
	return err
}

func initialize(env *cli.Env, starters Starters) *cobra.Command {
	var id string
	var yes bool
	cmd := &cobra.Command{Use: "init [directory]", Short: "Write a starter template to a directory", Args: cli.Optional("directory")}
	cmd.Flags().StringVar(&id, "id", "", "which starter template")
	cli.Yes(cmd.Flags(), &yes)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if starters == nil {
			return &api.Error{Code: api.CodeUnavailable,
				Message: "This small binary holds no starter templates. Run templates init with the full coder binary."}
		}
		all, err := starters()
		if err != nil {
			return err
		}
		s, err := pickStarter(ctx, env, all, id)
		if err != nil {
			return err
		}
		dest := s.ID
		if len(args) > 0 {
			dest = args[0]
		}
		err = write(ctx, env, yes, dest, func(dir string) error { return copyTree(s.Files, dir) })
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Upload it with: coder templates push --directory %s %s\n", cli.Inert(dest), s.ID)
		return err
	})
	return cmd
}

func pickStarter(ctx context.Context, env *cli.Env, all []Starter, id string) (Starter, error) {
	choices, ids := make([]cli.Choice, len(all)), make([]string, len(all))
	for i, s := range all {
		choices[i] = cli.Choice{Name: s.Name, Description: s.Description, Value: s.ID}
		ids[i] = s.ID
	}
	if id == "" {
		var err error
		if id, err = env.Select(ctx, "Starter template", "id", "", choices); err != nil {
			return Starter{}, err
		}
	}
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
	}
	return Starter{}, cli.Usage("id", fmt.Sprintf("There is no starter template %q; there are %s.", cli.Inert(id), strings.Join(ids, ", ")))
}

func copyTree(src fs.FS, dir string) error {
	return fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dest := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(dest, 0o755)
		}
		b, err := fs.ReadFile(src, name)
		if err != nil {
			return fmt.Errorf("read starter template: %w", err)
		}
		return cli.WriteFile(dest, b, 0o644)
	})
}
