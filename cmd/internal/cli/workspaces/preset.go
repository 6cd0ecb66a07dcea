package workspaces

import (
	"context"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// noPreset is what --preset says to use none. No preset can be chosen by that
// name, which the reference reserves too.
const noPreset = "none"

// choosePreset returns the preset of the flag, else, where ask is set, the one
// that the user picks or, without questions, the default one. The zero Preset
// means none.
func (f *buildFlags) choosePreset(ctx context.Context, env *cli.Env, c *client.Client, version api.ID, ask bool) (api.Preset, error) {
	if f.preset == noPreset || f.preset == "" && !ask {
		return api.Preset{}, nil
	}
	all, err := c.TemplateVersionPresets(ctx, version)
	if f.preset == "" && api.CodeOf(err) == api.CodeNotFound {
		return api.Preset{}, nil // a server of the release before this one
	}
	if err != nil {
		return api.Preset{}, err
	}
	name := f.preset
	if name == "" {
		name, err = f.askPreset(ctx, env, all)
		if err != nil || name == noPreset {
			return api.Preset{}, err
		}
	}
	names := make([]string, len(all))
	for i, p := range all {
		if p.Name == name {
			return p, showPreset(env, p)
		}
		names[i] = p.Name
	}
	has := "it has none"
	if len(names) > 0 {
		has = "it has " + strings.Join(names, ", ")
	}
	return api.Preset{}, cli.Usage("preset", fmt.Sprintf("The template has no preset %q; %s.", cli.Inert(name), cli.Inert(has)))
}

// askPreset returns the name of the preset to use, or noPreset.
func (f *buildFlags) askPreset(ctx context.Context, env *cli.Env, all []api.Preset) (string, error) {
	if len(all) == 0 {
		return noPreset, nil
	}
	standard := noPreset
	choices := make([]cli.Choice, 0, len(all)+1)
	for _, p := range all {
		c := cli.Choice{Name: p.Name, Description: p.Description, Value: p.Name}
		if p.Default {
			standard = p.Name
			c.Description = strings.TrimPrefix(c.Description+" (default)", " ")
		}
		choices = append(choices, c)
	}
	if f.yes || !env.Interactive() {
		return standard, nil
	}
	choices = append(choices, cli.Choice{Name: noPreset, Description: "choose every parameter", Value: noPreset})
	return env.Select(ctx, "Preset", "preset", standard, choices)
}

func showPreset(env *cli.Env, p api.Preset) error {
	values := make([]string, len(p.Parameters))
	for i, v := range p.Parameters {
		values[i] = v.Name + "=" + v.Value
	}
	text := "Using preset " + cli.Inert(p.Name)
	if len(values) > 0 {
		text += ": " + cli.Inert(strings.Join(values, ", "))
	}
	_, err := fmt.Fprintln(env.Stderr, text)
	return err
}

// presetValues are the values of a preset as those of a build.
func presetValues(p api.Preset) []api.ParameterValue {
	out := make([]api.ParameterValue, 0, len(p.Parameters))
	for _, v := range p.Parameters {
		out = append(out, api.ParameterValue{Name: v.Name, Value: v.Value})
	}
	return out
}
