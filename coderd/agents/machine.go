package agents

import (
	"encoding/json"
	"fmt"
	"strings"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// maxVolumes bounds the volumes that one agent watches.
const maxVolumes = 64

func (c *checker) devcontainers(where string, all []jobrpc.Devcontainer) {
	c.count(where, "dev containers", len(all), maxPerAgent)
	names := map[string]bool{}
	for _, d := range all {
		at := "coder_devcontainer " + clip(d.Name)
		if d.Name == "" || names[strings.ToLower(d.Name)] {
			c.fail(at, "the name of a dev container must be there and differ from the others of its agent")
		}
		names[strings.ToLower(d.Name)] = true
		c.text(at, "name", d.Name, maxName)
		if d.WorkspaceFolder == "" {
			c.fail(at, "workspace_folder is empty")
		}
		c.text(at, "workspace_folder", d.WorkspaceFolder, maxText)
		c.text(at, "config_path", d.ConfigPath, maxText)
		if _, err := api.ParseID(d.SubagentID); d.SubagentID != "" && err != nil {
			c.fail(at, "subagent_id %q is not an id", clip(d.SubagentID))
		}
	}
}

func (c *checker) monitors(where string, m *jobrpc.ResourceMonitors) {
	if m == nil {
		return
	}
	c.count(where, "monitored volumes", len(m.Volumes), maxVolumes)
	all := m.Volumes
	if m.Memory != nil {
		all = append([]jobrpc.Monitor{{Path: "/", Enabled: m.Memory.Enabled, Threshold: m.Memory.Threshold}}, all...)
	}
	for _, v := range all {
		if v.Threshold < 0 || v.Threshold > 100 {
			c.fail(where, "the threshold of a monitor is %d percent; use 0 to 100", v.Threshold)
		}
		if v.Path == "" {
			c.fail(where, "the path of a monitored volume is empty")
		}
		c.text(where, "path of a monitored volume", v.Path, maxText)
	}
}

func convertDevcontainers(all []jobrpc.Devcontainer) []agentrpc.Devcontainer {
	out := make([]agentrpc.Devcontainer, len(all))
	for i, d := range all {
		out[i] = agentrpc.Devcontainer{ID: api.NewID(), Name: clean(d.Name), WorkspaceFolder: clean(d.WorkspaceFolder),
			ConfigPath: clean(d.ConfigPath)}
		if id, err := api.ParseID(d.SubagentID); err == nil {
			out[i].SubagentID = id // of a plan it is not known
		}
	}
	return out
}

func convertMonitors(m *jobrpc.ResourceMonitors) agentrpc.ResourceMonitors {
	var out agentrpc.ResourceMonitors
	if m == nil {
		return out
	}
	if m.Memory != nil {
		out.Memory = &agentrpc.Monitor{Enabled: m.Memory.Enabled, Threshold: m.Memory.Threshold}
	}
	for _, v := range m.Volumes {
		out.Volumes = append(out.Volumes, agentrpc.Monitor{Path: clean(v.Path), Enabled: v.Enabled, Threshold: v.Threshold})
	}
	return out
}

// decodeMachine fills in what a manifest says about the agent's machine.
func decodeMachine(a database.WorkspaceAgent, m *agentrpc.Manifest) error {
	if err := json.Unmarshal(a.Devcontainers, &m.Devcontainers); err != nil {
		return fmt.Errorf("decode dev containers of agent %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(a.ResourceMonitors, &m.Monitors); err != nil {
		return fmt.Errorf("decode monitors of agent %s: %w", a.ID, err)
	}
	return nil
}
