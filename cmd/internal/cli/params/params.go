// Package params decides the parameter values of a build from flags, a file,
// earlier values, defaults and questions. It checks what it can before the
// server does, so that a question can be asked again; the server decides.
package params

import (
	"context"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// maxFile bounds a parameter file, in bytes.
const maxFile = 1 << 20

// Flags are the parameter flags of create, start, restart and update.
type Flags struct {
	values, defaults, ephemeral, buildOptions []string
	file                                      string
	useDefaults, always                       bool
	askEphemeral, askBuildOptions             bool
}

// Register adds the flags.
func (f *Flags) Register(fs *pflag.FlagSet) {
	list := func(to *[]string, name, env, usage string) {
		cli.List(fs, to, name, "", usage)
		cli.Bind(fs, name, env)
	}
	list(&f.buildOptions, "build-option", "CODER_BUILD_OPTION", "old name of --ephemeral-parameter")
	fs.BoolVar(&f.askBuildOptions, "build-options", false, "old name of --prompt-ephemeral-parameters")
	list(&f.ephemeral, "ephemeral-parameter", "CODER_EPHEMERAL_PARAMETER", "name=value of a parameter that lasts for one build")
	fs.BoolVar(&f.askEphemeral, "prompt-ephemeral-parameters", false, "ask for parameters that last for one build")
	cli.Bind(fs, "prompt-ephemeral-parameters", "CODER_PROMPT_EPHEMERAL_PARAMETERS")
	list(&f.values, "parameter", "CODER_RICH_PARAMETER", "name=value of a parameter")
	fs.StringVar(&f.file, "rich-parameter-file", "", "YAML file of name: value lines")
	cli.Bind(fs, "rich-parameter-file", "CODER_RICH_PARAMETER_FILE")
	list(&f.defaults, "parameter-default", "CODER_RICH_PARAMETER_DEFAULT", "name=value that a question offers")
	fs.BoolVar(&f.useDefaults, "use-parameter-defaults", false, "take defaults without asking")
	cli.Bind(fs, "use-parameter-defaults", "CODER_WORKSPACE_USE_PARAMETER_DEFAULTS")
	fs.BoolVar(&f.always, "always-prompt", false, "ask for every parameter, also those that have a value")
	for _, old := range []string{"build-option", "build-options"} {
		_ = fs.MarkHidden(old)
	}
}

// Given reports whether any flag asks for parameters to be looked at.
func (f *Flags) Given() bool {
	return len(f.values)+len(f.ephemeral)+len(f.buildOptions) > 0 || f.file != "" ||
		f.always || f.askEphemeral || f.askBuildOptions
}

// Build says what the values are for.
type Build struct {
	Parameters []api.TemplateVersionParameter
	Previous   []api.ParameterValue // of the last build; nil for a new workspace
	Copied     []api.ParameterValue // of another workspace
	// Preset are the values of a preset; flags and the file win over them.
	Preset []api.ParameterValue
	// Live evaluates the template; nil means that Parameters are all there are.
	Live Evaluate
}

// Resolve returns the values to send. Parameters that the server can fill
// itself, from the last build or the default, are left out.
func (f *Flags) Resolve(ctx context.Context, env *cli.Env, b Build) ([]api.ParameterValue, error) {
	given, err := f.given()
	if err != nil {
		return nil, err
	}
	defaults, err := Pairs("parameter-default", f.defaults)
	if err != nil {
		return nil, err
	}
	lasting, err := Pairs("ephemeral-parameter", append(append([]string(nil), f.ephemeral...), f.buildOptions...))
	if err != nil {
		return nil, err
	}
	r := resolver{flags: f, env: env, given: given, defaults: defaults, ephemeral: lasting,
		previous: toMap(b.Previous), copied: toMap(b.Copied), preset: toMap(b.Preset), isNew: b.Previous == nil}
	if b.Live != nil {
		if out, ok, err := r.live(ctx, b); ok || err != nil {
			return out, err
		}
	}
	if err := r.known(b.Parameters, ""); err != nil {
		return nil, err
	}
	var out []api.ParameterValue
	for _, p := range b.Parameters {
		v, ok, err := r.value(ctx, p)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, api.ParameterValue{Name: p.Name, Value: v})
		}
	}
	return out, nil
}

func (f *Flags) given() (map[string]string, error) {
	given := map[string]string{}
	if f.file != "" {
		var err error
		if given, err = readFile(f.file); err != nil {
			return nil, err
		}
	}
	pairs, err := Pairs("parameter", f.values)
	for k, v := range pairs {
		given[k] = v
	}
	return given, err
}

// Pairs reads name=value items. An item without a name continues the value
// before it: the comma between them was part of the value.
func Pairs(flag string, items []string) (map[string]string, error) {
	out, last := map[string]string{}, ""
	for _, it := range items {
		name, value, ok := strings.Cut(it, "=")
		switch {
		case ok && name != "":
			out[name], last = value, name
		case last != "" && !ok:
			out[last] += "," + it
		default:
			return nil, cli.Usage(flag, fmt.Sprintf("%q is not of the form name=value.", cli.Inert(it)))
		}
	}
	return out, nil
}

// readFile reads a YAML file of scalars and lists.
func readFile(name string) (map[string]string, error) {
	fh, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read parameter file: %w", err)
	}
	defer fh.Close()
	b, err := io.ReadAll(io.LimitReader(fh, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read parameter file: %w", err)
	}
	if len(b) > maxFile {
		return nil, cli.Usage("rich-parameter-file", name+" is larger than 1 MiB.")
	}
	return ParseYAML("rich-parameter-file", b)
}

// ParseYAML reads a mapping of names to scalars, or to lists, which become JSON.
func ParseYAML(flag string, b []byte) (map[string]string, error) {
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, cli.Usage(flag, "The file is not a YAML mapping of names to values: "+strings.ReplaceAll(err.Error(), "\n", " "))
	}
	out := make(map[string]string, len(doc))
	for name, node := range doc {
		v, err := scalar(&node)
		if err != nil {
			return nil, cli.Usage(flag, fmt.Sprintf("The value of %q: %s.", cli.Inert(name), err))
		}
		out[name] = v
	}
	return out, nil
}

func toMap(values []api.ParameterValue) map[string]string {
	m := make(map[string]string, len(values))
	for _, v := range values {
		m[v.Name] = v.Value
	}
	return m
}

// known refuses names that the template does not have; when says under what
// conditions, "" for never.
func (r *resolver) known(params []api.TemplateVersionParameter, when string) error {
	names := map[string]bool{}
	var all []string
	for _, p := range params {
		names[p.Name] = true
		all = append(all, p.Name)
	}
	sort.Strings(all)
	has := "it has none"
	if len(all) > 0 {
		has = "it has " + strings.Join(all, ", ")
	}
	for flag, m := range map[string]map[string]string{"parameter": r.given, "parameter-default": r.defaults, "ephemeral-parameter": r.ephemeral} {
		for name := range m {
			if !names[name] {
				return cli.Usage(flag, fmt.Sprintf("The template has no parameter %q%s; %s.", cli.Inert(name), when, cli.Inert(has)))
			}
		}
	}
	return nil
}
