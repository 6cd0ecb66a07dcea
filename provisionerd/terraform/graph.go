package terraform

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// graph is what refers to what in a configuration, read from its source. A plan
// does not say it (references through locals are lost there), and terraform graph
// would be another process. Files in JSON syntax are not looked into: what they
// declare has no known dependencies. Vertices are addresses without instance
// keys, with their module's path.
type graph struct {
	refs map[string][]string
	// tags are what coder_workspace_tags say, by address and key.
	tags map[string]map[string]tagSource
}

// maxModules bounds how many module directories are read.
const maxModules = 200

// graph reads the build directory.
func (p *Provisioner) graph() *graph {
	g := &graph{refs: map[string][]string{}}
	_ = p.as(func() error { g = readGraph(p.build); return nil }) // without it nothing has a known dependency
	return g
}

// readGraph reads an initialised module tree.
func readGraph(dir string) *graph {
	g := &graph{refs: map[string][]string{}}
	for _, m := range moduleDirs(dir) {
		for _, f := range parseDir(m.dir) {
			g.file(m.path, f)
		}
	}
	return g
}

type moduleDir struct{ path, dir string }

// moduleDirs lists the root and what init installed, from .terraform/modules.
func moduleDirs(root string) []moduleDir {
	dirs := []moduleDir{{"", root}}
	var manifest struct {
		Modules []struct{ Key, Dir string }
	}
	b, err := readPlain(filepath.Join(root, ".terraform", "modules", "modules.json"), maxSource)
	if err != nil || json.Unmarshal(b, &manifest) != nil {
		return dirs
	}
	for _, m := range manifest.Modules {
		if m.Key == "" || !filepath.IsLocal(m.Dir) || len(dirs) == maxModules {
			continue
		}
		path := "module." + strings.ReplaceAll(m.Key, ".", ".module.") + "."
		dirs = append(dirs, moduleDir{path, filepath.Join(root, m.Dir)})
	}
	return dirs
}

// parseDir returns the bodies of the files in a directory that can be parsed;
// what cannot is reported by terraform itself.
func parseDir(dir string) []*hclsyntax.Body {
	names, _ := filepath.Glob(filepath.Join(dir, "*.tf"))
	parser := hclparse.NewParser()
	var out []*hclsyntax.Body
	for _, name := range names {
		b, err := readPlain(name, maxSource)
		if err != nil {
			continue
		}
		if f, _ := parser.ParseHCL(b, name); f != nil {
			if body, ok := f.Body.(*hclsyntax.Body); ok {
				out = append(out, body)
			}
		}
	}
	return out
}

// file adds the blocks of one file of the module at path.
func (g *graph) file(path string, body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		switch {
		case b.Type == "resource" && len(b.Labels) == 2:
			g.add(path+b.Labels[0]+"."+b.Labels[1], path, b.Body)
		case b.Type == "data" && len(b.Labels) == 2:
			at := path + "data." + b.Labels[0] + "." + b.Labels[1]
			g.add(at, path, b.Body)
			if b.Labels[0] == "coder_workspace_tags" {
				g.addTags(at, path, b.Body)
			}
		case b.Type == "locals":
			for name, a := range b.Body.Attributes {
				g.expr(path+"local."+name, path, a.Expr)
			}
		case b.Type == "output" && len(b.Labels) == 1:
			g.add(path+"output."+b.Labels[0], path, b.Body)
		case b.Type == "module" && len(b.Labels) == 1:
			g.call(path, b)
		}
	}
}

// call joins the arguments of a module call to the variables inside of it.
func (g *graph) call(path string, b *hclsyntax.Block) {
	inner := path + "module." + b.Labels[0] + "."
	for name, a := range b.Body.Attributes {
		g.expr(inner+"var."+name, path, a.Expr)
	}
}

func (g *graph) add(from, path string, body *hclsyntax.Body) {
	for _, a := range body.Attributes {
		g.expr(from, path, a.Expr)
	}
	for _, b := range body.Blocks {
		g.add(from, path, b.Body)
	}
}

func (g *graph) expr(from, path string, e hclsyntax.Expression) {
	for _, t := range hclsyntax.Variables(e) {
		if to := target(t); to != "" {
			g.refs[from] = append(g.refs[from], path+to)
		}
	}
}

// target returns the vertex that a reference means, within its module.
func target(t hcl.Traversal) string {
	var parts []string
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			parts = append(parts, s.Name)
		case hcl.TraverseAttr:
			parts = append(parts, s.Name)
		}
	}
	switch {
	case len(parts) < 2:
		return ""
	case parts[0] == "data" && len(parts) > 2:
		return strings.Join(parts[:3], ".")
	case parts[0] == "module" && len(parts) > 2:
		return "module." + parts[1] + ".output." + parts[2]
	}
	switch parts[0] {
	case "each", "count", "path", "terraform", "self", "data", "module":
		return ""
	}
	return parts[0] + "." + parts[1]
}

// deps returns everything that addr depends on, directly or not.
func (g *graph) deps(addr string) map[string]bool {
	seen := map[string]bool{}
	todo := []string{addr}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, to := range g.refs[next] {
			if !seen[to] {
				seen[to] = true
				todo = append(todo, to)
			}
		}
	}
	delete(seen, addr)
	return seen
}

// declaresBackend reports whether a root module says where state is kept.
func declaresBackend(dir string) bool {
	for _, body := range parseDir(dir) {
		for _, b := range body.Blocks {
			if b.Type != "terraform" {
				continue
			}
			for _, inner := range b.Body.Blocks {
				if inner.Type == "backend" || inner.Type == "cloud" {
					return true
				}
			}
		}
	}
	return false
}
