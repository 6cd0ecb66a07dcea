package parameters

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// expression is an expression of a template with the references it makes.
// Evaluating it books its work on the budget of the evaluation.
type expression struct {
	hclsyntax.Expression
	vars []hcl.Traversal
}

// metered books the value of a part of an expression before the part around it
// uses it: between the two, numbers become texts and texts are joined.
type metered struct {
	hclsyntax.Expression
	vars []hcl.Traversal
}

// Value implements hcl.Expression.
func (m metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := m.Expression.Value(ctx)
	budgetOf(ctx).charge(v)
	return v, diags
}

// Variables implements hcl.Expression; the parts inside are wrapped and would
// not be recognised.
func (m metered) Variables() []hcl.Traversal { return m.vars }

// budgetName is a name that no template can write.
const budgetName = "\x00budget"

var budgetType = cty.Capsule("budget", reflect.TypeFor[budget]())

// budgetOf finds the budget of the evaluation that ctx belongs to.
func budgetOf(ctx *hcl.EvalContext) *budget {
	for ctx != nil && ctx.Parent() != nil {
		ctx = ctx.Parent()
	}
	if ctx == nil {
		return nil
	}
	v, ok := ctx.Variables[budgetName]
	if !ok {
		return nil
	}
	b, _ := v.EncapsulatedValue().(*budget)
	return b
}

// newExpression prepares an expression of either syntax.
func newExpression(e hcl.Expression) (*expression, error) {
	native, ok := e.(hclsyntax.Expression)
	if !ok {
		var err error
		if native, err = fromJSON(e); err != nil {
			return nil, err
		}
	}
	vars := native.Variables()
	return &expression{Expression: meter(native), vars: vars}, nil
}

// meter wraps e and its parts, in place.
func meter(e hclsyntax.Expression) hclsyntax.Expression {
	if e == nil {
		return nil
	}
	vars := e.Variables()
	meterParts(e)
	return metered{Expression: e, vars: vars}
}

func meterAll(list []hclsyntax.Expression) {
	for i, e := range list {
		list[i] = meter(e)
	}
}

func meterParts(e hclsyntax.Expression) {
	switch e := e.(type) {
	case *hclsyntax.ForExpr:
		e.CollExpr, e.KeyExpr, e.ValExpr, e.CondExpr = meter(e.CollExpr), meter(e.KeyExpr), meter(e.ValExpr), meter(e.CondExpr)
	case *hclsyntax.TemplateExpr:
		meterAll(e.Parts)
	case *hclsyntax.TemplateWrapExpr:
		e.Wrapped = meter(e.Wrapped)
	case *hclsyntax.TemplateJoinExpr:
		e.Tuple = meter(e.Tuple)
	case *hclsyntax.FunctionCallExpr:
		meterAll(e.Args)
	case *hclsyntax.TupleConsExpr:
		meterAll(e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			e.Items[i].ValueExpr = meter(e.Items[i].ValueExpr)
			if k, ok := e.Items[i].KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok {
				meterKey(k)
			} else {
				e.Items[i].KeyExpr = meter(e.Items[i].KeyExpr)
			}
		}
	case *hclsyntax.ConditionalExpr:
		e.Condition, e.TrueResult, e.FalseResult = meter(e.Condition), meter(e.TrueResult), meter(e.FalseResult)
	case *hclsyntax.BinaryOpExpr:
		e.LHS, e.RHS = meter(e.LHS), meter(e.RHS)
	case *hclsyntax.UnaryOpExpr:
		e.Val = meter(e.Val)
	case *hclsyntax.ParenthesesExpr:
		e.Expression = meter(e.Expression)
	case *hclsyntax.IndexExpr:
		e.Collection, e.Key = meter(e.Collection), meter(e.Key)
	case *hclsyntax.RelativeTraversalExpr:
		e.Source = meter(e.Source)
	case *hclsyntax.SplatExpr:
		e.Source = meter(e.Source)
		meterParts(e.Each)
	}
}

// meterKey leaves bare words alone: wrapped, they would not be keys any more.
func meterKey(k *hclsyntax.ObjectConsKeyExpr) {
	if hcl.ExprAsKeyword(k.Wrapped) == "" || k.ForceNonLiteral {
		k.Wrapped = meter(k.Wrapped)
	}
}

// fromJSON builds the expression that a value in a JSON file stands for: its
// texts are string templates.
func fromJSON(e hcl.Expression) (hclsyntax.Expression, error) {
	v, diags := e.Value(nil) // without a context the texts come as they are
	if diags.HasErrors() {
		return nil, diags
	}
	return fromValue(v, e.Range())
}

func fromValue(v cty.Value, rng hcl.Range) (hclsyntax.Expression, error) {
	t := v.Type()
	switch {
	case v.IsNull() || !v.IsKnown() || t.IsPrimitiveType() && t != cty.String:
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: rng}, nil
	case t == cty.String:
		return parseText(v.AsString(), rng)
	case t.IsObjectType() || t.IsMapType():
		o := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: rng}
		for it := v.ElementIterator(); it.Next(); {
			k, item := it.Element()
			key, err := parseText(k.AsString(), rng)
			if err != nil {
				return nil, err
			}
			value, err := fromValue(item, rng)
			if err != nil {
				return nil, err
			}
			o.Items = append(o.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: value})
		}
		return o, nil
	default:
		list := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: rng}
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			value, err := fromValue(item, rng)
			if err != nil {
				return nil, err
			}
			list.Exprs = append(list.Exprs, value)
		}
		return list, nil
	}
}

func parseText(s string, rng hcl.Range) (hclsyntax.Expression, error) {
	tokens, _ := hclsyntax.LexTemplate([]byte(s), rng.Filename, rng.Start)
	if err := checkNesting(tokens); err != nil {
		return nil, err
	}
	e, diags := hclsyntax.ParseTemplate([]byte(s), rng.Filename, rng.Start)
	if diags.HasErrors() {
		return nil, diags
	}
	return e, nil
}
