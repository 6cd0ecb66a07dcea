package agents_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/agents"
)

func TestCheckResources(t *testing.T) {
	t.Parallel()
	good := func() []jobrpc.Resource {
		return []jobrpc.Resource{{Type: "a", Name: "b", Agents: []jobrpc.Agent{{Name: "main",
			Apps:     []api.WorkspaceApp{{Slug: "one"}},
			Scripts:  []api.AgentScript{{Script: "x"}},
			Metadata: []jobrpc.AgentMetadata{{Key: "k"}}}}}}
	}
	assert.NoError(t, agents.CheckResources(good()))
	for name, spoil := range map[string]func(*jobrpc.Resource, *jobrpc.Agent){
		"no type":          func(r *jobrpc.Resource, _ *jobrpc.Agent) { r.Type = "" },
		"long name":        func(r *jobrpc.Resource, _ *jobrpc.Agent) { r.Name = strings.Repeat("x", 300) },
		"negative cost":    func(r *jobrpc.Resource, _ *jobrpc.Agent) { r.DailyCost = -1 },
		"agent name":       func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Name = "my_agent" },
		"two agents":       func(r *jobrpc.Resource, a *jobrpc.Agent) { r.Agents = append(r.Agents, jobrpc.Agent{Name: "MAIN"}) },
		"behavior":         func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.StartupScriptBehavior = "odd" },
		"timeout":          func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.ConnectionTimeoutSeconds = -1 },
		"slug":             func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Apps[0].Slug = "a--b" },
		"two slugs":        func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Apps = append(a.Apps, api.WorkspaceApp{Slug: "ONE"}) },
		"share":            func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Apps[0].SharingLevel = "world" },
		"display app":      func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.DisplayApps = []string{"evil"} },
		"two keys":         func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Metadata = append(a.Metadata, a.Metadata[0]) },
		"large script":     func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Scripts[0].Script = strings.Repeat("x", 1<<20+1) },
		"many apps":        func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Apps = make([]api.WorkspaceApp, 300) },
		"script timeout":   func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Scripts[0].Timeout = 1 << 40 },
		"too many lines":   func(r *jobrpc.Resource, _ *jobrpc.Agent) { r.Metadata = make([]api.WorkspaceResourceMetadata, 999) },
		"long environment": func(_ *jobrpc.Resource, a *jobrpc.Agent) { a.Env = map[string]string{strings.Repeat("x", 300): "y"} },
	} {
		r := good()
		spoil(&r[0], &r[0].Agents[0])
		assert.Equal(t, api.CodeInvalid, api.CodeOf(agents.CheckResources(r)), name)
	}
	assert.Error(t, agents.CheckResources(make([]jobrpc.Resource, jobrpc.MaxResources+1)))
}

// FuzzCheckResources: no report makes the checks panic, and what they let pass
// has names that are safe in host names and paths.
func FuzzCheckResources(f *testing.F) {
	f.Add([]byte(`[{"type":"a","name":"b","agents":[{"name":"main","apps":[{"slug":"x"}]}]}]`))
	f.Add([]byte(`[{"type":"a","name":"b","agents":[{"name":"../x"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r []jobrpc.Resource
		if json.Unmarshal(data, &r) != nil || agents.CheckResources(r) != nil {
			return
		}
		for _, res := range r {
			for _, a := range res.Agents {
				if a.Name == "" || strings.ContainsAny(a.Name, "/._\x00 ") || strings.Contains(a.Name, "--") {
					t.Fatalf("agent name %q passed", a.Name)
				}
			}
		}
	})
}
