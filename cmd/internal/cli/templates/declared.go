package templates

import (
	"context"
	"fmt"
	"slices"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
)

// parametersOf knows the parameters of a template: those of its import, and those
// that it has with certain values, where some come and go.
type parametersOf struct {
	imported []api.TemplateVersionParameter
	evaluate params.Evaluate
}

// declaredParameter is a parameter with the value that it has.
type declaredParameter struct {
	api.TemplateVersionParameter
	value string
}

// with returns the parameters that there are with these values, in their order.
// The values themselves are not judged. Where the template cannot be evaluated
// before a build, the list of the import has to do.
func (p parametersOf) with(ctx context.Context, values []api.ParameterValue) ([]declaredParameter, error) {
	inputs := map[string]string{}
	for _, v := range values {
		inputs[v.Name] = v.Value
	}
	page, err := p.evaluate(ctx, inputs)
	if err != nil {
		return nil, err
	}
	broken := func(d api.Diagnostic) bool { return d.Severity == api.DiagnosticError }
	var out []declaredParameter
	if slices.ContainsFunc(page.Diagnostics, broken) {
		for _, q := range p.imported {
			out = append(out, declaredParameter{q, q.DefaultValue})
		}
	} else {
		for _, q := range page.Parameters {
			out = append(out, declaredParameter{params.Flatten(q), p.worth(q)})
		}
	}
	for i, q := range out {
		if v, ok := inputs[q.Name]; ok {
			out[i].value = v
		}
	}
	return out, nil
}

// worth is the value of a parameter. What only a build knows is as the import
// found it, which was a plan of Terraform.
func (p parametersOf) worth(q api.PreviewParameter) string {
	if q.Value.Valid {
		return q.Value.Value
	}
	for _, known := range p.imported {
		if known.Name == q.Name {
			return known.DefaultValue
		}
	}
	return ""
}

// idle are values of presets for parameters that the template does not have, also
// not with the preset's other values: nobody would notice that they do nothing.
func (p parametersOf) idle(ctx context.Context, presets []jobrpc.Preset) ([]string, error) {
	var out []string
	for _, preset := range presets {
		declared, err := p.with(ctx, preset.Parameters)
		if err != nil {
			return nil, err
		}
		for _, v := range preset.Parameters {
			if !slices.ContainsFunc(declared, func(d declaredParameter) bool { return d.Name == v.Name }) {
				out = append(out, fmt.Sprintf("Preset %s sets %q, and the template has no parameter of that name; use the parameter's name attribute.",
					cli.Inert(preset.Name), cli.Inert(v.Name)))
			}
		}
	}
	return out, nil
}
