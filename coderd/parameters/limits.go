package parameters

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Limits of a template and of one evaluation.
const (
	maxFiles     = 500
	maxFile      = 512 << 10 // bytes
	maxAllFiles  = 4 << 20   // bytes
	maxNesting   = 100       // brackets in brackets
	maxChain     = 300       // prefixes, conditions or template controls in one expression
	maxOperators = 3000      // in one expression
	maxDepth     = 100       // values that wait for values
	maxModules   = 10        // modules in modules
	maxInstances = 1000      // of all blocks together
	maxValueSize = 1 << 20   // units of one value
	maxWork      = 32 << 20  // units of one evaluation
	maxUnwatched = 4 << 10   // units of a value that may come without a look at the clock
	maxOptions   = 1000
	maxDiags     = 200
)

// budget counts the work of one evaluation and ends it. A unit is about one byte.
type budget struct {
	ctx  context.Context //nolint:containedctx // lives as long as one call
	work int
	step int
	over string // why the evaluation ended, "" while it goes on
}

// end ends the evaluation for good: it ends the goroutine, which run.guard starts
// for it. An error would not do, because the loops of the expression language go
// on after errors; nor a panic, because every function call, try() among them,
// recovers it, and pays for a stack trace each time.
func (b *budget) end(why string) {
	b.over = why
	runtime.Goexit()
}

const tookTooLong = "evaluating the template took too long"

// charge books a value that an expression has just made.
func (b *budget) charge(v cty.Value) {
	if b == nil {
		return
	}
	n := sizeOf(v, maxValueSize)
	if b.step++; (b.step%64 == 0 || n > maxUnwatched) && b.ctx.Err() != nil {
		b.end(tookTooLong)
	}
	if b.work += n; b.work > maxWork {
		b.end("evaluating the template takes too much work")
	}
	if n > maxValueSize {
		b.end(fmt.Sprintf("a value of the template is larger than %d KiB", maxValueSize>>10))
	}
}

// sizeOf measures a value in units and gives up above limit. A number counts as
// much as its digits would.
func sizeOf(v cty.Value, limit int) int {
	const cell = 8
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return cell
	}
	t := v.Type()
	switch {
	case t == cty.String:
		return cell + len(v.AsString())
	case t == cty.Number:
		f := v.AsBigFloat()
		if f.IsInf() {
			return cell
		}
		exp := f.MantExp(nil)
		return cell + max(exp, -exp)/3
	case !t.IsCollectionType() && !t.IsTupleType() && !t.IsObjectType():
		return cell
	}
	n := cell
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		// The key of a set's element is the element, which may be unknown.
		if n += sizeOf(e, limit-n) + cell; k.Type() == cty.String && !t.IsSetType() {
			n += len(k.AsString())
		}
		if n > limit {
			return n
		}
	}
	return n
}

// checkFiles bounds what is read.
func checkFiles(files map[string][]byte) error {
	if len(files) > maxFiles {
		return fmt.Errorf("the template has %d Terraform files, at most %d are read", len(files), maxFiles)
	}
	all := 0
	for name, src := range files {
		if len(src) > maxFile {
			return fmt.Errorf("%s is larger than %d KiB", name, maxFile>>10)
		}
		all += len(src)
	}
	if all > maxAllFiles {
		return fmt.Errorf("the Terraform files together are larger than %d MiB", maxAllFiles>>20)
	}
	return nil
}

// checkNesting refuses sources that would recurse too deeply in the parser. It
// reads tokens, which takes no recursion.
func checkNesting(tokens hclsyntax.Tokens) error {
	depth, prefix, conditions, controls, operators := 0, 0, 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			depth++
		case hclsyntax.TokenTemplateControl:
			depth++
			controls++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenQuestion:
			conditions++
		case hclsyntax.TokenEqual:
			conditions, controls, operators = 0, 0, 0
		case hclsyntax.TokenComma:
			operators = 0
		case hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
			hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan,
			hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq:
			operators++
		}
		if t.Type == hclsyntax.TokenOBrack || t.Type == hclsyntax.TokenDot {
			operators++ // a[b][c], a.*.b: each wraps what stands before it
		}
		if t.Type == hclsyntax.TokenBang || t.Type == hclsyntax.TokenMinus {
			prefix++
		} else if t.Type != hclsyntax.TokenNewline {
			prefix = 0
		}
		if depth > maxNesting || prefix > maxChain || conditions > maxChain || controls > maxChain || operators > maxOperators {
			return fmt.Errorf("an expression is nested too deeply")
		}
	}
	return nil
}

// checkJSONNesting is checkNesting for JSON files.
func checkJSONNesting(src []byte) error {
	depth, quoted, escaped := 0, false, false
	for _, c := range src {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > maxNesting {
			return fmt.Errorf("the JSON is nested too deeply")
		}
	}
	return nil
}

// wanted reports whether a file of an archive is read at all.
func wanted(name string) bool {
	base := path.Base(name)
	for _, dir := range strings.Split(path.Dir(name), "/") {
		if dir == ".terraform" {
			return false
		}
	}
	return strings.HasSuffix(base, ".tf") || strings.HasSuffix(base, ".tf.json") || isValuesFile(base)
}

// isValuesFile names the files that Terraform reads variables from unasked.
func isValuesFile(base string) bool {
	return base == "terraform.tfvars" || base == "terraform.tfvars.json" ||
		strings.HasSuffix(base, ".auto.tfvars") || strings.HasSuffix(base, ".auto.tfvars.json")
}

// Wanted reports whether Load looks at a file of this name, so that a caller
// need not unpack the others.
func Wanted(name string) bool { return wanted(path.Clean(name)) }

// MaxFile bounds one file for Load, in bytes; MaxFiles their number.
const (
	MaxFile  = maxFile
	MaxFiles = maxFiles
)
