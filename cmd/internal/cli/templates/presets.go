package templates

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// presetRow is a preset as `presets list` prints it in JSON.
type presetRow struct {
	TemplatePreset api.Preset
}

// presets is `coder templates presets`.
func presets(env *cli.Env) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "presets", Aliases: []string{"preset"}, Short: "Look at the presets of a template"},
		listPresets(env))
}

func listPresets(env *cli.Env) *cobra.Command {
	type col = cli.Column[presetRow]
	out := cli.Output[presetRow]{
		Columns: []col{
			{Name: "name", Value: func(r presetRow) string { return r.TemplatePreset.Name }},
			{Name: "description", Value: func(r presetRow) string { return r.TemplatePreset.Description }},
			{Name: "parameters", Value: func(r presetRow) string { return presetValues(r.TemplatePreset) }},
			{Name: "default", Value: func(r presetRow) string { return strconv.FormatBool(r.TemplatePreset.Default) }},
			{Name: "desired prebuild instances", Value: func(r presetRow) string {
				if r.TemplatePreset.DesiredPrebuildInstances == nil {
					return "-"
				}
				return strconv.Itoa(*r.TemplatePreset.DesiredPrebuildInstances)
			}},
		},
		Default: []string{"name", "description", "parameters", "default", "desired prebuild instances"},
		Empty:   "This version of the template has no presets.",
	}
	var org, version string
	cmd := &cobra.Command{Use: "list <template>", Aliases: []string{"ls"}, Short: "List the presets of a template's active version", Args: cli.Exactly("template")}
	cmd.Flags().StringVar(&version, "template-version", "", "version to look at instead of the active one")
	cli.Org(cmd.Flags(), &org)
	out.Flags(cmd.Flags())
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		c, t, err := find(ctx, env, org, args[0])
		if err != nil {
			return err
		}
		id := t.ActiveVersionID
		if version != "" {
			v, err := c.TemplateVersionByName(ctx, t.OrganizationID.String(), t.Name, version)
			if api.CodeOf(err) == api.CodeNotFound {
				return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf(
					"There is no version %s. See: coder templates versions list %s", cli.Inert(version), cli.Inert(t.Name))}
			}
			if err != nil {
				return err
			}
			id = v.ID
		}
		all, err := c.TemplateVersionPresets(ctx, id)
		if err != nil {
			return err
		}
		rows := make([]presetRow, len(all))
		for i, p := range all {
			rows[i].TemplatePreset = p
		}
		return out.Print(env, rows)
	})
	return cmd
}

// presetValues is the values of a preset on one line.
func presetValues(p api.Preset) string {
	all := make([]string, len(p.Parameters))
	for i, v := range p.Parameters {
		all[i] = v.Name + "=" + v.Value
	}
	return strings.Join(all, ",")
}
