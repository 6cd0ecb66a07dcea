package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type goPackage struct {
	ImportPath, Doc, Name              string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Doc,Name,Imports,TestImports,XTestImports,Deps"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	require.NoError(t, err)
	var pkgs []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImportsFollowTheFloorPlan(t *testing.T) {
	t.Parallel()
	edges := map[string][]string{}
	for _, p := range list(t, "./...") {
		from, ours := trim(p.ImportPath)
		require.True(t, ours, p.ImportPath)
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			to, ours := trim(imp)
			if !ours || to == testPlane && (within(from, "coderd") || from == "cmd/internal/serve") && !slices.Contains(p.Imports, imp) {
				continue
			}
			if why := check(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
			edges[top(from)] = append(edges[top(from)], top(to))
		}
	}
	for folder := range edges {
		if reaches(edges, folder, folder, map[string]bool{}) {
			t.Errorf("the folder graph has a circle through %s", folder)
		}
	}
}

func top(p string) string { f, _, _ := strings.Cut(p, "/"); return f }

func reaches(edges map[string][]string, from, to string, seen map[string]bool) bool {
	for _, next := range edges[from] {
		if next == from {
			continue
		}
		if next == to {
			return true
		}
		if !seen[next] {
			seen[next] = true
			if reaches(edges, next, to, seen) {
				return true
			}
		}
	}
	return false
}

func TestEveryPackageHasADoc(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		if p.Doc == "" && len(p.Imports) > 0 {
			t.Errorf("%s has no package doc", p.ImportPath)
		}
	}
}

// TestStandardLibraryOnly keeps api free of other modules.
func TestStandardLibraryOnly(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./api", "./api/agentrpc", "./api/jobrpc", "./api/tailrpc") {
		for _, imp := range p.Imports {
			if _, ours := trim(imp); !ours && strings.Contains(top(imp), ".") {
				t.Errorf("%s imports %s: api imports the standard library only", p.ImportPath, imp)
			}
		}
	}
}

// TestSlimStaysSlim keeps the small binary small.
func TestSlimStaysSlim(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./cmd/coder-slim") {
		for _, dep := range p.Deps {
			for _, heavy := range []string{module + "/coderd", module + "/database", module + "/provisionerd", module + "/site",
				"github.com/hashicorp/terraform-exec", "github.com/jackc/pgx"} {
				if within(dep, heavy) {
					t.Errorf("coder-slim links %s", dep)
				}
			}
		}
	}
}

var pathInDoc = regexp.MustCompile("`((?:api|agent|cmd|coderd|database|derp|internal|provisionerd|scripts|site)(?:/[a-z0-9_.-]+)*/?)`")

func TestPathsInArchitectureExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	require.NoError(t, err)
	found := pathInDoc.FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		_, err := os.Stat(filepath.Join("..", "..", m[1]))
		require.NoError(t, err, "docs/architecture.md names %s", m[1])
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range [][2]string{
		{"agent", "coderd/agents"}, {"agent", "database"}, {"coderd/rbac", "database"}, {"api", "internal/clock"},
		{"coderd/jobs", "coderd/templates"}, {"coderd/templates", "coderd/workspaces"}, {"provisionerd", "api/client"},
		{"provisionerd", "derp/tailnet"}, {"coderd/workspaces", "provisionerd"}, {"database", "coderd/keys"},
		{"cmd/internal/cli", "database"}, {"derp/tailnet", "database"}, {"newfolder", "api"}, {"coderd/agents", "coderd"},
	} {
		require.NotEmpty(t, check(bad[0], bad[1]), "%s → %s", bad[0], bad[1])
	}
	for _, good := range [][2]string{
		{"coderd/workspaces", "coderd/templates"}, {"cmd/internal/serve", "database/local"}, {"agent", "derp/tailnet"},
		{"coderd", "coderd/jobs"}, {"coderd/coderdtest", "coderd"}, {"agent", "agent/sshd"},
	} {
		require.Empty(t, check(good[0], good[1]), "%s → %s", good[0], good[1])
	}
}
