package templates

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
)

// Tester opens a Workbench for a template. The small binary has none.
type Tester func(ctx context.Context, setup TestSetup) (Workbench, error)

// TestSetup is a template to be tried with values of its variables.
type TestSetup struct {
	Archive   []byte // tar
	Variables []api.VariableValue
	Log       func(jobrpc.Log)
}

// Workbench runs Terraform on a template as a server's daemons would. Each call
// blocks for as long as Terraform works.
type Workbench interface {
	Import(ctx context.Context) (*jobrpc.ImportResult, error)
	// Evaluate says which parameters there are with these values, as the live form
	// of a server does. It takes what the import found for what only Terraform knows.
	Evaluate(ctx context.Context, imported []api.TemplateVersionParameter, values map[string]string) (api.DynamicParametersResponse, error)
	// Plan says what a new workspace with these parameters has after a transition.
	Plan(ctx context.Context, values []api.ParameterValue, t api.Transition) ([]jobrpc.Resource, error)
	// Check applies the rules of a server to what a template makes.
	Check(resources []jobrpc.Resource) error
	Close() error
}

type testFlags struct {
	push       pushFlags // only directory and variables
	params     params.Flags
	transition string
	format     string
}

// test is `coder templates test`.
func test(env *cli.Env, tester Tester) *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{Use: "test [directory]", Short: "Check a template with Terraform on this computer, without a server",
		Args: cli.Optional("directory"),
		Long: "Check a template with Terraform on this computer, without a server.\n\n" +
			"It shows the parameters with their values, and the resources, agents, apps and scripts that a workspace would have. " +
			"Files named *.coder-test.yaml in the directory hold cases that are tried, too; see docs/use/templates.md."}
	fs := cmd.Flags()
	fs.StringVar(&f.push.file, "variables-file", "", "YAML file with values of Terraform variables")
	cli.List(fs, &f.push.variables, "variable", "", "name=value of a Terraform variable")
	cli.List(fs, &f.push.variables, "var", "", "same as --variable")
	f.params.Register(fs)
	if fs.Lookup("preset") == nil {
		fs.String("preset", "", "take the values of this preset for parameters that are not named")
	}
	cli.Enum(fs, &f.transition, "transition", "", "show what there is after a start or a stop", "start", "stop")
	cli.Enum(fs, &f.format, "output", "o", "how to show it", "text", "json")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		if tester == nil {
			return &api.Error{Code: api.CodeUnsupported, Message: "This is the small binary; it cannot run Terraform. Use the full one, as on the server."}
		}
		f.push.directory = "."
		if len(args) > 0 {
			f.push.directory = args[0]
		}
		preset, err := fs.GetString("preset")
		if err != nil {
			return err
		}
		return f.run(ctx, env, tester, preset)
	})
	return cmd
}

func (f *testFlags) run(ctx context.Context, env *cli.Env, tester Tester, preset string) error {
	variables, err := f.push.values()
	if err != nil {
		return err
	}
	archive, err := Tar(f.push.directory)
	if err != nil {
		return err
	}
	cases, err := readCases(f.push.directory)
	if err != nil {
		return err
	}
	began := env.Clock.Now()
	log := func(l jobrpc.Log) {
		if l.Level == api.LogError || l.Level == api.LogWarn || env.Global.Verbose && l.Level != api.LogDebug {
			fmt.Fprintln(env.Stderr, cli.Inert(l.Output))
		}
	}
	b, err := tester(ctx, TestSetup{Archive: archive, Variables: toValues(variables), Log: log})
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // a directory for temporary files
	report, err := f.try(ctx, env, b, preset)
	if err != nil {
		return err
	}
	for _, c := range cases {
		report.Cases = append(report.Cases, c.run(ctx, b, report.known))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	report.Seconds = env.Clock.Since(began).Seconds()
	return report.print(env, f.format)
}

// try imports the template and plans it with the given values.
func (f *testFlags) try(ctx context.Context, env *cli.Env, b Workbench, preset string) (*testReport, error) {
	imported, err := b.Import(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := chosenPreset(imported.Presets, preset)
	if err != nil {
		return nil, err
	}
	// Nobody is asked: what is missing is what the check is for.
	quiet := &cli.Env{Stdin: strings.NewReader(""), Stdout: env.Stdout, Stderr: env.Stderr, Getenv: env.Getenv, Clock: env.Clock}
	known := parametersOf{imported.Parameters, func(ctx context.Context, inputs map[string]string) (api.DynamicParametersResponse, error) {
		return b.Evaluate(ctx, imported.Parameters, inputs)
	}}
	values, err := f.params.Resolve(ctx, quiet, params.Build{Parameters: imported.Parameters, Copied: chosen, Live: known.evaluate})
	if err != nil {
		return nil, err
	}
	declared, err := known.with(ctx, values)
	if err != nil {
		return nil, err
	}
	start, stop := imported.Start, imported.Stop
	if len(values) > 0 {
		if start, err = b.Plan(ctx, values, api.TransitionStart); err != nil {
			return nil, err
		}
		if stop, err = b.Plan(ctx, values, api.TransitionStop); err != nil {
			return nil, err
		}
	}
	r := newReport(known, declared, values, start, stop)
	if f.transition == "stop" {
		r.Transition, r.Resources = "stop", shownResources(stop, stop)
	}
	idle, err := known.idle(ctx, imported.Presets)
	r.Problems = append(problems(b, start, imported.HasExternalAgent), idle...)
	return r, err
}

// chosenPreset returns the values of the preset of that name, nothing without one.
func chosenPreset(presets []jobrpc.Preset, name string) ([]api.ParameterValue, error) {
	if name == "" {
		return nil, nil
	}
	var names []string
	for _, p := range presets {
		if p.Name == name {
			return p.Parameters, nil
		}
		names = append(names, cli.Inert(p.Name))
	}
	has := "it has none"
	if len(names) > 0 {
		has = "it has " + strings.Join(names, ", ")
	}
	return nil, cli.Usage("preset", fmt.Sprintf("The template has no preset %q; %s.", cli.Inert(name), has))
}

// problems are what Terraform accepts and a workspace would suffer from.
func problems(b Workbench, start []jobrpc.Resource, external bool) []string {
	out := []string{}
	if err := b.Check(start); err != nil {
		out = append(out, err.Error())
	}
	for _, r := range start {
		for _, a := range r.Agents {
			if r.Type == "coder_agent" && !external {
				out = append(out, fmt.Sprintf("Agent %s belongs to no resource, so nothing starts it. Use its token or init_script in the resource that runs it.", a.Name))
			}
		}
	}
	return out
}
