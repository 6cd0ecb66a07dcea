package workspaces

import (
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/parameters"
)

// field names the JSON field in errors about parameters.
const field = "rich_parameter_values"

// maxValues bounds the bytes of all values of a build together.
const maxValues = 1 << 20

// resolve returns the values that a build gives to the parameters of its
// version: those given, else those of the build before, else none (Terraform
// uses the default, which may depend on more than the server knows). strict is
// false for builds that take things down: they run with what there is.
//
// Every error names rich_parameter_values and the parameter.
func resolve(declared []api.TemplateVersionParameter, given, previous []api.ParameterValue, strict bool) ([]api.ParameterValue, error) {
	before := valueMap(previous)
	now, err := givenValues(declared, given)
	if err != nil {
		return nil, err
	}
	out := []api.ParameterValue{}
	for _, p := range declared {
		v, isGiven := now[p.Name]
		old, hasOld := before[p.Name]
		switch {
		case isGiven:
			if err := checkGiven(p, v, old, hasOld); err != nil {
				return nil, err
			}
		case p.Ephemeral:
			continue // not kept between builds
		case hasOld:
			v = old
			if err := parameters.RulesOf(p).Check(v); err != nil && strict {
				return nil, invalid(p.Name, "the value of the last build does not fit any more; choose again: "+err.Error())
			}
		case p.Required && strict:
			return nil, invalid(p.Name, "a value is required")
		default:
			continue
		}
		out = append(out, api.ParameterValue{Name: p.Name, Value: v})
	}
	return out, nil
}

func valueMap(values []api.ParameterValue) map[string]string {
	m := make(map[string]string, len(values))
	for _, v := range values {
		m[v.Name] = v.Value
	}
	return m
}

// uniqueValues refuses names that come twice, and more than a build can carry.
func uniqueValues(given []api.ParameterValue) (map[string]string, error) {
	out := make(map[string]string, len(given))
	size := 0
	for _, v := range given {
		if _, twice := out[v.Name]; twice {
			return nil, invalid(v.Name, "the parameter is named twice")
		}
		if size += len(v.Value); size > maxValues {
			return nil, invalid(v.Name, fmt.Sprintf("all values together are larger than %d bytes", maxValues))
		}
		out[v.Name] = v.Value
	}
	return out, nil
}

// givenValues refuses names that are unknown or come twice.
func givenValues(declared []api.TemplateVersionParameter, given []api.ParameterValue) (map[string]string, error) {
	known := make(map[string]bool, len(declared))
	names := make([]string, 0, len(declared))
	for _, p := range declared {
		known[p.Name] = true
		names = append(names, p.Name)
	}
	for _, v := range given {
		if !known[v.Name] {
			detail := "the template has no such parameter"
			if len(names) > 0 {
				detail += "; it has: " + strings.Join(names, ", ")
			}
			return nil, invalid(v.Name, detail)
		}
	}
	return uniqueValues(given)
}

func checkGiven(p api.TemplateVersionParameter, v, old string, hasOld bool) error {
	rules := parameters.RulesOf(p)
	err := rules.Check(v)
	if err == nil && hasOld {
		err = rules.CheckChange(v, old)
	}
	if err != nil {
		return invalid(p.Name, err.Error())
	}
	return nil
}

func invalid(parameter, detail string) *api.Error {
	return api.Invalid(field, fmt.Sprintf("parameter %q: %s", clip(parameter), detail))
}

// clip keeps foreign text short in messages.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
