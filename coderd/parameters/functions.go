package parameters

import (
	"errors"
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"coder.internal/api"
)

// refused are Terraform's functions that read files, the clock or chance, or
// that are not worth having here. Their results are not known.
var refused = []string{"abspath", "bcrypt", "file", "filebase64", "filebase64sha256", "filebase64sha512", "fileexists",
	"filemd5", "fileset", "filesha1", "filesha256", "filesha512", "pathexpand", "plantimestamp", "rsadecrypt", "templatefile",
	"templatestring", "textdecodebase64", "textencodebase64", "timestamp", "uuid", "yamldecode", "yamlencode"}

// allFunctions are Terraform's functions, for one evaluation.
func (r *run) allFunctions() map[string]function.Function {
	out := pureFunctions()
	for _, name := range refused {
		out[name] = function.New(&function.Spec{
			VarParam: &function.Parameter{Name: "args", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true,
				AllowDynamicType: true, AllowMarked: true},
			Type: func([]cty.Value) (cty.Type, error) { return cty.DynamicPseudoType, nil },
			Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
				r.say(api.DiagnosticWarning, "The function "+name+" works during a build only.",
					"What depends on it is not known before. Parameters and workspace tags should not use it.")
				return cty.DynamicVal, nil
			},
		})
	}
	return out
}

// limited calls f only if check finds that its result stays small.
func limited(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.DynamicPseudoType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

var errTooLarge = errors.New("the result would be too large")

// textOf is a known text, else "".
func textOf(args []cty.Value, i int) string {
	if i >= len(args) || !args[i].IsKnown() || args[i].IsNull() || args[i].Type() != cty.String {
		return ""
	}
	return args[i].AsString()
}

func lengthOf(v cty.Value) int {
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return 0
	}
	return v.LengthInt()
}

func checkProduct(args []cty.Value) error {
	n := 1
	for _, a := range args {
		if n *= max(1, lengthOf(a)); n > 10_000 {
			return errTooLarge
		}
	}
	return nil
}

// checkPairs is for functions that compare every element with every other.
func checkPairs(args []cty.Value) error {
	n := 0
	for _, a := range args {
		n = max(n, lengthOf(a))
	}
	if n > 3000 {
		return errTooLarge
	}
	return nil
}

func checkReplace(args []cty.Value) error {
	s, sub, with := textOf(args, 0), textOf(args, 1), textOf(args, 2)
	n := len(s) + 1
	if len(sub) > 0 && !strings.HasPrefix(sub, "/") {
		n = strings.Count(s, sub)
	}
	if n*len(with) > maxValueSize {
		return errTooLarge
	}
	return nil
}

func checkJoin(args []cty.Value) error {
	n := 0
	for _, a := range args[1:] {
		n += lengthOf(a)
	}
	if n*len(textOf(args, 0)) > maxValueSize {
		return errTooLarge
	}
	return nil
}

// checkIndent also covers functions that repeat a text once a line.
func checkIndent(args []cty.Value) error {
	if !args[0].IsKnown() || args[0].IsNull() || args[0].Type() != cty.Number {
		return nil
	}
	n, _ := args[0].AsBigFloat().Float64()
	if n < 0 || n*float64(1+strings.Count(textOf(args, 1), "\n")) > maxValueSize {
		return errTooLarge
	}
	return nil
}

// checkFormat refuses widths of more than three digits and formats that repeat
// large arguments.
func checkFormat(args []cty.Value) error {
	f := textOf(args, 0)
	digits, verbs, largest := 0, strings.Count(f, "%"), 0
	for _, c := range f {
		if c < '0' || c > '9' {
			digits = 0
		} else if digits++; digits > 3 && verbs > 0 {
			return errTooLarge
		}
	}
	rows := 1
	for _, a := range args[1:] {
		largest = max(largest, sizeOf(a, maxValueSize))
		rows = max(rows, lengthOf(a))
	}
	if verbs*(largest+1000) > maxWork/4 || rows*verbs > maxValueSize {
		return errTooLarge
	}
	return nil
}

func pureFunctions() map[string]function.Function {
	out := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "can": tryfunc.CanFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc,
		"chunklist": stdlib.ChunklistFunc, "coalesce": coalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"csvdecode": stdlib.CSVDecodeFunc, "distinct": limited(stdlib.DistinctFunc, checkPairs), "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": limited(stdlib.FormatFunc, checkFormat),
		"formatdate": stdlib.FormatDateFunc, "formatlist": limited(stdlib.FormatListFunc, checkFormat),
		"indent": limited(stdlib.IndentFunc, checkIndent), "join": limited(stdlib.JoinFunc, checkJoin),
		"jsondecode": limited(stdlib.JSONDecodeFunc, checkDecode), "jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc,
		"length": lengthFunc, "log": stdlib.LogFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc,
		"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc,
		"pow": stdlib.PowFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"replace": limited(replaceFunc, checkReplace), "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": limited(stdlib.SetProductFunc, checkProduct),
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "signum": stdlib.SignumFunc,
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc,
		"substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"try": tryfunc.TryFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc,
		"zipmap":   limited(stdlib.ZipmapFunc, checkPairs),
		"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
		"toset":  stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":  stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	}
	maps.Copy(out, textFunctions)
	maps.Copy(out, listFunctions())
	maps.Copy(out, networkFunctions)
	return out
}

// checkDecode keeps nesting out of the decoder.
func checkDecode(args []cty.Value) error { return checkJSONNesting([]byte(textOf(args, 0))) }

// lengthFunc also counts the characters of a text.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		t := args[0].Type()
		if t == cty.String || t == cty.DynamicPseudoType || t.IsCollectionType() || t.IsTupleType() || t.IsObjectType() {
			return cty.Number, nil
		}
		return cty.Number, errors.New("argument must be a string, a collection type, or a structural type")
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v := args[0]
		switch t := v.Type(); {
		case t == cty.DynamicPseudoType:
			return cty.UnknownVal(cty.Number), nil
		case t.IsTupleType():
			return cty.NumberIntVal(int64(t.Length())), nil
		case t.IsObjectType():
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
		case t == cty.String:
			return stdlib.Strlen(v)
		}
		return v.Length(), nil
	},
})

// replaceFunc takes a regular expression between slashes, as Terraform does.
var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "substr", Type: cty.String}, {Name: "replace", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		sub := args[1].AsString()
		if len(sub) > 1 && sub[0] == '/' && sub[len(sub)-1] == '/' {
			return stdlib.RegexReplace(args[0], cty.StringVal(sub[1:len(sub)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})
