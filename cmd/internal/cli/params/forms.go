package params

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// ask asks for one parameter in the form that fits it.
func (r *resolver) ask(ctx context.Context, p api.TemplateVersionParameter, def string) (string, error) {
	label := p.DisplayName
	if label == "" {
		label = p.Name
	}
	text := p.DescriptionPlaintext
	if text == "" {
		text = p.Description
	}
	for line := range strings.Lines(text) {
		if r.env.Interactive() {
			fmt.Fprintf(r.env.Stderr, "  %s\n", cli.Inert(strings.TrimRight(line, "\r\n")))
		}
	}
	check := func(s string) error { return Check(p, s, r.previous[p.Name]) }
	q := cli.Question{Text: cli.Inert(label) + hint(p), Flag: "parameter", Default: def, Validate: check, Secret: r.masked}
	switch {
	case p.Type == "list(string)" && p.FormType != "radio":
		return r.askList(ctx, p, q)
	case len(p.Options) > 0:
		return r.env.Select(ctx, q.Text, "parameter", def, choices(p))
	case p.Type == "bool":
		return r.askBool(ctx, q)
	}
	return r.env.Ask(ctx, q)
}

func choices(p api.TemplateVersionParameter) []cli.Choice {
	out := make([]cli.Choice, len(p.Options))
	for i, o := range p.Options {
		out[i] = cli.Choice{Name: o.Name, Description: o.Description, Value: o.Value}
	}
	return out
}

// hint names the limits of a number.
func hint(p api.TemplateVersionParameter) string {
	switch lo, hi := p.ValidationMin, p.ValidationMax; {
	case p.Type != "number" || lo == nil && hi == nil:
		return ""
	case lo == nil:
		return fmt.Sprintf(" [at most %d]", *hi)
	case hi == nil:
		return fmt.Sprintf(" [at least %d]", *lo)
	default:
		return fmt.Sprintf(" [%d to %d]", *lo, *hi)
	}
}

func (r *resolver) askBool(ctx context.Context, q cli.Question) (string, error) {
	words := map[string]string{"y": "true", "yes": "true", "true": "true", "n": "false", "no": "false", "false": "false"}
	q.Text += " (yes/no)"
	q.Default = map[string]string{"true": "yes", "false": "no"}[q.Default]
	q.Validate = func(s string) error {
		if words[strings.ToLower(s)] == "" {
			return fmt.Errorf("answer yes or no")
		}
		return nil
	}
	answer, err := r.env.Ask(ctx, q)
	return words[strings.ToLower(answer)], err
}

// askList takes a JSON list, or items between commas; an item may be the number
// or the name of an option.
func (r *resolver) askList(ctx context.Context, p api.TemplateVersionParameter, q cli.Question) (string, error) {
	if r.env.Interactive() {
		for i, o := range p.Options {
			fmt.Fprintf(r.env.Stderr, "  %d) %s\n", i+1, cli.Inert(o.Name))
		}
	}
	q.Text += " (several, with commas)"
	check := q.Validate
	q.Validate = func(s string) error { return check(listOf(p, s)) }
	answer, err := r.env.Ask(ctx, q)
	return listOf(p, answer), err
}

func listOf(p api.TemplateVersionParameter, answer string) string {
	if strings.HasPrefix(strings.TrimSpace(answer), "[") {
		return answer
	}
	items := []string{}
	for _, it := range strings.Split(answer, ",") {
		if it = strings.TrimSpace(it); it == "" {
			continue
		}
		if i, err := strconv.Atoi(it); err == nil && i >= 1 && i <= len(p.Options) {
			it = p.Options[i-1].Value
		} else if i := slices.IndexFunc(p.Options, func(o api.TemplateVersionParameterOption) bool { return o.Name == it }); i >= 0 {
			it = p.Options[i].Value
		}
		items = append(items, it)
	}
	b, err := json.Marshal(items)
	if err != nil {
		return answer // strings always become JSON
	}
	return string(b)
}
