package workspaces

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coder.internal/api"
)

// field names the JSON field in errors about parameters.
const field = "rich_parameter_values"

// maxValues bounds the bytes of all values of a build together.
const maxValues = 2 << 20

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
			if err := checkValue(p, v); err != nil && strict {
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

// givenValues refuses names that are unknown or come twice.
func givenValues(declared []api.TemplateVersionParameter, given []api.ParameterValue) (map[string]string, error) {
	known := make(map[string]bool, len(declared))
	names := make([]string, 0, len(declared))
	for _, p := range declared {
		known[p.Name] = true
		names = append(names, p.Name)
	}
	out := make(map[string]string, len(given))
	size := 0
	for _, v := range given {
		if !known[v.Name] {
			detail := "the template has no such parameter"
			if len(names) > 0 {
				detail += "; it has: " + strings.Join(names, ", ")
			}
			return nil, invalid(v.Name, detail)
		}
		if _, twice := out[v.Name]; twice {
			return nil, invalid(v.Name, "the parameter is named twice")
		}
		if strings.ContainsRune(v.Value, 0) {
			return nil, invalid(v.Name, "the value must not have NUL characters")
		}
		if size += len(v.Value); size > maxValues {
			return nil, invalid(v.Name, fmt.Sprintf("all values together are larger than %d bytes", maxValues))
		}
		out[v.Name] = v.Value
	}
	return out, nil
}

func checkGiven(p api.TemplateVersionParameter, v, old string, hasOld bool) error {
	if hasOld && !p.Mutable && !p.Ephemeral && v != old {
		return invalid(p.Name, fmt.Sprintf("the parameter cannot be changed after the workspace was created; its value is %q", clip(old)))
	}
	if err := checkValue(p, v); err != nil {
		return invalid(p.Name, err.Error())
	}
	if hasOld {
		return checkMonotonic(p, v, old)
	}
	return nil
}

// checkValue checks one value by its type, options and validation block.
func checkValue(p api.TemplateVersionParameter, v string) error {
	switch p.Type {
	case "number":
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%q is not a number", clip(v))
		}
		if len(p.Options) == 0 {
			if err := checkRange(p, n, v); err != nil {
				return err
			}
		}
	case "bool":
		if v != "true" && v != "false" {
			return fmt.Errorf("%q is not a bool; use true or false", clip(v))
		}
	case "list(string)":
		return checkList(p, v)
	}
	if len(p.Options) > 0 {
		return checkOption(p, v)
	}
	if p.ValidationRegex != "" && (p.Type == "string" || p.Type == "") {
		return checkRegex(p, v)
	}
	return nil
}

func checkRange(p api.TemplateVersionParameter, n float64, v string) error {
	if p.ValidationMin != nil && n < float64(*p.ValidationMin) {
		return rangeError(p, v, fmt.Sprintf("%s is below the minimum of %d", v, *p.ValidationMin))
	}
	if p.ValidationMax != nil && n > float64(*p.ValidationMax) {
		return rangeError(p, v, fmt.Sprintf("%s is above the maximum of %d", v, *p.ValidationMax))
	}
	return nil
}

// rangeError uses the template's own words where it has some.
func rangeError(p api.TemplateVersionParameter, v, ours string) error {
	if p.ValidationError == "" {
		return fmt.Errorf("%s", ours)
	}
	text := strings.ReplaceAll(p.ValidationError, "{value}", clip(v))
	if p.ValidationMin != nil {
		text = strings.ReplaceAll(text, "{min}", strconv.FormatInt(*p.ValidationMin, 10))
	}
	if p.ValidationMax != nil {
		text = strings.ReplaceAll(text, "{max}", strconv.FormatInt(*p.ValidationMax, 10))
	}
	return fmt.Errorf("%s", text)
}

func checkRegex(p api.TemplateVersionParameter, v string) error {
	re, err := regexp.Compile(p.ValidationRegex)
	if err != nil {
		return fmt.Errorf("the template's validation regex is broken: %w", err)
	}
	if re.MatchString(v) {
		return nil
	}
	return rangeError(p, v, fmt.Sprintf("%q does not match %s", clip(v), p.ValidationRegex))
}

func checkOption(p api.TemplateVersionParameter, v string) error {
	if slices.ContainsFunc(p.Options, func(o api.TemplateVersionParameterOption) bool { return o.Value == v }) {
		return nil
	}
	values := make([]string, len(p.Options))
	for i, o := range p.Options {
		values[i] = strconv.Quote(clip(o.Value))
	}
	return fmt.Errorf("%q is not one of the options: %s", clip(v), strings.Join(values, ", "))
}

func checkList(p api.TemplateVersionParameter, v string) error {
	var list []string
	if err := json.Unmarshal([]byte(v), &list); err != nil {
		return fmt.Errorf("%q is not a JSON list of strings", clip(v))
	}
	if len(p.Options) == 0 || checkOption(p, v) == nil {
		return nil
	}
	for _, item := range list {
		if err := checkOption(p, item); err != nil {
			return err
		}
	}
	return nil
}

func checkMonotonic(p api.TemplateVersionParameter, v, old string) error {
	if p.Type != "number" || p.ValidationMonotonic == "" {
		return nil
	}
	n, err := strconv.ParseFloat(v, 64)
	o, errOld := strconv.ParseFloat(old, 64)
	if err != nil || errOld != nil {
		return nil // the old value was of another type
	}
	if p.ValidationMonotonic == "increasing" && n < o {
		return invalid(p.Name, fmt.Sprintf("the value may only grow; it was %s", old))
	}
	if p.ValidationMonotonic == "decreasing" && n > o {
		return invalid(p.Name, fmt.Sprintf("the value may only shrink; it was %s", old))
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
