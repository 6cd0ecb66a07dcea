package terraform

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// language adds to the result of an import what its data sources and its source
// say beside parameters and resources.
func (r *run) language(plan *tfjson.Plan, g *graph, result *jobrpc.ImportResult) error {
	nodes := planData(plan)
	var err error
	if result.Presets, err = presets(nodes); err != nil {
		return err
	}
	if result.ExternalAuth, err = externalAuth(nodes, r.job.Import); err != nil {
		return err
	}
	if result.WorkspaceTags, err = r.workspaceTags(nodes, g); err != nil {
		return err
	}
	if err := r.p.as(func() error {
		result.UsesOwnerSession, result.UsesOwnerSSHKey = ownerUse(r.p.build)
		return nil
	}); err != nil {
		return err
	}
	managed := g.managed(plan.PlannedValues)
	result.HasExternalAgent = hasExternalAgent(managed)
	for _, n := range managed {
		if auth := n.text("auth"); n.typ == "coder_agent" && auth != "" && auth != "token" {
			r.note(api.LogWarn, stagePlan, fmt.Sprintf(
				"%s signs in by %s, which this server does not check yet; the agent needs CODER_AGENT_TOKEN to connect.", n.addr, auth))
		}
	}
	return nil
}

// planData returns the data sources of a plan. Those that are read while planning
// are in the prior state, those that wait for a resource among the planned values.
func planData(plan *tfjson.Plan) []*node {
	var out []*node
	values := []*tfjson.StateValues{plan.PlannedValues}
	if plan.PriorState != nil {
		values = []*tfjson.StateValues{plan.PriorState.Values, plan.PlannedValues}
	}
	for _, v := range values {
		if v == nil || v.RootModule == nil {
			continue
		}
		todo := []*tfjson.StateModule{v.RootModule}
		for len(todo) > 0 {
			m := todo[0]
			todo = append(todo[1:], m.ChildModules...)
			for _, res := range m.Resources {
				if res.Mode != tfjson.DataResourceMode {
					continue
				}
				n := &node{module: m.Address, typ: res.Type, name: res.Name, key: res.Index, data: true, attrs: res.AttributeValues}
				n.address()
				n.addr = res.Address
				out = append(out, n)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *node) int { return strings.Compare(a.addr, b.addr) })
	return out
}

// presets returns the coder_workspace_presets, the default one first, then by
// name.
func presets(nodes []*node) ([]jobrpc.Preset, error) {
	out := []jobrpc.Preset{}
	names, standard := map[string]string{}, ""
	for _, n := range nodes {
		if n.typ != "coder_workspace_preset" {
			continue
		}
		p := jobrpc.Preset{Name: n.text("name"), Description: n.text("description"), Icon: n.text("icon"),
			Default: n.flag("default"), Parameters: []api.ParameterValue{}}
		if other, ok := names[p.Name]; ok {
			return nil, &provisionerd.Failure{Message: fmt.Sprintf("The preset name %q is used by %s and by %s; names must be unique.", p.Name, other, n.addr)}
		}
		names[p.Name] = n.addr
		if p.Default && standard != "" {
			return nil, &provisionerd.Failure{Message: fmt.Sprintf("%s and %s are both the default preset; only one can be.", standard, n.addr)}
		}
		if p.Default {
			standard = n.addr
		}
		values, _ := n.attrs["parameters"].(map[string]any)
		for name, value := range (&node{attrs: values}).texts() {
			p.Parameters = append(p.Parameters, api.ParameterValue{Name: name, Value: value})
		}
		slices.SortFunc(p.Parameters, func(a, b api.ParameterValue) int { return strings.Compare(a.Name, b.Name) })
		for _, b := range n.blocks("prebuilds") {
			instances := b.number("instances")
			p.Instances = &instances
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b jobrpc.Preset) int {
		if a.Default != b.Default {
			return map[bool]int{true: -1, false: 1}[a.Default]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// externalAuth returns the providers that the template asks for, each once. One
// that must be there has to be among those of the deployment, where they are known.
func externalAuth(nodes []*node, work *jobrpc.ImportWork) ([]jobrpc.ExternalAuth, error) {
	out := []jobrpc.ExternalAuth{}
	for _, n := range nodes {
		if n.typ != "coder_external_auth" {
			continue
		}
		a := jobrpc.ExternalAuth{ID: n.text("id"), Optional: n.flag("optional")}
		if !a.Optional && work != nil && work.Providers != nil && !slices.Contains(work.Providers, a.ID) {
			return nil, &provisionerd.Failure{Message: fmt.Sprintf(
				"%s needs the external authentication provider %q, which this server does not have. Have an administrator configure it, set optional = true, or remove it.", n.addr, a.ID)}
		}
		i := slices.IndexFunc(out, func(o jobrpc.ExternalAuth) bool { return o.ID == a.ID })
		if i < 0 {
			out = append(out, a)
		} else {
			out[i].Optional = out[i].Optional && a.Optional
		}
	}
	return out, nil
}

// workspaceTags returns the tags of all coder_workspace_tags, by key. g says which
// of them are the value of a parameter.
func (r *run) workspaceTags(nodes []*node, g *graph) ([]jobrpc.WorkspaceTag, error) {
	out, from := []jobrpc.WorkspaceTag{}, map[string]string{}
	names := map[string]string{} // parameters by address
	for _, n := range nodes {
		if n.typ == "coder_parameter" {
			names[n.config] = n.text("name")
		}
	}
	for _, n := range nodes {
		values, _ := n.attrs["tags"].(map[string]any)
		if n.typ != "coder_workspace_tags" {
			continue
		}
		for key, value := range (&node{attrs: values}).texts() {
			if other, ok := from[key]; ok {
				return nil, &provisionerd.Failure{Message: fmt.Sprintf("The workspace tag %q is set by %s and by %s; set it once.", key, other, n.addr)}
			}
			from[key] = n.addr
			tag := jobrpc.WorkspaceTag{Key: key, Value: value}
			src := g.tags[n.config][key]
			tag.Parameter = names[src.parameter]
			if tag.Parameter == "" && src.computed {
				r.note(api.LogWarn, stagePlan, fmt.Sprintf(
					"The workspace tag %q of %s is computed from a parameter; builds use the value that the default gives, %q.", key, n.addr, value))
			}
			out = append(out, tag)
		}
	}
	slices.SortFunc(out, func(a, b jobrpc.WorkspaceTag) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// tagSource is what the source says of one workspace tag: the address of the
// parameter whose value it is, or that it is computed from one.
type tagSource struct {
	parameter string
	computed  bool
}

// addTags reads the tags of a coder_workspace_tags from its source. Keys that are
// not constant are left out.
func (g *graph) addTags(at, path string, body *hclsyntax.Body) {
	attr := body.Attributes["tags"]
	if attr == nil {
		return
	}
	object, ok := attr.Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return
	}
	if g.tags == nil {
		g.tags = map[string]map[string]tagSource{}
	}
	g.tags[at] = map[string]tagSource{}
	for _, item := range object.Items {
		key, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() || key.IsNull() || key.Type().FriendlyName() != "string" {
			continue
		}
		g.tags[at][key.AsString()] = tagSourceOf(path, item.ValueExpr)
	}
}

// tagSourceOf recognises data.coder_parameter.NAME.value, alone or in quotes.
func tagSourceOf(path string, e hclsyntax.Expression) tagSource {
	if wrap, ok := e.(*hclsyntax.TemplateWrapExpr); ok {
		e = wrap.Wrapped
	}
	if t, ok := e.(*hclsyntax.ScopeTraversalExpr); ok && len(t.Traversal) == 4 {
		last, isAttr := t.Traversal[3].(hcl.TraverseAttr)
		if to := target(t.Traversal); isAttr && last.Name == "value" && strings.HasPrefix(to, "data.coder_parameter.") {
			return tagSource{parameter: path + to}
		}
	}
	for _, t := range hclsyntax.Variables(e) {
		if strings.HasPrefix(target(t), "data.coder_parameter.") || t.RootName() == "local" {
			return tagSource{computed: true}
		}
	}
	return tagSource{}
}

// ownerUse reports whether the source of the template speaks of the owner's
// session token and of their SSH key. It looks for the words, so that whatever
// could read them counts: modules that get the whole data source, and files in
// JSON syntax.
func ownerUse(dir string) (session, key bool) {
	for _, m := range moduleDirs(dir) {
		for _, pattern := range []string{"*.tf", "*.tf.json"} {
			names, _ := filepath.Glob(filepath.Join(m.dir, pattern))
			for _, name := range names {
				b, err := readPlain(name, maxSource)
				if err != nil {
					continue
				}
				text := string(b)
				session = session || strings.Contains(text, "session_token")
				key = key || strings.Contains(text, "ssh_private_key") || strings.Contains(text, "ssh_public_key")
			}
		}
	}
	return session, key
}

// hasExternalAgent reports whether people start an agent themselves.
func hasExternalAgent(nodes []*node) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool { return !n.data && n.typ == externalAgent })
}

// externalAgent is the resource type that stands for a machine that no template
// makes. Agents run on it as on any other resource.
const externalAgent = "coder_external_agent"

// devcontainers returns the coder_devcontainers of an agent by address.
func (g *gathering) devcontainers(agent *node) []jobrpc.Devcontainer {
	out := []jobrpc.Devcontainer{}
	for _, p := range g.parts {
		if p.typ == "coder_devcontainer" && g.belongs(p, agent) {
			out = append(out, jobrpc.Devcontainer{Name: p.name, WorkspaceFolder: p.text("workspace_folder"),
				ConfigPath: p.text("config_path"), SubagentID: p.text("subagent_id")})
		}
	}
	return out
}

// insideContainer reports whether a part of a plan, where ids are not known yet,
// is about the agent inside of a dev container.
func (g *gathering) insideContainer(part *node) bool {
	return part.typ != "coder_devcontainer" && slices.ContainsFunc(g.parts, func(p *node) bool {
		return p.typ == "coder_devcontainer" && part.deps[p.config]
	})
}

// monitors reads the resources_monitoring block of an agent.
func monitors(agent *node) *jobrpc.ResourceMonitors {
	var out *jobrpc.ResourceMonitors
	for _, b := range agent.blocks("resources_monitoring") {
		out = &jobrpc.ResourceMonitors{}
		for _, m := range b.blocks("memory") {
			out.Memory = &jobrpc.Monitor{Enabled: m.flag("enabled"), Threshold: m.number("threshold")}
		}
		for _, v := range b.blocks("volume") {
			out.Volumes = append(out.Volumes, jobrpc.Monitor{Path: v.text("path"), Enabled: v.flag("enabled"), Threshold: v.number("threshold")})
		}
		slices.SortStableFunc(out.Volumes, func(a, b jobrpc.Monitor) int { return strings.Compare(a.Path, b.Path) })
	}
	return out
}

// byOrder sorts agents of one resource as people see them.
func byOrder(a, b jobrpc.Agent) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name))
}
