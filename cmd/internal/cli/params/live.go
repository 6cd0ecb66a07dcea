package params

import (
	"context"
	"maps"

	"coder.internal/api"
)

// Evaluate returns the parameters that a template has with these values.
type Evaluate func(ctx context.Context, inputs map[string]string) (api.DynamicParametersResponse, error)

// live decides parameters that may come and go with the answers: after each
// answer that changes something the template is asked again, and what is new is
// asked next. ok is false where the template cannot be evaluated before a build;
// then the list of the import has to do.
func (r *resolver) live(ctx context.Context, b Build) (out []api.ParameterValue, ok bool, err error) {
	inputs := map[string]string{}
	for _, m := range []map[string]string{r.previous, r.copied, r.preset, r.given, r.ephemeral} {
		maps.Copy(inputs, m)
	}
	settled, seen := map[string]bool{}, map[string]api.TemplateVersionParameter{}
	for _, p := range b.Parameters {
		seen[p.Name] = p
	}
	for changed := true; changed; {
		changed = false
		res, err := b.Live(ctx, inputs)
		if err != nil {
			return nil, false, err
		}
		for _, d := range res.Diagnostics {
			if d.Severity == api.DiagnosticError {
				return nil, false, nil
			}
		}
		for _, p := range res.Parameters {
			if settled[p.Name] {
				continue
			}
			flat := Flatten(p)
			settled[p.Name], seen[p.Name] = true, flat
			r.masked = p.Styling.MaskInput != nil && *p.Styling.MaskInput
			v, send, err := r.value(ctx, flat)
			if err != nil {
				return nil, false, err
			}
			if send {
				out = append(out, api.ParameterValue{Name: p.Name, Value: v})
			} else if p.Ephemeral || p.DefaultValue.Valid && Check(flat, inputs[p.Name], "") != nil {
				v = p.DefaultValue.Value
			} else {
				continue
			}
			if inputs[p.Name] != v {
				inputs[p.Name], changed = v, p.Value.Value != v
			}
			if changed {
				break // what comes next may depend on it
			}
		}
	}
	all := make([]api.TemplateVersionParameter, 0, len(seen))
	for _, p := range seen {
		all = append(all, p)
	}
	return r.unseen(out, settled), true, r.known(all, " with these values")
}

// unseen adds what was named for parameters that the evaluation did not show: the
// server knows whether Terraform may find them after all, and says so if not.
func (r *resolver) unseen(out []api.ParameterValue, settled map[string]bool) []api.ParameterValue {
	for _, m := range []map[string]string{r.given, r.ephemeral} {
		for name, v := range m {
			if !settled[name] {
				out = append(out, api.ParameterValue{Name: name, Value: v})
			}
		}
	}
	return out
}

// Flatten makes an evaluated parameter look like an imported one.
func Flatten(p api.PreviewParameter) api.TemplateVersionParameter {
	out := api.TemplateVersionParameter{Name: p.Name, DisplayName: p.DisplayName, Description: p.Description, Type: p.Type,
		FormType: p.FormType, Mutable: p.Mutable, DefaultValue: p.DefaultValue.Value, Icon: p.Icon, Required: p.Required,
		Ephemeral: p.Ephemeral}
	for _, o := range p.Options {
		if !o.Value.Valid {
			out.Options = nil // not all are known: any value may be right
			break
		}
		out.Options = append(out.Options, api.TemplateVersionParameterOption{Name: o.Name, Description: o.Description, Value: o.Value.Value, Icon: o.Icon})
	}
	for _, v := range p.Validations {
		out.ValidationError, out.ValidationMin, out.ValidationMax = v.Error, v.Min, v.Max
		if v.Regex != nil {
			out.ValidationRegex = *v.Regex
		}
		if v.Monotonic != nil {
			out.ValidationMonotonic = *v.Monotonic
		}
	}
	return out
}
