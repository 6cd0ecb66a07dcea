package workspaces

import (
	"context"
	"maps"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/parameters"
	"coder.internal/coderd/templates"
	"coder.internal/database"
)

// question asks for the values of a build.
type question struct {
	template database.Template
	version  database.TemplateVersion
	owner    api.ID
	// workspace has zero fields before the first build.
	workspace  database.Workspace
	transition api.Transition
	given      []api.ParameterValue
	preset     api.ID // zero for none
	previous   []api.ParameterValue
	first      bool
}

// inputs are the values that a build may use, by name.
type inputs struct {
	asked    map[string]string // by the caller
	given    map[string]string // asked, and those of the preset
	previous map[string]string // of the last build
}

// with returns asked and, for what it leaves open, the values of a preset. A
// preset does not move what cannot be changed, and may name parameters that do
// not exist with these values.
func (in inputs) with(declared []api.TemplateVersionParameter, preset []api.PresetParameter) map[string]string {
	out := maps.Clone(in.asked)
	for _, v := range preset {
		_, isGiven := in.asked[v.Name]
		_, hasOld := in.previous[v.Name]
		fixed := hasOld && slices.ContainsFunc(declared, func(p api.TemplateVersionParameter) bool {
			return p.Name == v.Name && !p.Mutable && !p.Ephemeral
		})
		if !isGiven && !fixed {
			out[v.Name] = v.Value
		}
	}
	return out
}

// classic returns what was asked for, and of the preset what is declared.
func (in inputs) classic(declared []api.TemplateVersionParameter) []api.ParameterValue {
	var out []api.ParameterValue
	for _, name := range slices.Sorted(maps.Keys(in.given)) {
		_, isAsked := in.asked[name]
		if isAsked || slices.ContainsFunc(declared, func(p api.TemplateVersionParameter) bool { return p.Name == name }) {
			out = append(out, api.ParameterValue{Name: name, Value: in.given[name]})
		}
	}
	return out
}

// values decides the parameter values of a build, and the tags that its template
// gives it. The parameters are those that the template has with these values;
// with the classic flow, or where only Terraform can read the template, those
// that the import found.
//
// Every error names rich_parameter_values and the parameter.
func (s *Service) values(ctx context.Context, q *database.Queries, ask question) ([]api.ParameterValue, map[string]string, error) {
	declared, err := parametersOf(ctx, q, ask.version.ID)
	if err != nil {
		return nil, nil, err
	}
	strict := ask.transition == api.TransitionStart
	in := inputs{previous: valueMap(ask.previous)}
	if in.asked, err = uniqueValues(ask.given); err != nil {
		return nil, nil, err
	}
	preset, err := loadPreset(ctx, q, ask.preset, ask.version.ID)
	if err != nil {
		return nil, nil, err
	}
	in.given = in.with(declared, preset)
	if ask.template.UseClassicParameterFlow {
		out, err := resolve(declared, in.classic(declared), ask.previous, strict)
		return out, nil, err
	}
	p := templates.EvaluateParams{Version: ask.version, Owner: ask.owner, Values: in.given, Previous: in.previous,
		FirstBuild: ask.first, Transition: ask.transition, Workspace: parameters.Workspace{Name: ask.workspace.Name,
			TemplateID: ask.template.ID.String(), TemplateName: ask.template.Name, TemplateVersion: ask.version.Name}}
	if !ask.workspace.ID.IsZero() {
		p.Workspace.ID = ask.workspace.ID.String()
	}
	r, err := s.opts.Templates.Evaluate(ctx, q, p)
	if err != nil {
		return nil, nil, err
	}
	if r.HasErrors() {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		out, err := resolve(declared, in.classic(declared), ask.previous, strict)
		return keepOthers(out, declared, ask.previous), nil, err
	}
	out, err := liveValues(r, declared, in, strict)
	return out, r.WorkspaceTags, err
}

// keepOthers adds the last values of parameters that the import did not find: a
// condition may have brought them, and Terraform passes over what it does not
// ask for.
func keepOthers(out []api.ParameterValue, declared []api.TemplateVersionParameter, previous []api.ParameterValue) []api.ParameterValue {
	for _, v := range previous {
		if !slices.ContainsFunc(declared, func(p api.TemplateVersionParameter) bool { return p.Name == v.Name }) {
			out = append(out, v)
		}
	}
	return out
}

// liveValues picks what a build stores: what was given, what the last build had,
// and the defaults that it starts with. A default that changes in a later version
// is for new workspaces: it must not replace somebody's disk at an update. What
// only Terraform knows is not stored.
func liveValues(r parameters.Result, declared []api.TemplateVersionParameter, in inputs, strict bool) ([]api.ParameterValue, error) {
	out := []api.ParameterValue{}
	there := map[string]bool{}
	for _, p := range r.Parameters {
		there[p.Name] = true
		_, isGiven := in.given[p.Name]
		_, hasOld := in.previous[p.Name]
		kept := hasOld && !p.Ephemeral
		if d := firstError(p.Diagnostics); d != "" && (strict || isGiven) {
			return nil, invalid(p.Name, d)
		}
		switch {
		case !p.Value.Valid:
			continue
		case isGiven, kept, !p.Ephemeral && !r.Assumed[p.Name]:
			out = append(out, api.ParameterValue{Name: p.Name, Value: p.Value.Value})
		}
	}
	more, err := openValues(r, declared, there, in)
	out = append(out, more...)
	if strict {
		return out, err
	}
	// Parameters that exist only while the workspace runs have their values at the
	// next start.
	for _, name := range slices.Sorted(maps.Keys(in.previous)) {
		if !there[name] {
			out = append(out, api.ParameterValue{Name: name, Value: in.previous[name]})
		}
	}
	return out, err
}

// openValues handles values of parameters that the evaluation has not found:
// they are refused, but for those that Terraform may find after all.
func openValues(r parameters.Result, declared []api.TemplateVersionParameter, there map[string]bool, in inputs) ([]api.ParameterValue, error) {
	var out []api.ParameterValue
	if r.Open {
		for _, p := range declared {
			v, isGiven := in.given[p.Name]
			old, hasOld := in.previous[p.Name]
			switch {
			case there[p.Name]:
				continue
			case isGiven:
				if err := checkGiven(p, v, old, hasOld); err != nil {
					return nil, err
				}
			case hasOld && !p.Ephemeral:
				v = old
			default:
				continue
			}
			there[p.Name] = true
			out = append(out, api.ParameterValue{Name: p.Name, Value: v})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.asked)) {
		if there[name] {
			continue
		}
		detail := "the template has no such parameter with these values"
		if len(there) > 0 {
			detail += "; it has: " + strings.Join(slices.Sorted(maps.Keys(there)), ", ")
		}
		return nil, invalid(name, detail)
	}
	return out, nil
}

// firstError returns the text of the first error of a parameter.
func firstError(list []api.Diagnostic) string {
	for _, d := range list {
		if d.Severity != api.DiagnosticError {
			continue
		}
		if d.Extra.Code == api.CodeRequired {
			return "a value is required"
		}
		return strings.TrimSuffix(d.Detail, ".")
	}
	return ""
}
