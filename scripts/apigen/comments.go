package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// contracts are the folders whose types go over the wire, the strongest first: a
// name that two have belongs to the first.
var contracts = []string{"api", "api/agentrpc", "api/tailrpc", "api/termrpc", "api/jobrpc", "coderd"}

// comment is what the sources say of a type.
type comment struct {
	doc    string
	fields map[string]field // by JSON name
	enum   []any            // the constants of a named basic type, in order
	embeds []string         // types whose fields belong to this one
}

// field is what the sources say of a field. typ is the name of its type, "" for one
// without a name of ours.
type field struct {
	doc string
	typ string
}

// readComments reads all contracts below root.
func readComments(root string) (map[string]*comment, error) {
	out := map[string]*comment{}
	for _, dir := range contracts {
		here := map[string]*comment{}
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(dir)), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && dir != "coderd" && path != filepath.Join(root, filepath.FromSlash(dir)):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			readFile(here, f)
			return nil
		})
		if err != nil {
			return nil, err
		}
		for name, c := range here {
			if out[name] == nil {
				out[name] = c
			}
		}
	}
	return out, nil
}

func readFile(out map[string]*comment, f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				doc := s.Doc
				if doc == nil {
					doc = g.Doc
				}
				readType(of(out, s.Name.Name), s, doc.Text())
			case *ast.ValueSpec:
				if g.Tok == token.CONST {
					readConst(out, s)
				}
			}
		}
	}
}

func of(out map[string]*comment, name string) *comment {
	if out[name] == nil {
		out[name] = &comment{fields: map[string]field{}}
	}
	return out[name]
}

func readType(c *comment, s *ast.TypeSpec, doc string) {
	c.doc = oneParagraph(doc)
	st, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			c.embeds = append(c.embeds, typeName(f.Type))
			continue
		}
		name := f.Names[0].Name
		if f.Tag != nil {
			tag, _ := strconv.Unquote(f.Tag.Value)
			if v, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); v != "" {
				name = v
			}
		}
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		c.fields[name] = field{doc: oneParagraph(text), typ: typeName(f.Type)}
	}
}

// readConst adds the constants that have a type of their own to it.
func readConst(out map[string]*comment, s *ast.ValueSpec) {
	typ, ok := s.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, v := range s.Values {
		lit, ok := v.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(lit.Value); err == nil && !slices.Contains(of(out, typ.Name).enum, any(text)) {
			of(out, typ.Name).enum = append(of(out, typ.Name).enum, text)
		}
	}
}

// typeName is the name of a type, or of what a pointer, list or map of it holds.
func typeName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return typeName(t.X)
	case *ast.ArrayType:
		return typeName(t.Elt)
	case *ast.MapType:
		return typeName(t.Value)
	case *ast.SelectorExpr:
		return t.Sel.Name
	}
	return ""
}

// oneParagraph makes lines of a comment one line, without what directives say.
func oneParagraph(text string) string { return strings.Join(strings.Fields(text), " ") }
