package terraform

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

// parameters returns the coder_parameters of a plan, by order, then name.
func parameters(plan *tfjson.Plan) ([]api.TemplateVersionParameter, error) {
	nodes := slices.DeleteFunc(planData(plan), func(n *node) bool { return n.typ != "coder_parameter" })
	slices.SortStableFunc(nodes, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.number("order"), b.number("order")), cmp.Compare(a.text("name"), b.text("name")))
	})
	out := []api.TemplateVersionParameter{}
	seen := map[string]string{}
	for _, n := range nodes {
		name := n.text("name")
		if other, ok := seen[name]; ok {
			return nil, &provisionerd.Failure{Message: fmt.Sprintf("The parameter name %q is used by %s and by %s; names must be unique.", name, other, n.addr)}
		}
		seen[name] = n.addr
		out = append(out, parameter(n))
	}
	return out, nil
}

func parameter(n *node) api.TemplateVersionParameter {
	p := api.TemplateVersionParameter{
		Name: n.text("name"), DisplayName: n.text("display_name"), Description: n.text("description"),
		DescriptionPlaintext: plaintext(n.text("description")), Type: n.text("type"), FormType: n.text("form_type"),
		Mutable: n.flag("mutable"), DefaultValue: n.text("default"), Icon: n.text("icon"),
		Required: !n.flag("optional"), Ephemeral: n.flag("ephemeral"), Options: []api.TemplateVersionParameterOption{},
	}
	for _, o := range n.blocks("option") {
		p.Options = append(p.Options, api.TemplateVersionParameterOption{Name: o.text("name"),
			Description: o.text("description"), Value: o.text("value"), Icon: o.text("icon")})
	}
	for _, v := range n.blocks("validation") {
		p.ValidationError, p.ValidationRegex = v.text("error"), v.text("regex")
		p.ValidationMonotonic = v.text("monotonic")
		p.ValidationMin = bound(v, "min")
		p.ValidationMax = bound(v, "max")
	}
	return p
}

// bound returns a limit of a validation block, nil when it is not given.
func bound(v *node, name string) *int64 {
	if v.flag(name+"_disabled") || v.attrs[name] == nil {
		return nil
	}
	n := int64(v.number(name))
	return &n
}

// markup matches what Markdown adds to plain words: links (of which the text
// stays), emphasis, code marks, and marks at the start of a line.
var (
	markupLink  = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	markupMarks = regexp.MustCompile("\\*{1,3}|`+|\\b_{1,2}|_{1,2}\\b|~~")
	markupLine  = regexp.MustCompile(`(?m)^\s*(?:#{1,6}|>|[-+])\s+`)
)

// plaintext is a description without its Markdown.
func plaintext(s string) string {
	s = markupLink.ReplaceAllString(s, "$1")
	s = markupLine.ReplaceAllString(s, "")
	return strings.TrimSpace(markupMarks.ReplaceAllString(s, ""))
}
