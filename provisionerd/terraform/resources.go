package terraform

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// collect turns instances into the resources that people see, with their agents.
// See the package doc for where an agent belongs.
func collect(nodes []*node, t api.Transition) ([]jobrpc.Resource, error) {
	g := &gathering{byNode: map[*node]*jobrpc.Resource{}}
	slices.SortStableFunc(nodes, func(a, b *node) int { return strings.Compare(a.addr, b.addr) })
	for _, n := range nodes {
		switch {
		case n.data:
		case n.typ == "coder_agent":
			g.agents = append(g.agents, n)
		case strings.HasPrefix(n.typ, "coder_") && n.typ != externalAgent:
			g.parts = append(g.parts, n)
		default:
			g.managed = append(g.managed, n)
			g.byNode[n] = &jobrpc.Resource{Type: n.typ, Name: n.name, Address: n.addr}
		}
	}
	if len(g.managed)+len(g.agents) > jobrpc.MaxResources {
		return nil, &provisionerd.Failure{Message: fmt.Sprintf("The template makes more than %d resources.", jobrpc.MaxResources)}
	}
	if err := g.placeAgents(t); err != nil {
		return nil, err
	}
	for _, r := range g.byNode {
		slices.SortStableFunc(r.Agents, byOrder)
	}
	g.describe()
	out := make([]jobrpc.Resource, 0, len(g.byNode))
	for _, n := range append(g.managed, g.agents...) {
		if r := g.byNode[n]; r != nil {
			out = append(out, *r)
		}
	}
	return out, nil
}

// gathering is the work of collect.
type gathering struct {
	managed, agents, parts []*node
	byNode                 map[*node]*jobrpc.Resource
}

// agentName is what an agent may be called; it becomes part of host names.
var agentName = regexp.MustCompile(`(?i)^[a-z0-9](-?[a-z0-9_])*$`)

// placeAgents builds the agents and hangs each on its resource.
func (g *gathering) placeAgents(t api.Transition) error {
	names := map[string]string{}
	for _, a := range g.agents {
		place := g.nearest(a)
		if place == nil {
			if t != api.TransitionStart {
				continue
			}
			place = a
			g.byNode[a] = &jobrpc.Resource{Type: a.typ, Name: a.name, Address: a.addr}
		}
		if !agentName.MatchString(a.name) || len(a.name) > 64 {
			return &provisionerd.Failure{Message: fmt.Sprintf("The agent name %q of %s is not usable: use letters, digits and single hyphens, at most 64.", a.name, a.addr)}
		}
		if other, ok := names[strings.ToLower(a.name)]; ok {
			return &provisionerd.Failure{Message: fmt.Sprintf("The agents %s and %s have the same name %q; agent names must be unique in a workspace.", other, a.addr, a.name)}
		}
		names[strings.ToLower(a.name)] = a.addr
		agent, err := g.agent(a)
		if err != nil {
			return err
		}
		if agent.InstanceID == "" && agent.Auth != "token" {
			agent.InstanceID = cloudInstance(place)
		}
		g.byNode[place].Agents = append(g.byNode[place].Agents, agent)
	}
	return nil
}

// nearest returns the resource on which an agent runs, or nil.
func (g *gathering) nearest(agent *node) *node {
	var found []*node
	for _, n := range g.managed {
		if n.deps[agent.config] && g.sameInstance(n, agent, g.agents) {
			found = append(found, n)
		}
	}
	var best *node
	for _, n := range found {
		behind := slices.ContainsFunc(found, func(o *node) bool { return o.config != n.config && n.deps[o.config] })
		if behind {
			continue
		}
		if best == nil || helper(best.typ) && !helper(n.typ) {
			best = n
		}
	}
	return best
}

// sameInstance reports whether n, which depends on the resource of target, means
// this instance of it: the one with its own key, else the first.
func (g *gathering) sameInstance(n, target *node, all []*node) bool {
	var instances []*node
	for _, o := range all {
		if o.config == target.config {
			instances = append(instances, o)
		}
	}
	if len(instances) <= 1 {
		return true
	}
	best, score := instances[0], 0
	for _, o := range instances {
		s := 0
		if o.module == n.module {
			s += 2
		}
		if o.key != nil && o.key == n.key {
			s++
		}
		if s > score {
			best, score = o, s
		}
	}
	return best == target
}

// helper reports whether a resource type is rarely the machine itself.
func helper(typ string) bool {
	if typ == "terraform_data" || typ == "null_resource" {
		return true
	}
	for _, p := range []string{"random_", "time_", "local_", "tls_"} {
		if strings.HasPrefix(typ, p) {
			return true
		}
	}
	return false
}

// cloudInstance is the id under which a cloud knows the machine of an agent.
func cloudInstance(n *node) string {
	switch n.typ {
	case "aws_instance", "aws_spot_instance_request":
		return n.text("id")
	case "google_compute_instance":
		return n.text("instance_id")
	case "azurerm_linux_virtual_machine", "azurerm_windows_virtual_machine":
		return n.text("virtual_machine_id")
	}
	return ""
}

// belongs reports whether a coder_app, coder_script and so on is the agent's.
func (g *gathering) belongs(part, agent *node) bool {
	if id := part.text("agent_id"); id != "" {
		return id == agent.text("id")
	}
	// In a plan the ids are not known yet.
	return part.deps[agent.config] && g.sameInstance(part, agent, g.agents) && !g.insideContainer(part)
}

// describe hangs coder_metadata on the resources that they speak of.
func (g *gathering) describe() {
	for _, m := range g.parts {
		if m.typ != "coder_metadata" {
			continue
		}
		r := g.byNode[g.described(m)]
		if r == nil {
			continue
		}
		r.Hide = r.Hide || m.flag("hide")
		if icon := m.text("icon"); icon != "" {
			r.Icon = icon
		}
		r.DailyCost += m.number("daily_cost")
		for _, item := range m.blocks("item") {
			if item.flag("is_null") || item.attrs["value"] == nil {
				continue
			}
			r.Metadata = append(r.Metadata, api.WorkspaceResourceMetadata{
				Key: item.text("key"), Value: item.text("value"), Sensitive: item.flag("sensitive")})
		}
	}
}

// described returns the resource that a coder_metadata means: by id among what it
// depends on, by id at all, or, in a plan, the last one it depends on.
func (g *gathering) described(m *node) *node {
	id := m.text("resource_id")
	var byID, last *node
	all := append(slices.Clone(g.managed), g.agents...)
	for _, n := range all {
		depends := m.deps[n.config]
		if id != "" && n.text("id") == id {
			if depends {
				return n
			}
			byID = n
		}
		if depends && g.byNode[n] != nil && g.sameInstance(m, n, all) &&
			(last == nil || n.deps[last.config] || n.typ != "coder_agent" && last.typ == "coder_agent") {
			last = n
		}
	}
	if id != "" {
		return byID
	}
	return last
}

// env returns the variables of an agent: coder_env by address, then its own.
func (g *gathering) env(agent *node) (map[string]string, error) {
	env := map[string]string{}
	for _, e := range g.parts {
		if e.typ != "coder_env" || !g.belongs(e, agent) {
			continue
		}
		name, value := e.text("name"), e.text("value")
		old, twice := env[name]
		if twice {
			switch e.text("merge_strategy") {
			case "append":
				value = old + ":" + value
			case "prepend":
				value = value + ":" + old
			case "error":
				return nil, &provisionerd.Failure{Message: fmt.Sprintf("%s sets the variable %q, which another coder_env sets already.", e.addr, name)}
			}
		}
		env[name] = value
	}
	if own, ok := agent.attrs["env"].(map[string]any); ok {
		maps.Copy(env, (&node{attrs: own}).texts())
	}
	return env, nil
}
