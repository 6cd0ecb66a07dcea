package parameters

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"coder.internal/api"
)

// MaxValue bounds the value of one parameter, in bytes: it travels to Terraform
// in an environment variable.
const MaxValue = 64 << 10

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// reading is a coder_parameter that is being read.
type reading struct {
	s    *scope
	b    *block
	each map[string]cty.Value
	p    api.PreviewParameter
	// open says that the default, an option or a rule is not known, so that a
	// value cannot be judged.
	open bool
	// someOptions says that there may be more options than are known.
	someOptions bool
}

func (r *reading) fail(summary string, err error) {
	r.p.Diagnostics = append(r.p.Diagnostics, problem(summary, err))
}

func problem(summary string, err error) api.Diagnostic {
	return api.Diagnostic{Severity: api.DiagnosticError, Summary: summary, Detail: sentence(err)}
}

// warn says that something is only known during a build.
func (r *reading) unknown(what string) {
	r.open = true
	r.p.Diagnostics = append(r.p.Diagnostics, api.Diagnostic{Severity: api.DiagnosticWarning,
		Summary: "Not everything about the parameter is known yet.",
		Detail:  "The " + what + " depends on what is only known during a build."})
}

func (r *reading) text(attrs map[string]*expression, name string) string {
	v, err := r.s.attr(attrs, name, cty.String, r.each)
	if err != nil {
		r.fail("The parameter cannot be evaluated.", err)
	} else if !v.IsKnown() {
		r.unknown(name)
	}
	return plain(v)
}

func (r *reading) flag(name string) bool {
	v, err := r.s.attr(r.b.attrs, name, cty.Bool, r.each)
	if err != nil {
		r.fail("The parameter cannot be evaluated.", err)
		return false
	}
	return truth(v)
}

func (r *reading) integer(attrs map[string]*expression, name string) *int64 {
	v, err := r.s.attr(attrs, name, cty.Number, r.each)
	switch {
	case err != nil:
		r.fail("The parameter cannot be evaluated.", err)
		return nil
	case !v.IsKnown():
		r.unknown(name)
		return nil
	case v.IsNull():
		return nil
	}
	f := v.AsBigFloat()
	n, _ := f.Int64()
	if !f.IsInt() {
		r.fail("The parameter cannot be evaluated.", fmt.Errorf("%s must be a whole number", name))
		return nil
	}
	return &n
}

// parameter reads one instance of a coder_parameter, puts it into the result and
// returns what references to it see.
func (s *scope) parameter(b *block, each map[string]cty.Value) cty.Value {
	r := &reading{s: s, b: b, each: each, p: api.PreviewParameter{Options: []api.PreviewParameterOption{},
		Validations: []api.PreviewParameterValidation{}, Diagnostics: []api.Diagnostic{}}}
	name, err := s.text(b, "name", each)
	if err != nil {
		s.run.out.Open = true
		s.run.say(api.DiagnosticError, "A parameter cannot be evaluated.", s.place(b, err))
		return cty.DynamicVal
	}
	if r.p.Name = plain(name); r.p.Name == "" {
		s.run.out.Open = true
		s.run.say(api.DiagnosticWarning, "The name of a parameter is not known.",
			s.place(b, errors.New("it depends on what is only known during a build")))
		return cty.DynamicVal
	}
	r.attributes()
	r.options()
	r.validation()
	def, err := s.attr(b.attrs, "default", cty.String, each)
	if err != nil {
		r.fail("The default of the parameter cannot be evaluated.", err)
	}
	r.p.DefaultValue = hclString(def)
	r.p.Required = b.attrs["default"] == nil || def.IsKnown() && def.IsNull()
	if !def.IsKnown() && err == nil {
		r.unknown("default")
	}
	r.p = s.run.settle(r.p, r.open, r.someOptions)
	s.run.out.Parameters = append(s.run.out.Parameters, r.p)
	return r.object(name)
}

func (r *reading) attributes() {
	attrs := r.b.attrs
	r.p.DisplayName, r.p.Description, r.p.Icon = r.text(attrs, "display_name"), r.text(attrs, "description"), r.text(attrs, "icon")
	r.p.Type, r.p.FormType = r.text(attrs, "type"), r.text(attrs, "form_type")
	if r.p.Type == "" {
		r.p.Type = "string"
	}
	r.p.Mutable, r.p.Ephemeral = r.flag("mutable"), r.flag("ephemeral")
	if n := r.integer(attrs, "order"); n != nil {
		r.p.Order = *n
	}
	if raw := r.text(attrs, "styling"); raw != "" {
		if err := json.Unmarshal([]byte(raw), &r.p.Styling); err != nil {
			r.fail("The styling of the parameter is broken.", errors.New("styling must be a JSON object with the keys placeholder, disabled, label and mask_input"))
		}
	}
}

// blocks calls f for every nested block of a kind, dynamic ones expanded.
func (r *reading) blocks(kind string, f func(attrs map[string]*expression)) {
	outer := r.each
	defer func() { r.each = outer }()
	for _, n := range r.b.blocks {
		if n.typ != kind {
			continue
		}
		if n.forEach == nil {
			f(n.attrs)
			continue
		}
		_, steps, unknown, err := r.s.forEach(n.forEach, n.iterator, outer)
		if err != nil {
			r.fail("The "+kind+" blocks of the parameter cannot be evaluated.", err)
		}
		if unknown {
			r.unknown("list of its " + kind + " blocks")
			r.someOptions = r.someOptions || kind == "option"
		}
		for _, step := range steps {
			r.each = step
			f(n.attrs)
		}
		r.each = outer
	}
}

func (r *reading) options() {
	names, values := map[string]bool{}, map[string]bool{}
	r.blocks("option", func(attrs map[string]*expression) {
		if len(r.p.Options) == maxOptions {
			r.s.run.budget.end(fmt.Sprintf("a parameter has more than %d options", maxOptions))
		}
		o := api.PreviewParameterOption{Name: r.text(attrs, "name"), Description: r.text(attrs, "description"), Icon: r.text(attrs, "icon")}
		v, err := r.s.attr(attrs, "value", cty.String, r.each)
		switch {
		case err != nil:
			r.fail("An option of the parameter cannot be evaluated.", err)
		case !v.IsKnown():
			r.unknown("value of an option")
		case v.IsNull():
			r.fail("An option of the parameter has no value.", fmt.Errorf("option %q needs a value", clip(o.Name)))
		}
		o.Value = hclString(v)
		if o.Value.Valid && values[o.Value.Value] {
			r.fail("Two options have the same value.", fmt.Errorf("the value %q stands in more than one option", clip(o.Value.Value)))
		}
		if o.Name != "" && names[o.Name] {
			r.fail("Two options have the same name.", fmt.Errorf("the name %q stands in more than one option", clip(o.Name)))
		}
		names[o.Name], values[o.Value.Value] = true, true
		r.p.Options = append(r.p.Options, o)
	})
}

func (r *reading) validation() {
	r.blocks("validation", func(attrs map[string]*expression) {
		if len(r.p.Validations) == 1 {
			r.fail("The parameter has two validation blocks.", errors.New("at most one is allowed"))
			return
		}
		v := api.PreviewParameterValidation{Error: r.text(attrs, "error"), Min: r.integer(attrs, "min"), Max: r.integer(attrs, "max")}
		if s := r.text(attrs, "regex"); s != "" {
			v.Regex = &s
		}
		if s := r.text(attrs, "monotonic"); s != "" {
			v.Monotonic = &s
		}
		r.p.Validations = append(r.p.Validations, v)
	})
}

// settle checks a parameter against the rules of the language and gives it its
// value. open leaves the value unjudged; someOptions says that there may be more
// of them, so that neither the form nor the default can be held against them.
func (r *run) settle(p api.PreviewParameter, open, someOptions bool) api.PreviewParameter {
	rules := rulesOfPreview(p)
	form, err := formOf(p, someOptions)
	p.FormType = form
	declared := p
	if someOptions {
		declared.DefaultValue = api.HCLString{}
	}
	if err != nil {
		p.Diagnostics = append(p.Diagnostics, problem("The form type does not fit the parameter.", err))
	} else {
		rules.FormType = form
		for _, err := range rules.declaration(declared) {
			p.Diagnostics = append(p.Diagnostics, problem("The parameter is declared wrongly.", err))
		}
	}
	sound := !slices.ContainsFunc(p.Diagnostics, func(d api.Diagnostic) bool { return d.Severity == api.DiagnosticError })
	return r.value(p, rules, open || !sound)
}

// formOf is FormType for a parameter that may have more options than are known.
func formOf(p api.PreviewParameter, someOptions bool) (string, error) {
	count := len(p.Options)
	if someOptions && count == 0 {
		if form, err := FormType(p.Type, 1, p.FormType); err == nil {
			return form, nil
		}
	}
	return FormType(p.Type, count, p.FormType)
}

// value gives a parameter its value and checks it. Unjudged, Terraform does.
func (r *run) value(p api.PreviewParameter, rules Rules, unjudged bool) api.PreviewParameter {
	given, isGiven := r.in.Values[p.Name]
	old, hasOld := r.in.Previous[p.Name]
	kept := !isGiven && hasOld && !p.Ephemeral
	switch {
	case isGiven:
		p.Value = api.HCLString{Value: given, Valid: true}
	case kept:
		p.Value = api.HCLString{Value: old, Valid: true}
	case p.Required:
		p.Diagnostics = append(p.Diagnostics, api.Diagnostic{Severity: api.DiagnosticError, Summary: "A value is required.",
			Detail: fmt.Sprintf("Parameter %q has no default.", clip(p.Name)), Extra: api.DiagnosticExtra{Code: api.CodeRequired}})
		return p
	default:
		p.Value = p.DefaultValue
		return p // the declaration covers its default
	}
	if err := storable(p.Value.Value); err != nil {
		p.Value = api.HCLString{}
		p.Diagnostics = append(p.Diagnostics, problem("The value is not usable.", err))
		return p
	}
	if unjudged {
		return p
	}
	err := rules.Check(p.Value.Value)
	if err == nil && isGiven && hasOld && !r.in.FirstBuild {
		err = rules.CheckChange(given, old)
	}
	if err != nil && kept {
		err = fmt.Errorf("the value of the last build does not fit any more; choose again: %w", err)
	}
	if err != nil {
		// As it is: the words may be the template's.
		p.Diagnostics = append(p.Diagnostics, api.Diagnostic{Severity: api.DiagnosticError, Summary: "The value is not allowed.", Detail: shorten(err.Error())})
	}
	return p
}

// storable refuses values that cannot travel to Terraform as text.
func storable(v string) error {
	switch {
	case strings.ContainsRune(v, 0):
		return errors.New("the value must not have NUL characters")
	case !utf8.ValidString(v):
		return errors.New("the value must be UTF-8 text")
	case len(v) > MaxValue:
		return fmt.Errorf("the value is larger than %d KiB", MaxValue>>10)
	}
	return nil
}

func hclString(v cty.Value) api.HCLString {
	if v.IsNull() || !v.IsKnown() {
		return api.HCLString{}
	}
	return api.HCLString{Value: v.AsString(), Valid: true}
}

// object is the value of data.coder_parameter.x.
func (r *reading) object(name cty.Value) cty.Value {
	p := r.p
	value := cty.UnknownVal(cty.String)
	if p.Value.Valid {
		value = cty.StringVal(p.Value.Value)
	}
	def := cty.NullVal(cty.String)
	if p.DefaultValue.Valid {
		def = cty.StringVal(p.DefaultValue.Value)
	} else if !p.Required {
		def = cty.UnknownVal(cty.String)
	}
	options := make([]cty.Value, len(p.Options))
	for i, o := range p.Options {
		v := cty.UnknownVal(cty.String)
		if o.Value.Valid {
			v = cty.StringVal(o.Value.Value)
		}
		options[i] = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(o.Name), "description": cty.StringVal(o.Description),
			"icon": cty.StringVal(o.Icon), "value": v})
	}
	list := cty.ListValEmpty(cty.Object(map[string]cty.Type{"name": cty.String, "description": cty.String, "icon": cty.String, "value": cty.String}))
	if len(options) > 0 {
		list = cty.ListVal(options)
	}
	return cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "name": name, "value": value, "default": def,
		"display_name": cty.StringVal(p.DisplayName), "description": cty.StringVal(p.Description), "icon": cty.StringVal(p.Icon),
		"type": cty.StringVal(p.Type), "form_type": cty.StringVal(p.FormType), "mutable": cty.BoolVal(p.Mutable),
		"ephemeral": cty.BoolVal(p.Ephemeral), "optional": cty.BoolVal(!p.Required), "order": cty.NumberIntVal(p.Order),
		"styling": cty.UnknownVal(cty.String), "option": list, "validation": cty.DynamicVal})
}

// imported adds the parameters that Terraform reported and that no file here
// declares, such as those of modules from elsewhere.
func (r *run) imported() {
	if !r.t.open && r.t.computed {
		return // what is not there has a name that was worked out, and is not there now
	}
	have := map[string]bool{}
	for _, p := range r.out.Parameters {
		have[p.Name] = true
	}
	for _, p := range r.in.Imported {
		if have[p.Name] || r.t.names[p.Name] {
			continue
		}
		r.out.Assumed[p.Name] = true
		r.out.Parameters = append(r.out.Parameters, r.value(FromImport(p), rulesOfPreview(FromImport(p)), false))
	}
}

// FromImport is a parameter of an import as the live evaluation shows it,
// without a value.
func FromImport(p api.TemplateVersionParameter) api.PreviewParameter {
	out := api.PreviewParameter{Name: p.Name, DisplayName: p.DisplayName, Description: p.Description, Type: p.Type,
		FormType: p.FormType, Mutable: p.Mutable, Ephemeral: p.Ephemeral, Icon: p.Icon, Required: p.Required,
		DefaultValue: api.HCLString{Value: p.DefaultValue, Valid: !p.Required}, Options: []api.PreviewParameterOption{},
		Validations: []api.PreviewParameterValidation{}, Diagnostics: []api.Diagnostic{}}
	for _, o := range p.Options {
		out.Options = append(out.Options, api.PreviewParameterOption{Name: o.Name, Description: o.Description, Icon: o.Icon,
			Value: api.HCLString{Value: o.Value, Valid: true}})
	}
	if p.ValidationRegex != "" || p.ValidationMin != nil || p.ValidationMax != nil || p.ValidationMonotonic != "" {
		v := api.PreviewParameterValidation{Error: p.ValidationError}
		if p.ValidationRegex != "" {
			v.Regex = &p.ValidationRegex
		}
		if p.ValidationMonotonic != "" {
			v.Monotonic = &p.ValidationMonotonic
		}
		if p.ValidationMin != nil {
			n := int64(*p.ValidationMin)
			v.Min = &n
		}
		if p.ValidationMax != nil {
			n := int64(*p.ValidationMax)
			v.Max = &n
		}
		out.Validations = append(out.Validations, v)
	}
	return out
}
