package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// module is the import path of our own packages.
const module = "coder.internal"

// room is one row of the floor plan: packages at or below prefix may import our
// packages at or below one of allow ("=x" means x alone), and their own room. The
// longest prefix wins.
type room struct {
	prefix string
	allow  []string
	why    string
}

// plan is the floor plan of docs/architecture.md.
var plan = []room{
	{"internal", nil, "internal holds mechanisms without product knowledge"},
	{"internal/testutil", []string{"internal"}, "test mechanisms may use the other mechanisms"},
	{"internal/wsconn", []string{"internal"}, "mechanism"},
	{"api", nil, "api holds words: the standard library only"},
	{"api/agentrpc", []string{"api"}, "contracts use the words of api"},
	{"api/jobrpc", []string{"api"}, "contracts use the words of api"},
	{"api/tailrpc", []string{"api"}, "contracts use the words of api"},
	{"api/termrpc", []string{"api"}, "contracts use the words of api"},
	{"api/client", []string{"api", "internal"}, "the client speaks api over HTTP"},
	{"database", []string{"api", "internal"}, "the database floor knows neither coderd nor the network"},
	{"derp", []string{"api", "internal"}, "the network floor knows neither coderd nor the database"},
	{"site", []string{}, "the site imports nothing of ours"},
	{"docs/reference", []string{}, "generated pages, put into the binary"},
	{"agent", []string{"api", "derp", "internal"}, "an agent never links the control plane"},
	{"provisionerd", []string{"api/jobrpc", "=api", "api/initscript", "internal"}, "a daemon has no database and no network of its own"},
	{"coderd", []string{"coderd", "api", "database", "derp", "site", "=docs/reference", "internal"}, "the control plane imports no agent and no daemon"},
	{"coderd/coderdtest", []string{"coderd", "api", "database", "derp", "internal"}, "a whole control plane for tests"},
	{"coderd/httpapi", []string{"api", "coderd/rbac", "internal"}, "httpapi knows no product noun"},
	{"coderd/rbac", []string{"api"}, "rbac is pure"},
	{"coderd/parameters", []string{"=api"}, "evaluating a template is pure"},
	{"coderd/agentconn", []string{"api", "internal"}, "streams to agents run in proxies, which have no database"},
	{"coderd/devurl", []string{"api", "derp", "coderd/httpapi", "coderd/rbac", "internal"}, "dev URLs run in proxies, which have no database"},
	{"coderd/wsproxy", []string{"api", "derp", "coderd/httpapi", "coderd/devurl", "internal"}, "a proxy has no database"},
	{"cmd", []string{"cmd", "coderd", "agent", "provisionerd", "database", "derp", "site", "api", "internal"}, "programs may import everything"},
	{"scripts", []string{"=docs/reference", "cmd", "coderd", "agent", "provisionerd", "database", "derp", "site", "api", "internal"}, "scripts may import everything"},
}

// slices of coderd stand on steps: a package imports only those on lower steps,
// or on its own step where listed first.
var coderdSteps = [][]string{
	{"coderd/rbac"},
	{"coderd/httpapi", "coderd/parameters", "coderd/identity"},
	{"coderd/audit", "coderd/keys"},
	{"coderd/httpmw"},
	{"coderd/users"},
	{"coderd/auth"},
	{"coderd/downloads", "coderd/externalauth", "coderd/jobs", "coderd/coordinator", "coderd/replicas", "coderd/proxies", "coderd/quota", "coderd/retention", "coderd/connectionlog"},
	{"coderd/agents", "coderd/health", "coderd/rendezvous"},
	{"coderd/templates"},
	{"coderd/workspaces"},
	{"coderd/apps"},
	{"coderd"},
}

// onlyFor names packages that few may import.
var onlyFor = map[string][]string{
	"database":     {"coderd", "cmd/internal/serve", "database", "scripts"},
	"provisionerd": {"provisionerd", "cmd/internal/serve", "cmd/coder", "scripts"},
}

// testPlane is a control plane for tests: any test below coderd, and the
// tests across components, may import it.
const testPlane = "coderd/coderdtest"

// check returns why from (ours, without the module prefix) may not import to,
// or "" if it may. Test files obey the same plan, but for testPlane.
func check(from, to string) string {
	if from == to {
		return ""
	}
	for prefix, users := range onlyFor {
		if within(to, prefix) && !slices.ContainsFunc(users, func(u string) bool { return within(from, u) }) {
			return fmt.Sprintf("%s is for %s only", prefix, strings.Join(users, ", "))
		}
	}
	if a, b := step(from), step(to); a >= 0 && b >= 0 && b >= a && from != to {
		return fmt.Sprintf("%s stands on the step of %s or above it", to, from)
	}
	if to == testPlane {
		return "coderd/coderdtest is for tests only"
	}
	r := roomOf(from)
	if r == nil {
		return "the folder is not in the floor plan: add it there with its reason"
	}
	if roomOf(to) == r {
		return ""
	}
	for _, a := range r.allow {
		if exact, ok := strings.CutPrefix(a, "="); ok && to == exact || !ok && within(to, a) {
			return ""
		}
	}
	return r.why
}

func roomOf(pkg string) *room {
	var best *room
	for i := range plan {
		if within(pkg, plan[i].prefix) && (best == nil || len(plan[i].prefix) > len(best.prefix)) {
			best = &plan[i]
		}
	}
	return best
}

func step(pkg string) int {
	for i, s := range coderdSteps {
		if slices.Contains(s, pkg) {
			return i
		}
	}
	return -1
}

// within reports whether pkg is prefix or below it.
func within(pkg, prefix string) bool {
	return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
}

// trim returns the path inside our module; ok is false for others.
func trim(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	p, ok := strings.CutPrefix(importPath, module+"/")
	return path.Clean(p), ok
}
