package parameters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"coder.internal/api"
)

// maxTime bounds one evaluation when the context does not.
const maxTime = 2 * time.Second

// Input is what the answer depends on.
type Input struct {
	// Values are given for this build, by parameter name.
	Values map[string]string
	// Previous are the values of the last build. They are used where nothing is
	// given, and limit what may be given.
	Previous map[string]string
	// FirstBuild says that there is no last build.
	FirstBuild bool
	Owner      Owner
	Workspace  Workspace
	Transition api.Transition // start if empty
	// Variables of the template version; an empty value means the default.
	Variables []api.VariableValue
	// Imported is what Terraform reported when the version was imported. It stands
	// in for parameters inside modules that are not in the archive.
	Imported []api.TemplateVersionParameter
	// OS and Arch of the provisioner; empty means not known.
	OS, Arch string
}

// Owner is the owner of the workspace, as the template sees them.
type Owner struct {
	ID           api.ID
	Name         string
	FullName     string
	Email        string
	Groups       []string
	Roles        []Role
	LoginType    string
	SSHPublicKey string // empty means not known
}

// Role is a role of the owner; OrganizationID is "" for the whole deployment.
type Role struct{ Name, OrganizationID string }

// Workspace is what is known of the workspace; empty fields are not known.
type Workspace struct {
	ID, Name, TemplateID, TemplateName, TemplateVersion, AccessURL string
}

// Result is what a template says for one Input.
type Result struct {
	// Parameters by order, then name.
	Parameters []api.PreviewParameter
	// Diagnostics of the template; those of a parameter stand with it.
	Diagnostics []api.Diagnostic
	// WorkspaceTags are those that are known.
	WorkspaceTags map[string]string
	// TagsOpen says that there are tags that cannot be known before a build.
	TagsOpen bool
	Presets  []api.Preset // without ids
	// Assumed are the parameters that were taken over from the import.
	Assumed map[string]bool
	// Open says that there may be parameters that could not be found out.
	Open bool
}

// HasErrors reports whether the template itself could not be evaluated.
func (r Result) HasErrors() bool {
	return slices.ContainsFunc(r.Diagnostics, func(d api.Diagnostic) bool { return d.Severity == api.DiagnosticError })
}

// run is one evaluation.
type run struct {
	t         *Template
	in        Input
	ctx       context.Context //nolint:containedctx // lives as long as one call
	budget    *budget
	functions map[string]function.Function
	instances int
	depth     int
	seen      map[string]bool // of said diagnostics
	out       Result
}

// Evaluate works the template out for in. It takes up to two seconds, less if
// ctx ends before; what it found till then comes with an error diagnostic.
func (t *Template) Evaluate(ctx context.Context, in Input) Result {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	r := &run{t: t, in: in, ctx: ctx, budget: &budget{ctx: ctx}, seen: map[string]bool{}}
	r.functions = r.allFunctions()
	r.out = Result{Parameters: []api.PreviewParameter{}, Diagnostics: slices.Clone(t.diags),
		WorkspaceTags: map[string]string{}, Presets: []api.Preset{}, Assumed: map[string]bool{}}
	if r.out.Diagnostics == nil {
		r.out.Diagnostics = []api.Diagnostic{}
	}
	r.guard(func() { r.module(newScope(r, t.root, nil)) })
	r.guard(r.imported)
	r.finish()
	return r.out
}

// guard runs f until it is done or at the end of the budget, and keeps what the
// expression language may do wrong from ending the server. f has a goroutine of
// its own, which budget.end ends; guard waits for it.
func (r *run) guard(f func()) {
	broken := false
	var alone sync.WaitGroup
	alone.Go(func() {
		defer func() { broken = recover() != nil }()
		f()
	})
	alone.Wait()
	switch {
	case r.budget.over != "":
		r.say(api.DiagnosticError, "The template cannot be evaluated.", r.budget.over+".")
	case broken:
		r.say(api.DiagnosticError, "The template cannot be evaluated.", "An expression of the template cannot be worked out.")
	}
}

func (r *run) say(severity, summary, detail string) {
	key := severity + summary + detail
	if r.seen[key] || len(r.out.Diagnostics) >= maxDiags {
		return
	}
	r.seen[key] = true
	r.out.Diagnostics = append(r.out.Diagnostics, api.Diagnostic{Severity: severity, Summary: summary, Detail: detail})
}

// module evaluates everything that is asked for in one instance of a module, and
// the modules in it.
func (r *run) module(s *scope) {
	for _, typ := range []string{typeParameter, typePreset, typeTags} {
		for _, name := range slices.Sorted(maps.Keys(s.mod.data[typ])) {
			_, _ = s.block(s.mod.data[typ][name]) // what went wrong is said there
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.mod.calls)) {
		c := s.mod.calls[name]
		if c.module == nil {
			continue
		}
		children, err := s.callScopes(c)
		if err != nil {
			r.say(api.DiagnosticError, "Module "+name+" cannot be evaluated.", sentence(err))
			continue
		}
		for _, child := range children.list {
			r.module(child.scope)
		}
		if children.unknown {
			r.out.Open = true
			r.say(api.DiagnosticWarning, "Module "+name+" is not known yet.",
				"Whether it is used depends on what is only known during a build.")
		}
	}
}

// finish sorts and looks for what goes wrong across parameters.
func (r *run) finish() {
	r.out.Open = r.out.Open || r.t.open && len(r.in.Imported) == 0
	seen := map[string]bool{}
	kept := r.out.Parameters[:0]
	for _, p := range r.out.Parameters {
		if seen[p.Name] {
			r.say(api.DiagnosticError, "Two parameters have the same name.",
				fmt.Sprintf("The name %q is used more than once; every parameter needs a name of its own.", clip(p.Name)))
			continue
		}
		seen[p.Name] = true
		kept = append(kept, p)
	}
	r.out.Parameters = kept
	slices.SortStableFunc(r.out.Parameters, func(a, b api.PreviewParameter) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(r.out.Presets, func(a, b api.Preset) int { return strings.Compare(a.Name, b.Name) })
}

// eval evaluates an expression in a module instance. each holds each and count.
func (s *scope) eval(e *expression, each map[string]cty.Value) (cty.Value, error) {
	r := s.run
	if r.depth++; r.depth > maxDepth {
		r.depth--
		return cty.DynamicVal, errors.New("values depend on each other in too long a chain")
	}
	defer func() { r.depth-- }()
	if r.ctx.Err() != nil {
		r.budget.end(tookTooLong)
	}
	vars, err := s.variables(e.vars, each)
	if err != nil {
		return cty.DynamicVal, err
	}
	vars[budgetName] = cty.CapsuleVal(budgetType, r.budget)
	v, diags := e.Value(&hcl.EvalContext{Variables: vars, Functions: r.functions})
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			out := diagnosticOf(d)
			return cty.DynamicVal, errors.New(strings.TrimSuffix(out.Summary+": "+out.Detail, "."))
		}
	}
	// A mark would panic where values are taken apart; nothing here makes one on
	// purpose.
	v, _ = v.UnmarkDeep()
	return v, nil
}

// diagnosticOf takes an HCL diagnostic over with its place.
func diagnosticOf(d *hcl.Diagnostic) api.Diagnostic {
	out := api.Diagnostic{Severity: api.DiagnosticError, Summary: d.Summary, Detail: d.Detail}
	if d.Severity == hcl.DiagWarning {
		out.Severity = api.DiagnosticWarning
	}
	if d.Subject != nil {
		out.Detail = fmt.Sprintf("%s:%d: %s", d.Subject.Filename, d.Subject.Start.Line, d.Detail)
	}
	out.Summary, out.Detail = shorten(out.Summary), shorten(out.Detail)
	return out
}

// shorten bounds texts that may quote a template.
func shorten(s string) string {
	const limit = 2048
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// sentence makes an error a sentence.
func sentence(err error) string {
	s := shorten(err.Error())
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}
