package parameters

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coder.internal/api"
)

// Rules are what a value of a parameter must keep.
type Rules struct {
	Type, FormType                 string
	Options                        []string // values; none means anything
	Min, Max                       *int64
	Regex, Monotonic, ErrorMessage string
	// Whole says that a number has no fraction: validations of the provider work on
	// whole numbers.
	Whole, Mutable, Ephemeral bool
}

// RulesOf returns the rules of an imported parameter.
func RulesOf(p api.TemplateVersionParameter) Rules { return rulesOfPreview(FromImport(p)) }

func rulesOfPreview(p api.PreviewParameter) Rules {
	r := Rules{Type: p.Type, FormType: p.FormType, Mutable: p.Mutable, Ephemeral: p.Ephemeral}
	for _, o := range p.Options {
		r.Options = append(r.Options, o.Value.Value)
	}
	for _, v := range p.Validations {
		r.Min, r.Max, r.ErrorMessage, r.Whole = v.Min, v.Max, v.Error, true
		if v.Regex != nil {
			r.Regex = *v.Regex
		}
		if v.Monotonic != nil {
			r.Monotonic = *v.Monotonic
		}
	}
	return r
}

// The forms that fit a type, the default first: without options, and with.
var (
	plainForms = map[string][]string{"string": {"input", "textarea"}, "number": {"input", "slider"},
		"bool": {"checkbox", "switch"}, "list(string)": {"tag-select"}}
	optionForms = map[string][]string{"string": {"radio", "dropdown"}, "number": {"radio", "dropdown"},
		"bool": {"radio", "dropdown"}, "list(string)": {"radio", "multi-select"}}
)

// FormError is the form type of a parameter whose form cannot be made out.
const FormError = "error"

// FormType returns the form that a parameter is shown with. asked may be empty.
func FormType(typ string, options int, asked string) (string, error) {
	forms := plainForms
	if options > 0 {
		forms = optionForms
	}
	fit := forms[typ]
	if fit == nil {
		return FormError, fmt.Errorf("there is no parameter type %q; use string, number, bool or list(string)", clip(typ))
	}
	if asked == "" {
		return fit[0], nil
	}
	if !slices.Contains(fit, asked) {
		with := "without options"
		if options > 0 {
			with = "with options"
		}
		return FormError, fmt.Errorf("the form type %q does not fit a %s parameter %s; use %s", clip(asked), typ, with, strings.Join(fit, " or "))
	}
	return asked, nil
}

// declaration checks what the template itself says.
func (r Rules) declaration(p api.PreviewParameter) []error {
	var out []error
	bad := func(format string, args ...any) { out = append(out, fmt.Errorf(format, args...)) }
	if p.Ephemeral && p.Required {
		bad("an ephemeral parameter needs a default")
	}
	if p.Ephemeral && !p.Mutable {
		bad("an ephemeral parameter must be mutable")
	}
	number := p.Type == "number"
	if (r.Min != nil || r.Max != nil) && !number {
		bad("min and max are for number parameters, not for %s", p.Type)
	}
	if r.Monotonic != "" {
		if !number {
			bad("monotonic is for number parameters, not for %s", p.Type)
		} else if r.Monotonic != "increasing" && r.Monotonic != "decreasing" {
			bad("monotonic must be increasing or decreasing")
		}
	}
	if r.Regex != "" {
		if p.Type != "string" {
			bad("regex is for string parameters, not for %s", p.Type)
		}
		if r.ErrorMessage == "" {
			bad("a validation with a regex needs an error")
		}
		if _, err := regexp.Compile(r.Regex); err != nil {
			bad("the regex of the validation is broken")
		}
	}
	if len(out) > 0 {
		return out
	}
	item := r
	if r.FormType == multiSelect {
		item.Type = "string"
	}
	for _, o := range p.Options {
		if o.Value.Valid {
			if err := item.checkType(o.Value.Value); err != nil {
				bad("option %q: %w", clip(o.Name), err)
			}
		}
	}
	open := slices.ContainsFunc(p.Options, func(o api.PreviewParameterOption) bool { return !o.Value.Valid })
	if len(out) == 0 && !open && p.DefaultValue.Valid {
		if err := r.Check(p.DefaultValue.Value); err != nil {
			bad("the default does not keep the rules: %w", err)
		}
	}
	return out
}

const multiSelect = "multi-select"

// Check says which rule a value breaks. The text has no final period.
func (r Rules) Check(v string) error {
	if err := storable(v); err != nil {
		return err
	}
	if err := r.checkType(v); err != nil {
		return err
	}
	if err := r.checkOptions(v); err != nil {
		return err
	}
	switch r.Type {
	case "number":
		n, _ := strconv.ParseFloat(v, 64)
		return r.checkRange(n, v)
	case "string", "":
		return r.checkRegex(v)
	}
	return nil
}

func (r Rules) checkType(v string) error {
	switch r.Type {
	case "number":
		if n, err := strconv.ParseFloat(v, 64); err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%q is not a number", clip(v))
		}
		if _, err := strconv.Atoi(v); err != nil && r.Whole {
			return fmt.Errorf("%q is not a whole number", clip(v))
		}
	case "bool":
		if _, err := strconv.ParseBool(v); err != nil {
			return fmt.Errorf("%q is not a bool; use true or false", clip(v))
		}
	case "list(string)":
		if _, err := list(v); err != nil {
			return err
		}
	}
	return nil
}

func list(v string) ([]string, error) {
	var l []string
	if json.Unmarshal([]byte(v), &l) != nil {
		return nil, fmt.Errorf(`%q is not a JSON list of strings, such as ["a","b"]`, clip(v))
	}
	return l, nil
}

func (r Rules) checkOptions(v string) error {
	if len(r.Options) == 0 || slices.Contains(r.Options, v) {
		return nil
	}
	items := []string{v}
	if r.Type == "list(string)" && r.FormType != "radio" {
		items, _ = list(v) // checked before
	}
	for _, it := range items {
		if slices.Contains(r.Options, it) {
			continue
		}
		shown := r.Options[:min(len(r.Options), 20)]
		values := make([]string, len(shown), len(shown)+1)
		for i, o := range shown {
			values[i] = strconv.Quote(clip(o))
		}
		if len(shown) < len(r.Options) {
			values = append(values, "…")
		}
		return fmt.Errorf("%q is not one of the options: %s", clip(it), strings.Join(values, ", "))
	}
	return nil
}

func (r Rules) checkRange(n float64, v string) error {
	if r.Min != nil && n < float64(*r.Min) {
		return r.message(v, fmt.Sprintf("%s is below the minimum of %d", clip(v), *r.Min))
	}
	if r.Max != nil && n > float64(*r.Max) {
		return r.message(v, fmt.Sprintf("%s is above the maximum of %d", clip(v), *r.Max))
	}
	return nil
}

func (r Rules) checkRegex(v string) error {
	if r.Regex == "" {
		return nil
	}
	re, err := regexp.Compile(r.Regex)
	if err != nil {
		return errors.New("the template's validation regex is broken")
	}
	if re.MatchString(v) {
		return nil
	}
	return r.message(v, fmt.Sprintf("%q does not match %s", clip(v), clip(r.Regex)))
}

// message uses the template's own words where it has some.
func (r Rules) message(v, ours string) error {
	if r.ErrorMessage == "" {
		return errors.New(ours)
	}
	pairs := []string{"{value}", clip(v)}
	if r.Min != nil {
		pairs = append(pairs, "{min}", strconv.FormatInt(*r.Min, 10))
	}
	if r.Max != nil {
		pairs = append(pairs, "{max}", strconv.FormatInt(*r.Max, 10))
	}
	return errors.New(strings.NewReplacer(pairs...).Replace(r.ErrorMessage))
}

// CheckChange says why a value may not follow old, the value of the last build.
func (r Rules) CheckChange(v, old string) error {
	if !r.Mutable && !r.Ephemeral && v != old {
		return fmt.Errorf("the parameter cannot be changed after the workspace was created; its value is %q", clip(old))
	}
	if r.Type != "number" || r.Monotonic == "" {
		return nil
	}
	n, err := strconv.ParseFloat(v, 64)
	o, errOld := strconv.ParseFloat(old, 64)
	if err != nil || errOld != nil {
		return nil // the old value was of another type
	}
	if r.Monotonic == "increasing" && n < o {
		return r.message(v, fmt.Sprintf("the value may only grow; it was %s", clip(old)))
	}
	if r.Monotonic == "decreasing" && n > o {
		return r.message(v, fmt.Sprintf("the value may only shrink; it was %s", clip(old)))
	}
	return nil
}
