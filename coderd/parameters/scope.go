package parameters

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// cell is a value that is worked out when it is first needed.
type cell struct {
	busy, done bool
	value      cty.Value
	err        error
}

// scope is one instance of a module.
type scope struct {
	run      *run
	mod      *module
	parent   *scope                 // nil for the root
	args     map[string]*expression // of the call, to be evaluated in parent
	each     map[string]cty.Value   // of the call
	cells    map[string]*cell
	children map[*call]*instances[*child]
}

// instances are the repetitions of a block or call.
type instances[T any] struct {
	list    []T
	keys    []cty.Value // of for_each
	counted bool
	mapped  bool
	unknown bool
}

type child struct{ scope *scope }

func newScope(r *run, m *module, parent *scope) *scope {
	return &scope{run: r, mod: m, parent: parent, cells: map[string]*cell{}, children: map[*call]*instances[*child]{}}
}

// once works a value out on first use and notices circles.
func (s *scope) once(name string, f func() (cty.Value, error)) (cty.Value, error) {
	c := s.cells[name]
	if c == nil {
		c = &cell{}
		s.cells[name] = c
	}
	switch {
	case c.done:
		return c.value, c.err
	case c.busy:
		return cty.DynamicVal, fmt.Errorf("%s depends on itself", name)
	}
	c.busy = true
	c.value, c.err = f()
	c.busy, c.done = false, true
	return c.value, c.err
}

// variables builds what an expression may refer to: no more than it does.
func (s *scope) variables(refs []hcl.Traversal, each map[string]cty.Value) (map[string]cty.Value, error) {
	roots := map[string]map[string]cty.Value{}
	out := map[string]cty.Value{}
	data := map[string]map[string]cty.Value{}
	put := func(root, name string, v cty.Value) {
		if roots[root] == nil {
			roots[root] = map[string]cty.Value{}
		}
		roots[root][name] = v
	}
	size := 0
	for _, t := range refs {
		root, first := t.RootName(), attrOf(t, 1)
		if v, ok := each[root]; ok {
			out[root] = v
			continue
		}
		v, ours, err := s.reference(t)
		if err != nil {
			return nil, err
		}
		if !ours {
			out[root] = cty.DynamicVal
			continue
		}
		if size += sizeOf(v, maxWork); size > maxWork {
			s.run.budget.end("evaluating the template takes too much work")
		}
		if root == "module" && roots["module"][first] != cty.NilVal {
			v = merge(roots["module"][first], v)
		}
		if root != "data" {
			put(root, first, v)
			continue
		}
		if data[first] == nil {
			data[first] = map[string]cty.Value{}
		}
		data[first][attrOf(t, 2)] = v
	}
	for typ, byName := range data {
		put("data", typ, cty.ObjectVal(byName))
	}
	for root, attrs := range roots {
		out[root] = cty.ObjectVal(attrs)
	}
	return out, nil
}

// reference works out what a reference begins with; ours is false for resources,
// which only Terraform knows.
func (s *scope) reference(t hcl.Traversal) (v cty.Value, ours bool, err error) {
	first := attrOf(t, 1)
	switch t.RootName() {
	case "var":
		v, err = s.variable(first)
	case "local":
		v, err = s.local(first)
	case "module":
		v, err = s.output(first, t)
	case "path":
		v = s.path(first)
	case "terraform":
		v = cty.StringVal("default")
	case "data":
		v, err = s.data(first, attrOf(t, 2))
	default:
		return cty.DynamicVal, false, nil
	}
	return v, true, err
}

// merge joins two partial views of the outputs of a module.
func merge(a, b cty.Value) cty.Value {
	if !a.Type().IsObjectType() || !b.Type().IsObjectType() || !a.IsKnown() || !b.IsKnown() {
		return b
	}
	m := a.AsValueMap()
	if m == nil {
		return b
	}
	for k, v := range b.AsValueMap() {
		m[k] = v
	}
	return cty.ObjectVal(m)
}

func attrOf(t hcl.Traversal, i int) string {
	if i >= len(t) {
		return ""
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

func (s *scope) path(name string) cty.Value {
	switch name {
	case "module":
		return cty.StringVal(s.mod.dir)
	case "root":
		return cty.StringVal(".")
	}
	return cty.UnknownVal(cty.String)
}

func (s *scope) local(name string) (cty.Value, error) {
	e := s.mod.locals[name]
	if e == nil {
		return cty.DynamicVal, fmt.Errorf("there is no local %q", clip(name))
	}
	return s.once("local."+name, func() (cty.Value, error) { return s.eval(e, nil) })
}

func (s *scope) variable(name string) (cty.Value, error) {
	v := s.mod.variables[name]
	if v == nil {
		return cty.DynamicVal, fmt.Errorf("there is no variable %q", clip(name))
	}
	return s.once("var."+name, func() (cty.Value, error) { return s.inputVariable(v) })
}

func (s *scope) inputVariable(v *variable) (cty.Value, error) {
	value := v.def
	if s.parent != nil {
		if e := s.args[v.name]; e != nil {
			given, err := s.parent.eval(e, s.each)
			if err != nil {
				return cty.DynamicVal, err
			}
			if !given.IsKnown() || !given.IsNull() || value == cty.NilVal {
				value = given
			}
		}
	} else if given, ok, err := s.rootVariable(v); err != nil {
		return cty.DynamicVal, err
	} else if ok {
		value = given
	}
	if value == cty.NilVal {
		return cty.UnknownVal(v.typ), nil // Terraform will ask for it
	}
	if v.defaults != nil && !value.IsNull() && value.IsKnown() {
		value = v.defaults.Apply(value)
	}
	out, err := convert.Convert(value, v.typ)
	if err != nil {
		return cty.DynamicVal, fmt.Errorf("the value of variable %q is not of its type: %w", clip(v.name), err)
	}
	return out, nil
}

// rootVariable finds the value of the template version, or of a tfvars file.
func (s *scope) rootVariable(v *variable) (cty.Value, bool, error) {
	for _, given := range s.run.in.Variables {
		if given.Name != v.name || given.Value == "" && v.typ != cty.String {
			continue
		}
		if v.typ.IsPrimitiveType() || v.typ == cty.DynamicPseudoType {
			return cty.StringVal(given.Value), true, nil
		}
		if len(given.Value) > maxFile {
			return cty.NilVal, false, fmt.Errorf("the value of variable %q is too large", clip(v.name))
		}
		tokens, _ := hclsyntax.LexExpression([]byte(given.Value), v.name, hcl.InitialPos)
		if err := checkNesting(tokens); err != nil {
			return cty.NilVal, false, fmt.Errorf("the value of variable %q: %w", clip(v.name), err)
		}
		e, diags := hclsyntax.ParseExpression([]byte(given.Value), v.name, hcl.InitialPos)
		if diags.HasErrors() {
			return cty.NilVal, false, fmt.Errorf("the value of variable %q cannot be read", clip(v.name))
		}
		value, diags := e.Value(nil)
		if diags.HasErrors() {
			return cty.NilVal, false, fmt.Errorf("the value of variable %q is not a constant", clip(v.name))
		}
		return value, true, nil
	}
	value, ok := s.mod.values[v.name]
	return value, ok, nil
}

// output returns an object of the outputs of a module that t asks for.
func (s *scope) output(name string, t hcl.Traversal) (cty.Value, error) {
	c := s.mod.calls[name]
	if c == nil {
		return cty.DynamicVal, fmt.Errorf("there is no module %q", clip(name))
	}
	if c.module == nil {
		return cty.DynamicVal, nil
	}
	list, err := s.callScopes(c)
	if err != nil || list.unknown {
		return cty.DynamicVal, err
	}
	values := make([]cty.Value, len(list.list))
	for i, ch := range list.list {
		one := ""
		if !list.counted && !list.mapped {
			one = attrOf(t, 2)
		}
		if values[i], err = ch.scope.outputs(one); err != nil {
			return cty.DynamicVal, err
		}
	}
	return assemble(list.counted, list.mapped, list.keys, values), nil
}

func (s *scope) outputs(one string) (cty.Value, error) {
	out := map[string]cty.Value{}
	for name, e := range s.mod.outputs {
		if one != "" && name != one {
			continue
		}
		v, err := s.once("output."+name, func() (cty.Value, error) { return s.eval(e, nil) })
		if err != nil {
			return cty.DynamicVal, err
		}
		out[name] = v
	}
	return cty.ObjectVal(out), nil
}

// assemble makes the value that references to a repeated block see.
func assemble(counted, mapped bool, keys, values []cty.Value) cty.Value {
	switch {
	case counted:
		return cty.TupleVal(values)
	case mapped:
		m := make(map[string]cty.Value, len(values))
		for i, k := range keys {
			m[k.AsString()] = values[i]
		}
		return cty.ObjectVal(m)
	case len(values) == 0:
		return cty.DynamicVal
	}
	return values[0]
}

// callScopes makes the instances of a local module once.
func (s *scope) callScopes(c *call) (*instances[*child], error) {
	if list := s.children[c]; list != nil {
		return list, nil
	}
	list := &instances[*child]{}
	var err error
	_, err = s.once("module."+c.name, func() (cty.Value, error) {
		var steps []map[string]cty.Value
		if steps, err = repeat(s, c.each, list); err != nil {
			return cty.DynamicVal, err
		}
		for _, each := range steps {
			sub := newScope(s.run, c.module, s)
			sub.args, sub.each = c.args, each
			list.list = append(list.list, &child{scope: sub})
		}
		return cty.True, nil
	})
	if err != nil {
		return nil, err
	}
	s.children[c] = list
	return list, nil
}

// repeat works count and for_each out: one map of each and count for every
// instance.
func repeat[T any](s *scope, rep repetition, into *instances[T]) ([]map[string]cty.Value, error) {
	switch {
	case rep.count != nil:
		return s.counted(rep.count, &into.counted, &into.unknown)
	case rep.forEach != nil:
		into.mapped = true
		keys, steps, unknown, err := s.forEach(rep.forEach, "each", nil)
		into.keys, into.unknown = keys, unknown
		return steps, err
	}
	return []map[string]cty.Value{nil}, s.another()
}

// another counts an instance.
func (s *scope) another() error {
	if s.run.instances++; s.run.instances > maxInstances {
		s.run.budget.end(fmt.Sprintf("the template makes more than %d instances of blocks", maxInstances))
	}
	return nil
}

func (s *scope) counted(e *expression, counted, unknown *bool) ([]map[string]cty.Value, error) {
	*counted = true
	v, err := s.eval(e, nil)
	if err != nil {
		return nil, err
	}
	if v, err = convert.Convert(v, cty.Number); err != nil {
		return nil, errors.New("count is not a number")
	}
	if !v.IsKnown() {
		*unknown = true
		return nil, nil
	}
	if v.IsNull() {
		return nil, errors.New("count is null")
	}
	f := v.AsBigFloat()
	n, _ := f.Int64()
	if !f.IsInt() || n < 0 || n > maxInstances {
		return nil, fmt.Errorf("count must be a whole number from 0 to %d", maxInstances)
	}
	var steps []map[string]cty.Value
	for i := range n {
		if err := s.another(); err != nil {
			return nil, err
		}
		steps = append(steps, map[string]cty.Value{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(i)})})
	}
	return steps, nil
}

// forEach lists the elements of a for_each. With each as outer variables of a
// dynamic block, lists are allowed too, as in Terraform.
func (s *scope) forEach(e *expression, name string, outer map[string]cty.Value) ([]cty.Value, []map[string]cty.Value, bool, error) {
	v, err := s.eval(e, outer)
	if err != nil {
		return nil, nil, false, err
	}
	if !v.IsKnown() {
		return nil, nil, true, nil
	}
	t := v.Type()
	dynamic := name != "each"
	switch {
	case v.IsNull():
		return nil, nil, false, errors.New("for_each is null")
	case t.IsMapType(), t.IsObjectType(), t.IsSetType():
	case dynamic && (t.IsListType() || t.IsTupleType()):
	default:
		return nil, nil, false, errors.New("for_each is not a map or a set of strings")
	}
	var keys []cty.Value
	var steps []map[string]cty.Value
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		if t.IsSetType() {
			k = item
			if !dynamic && item.Type() != cty.String {
				return nil, nil, false, errors.New("for_each is a set of something else than strings")
			}
		}
		if !k.IsKnown() || k.IsNull() {
			return nil, nil, true, nil
		}
		if err := s.another(); err != nil {
			return nil, nil, false, err
		}
		step := map[string]cty.Value{}
		for n, o := range outer {
			step[n] = o
		}
		step[name] = cty.ObjectVal(map[string]cty.Value{"key": k, "value": item})
		keys, steps = append(keys, k), append(steps, step)
	}
	return keys, steps, false, nil
}

// data returns what references to a data source see.
func (s *scope) data(typ, name string) (cty.Value, error) {
	b := s.mod.data[typ][name]
	if b == nil {
		return cty.DynamicVal, nil // Terraform's to know
	}
	return s.block(b)
}

// block evaluates all instances of a data block once.
func (s *scope) block(b *block) (cty.Value, error) {
	return s.once("data."+b.typ+"."+b.name, func() (cty.Value, error) {
		var list instances[cty.Value]
		steps, err := repeat(s, b.each, &list)
		if err != nil {
			err = fmt.Errorf("%s:%s: %w", b.at.Filename, strconv.Itoa(b.at.Start.Line), err)
			s.run.say("error", fmt.Sprintf("data.%s.%s cannot be evaluated.", b.typ, b.name), sentence(err))
			return cty.DynamicVal, nil
		}
		if list.unknown {
			if b.typ == typeParameter {
				s.run.out.Open = true
				s.run.say("warning", fmt.Sprintf("data.%s.%s is not known yet.", b.typ, b.name),
					"Whether it exists depends on what is only known during a build.")
			}
			return cty.DynamicVal, nil
		}
		values := make([]cty.Value, len(steps))
		for i, each := range steps {
			values[i] = s.source(b, each)
		}
		return assemble(list.counted, list.mapped, list.keys, values), nil
	})
}
