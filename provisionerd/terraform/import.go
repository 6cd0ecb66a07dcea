package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// CodeMissingVariables is the code of a failed import whose template has
// variables without a value.
const CodeMissingVariables = "REQUIRED_TEMPLATE_VARIABLES"

// Import implements provisionerd.Provisioner: it initialises the template for
// the builds to come and reads from plans what people will be asked and get.
func (p *Provisioner) Import(ctx context.Context, job *jobrpc.Job, s provisionerd.Session) (*jobrpc.ImportResult, error) {
	r := p.begin(job, job.Import.Meta, s)
	defer r.close()
	r.note(api.LogInfo, stageParse, "Reading the template.")
	if err := r.fill(ctx); err != nil {
		return nil, err
	}
	module, diags := p.module(p.build)
	if diags.HasErrors() {
		return nil, &provisionerd.Failure{Message: r.moduleError(diags)}
	}
	r.hideSensitive(module, job.Import.Variables)
	result := &jobrpc.ImportResult{Readme: p.readme()}
	var err error
	if result.Variables, err = r.variables(module, job.Import.Variables); err != nil {
		return nil, err
	}
	start, stop, err := r.plan(ctx, job.Import.Meta)
	if err != nil {
		return nil, err
	}
	if result.Parameters, err = parameters(start); err != nil {
		return nil, err
	}
	refs := p.graph()
	if err := r.language(start, refs, result); err != nil {
		return nil, err
	}
	if result.Start, err = collect(refs.managed(start.PlannedValues), api.TransitionStart); err != nil {
		return nil, err
	}
	result.Stop, err = collect(pick(refs.managed(start.PlannedValues), stop, refs), api.TransitionStop)
	if err != nil {
		return nil, err
	}
	r.keepModules(ctx)
	return result, nil
}

// moduleError words what the module loader found.
func (r *run) moduleError(diags tfconfig.Diagnostics) string {
	for _, d := range diags {
		if d.Severity != tfconfig.DiagError {
			continue
		}
		text := d.Summary + ": " + first(d.Detail)
		if d.Pos != nil {
			name, err := filepath.Rel(r.p.build, d.Pos.Filename)
			if err == nil {
				text = fmt.Sprintf("%s line %d: %s", name, d.Pos.Line, text)
			}
		}
		r.note(api.LogError, stageParse, text)
		return text
	}
	return "The template cannot be read."
}

// maxReadme bounds the README that is shown with a template.
const maxReadme = 1 << 20

// readme returns the template's README, or nothing.
func (p *Provisioner) readme() string {
	var b []byte
	err := p.as(func() (err error) { b, err = readPlain(filepath.Join(p.build, "README.md"), maxReadme); return err })
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// variables lists the template's variables and writes their values for the
// plans. A variable that has none, from nowhere, fails the import.
func (r *run) variables(module *tfconfig.Module, given []api.VariableValue) ([]api.TemplateVersionVariable, error) {
	values, types := map[string]string{}, map[string]string{}
	for _, v := range given {
		values[v.Name] = v.Value
	}
	inFiles := r.p.fileVariables()
	var out []api.TemplateVersionVariable
	var missing []string
	for name, v := range module.Variables {
		types[name] = v.Type
		typ := v.Type
		if typ != "number" && typ != "bool" {
			typ = "string"
		}
		item := api.TemplateVersionVariable{Name: name, Description: v.Description, Type: typ,
			DefaultValue: defaultText(v.Default), Required: v.Required, Sensitive: v.Sensitive}
		item.Value = item.DefaultValue
		value, ok := values[name]
		if ok {
			item.Value = value
		}
		if v.Required && !ok && !inFiles[name] {
			missing = append(missing, name)
		}
		out = append(out, item)
	}
	slices.SortFunc(out, func(a, b api.TemplateVersionVariable) int { return strings.Compare(a.Name, b.Name) })
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, &provisionerd.Failure{Code: CodeMissingVariables,
			Message: "The template needs values for these variables: " + strings.Join(missing, ", ") + "."}
	}
	known := slices.DeleteFunc(slices.Clone(given), func(v api.VariableValue) bool {
		_, declared := module.Variables[v.Name]
		if !declared {
			r.note(api.LogWarn, stageParse, fmt.Sprintf("The template has no variable %q; its value is ignored.", v.Name))
		}
		return !declared
	})
	return out, r.writeVariables(known, types)
}

// fileVariables returns the names that the template's own tfvars files set.
func (p *Provisioner) fileVariables() (out map[string]bool) {
	// An error leaves the answer to terraform, which asks for what is missing.
	_ = p.as(func() error { out = fileVariables(p.build); return nil })
	return out
}

func fileVariables(dir string) map[string]bool {
	out := map[string]bool{}
	for _, pattern := range []string{"terraform.tfvars", "*.auto.tfvars", "terraform.tfvars.json", "*.auto.tfvars.json"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			parse := hclparse.NewParser().ParseHCL
			if strings.HasSuffix(name, ".json") {
				parse = hclparse.NewParser().ParseJSON
			}
			b, err := readPlain(name, maxSource)
			if err != nil {
				continue
			}
			f, _ := parse(b, name)
			if f == nil {
				continue
			}
			attrs, _ := f.Body.JustAttributes()
			for attr := range attrs {
				out[attr] = true
			}
		}
	}
	return out
}

// defaultText is a default as text: as it is for a string, else JSON.
func defaultText(v any) string {
	switch d := v.(type) {
	case nil:
		return ""
	case string:
		return d
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// plan plans start and stop at the same time. Start is shown in full; of stop
// the list of what will exist is enough, and its output already has that.
func (r *run) plan(ctx context.Context, m jobrpc.Meta) (*tfjson.Plan, []hook, error) {
	p := r.p
	stopEnv, err := p.jobEnv(m, api.TransitionStop)
	if err != nil {
		return nil, nil, &provisionerd.Failure{Message: "The job cannot be run: " + err.Error()}
	}
	startEnv, err := p.jobEnv(m, api.TransitionStart)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(p.tf.SetEnv(startEnv), p.stopTF.SetEnv(stopEnv)); err != nil {
		return nil, nil, fmt.Errorf("set environment: %w", err)
	}
	file := filepath.Join(p.tmp, "import.tfplan")
	r.note(api.LogDebug, stagePlan, "Starting terraform.")
	startOut := newOutput(r.s.Log, p.now, stagePlan)
	startOut.warned = &r.warned
	var stopLog []jobrpc.Log // what it finds is mostly what the other finds, too
	stopOut := newOutput(func(line jobrpc.Log) { stopLog = append(stopLog, line) }, p.now, stagePlan)
	stopOut.quiet = true
	var plan *tfjson.Plan
	var stopErr error
	startErr := r.guarded(ctx, func(ctx context.Context) error {
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			_, stopErr = p.stopTF.PlanJSON(ctx, stopOut, tfexec.Lock(false), tfexec.Refresh(false), tfexec.VarFile(p.varFile()))
		}()
		defer func() { <-stopped }()
		if _, err := p.tf.PlanJSON(ctx, startOut, tfexec.Lock(false), tfexec.Out(file), tfexec.VarFile(p.varFile())); err != nil {
			return err
		}
		// It would also go where the last command's output went, which is the log.
		p.tf.SetStdout(io.Discard)
		var err error
		plan, err = p.tf.ShowPlanFile(ctx, file)
		return err
	})
	if startErr != nil {
		return nil, nil, r.explain(ctx, startErr, startOut, "terraform plan")
	}
	if stopErr != nil {
		for _, line := range stopLog {
			r.s.Log(line)
		}
		return nil, nil, r.explain(ctx, stopErr, stopOut, "terraform plan for a stopped workspace")
	}
	return plan, stopOut.planned, nil
}

// managed returns the managed resources of a plan, with the dependencies of g.
func (g *graph) managed(v *tfjson.StateValues) []*node {
	var out []*node
	if v == nil || v.RootModule == nil {
		return nil
	}
	var walk func(m *tfjson.StateModule)
	walk = func(m *tfjson.StateModule) {
		for _, res := range m.Resources {
			if res.Mode != tfjson.ManagedResourceMode {
				continue
			}
			n := &node{module: m.Address, typ: res.Type, name: res.Name, key: res.Index, attrs: res.AttributeValues}
			n.address()
			n.addr, n.deps = res.Address, g.deps(n.config)
			out = append(out, n)
		}
		for _, child := range m.ChildModules {
			walk(child)
		}
	}
	walk(v.RootModule)
	return out
}

// pick returns the nodes of the start plan that will also exist after a stop,
// and bare ones for what exists only then.
func pick(start []*node, stop []hook, g *graph) []*node {
	byAddr := map[string]*node{}
	for _, n := range start {
		byAddr[n.addr] = n
	}
	var out []*node
	for _, h := range stop {
		n := byAddr[h.Resource.Addr]
		if n == nil {
			n = &node{module: h.Resource.Module, typ: h.Resource.Type, name: h.Resource.Name, attrs: map[string]any{}}
			n.address()
			n.addr, n.deps = h.Resource.Addr, g.deps(n.config)
		}
		out = append(out, n)
	}
	return out
}
