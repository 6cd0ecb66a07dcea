package parameters

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"coder.internal/api"
)

// Template is a template that has been read. It never changes.
type Template struct {
	root *module
	// names are the parameter names that stand in the template as plain text.
	names map[string]bool
	// open says that parameters may come from modules that are not here.
	open bool
	// computed says that there are parameter names that are worked out.
	computed bool
	diags    []api.Diagnostic
	size     int
}

// Size is about how many bytes of source the template was made of.
func (t *Template) Size() int { return t.size }

// module is one directory.
type module struct {
	dir       string
	variables map[string]*variable
	values    map[string]cty.Value // of its tfvars files
	locals    map[string]*expression
	outputs   map[string]*expression
	calls     map[string]*call
	data      map[string]map[string]*block // by type and name
}

type variable struct {
	name     string
	typ      cty.Type
	defaults *typeexpr.Defaults
	def      cty.Value // cty.NilVal if there is none
}

// call is a module block. module is nil where the source is not in the archive.
type call struct {
	name, source string
	module       *module
	args         map[string]*expression
	each         repetition
}

// repetition is count or for_each of a block; none means once.
type repetition struct{ count, forEach *expression }

// block is a data block that is worked out here.
type block struct {
	typ, name string
	at        hcl.Range
	attrs     map[string]*expression
	blocks    []nested
	each      repetition
}

// nested is a block inside a block. forEach is set for a dynamic one.
type nested struct {
	typ      string
	attrs    map[string]*expression
	forEach  *expression
	iterator string
}

type loader struct {
	files   map[string][]byte
	modules map[string]*module
	t       *Template
	blocks  int
}

// Load reads the Terraform files of a template, by their paths with slashes,
// relative to the template's directory. It always returns a Template; what could
// not be read is in the diagnostics and again in every result of Evaluate.
func Load(files map[string][]byte) (*Template, []api.Diagnostic) {
	l := loader{files: map[string][]byte{}, modules: map[string]*module{}, t: &Template{names: map[string]bool{}}}
	for name, src := range files {
		if name = path.Clean(name); wanted(name) {
			l.files[name] = src
			l.t.size += len(src) + len(name)
		}
	}
	l.t.root = emptyModule(".")
	if err := checkFiles(l.files); err != nil {
		l.fail("The template is too large to be evaluated.", err.Error())
		return l.t, l.t.diags
	}
	defer func() {
		// The parsers are not ours; a template must not be able to end the server.
		if r := recover(); r != nil {
			l.fail("The template cannot be evaluated.", "reading it failed")
		}
	}()
	l.t.root = l.module(".", 0)
	l.valuesFiles(l.t.root)
	return l.t, l.t.diags
}

func emptyModule(dir string) *module {
	return &module{dir: dir, variables: map[string]*variable{}, values: map[string]cty.Value{},
		locals: map[string]*expression{}, outputs: map[string]*expression{}, calls: map[string]*call{},
		data: map[string]map[string]*block{}}
}

func (l *loader) fail(summary, detail string) {
	if len(l.t.diags) < maxDiags {
		l.t.diags = append(l.t.diags, api.Diagnostic{Severity: api.DiagnosticError, Summary: summary, Detail: detail})
	}
}

func (l *loader) failHCL(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			out := diagnosticOf(d)
			l.fail(out.Summary, out.Detail)
		}
	}
}

// module reads a directory once.
func (l *loader) module(dir string, depth int) *module {
	if m, ok := l.modules[dir]; ok {
		return m
	}
	m := emptyModule(dir)
	l.modules[dir] = m
	names := slices.Sorted(maps.Keys(l.files))
	slices.SortStableFunc(names, func(a, b string) int { return overrides(a) - overrides(b) })
	for _, name := range names {
		if path.Dir(name) != dir || isValuesFile(path.Base(name)) {
			continue
		}
		if body := l.parse(name); body != nil {
			l.body(m, body, depth)
		}
	}
	return m
}

// overrides sorts override files last: what they declare wins.
func overrides(name string) int {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".json"), ".tf")
	if base == "override" || strings.HasSuffix(base, "_override") {
		return 1
	}
	return 0
}

func (l *loader) parse(name string) hcl.Body {
	src := l.files[name]
	var f *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(name, ".json") {
		if err := checkJSONNesting(src); err != nil {
			l.fail("The template cannot be evaluated.", name+": "+err.Error())
			return nil
		}
		f, diags = json.Parse(src, name)
	} else {
		tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos)
		if err := checkNesting(tokens); err != nil {
			l.fail("The template cannot be evaluated.", name+": "+err.Error())
			return nil
		}
		f, diags = hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	}
	l.failHCL(diags)
	if f == nil || diags.HasErrors() {
		return nil
	}
	return f.Body
}

var fileSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "locals"},
	{Type: "output", LabelNames: []string{"name"}},
	{Type: "module", LabelNames: []string{"name"}},
	{Type: "data", LabelNames: []string{"type", "name"}},
}}

func (l *loader) body(m *module, body hcl.Body, depth int) {
	content, _, diags := body.PartialContent(fileSchema)
	l.failHCL(diags)
	for _, b := range content.Blocks {
		if l.blocks++; l.blocks > maxInstances*10 {
			l.fail("The template is too large to be evaluated.", "it has too many blocks")
			return
		}
		switch b.Type {
		case "variable":
			l.variable(m, b)
		case "locals":
			attrs, diags := b.Body.JustAttributes()
			l.failHCL(diags)
			maps.Copy(m.locals, l.expressions(attrs))
		case "output":
			if attrs := l.attributes(b.Body, "value"); attrs["value"] != nil {
				m.outputs[b.Labels[0]] = attrs["value"]
			}
		case "module":
			l.call(m, b, depth)
		case "data":
			l.data(m, b)
		}
	}
}

// attributes reads the named attributes of a body and ignores all else.
func (l *loader) attributes(body hcl.Body, names ...string) map[string]*expression {
	content, _, diags := body.PartialContent(schemaOf(names))
	l.failHCL(diags)
	return l.expressions(content.Attributes)
}

func schemaOf(names []string) *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, n := range names {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: n})
	}
	return s
}

func (l *loader) expressions(attrs hcl.Attributes) map[string]*expression {
	out := make(map[string]*expression, len(attrs))
	for name, a := range attrs {
		e, err := newExpression(a.Expr)
		if err != nil {
			l.fail("The template cannot be evaluated.", a.Range.Filename+": "+err.Error())
			continue
		}
		out[name] = e
	}
	return out
}

func (l *loader) variable(m *module, b *hcl.Block) {
	content, _, diags := b.Body.PartialContent(schemaOf([]string{"type", "default"}))
	l.failHCL(diags)
	v := &variable{name: b.Labels[0], typ: cty.DynamicPseudoType, def: cty.NilVal}
	if a := content.Attributes["type"]; a != nil {
		t, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
		if diags.HasErrors() {
			l.failHCL(diags)
		} else {
			v.typ, v.defaults = t, defaults
		}
	}
	if a := content.Attributes["default"]; a != nil {
		def, diags := a.Expr.Value(nil) // constants only
		l.failHCL(diags)
		if !diags.HasErrors() && sizeOf(def, maxValueSize) <= maxValueSize {
			v.def = def
		}
	}
	m.variables[v.name] = v
}

func (l *loader) call(m *module, b *hcl.Block, depth int) {
	attrs, _ := b.Body.JustAttributes()
	c := &call{name: b.Labels[0]}
	if a := attrs["source"]; a != nil {
		if v, diags := a.Expr.Value(nil); !diags.HasErrors() && v.Type() == cty.String && !v.IsNull() && v.IsKnown() {
			c.source = v.AsString()
		}
	}
	for _, meta := range []string{"source", "version", "providers", "depends_on"} {
		delete(attrs, meta)
	}
	c.args = l.expressions(attrs)
	c.each = takeRepetition(c.args)
	m.calls[c.name] = c
	local := strings.HasPrefix(c.source, "./") || strings.HasPrefix(c.source, "../")
	dir := path.Join(m.dir, c.source)
	switch {
	case !local, dir == "..", strings.HasPrefix(dir, "../"):
		l.t.open = true
	case depth >= maxModules:
		l.fail("The template cannot be evaluated.", "modules are nested too deeply at "+dir)
	default:
		c.module = l.module(dir, depth+1)
	}
}

func takeRepetition(attrs map[string]*expression) repetition {
	r := repetition{count: attrs["count"], forEach: attrs["for_each"]}
	delete(attrs, "count")
	delete(attrs, "for_each")
	return r
}

// blockSchemas are the data sources that are read, with what is read of them.
var blockSchemas = map[string]struct{ attrs, blocks []string }{
	typeParameter: {[]string{"name", "display_name", "description", "type", "form_type", "mutable", "default", "icon",
		"ephemeral", "order", "styling", "count", "for_each"}, []string{"option", "validation"}},
	typePreset:       {[]string{"name", "description", "icon", "default", "parameters", "count", "for_each"}, nil},
	typeTags:         {[]string{"tags", "count", "for_each"}, nil},
	typeExternalAuth: {[]string{"id", "optional", "count", "for_each"}, nil},
	typeWorkspace:    {[]string{"count", "for_each"}, nil},
	typeOwner:        {[]string{"count", "for_each"}, nil},
	typeProvisioner:  {[]string{"count", "for_each"}, nil},
	typeTask:         {[]string{"count", "for_each"}, nil},
}

func (l *loader) data(m *module, b *hcl.Block) {
	typ, name := b.Labels[0], b.Labels[1]
	what, known := blockSchemas[typ]
	if !known {
		return // Terraform's to know
	}
	schema := schemaOf(what.attrs)
	for _, n := range what.blocks {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: n})
	}
	schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: "dynamic", LabelNames: []string{"type"}})
	content, _, diags := b.Body.PartialContent(schema)
	l.failHCL(diags)
	out := &block{typ: typ, name: name, at: b.DefRange, attrs: l.expressions(content.Attributes)}
	out.each = takeRepetition(out.attrs)
	for _, n := range content.Blocks {
		if n.Type == "dynamic" {
			l.dynamic(out, n, what.blocks)
			continue
		}
		out.blocks = append(out.blocks, nested{typ: n.Type, attrs: l.attributes(n.Body, nestedAttrs[n.Type]...)})
	}
	if m.data[typ] == nil {
		m.data[typ] = map[string]*block{}
	}
	m.data[typ][name] = out
	if e := out.attrs["name"]; typ == typeParameter && e != nil {
		if v, diags := e.Value(nil); !diags.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			l.t.names[v.AsString()] = true
		} else {
			l.t.computed = true
		}
	}
}

var nestedAttrs = map[string][]string{
	"option":     {"name", "description", "value", "icon"},
	"validation": {"min", "max", "monotonic", "regex", "error"},
}

func (l *loader) dynamic(to *block, b *hcl.Block, kinds []string) {
	kind := b.Labels[0]
	if !slices.Contains(kinds, kind) {
		return
	}
	schema := schemaOf([]string{"for_each", "iterator"})
	schema.Blocks = []hcl.BlockHeaderSchema{{Type: "content"}}
	content, _, diags := b.Body.PartialContent(schema)
	l.failHCL(diags)
	n := nested{typ: kind, iterator: kind}
	if a := content.Attributes["iterator"]; a != nil {
		if n.iterator = hcl.ExprAsKeyword(a.Expr); n.iterator == "" {
			l.fail("Invalid iterator.", a.Range.String()+": the iterator of a dynamic block is a single name")
			return
		}
	}
	if a := content.Attributes["for_each"]; a != nil {
		n.forEach = l.expressions(hcl.Attributes{"for_each": a})["for_each"]
	}
	if n.forEach == nil || len(content.Blocks) != 1 {
		l.fail("Invalid dynamic block.", b.DefRange.String()+": it needs for_each and one content block")
		return
	}
	n.attrs = l.attributes(content.Blocks[0].Body, nestedAttrs[kind]...)
	to.blocks = append(to.blocks, n)
}

// valuesFiles reads the tfvars files of the root module in Terraform's order.
func (l *loader) valuesFiles(m *module) {
	var names []string
	for name := range l.files {
		if path.Dir(name) == m.dir && isValuesFile(path.Base(name)) {
			names = append(names, name)
		}
	}
	rank := func(name string) int {
		switch {
		case name == "terraform.tfvars":
			return 0
		case name == "terraform.tfvars.json":
			return 1
		}
		return 2
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		body := l.parse(name)
		if body == nil {
			continue
		}
		attrs, diags := body.JustAttributes()
		l.failHCL(diags)
		for key, a := range attrs {
			if v, diags := a.Expr.Value(nil); !diags.HasErrors() && sizeOf(v, maxValueSize) <= maxValueSize {
				m.values[key] = v
			}
		}
	}
}
