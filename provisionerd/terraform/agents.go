package terraform

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// agent builds a coder_agent with all that names it.
func (g *gathering) agent(n *node) (jobrpc.Agent, error) {
	env, err := g.env(n)
	if err != nil {
		return jobrpc.Agent{}, err
	}
	a := jobrpc.Agent{
		ID: n.text("id"), Name: n.name, Token: api.Secret(n.text("token")), Auth: n.text("auth"),
		OperatingSystem: n.text("os"), Architecture: n.text("arch"), Directory: n.text("dir"),
		MOTDFile: n.text("motd_file"), Env: env, ConnectionTimeoutSeconds: n.number("connection_timeout"),
		TroubleshootingURL: n.text("troubleshooting_url"), StartupScriptBehavior: n.text("startup_script_behavior"),
		APIKeyScope: n.text("api_key_scope"), Order: int64(n.number("order")),
		DisplayApps: displayApps(n), Metadata: agentMetadata(n),
		Devcontainers: g.devcontainers(n), Monitors: monitors(n),
	}
	if a.Apps, err = g.apps(n); err != nil {
		return jobrpc.Agent{}, err
	}
	a.Scripts = g.scripts(n)
	for _, p := range g.parts {
		if p.typ == "coder_agent_instance" && g.belongs(p, n) {
			a.InstanceID = p.text("instance_id")
		}
	}
	return a, nil
}

// displayApps returns the names of the built-in apps that are shown. In a plan
// the block is unknown when it is not given; then the provider's defaults apply.
func displayApps(n *node) []string {
	shown := map[string]bool{"vscode": true, "web_terminal": true, "ssh_helper": true, "port_forwarding_helper": true}
	for _, b := range n.blocks("display_apps") {
		for _, name := range displayAppNames() {
			shown[name] = b.flag(name)
		}
	}
	out := []string{}
	for _, name := range displayAppNames() {
		if shown[name] {
			out = append(out, name)
		}
	}
	return out
}

func displayAppNames() []string {
	return []string{"vscode", "vscode_insiders", "web_terminal", "ssh_helper", "port_forwarding_helper"}
}

func agentMetadata(n *node) []jobrpc.AgentMetadata {
	var out []jobrpc.AgentMetadata
	for _, b := range n.blocks("metadata") {
		out = append(out, jobrpc.AgentMetadata{Key: b.text("key"), DisplayName: b.text("display_name"), Script: b.text("script"),
			Interval: int64(b.number("interval")), Timeout: int64(b.number("timeout")), Order: int64(b.number("order"))})
	}
	slices.SortStableFunc(out, func(a, b jobrpc.AgentMetadata) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// apps returns the coder_apps of an agent by order, then slug.
func (g *gathering) apps(agent *node) ([]api.WorkspaceApp, error) {
	var own []*node
	slugs := map[string]bool{}
	for _, p := range g.parts {
		if p.typ != "coder_app" || !g.belongs(p, agent) {
			continue
		}
		if slugs[p.text("slug")] {
			return nil, &provisionerd.Failure{Message: fmt.Sprintf("%s has the slug %q, which another app of the agent %q has already.", p.addr, p.text("slug"), agent.name)}
		}
		slugs[p.text("slug")] = true
		own = append(own, p)
	}
	slices.SortStableFunc(own, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.number("order"), b.number("order")), cmp.Compare(a.text("slug"), b.text("slug")))
	})
	var out []api.WorkspaceApp
	for _, p := range own {
		app := api.WorkspaceApp{Slug: p.text("slug"), DisplayName: p.text("display_name"), URL: p.text("url"),
			Command: p.text("command"), Icon: p.text("icon"), Group: p.text("group"), Tooltip: p.text("tooltip"),
			OpenIn: p.text("open_in"), External: p.flag("external"), Hidden: p.flag("hidden"),
			Subdomain: p.flag("subdomain"), SharingLevel: p.text("share"), Health: "disabled"}
		for _, h := range p.blocks("healthcheck") {
			app.Healthcheck = api.Healthcheck{URL: h.text("url"), Interval: h.number("interval"), Threshold: h.number("threshold")}
			app.Health = "initializing"
		}
		out = append(out, app)
	}
	return out, nil
}

// scripts returns the startup and shutdown script of an agent and its coder_scripts.
func (g *gathering) scripts(agent *node) []api.AgentScript {
	var out []api.AgentScript
	if text := agent.text("startup_script"); text != "" {
		out = append(out, api.AgentScript{DisplayName: "Startup Script", LogPath: "coder-startup-script.log", Script: text,
			RunOnStart: true, StartBlocksLogin: agent.text("startup_script_behavior") == "blocking"})
	}
	if text := agent.text("shutdown_script"); text != "" {
		out = append(out, api.AgentScript{DisplayName: "Shutdown Script", LogPath: "coder-shutdown-script.log", Script: text,
			RunOnStop: true})
	}
	for _, p := range g.parts {
		if p.typ != "coder_script" || !g.belongs(p, agent) {
			continue
		}
		out = append(out, api.AgentScript{DisplayName: p.text("display_name"), LogPath: p.text("log_path"), Script: p.text("script"),
			Icon: p.text("icon"), Cron: p.text("cron"), RunOnStart: p.flag("run_on_start"), RunOnStop: p.flag("run_on_stop"),
			StartBlocksLogin: p.flag("start_blocks_login"), Timeout: p.number("timeout")})
	}
	return out
}

// The readers of attributes are lenient: what is absent, unknown or of another
// type is the zero value. Terraform has checked types against the schema.

func (n *node) text(name string) string {
	switch v := n.attrs[name].(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case interface{ String() string }:
		return v.String()
	}
	return ""
}

func (n *node) flag(name string) bool {
	v, _ := n.attrs[name].(bool)
	return v
}

func (n *node) number(name string) int {
	switch v := n.attrs[name].(type) {
	case float64:
		return int(v)
	case interface{ Int64() (int64, error) }:
		i, _ := v.Int64()
		return int(i)
	}
	return 0
}

// blocks returns nested blocks as nodes of their own.
func (n *node) blocks(name string) []*node {
	list, _ := n.attrs[name].([]any)
	var out []*node
	for _, v := range list {
		if attrs, ok := v.(map[string]any); ok {
			out = append(out, &node{attrs: attrs})
		}
	}
	return out
}

// texts returns all attributes as text.
func (n *node) texts() map[string]string {
	out := make(map[string]string, len(n.attrs))
	for name := range n.attrs {
		out[name] = n.text(name)
	}
	return out
}
