package params

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

type resolver struct {
	flags                      *Flags
	env                        *cli.Env
	given, defaults, ephemeral map[string]string
	previous, copied, preset   map[string]string
	isNew                      bool
	masked                     bool // the next answer is not to be seen
}

// value decides one parameter; ok is false where the server shall fill it in.
func (r *resolver) value(ctx context.Context, p api.TemplateVersionParameter) (string, bool, error) {
	prev, had := r.previous[p.Name]
	if p.Ephemeral {
		if v, ok := r.ephemeral[p.Name]; ok {
			return v, true, r.checked(p, v, "")
		}
		if !r.flags.askEphemeral && !r.flags.askBuildOptions {
			return "", false, nil
		}
		v, err := r.ask(ctx, p, p.DefaultValue)
		return v, err == nil, err
	}
	if _, wrong := r.ephemeral[p.Name]; wrong {
		return "", false, cli.Usage("ephemeral-parameter", fmt.Sprintf("%q is not ephemeral; use --parameter.", cli.Inert(p.Name)))
	}
	if v, ok := r.given[p.Name]; ok {
		if had && !p.Mutable && v != prev {
			return "", false, cli.Usage("parameter", fmt.Sprintf("%q cannot be changed after the workspace was made; it is %q.", cli.Inert(p.Name), cli.Inert(prev)))
		}
		return v, true, r.checked(p, v, prev)
	}
	if v, ok := r.preset[p.Name]; ok && (!had || p.Mutable) { // a preset does not move what stays
		return "", false, r.checked(p, v, prev) // the server fills it in
	}
	if !r.flags.always || !p.Mutable {
		if had && Check(p, prev, "") == nil {
			return "", false, nil
		}
		if v, ok := r.copied[p.Name]; ok {
			return v, true, r.checked(p, v, "")
		}
	}
	return r.open(ctx, p, prev)
}

// open decides a parameter that nobody gave a value.
func (r *resolver) open(ctx context.Context, p api.TemplateVersionParameter, prev string) (string, bool, error) {
	def, offered := r.defaults[p.Name]
	if !offered {
		def = p.DefaultValue
	}
	if prev != "" {
		def = prev
	}
	silent := r.flags.useDefaults || !r.env.Interactive() || !r.isNew && !r.flags.always
	if silent && (!p.Required || offered) {
		if offered {
			return def, true, r.checked(p, def, prev)
		}
		return "", false, nil
	}
	if !r.env.Interactive() {
		return "", false, cli.Usage("parameter", fmt.Sprintf("The template needs a value for %q; give --parameter %s=<value>.", cli.Inert(p.Name), cli.Inert(p.Name)))
	}
	v, err := r.ask(ctx, p, def)
	return v, err == nil, err
}

func (r *resolver) checked(p api.TemplateVersionParameter, v, prev string) error {
	if err := Check(p, v, prev); err != nil {
		return cli.Usage("parameter", fmt.Sprintf("%s=%s: %s.", cli.Inert(p.Name), cli.Inert(v), err))
	}
	return nil
}

// Check says why a value does not fit; the text has no final period. prev is
// the last build's value, for parameters that may only grow or shrink.
func Check(p api.TemplateVersionParameter, v, prev string) error {
	if p.Required && v == "" {
		return errors.New("a value is needed")
	}
	if err := checkOptions(p, v); err != nil {
		return err
	}
	switch p.Type {
	case "number":
		return checkNumber(p, v, prev)
	case "bool":
		if v != "true" && v != "false" {
			return errors.New("must be true or false")
		}
	case "list(string)":
		var l []string
		if v != "" && json.Unmarshal([]byte(v), &l) != nil {
			return errors.New(`must be a JSON list of strings, such as ["a","b"]`)
		}
	case "string":
		if p.ValidationRegex == "" {
			return nil
		}
		re, err := regexp.Compile(p.ValidationRegex)
		if err == nil && !re.MatchString(v) {
			if p.ValidationError != "" {
				return errors.New(cli.Inert(p.ValidationError))
			}
			return fmt.Errorf("must match %s", cli.Inert(p.ValidationRegex))
		}
	}
	return nil
}

func checkOptions(p api.TemplateVersionParameter, v string) error {
	if len(p.Options) == 0 {
		return nil
	}
	var items []string
	if p.Type == "list(string)" && p.FormType != "radio" && json.Unmarshal([]byte(v), &items) == nil {
		p.Type = ""
		for _, it := range items {
			if err := checkOptions(p, it); err != nil {
				return err
			}
		}
		return nil
	}
	var all []string
	for _, o := range p.Options {
		if o.Value == v {
			return nil
		}
		all = append(all, o.Value)
	}
	return fmt.Errorf("must be one of %s", cli.Inert(strings.Join(all, ", ")))
}

func checkNumber(p api.TemplateVersionParameter, v, prev string) error {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return errors.New("must be a number")
	}
	if p.ValidationMin != nil && n < float64(*p.ValidationMin) || p.ValidationMax != nil && n > float64(*p.ValidationMax) {
		lo, hi := "any", "any"
		if p.ValidationMin != nil {
			lo = strconv.FormatInt(*p.ValidationMin, 10)
		}
		if p.ValidationMax != nil {
			hi = strconv.FormatInt(*p.ValidationMax, 10)
		}
		return fmt.Errorf("must be between %s and %s", lo, hi)
	}
	before, err := strconv.ParseFloat(prev, 64)
	if err != nil {
		return nil
	}
	if p.ValidationMonotonic == "increasing" && n < before {
		return fmt.Errorf("must not be less than before (%s)", prev)
	}
	if p.ValidationMonotonic == "decreasing" && n > before {
		return fmt.Errorf("must not be more than before (%s)", prev)
	}
	return nil
}

// scalar renders a YAML value as Terraform takes it.
func scalar(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, nil
	case yaml.AliasNode:
		return "", errors.New("aliases are not supported")
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return "", err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", errors.New("it cannot be written as JSON")
	}
	return string(b), nil
}
