// Package templates holds `coder templates`: starter templates, upload, import,
// download, versions. It owns what goes into an upload and how a download is
// unpacked; following the import is package progress.
package templates

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// Starter is a template inside the full binary, for `templates init`.
type Starter struct {
	ID, Name, Description string
	Files                 fs.FS
}

// Starters lists the starter templates.
type Starters func() ([]Starter, error)

// Command is `coder templates`. The small binary has neither starters nor a
// tester and gives nil.
func Command(starters Starters, tester Tester) cli.Maker {
	return func(env *cli.Env) *cobra.Command {
		versions := cli.Group(&cobra.Command{Use: "versions", Aliases: []string{"version"}, Short: "Manage the versions of a template"},
			listVersions(env), promote(env),
			archive(env, "archive", "Hide versions that are not in use", (*client.Client).ArchiveTemplateVersion),
			archive(env, "unarchive", "Show archived versions again", (*client.Client).UnarchiveTemplateVersion))
		return cli.Group(&cobra.Command{Use: "templates", Aliases: []string{"template"}, Short: "Manage templates",
			Example: "  coder templates init          write a starter template to a directory\n" +
				"  coder templates test          try the template in this directory, without a server\n" +
				"  coder templates push          upload the template in this directory\n" +
				"  coder templates pull <name>   download a template"},
			initialize(env, starters), push(env), create(env), pull(env), bundleCommand(env), list(env), edit(env), remove(env), archiveUnused(env),
			test(env, tester), versions, presets(env), acl(env))
	}
}

// named is a template as `templates list` prints it in JSON.
type named struct {
	Template api.Template
}

func list(env *cli.Env) *cobra.Command {
	type col = cli.Column[named]
	out := cli.Output[named]{
		Columns: []col{
			{Name: "name", Value: func(n named) string { return n.Template.Name }},
			{Name: "created at", Value: func(n named) string { return cli.Time(n.Template.CreatedAt) }},
			{Name: "last updated", Value: func(n named) string { return env.Ago(n.Template.UpdatedAt) }},
			{Name: "organization id", Value: func(n named) string { return n.Template.OrganizationID.String() }},
			{Name: "organization name", Value: func(n named) string { return n.Template.OrganizationName }},
			{Name: "provisioner", Value: func(n named) string { return n.Template.Provisioner }},
			{Name: "active version id", Value: func(n named) string { return n.Template.ActiveVersionID.String() }},
			{Name: "used by", Value: func(n named) string { return developers(n.Template.ActiveUserCount) }},
			{Name: "default ttl", Value: func(n named) string { return ttl(n.Template.DefaultTTLMillis) }},
		},
		Default: []string{"name", "organization name", "last updated", "used by"},
		Empty:   "No templates. Make one with: coder templates init && coder templates push",
	}
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List templates", Args: cli.Exactly()}
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		c, err := env.Client(ctx)
		if err != nil {
			return err
		}
		all, err := c.Templates(ctx)
		if err != nil {
			return err
		}
		rows := make([]named, len(all))
		for i, t := range all {
			rows[i].Template = t
		}
		return out.Print(env, rows)
	})
	return cmd
}

func developers(n int) string {
	switch {
	case n < 0:
		return ""
	case n == 1:
		return "1 developer"
	}
	return strconv.Itoa(n) + " developers"
}

func ttl(ms int64) string {
	if ms == 0 {
		return "none"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

// find returns the client, the organization and the template of that name.
func find(ctx context.Context, env *cli.Env, org, name string) (*client.Client, api.Template, error) {
	c, err := env.Client(ctx)
	if err != nil {
		return nil, api.Template{}, err
	}
	ref, err := env.OrgRef(org)
	if err != nil {
		return nil, api.Template{}, err
	}
	t, err := c.TemplateByName(ctx, ref, name)
	if api.CodeOf(err) == api.CodeNotFound {
		err = &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf(
			"There is no template %s, or you have no access to it. See: coder templates list", cli.Inert(name))}
	}
	return c, t, err
}

func remove(env *cli.Env) *cobra.Command {
	var yes bool
	var org string
	cmd := &cobra.Command{Use: "delete [name...]", Aliases: []string{"rm"}, Short: "Delete templates without workspaces", Args: cli.AtLeast("name")}
	cli.Yes(cmd.Flags(), &yes)
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if err := env.Confirm(ctx, yes, "Delete "+cli.Inert(strings.Join(args, ", "))+"?"); err != nil {
			return err
		}
		for _, name := range args {
			c, t, err := find(ctx, env, org, name)
			if err != nil {
				return err
			}
			if err := c.DeleteTemplate(ctx, t.ID); err != nil {
				return fmt.Errorf("delete template %s: %w", name, err)
			}
			fmt.Fprintf(env.Stdout, "Template %s was deleted.\n", cli.Inert(name))
		}
		return nil
	})
	return cmd
}

func edit(env *cli.Env) *cobra.Command {
	var name, display, description, deprecated, icon, org string
	var defaultTTL time.Duration
	var cancel, active, private, yes bool
	cmd := &cobra.Command{Use: "edit <template>", Short: "Change what a template is called and shows", Args: cli.Exactly("template")}
	fs := cmd.Flags()
	fs.StringVar(&name, "name", "", "new name")
	fs.StringVar(&display, "display-name", "", "new display name")
	fs.StringVar(&description, "description", "", "new description")
	fs.StringVar(&deprecated, "deprecated", "", "say why nobody should use it any more; an empty text takes that back")
	fs.StringVar(&icon, "icon", "", "new icon, an address")
	fs.DurationVar(&defaultTTL, "default-ttl", 0, "stop workspaces this long after their start, unless they say otherwise")
	fs.BoolVar(&cancel, "allow-user-cancel-workspace-jobs", true, "users may cancel builds")
	fs.BoolVar(&active, "require-active-version", false, "workspaces always start with the active version")
	fs.BoolVar(&private, "private", false, "take the template from the members of its organization; --private=false gives it back")
	cli.Yes(fs, &yes)
	cli.Org(fs, &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		var r api.UpdateTemplateRequest
		changed := false
		set := func(flag string, apply func()) {
			if fs.Changed(flag) {
				apply()
				changed = true
			}
		}
		ms := defaultTTL.Milliseconds()
		set("name", func() { r.Name = &name })
		set("display-name", func() { r.DisplayName = &display })
		set("description", func() { r.Description = &description })
		set("deprecated", func() { r.DeprecationMessage = &deprecated })
		set("icon", func() { r.Icon = &icon })
		set("default-ttl", func() { r.DefaultTTLMillis = &ms })
		set("allow-user-cancel-workspace-jobs", func() { r.AllowUserCancelWorkspaceJobs = &cancel })
		set("require-active-version", func() { r.RequireActiveVersion = &active })
		set("private", func() { r.DisableEveryoneGroupAccess = &private })
		if !changed {
			return cli.Usage("flags", "Nothing to change; see: coder templates edit --help")
		}
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		if err := env.Confirm(ctx, yes, "Change template "+cli.Inert(t.Name)+"?"); err != nil {
			return err
		}
		if _, err := c.UpdateTemplate(ctx, t.ID, r); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Template %s was changed.\n", cli.Inert(t.Name))
		return err
	})
	return cmd
}
