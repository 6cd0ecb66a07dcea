//go:build linux

package serve_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"coder.internal/api"
)

// shown is what people see of a parameter, in one form for all sides.
type shown struct {
	Name, DisplayName, Description, Type, FormType, Icon string
	Default, Value, Styling                              string
	Mutable, Required, Ephemeral                         bool
	Order                                                int64
	Options                                              []shownOption
	Check                                                shownCheck
}

type shownOption struct{ Name, Value, Description, Icon string }

type shownCheck struct{ Error, Regex, Min, Max, Monotonic string }

type shownPreset struct {
	Description, Icon string
	Default           bool
	Instances         int
	Parameters        map[string]string
}

func shownRich(p api.TemplateVersionParameter) shown {
	s := shown{Name: p.Name, DisplayName: p.DisplayName, Description: p.Description, Type: p.Type, FormType: p.FormType, Icon: p.Icon,
		Default: p.DefaultValue, Mutable: p.Mutable, Required: p.Required, Ephemeral: p.Ephemeral,
		Check: shownCheck{Error: p.ValidationError, Regex: p.ValidationRegex, Min: number(p.ValidationMin), Max: number(p.ValidationMax), Monotonic: p.ValidationMonotonic}}
	for _, o := range p.Options {
		s.Options = append(s.Options, shownOption{o.Name, o.Value, o.Description, o.Icon})
	}
	return s
}

func shownPage(p api.PreviewParameter) shown {
	s := shown{Name: p.Name, DisplayName: p.DisplayName, Description: p.Description, Type: p.Type, FormType: p.FormType, Icon: p.Icon,
		Default: p.DefaultValue.Value, Value: p.Value.Value, Mutable: p.Mutable, Required: p.Required, Ephemeral: p.Ephemeral, Order: p.Order}
	for _, o := range p.Options {
		s.Options = append(s.Options, shownOption{o.Name, o.Value.Value, o.Description, o.Icon})
	}
	for _, v := range p.Validations {
		s.Check = shownCheck{Error: v.Error, Regex: text(v.Regex), Min: number(v.Min), Max: number(v.Max), Monotonic: text(v.Monotonic)}
	}
	if styling := encode(p.Styling); styling != "{}" {
		s.Styling = styling
	}
	return s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func sortShown(list []shown) {
	slices.SortStableFunc(list, func(a, b shown) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name))
	})
}

func toOptions(list []shownOption) (out []api.PreviewParameterOption) {
	for _, o := range list {
		out = append(out, api.PreviewParameterOption{Name: o.Name, Value: api.HCLString{Value: o.Value, Valid: true}})
	}
	return out
}

// shared are those of list that other has by name.
func shared(list, other []shown) []shown {
	return slices.DeleteFunc(slices.Clone(list), func(p shown) bool {
		return !slices.ContainsFunc(other, func(q shown) bool { return q.Name == p.Name })
	})
}

// differ names the first difference between two lists of parameters, in their
// order. What a parameter in open is like is only known during a build.
func differ(where string, ours, theirs []shown, open map[string]bool) error {
	list := func(l []shown) (out []string) {
		for _, p := range l {
			out = append(out, p.Name)
		}
		return out
	}
	if x, y := list(ours), list(theirs); !slices.Equal(x, y) {
		return fmt.Errorf("%s: the server has the parameters %q, the provider %q", where, x, y)
	}
	for i, p := range ours {
		if open[p.Name] {
			continue
		}
		x, y := reflect.ValueOf(p), reflect.ValueOf(theirs[i])
		for f := range x.NumField() {
			if a, b := encode(x.Field(f).Interface()), encode(y.Field(f).Interface()); a != b {
				return fmt.Errorf("%s: %s of parameter %q is %s at the server, %s at the provider", where, x.Type().Field(f).Name, p.Name, a, b)
			}
		}
	}
	return nil
}

// complaints are what a page has against the template or a value, and whether a
// required value is missing.
func complaints(page api.DynamicParametersResponse) (refused string, missing bool) {
	all := slices.Clone(page.Diagnostics)
	for _, p := range page.Parameters {
		all = append(all, p.Diagnostics...)
	}
	for _, d := range all {
		switch {
		case d.Extra.Code == api.CodeRequired:
			missing = true
		case d.Severity == api.DiagnosticError:
			refused = cmp.Or(refused, d.Summary+" "+d.Detail)
		}
	}
	return refused, missing
}

// candidates are values that are tried for a parameter, the first of them fit.
func candidates(p api.PreviewParameter) []string {
	var out []string
	for _, o := range p.Options[:min(len(p.Options), 4)] {
		out = append(out, o.Value.Value)
	}
	if p.Type == "list(string)" {
		lists := []string{encode(out[:min(len(out), 1)]), encode(out), `["no such thing"]`, "no list"}
		if len(out) == 0 {
			lists[0] = `["a b","c"]`
		}
		return lists
	}
	switch {
	case len(out) > 0:
		return append(out, "no such option")
	case p.Type == "bool":
		return []string{strconv.FormatBool(p.DefaultValue.Value != "true"), "perhaps"}
	case p.Type == "number":
		for _, v := range p.Validations {
			for _, n := range []*int64{v.Max, v.Min} {
				if n != nil {
					out = append(out, number(n))
				}
			}
			if v.Min != nil {
				out = append(out, strconv.FormatInt(*v.Min-1, 10))
			}
		}
		return append(out, "3", "many")
	}
	return []string{"x", "a \"b\" ${c}\nd"}
}

// variations are inputs that differ from base in one parameter.
func variations(list []api.PreviewParameter, base map[string]string) (out []map[string]string) {
	for _, p := range list {
		for _, value := range candidates(p) {
			inputs := maps.Clone(base)
			if inputs == nil {
				inputs = map[string]string{}
			}
			inputs[p.Name] = value
			out = append(out, inputs)
		}
	}
	return out
}

func names(list []api.PreviewParameter) map[string]bool {
	out := map[string]bool{}
	for _, p := range list {
		out[p.Name] = true
	}
	return out
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
