package templates

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// versionRow is a version as `versions list` prints it in JSON.
type versionRow struct {
	TemplateVersion api.TemplateVersion
	Active          bool `json:"active"`
}

// versionsPage is how many versions are asked for at a time.
const versionsPage = 100

func listVersions(env *cli.Env) *cobra.Command {
	type col = cli.Column[versionRow]
	out := cli.Output[versionRow]{
		Columns: []col{
			{Name: "id", Value: func(r versionRow) string { return r.TemplateVersion.ID.String() }},
			{Name: "name", Value: func(r versionRow) string { return r.TemplateVersion.Name }},
			{Name: "created at", Value: func(r versionRow) string { return cli.Time(r.TemplateVersion.CreatedAt) }},
			{Name: "created by", Value: func(r versionRow) string { return r.TemplateVersion.CreatedBy.Username }},
			{Name: "status", Value: func(r versionRow) string { return string(r.TemplateVersion.Job.Status) }},
			{Name: "active", Value: func(r versionRow) string {
				if r.Active {
					return "Active"
				}
				return ""
			}},
			{Name: "archived", Value: func(r versionRow) string { return strconv.FormatBool(r.TemplateVersion.Archived) }},
		},
		Default: []string{"name", "created at", "created by", "status", "active"},
		Empty:   "No versions. Make one with: coder templates push",
	}
	var archived bool
	var org string
	cmd := &cobra.Command{Use: "list <template>", Aliases: []string{"ls"}, Short: "List the versions of a template", Args: cli.Exactly("template")}
	cmd.Flags().BoolVar(&archived, "include-archived", false, "archived versions too")
	cli.Org(cmd.Flags(), &org)
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		var rows []versionRow
		for {
			page, err := c.TemplateVersions(ctx, t.ID, client.VersionsFilter{Archived: archived, Limit: versionsPage, Offset: len(rows)})
			if err != nil {
				return err
			}
			for _, v := range page {
				rows = append(rows, versionRow{v, v.ID == t.ActiveVersionID})
			}
			if len(page) < versionsPage {
				return out.Print(env, rows)
			}
		}
	})
	return cmd
}

func promote(env *cli.Env) *cobra.Command {
	var name, version, org string
	cmd := &cobra.Command{Use: "promote --template=<template_name> --template-version=<template_version_name>",
		Short: "Make a version the active one", Args: cli.Exactly()}
	fs := cmd.Flags()
	fs.StringVarP(&name, "template", "t", "", "the template")
	cli.Bind(fs, "template", "CODER_TEMPLATE_NAME")
	fs.StringVar(&version, "template-version", "", "the version")
	cli.Bind(fs, "template-version", "CODER_TEMPLATE_VERSION_NAME")
	cli.Org(fs, &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, _ []string) error {
		if name == "" || version == "" {
			return cli.Usage("template", "Give --template and --template-version.")
		}
		c, t, err := find(ctx, env, org, name)
		if err != nil {
			return err
		}
		v, err := c.TemplateVersionByName(ctx, t.OrganizationID.String(), t.Name, version)
		if err != nil {
			return err
		}
		if err := c.PromoteTemplateVersion(ctx, t.ID, v.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "Version %s of %s is active now.\n", cli.Inert(v.Name), cli.Inert(t.Name))
		return err
	})
	return cmd
}

func archive(env *cli.Env, verb, short string, change func(*client.Client, context.Context, api.ID) error) *cobra.Command {
	var yes bool
	var org string
	cmd := &cobra.Command{Use: verb + " <template-name> [template-version-names...]", Short: short,
		Args: cli.AtLeast("template-name", "template-version-name")}
	cli.Yes(cmd.Flags(), &yes)
	cli.Org(cmd.Flags(), &org)
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		question := fmt.Sprintf("%s%s %s of %s?", strings.ToUpper(verb[:1]), verb[1:], cli.Inert(strings.Join(args[1:], ", ")), cli.Inert(t.Name))
		if err := env.Confirm(ctx, yes, question); err != nil {
			return err
		}
		for _, name := range args[1:] {
			v, err := c.TemplateVersionByName(ctx, t.OrganizationID.String(), t.Name, name)
			if err != nil {
				return fmt.Errorf("version %s: %w", name, err)
			}
			if err := change(c, ctx, v.ID); err != nil {
				return fmt.Errorf("version %s: %w", name, err)
			}
			fmt.Fprintf(env.Stdout, "Version %s: %sd.\n", cli.Inert(v.Name), verb)
		}
		return nil
	})
	return cmd
}
