package terraform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// make builds a node from an address; deps are config addresses.
func makeNode(addr string, attrs map[string]any, deps ...string) *node {
	n := &node{attrs: attrs, deps: map[string]bool{}}
	local := addr
	if i := strings.LastIndex(addr, "module."); i >= 0 {
		parts := strings.SplitN(addr[i:], ".", 3)
		n.module, local = addr[:i]+parts[0]+"."+parts[1], parts[2]
	}
	typ, name, _ := strings.Cut(local, ".")
	n.typ = typ
	n.name, _, _ = strings.Cut(name, "[")
	if _, key, ok := strings.Cut(name, "["); ok {
		n.key = strings.Trim(key, `"]`)
	}
	n.address()
	for _, d := range deps {
		n.deps[d] = true
	}
	return n
}

func places(t *testing.T, tr api.Transition, nodes ...*node) map[string]string {
	t.Helper()
	resources, err := collect(nodes, tr)
	require.NoError(t, err)
	out := map[string]string{}
	for _, r := range resources {
		for _, a := range r.Agents {
			out[a.Name] = r.Address
		}
	}
	return out
}

func TestNearest(t *testing.T) {
	t.Parallel()
	token := map[string]any{"auth": "token"}
	agent := func() *node { return makeNode("coder_agent.main", token) }

	require.Equal(t, map[string]string{"main": "docker_container.z"}, places(t, api.TransitionStart, agent(),
		makeNode("docker_container.z", nil, "coder_agent.main"),
		makeNode("docker_volume.a", nil),
		makeNode("dns_record.a", nil, "coder_agent.main", "docker_container.z")), "one that lies behind is not nearest")

	require.Equal(t, map[string]string{"main": "docker_container.z"}, places(t, api.TransitionStart, agent(),
		makeNode("terraform_data.a", nil, "coder_agent.main"),
		makeNode("docker_container.z", nil, "coder_agent.main")), "a helper loses")

	require.Equal(t, map[string]string{"main": "terraform_data.a"}, places(t, api.TransitionStart, agent(),
		makeNode("terraform_data.a", nil, "coder_agent.main")), "a helper counts when it is all there is")

	require.Equal(t, map[string]string{"main": "coder_agent.main"}, places(t, api.TransitionStart, agent(),
		makeNode("docker_volume.a", nil)))
	require.Empty(t, places(t, api.TransitionStop, agent()))

	require.Equal(t, map[string]string{"main": "module.a[\"x\"].vm.m"}, places(t, api.TransitionStart, agent(),
		makeNode(`module.a["x"].vm.m`, nil, "coder_agent.main")))
}

func TestInstances(t *testing.T) {
	t.Parallel()
	one, two := makeNode(`coder_agent.dev["a"]`, nil), makeNode(`coder_agent.dev["b"]`, nil)
	two.name = "other" // the name is per resource; here only the place matters
	require.Equal(t, map[string]string{"dev": `vm.m["a"]`, "other": `vm.m["b"]`}, places(t, api.TransitionStart, one, two,
		makeNode(`vm.m["a"]`, nil, "coder_agent.dev"), makeNode(`vm.m["b"]`, nil, "coder_agent.dev")))

	_, err := collect([]*node{makeNode(`coder_agent.dev["a"]`, nil), makeNode(`coder_agent.dev["b"]`, nil)}, api.TransitionStart)
	require.ErrorContains(t, err, "must be unique")
}

func TestCloudInstance(t *testing.T) {
	t.Parallel()
	agent := makeNode("coder_agent.main", map[string]any{"auth": "aws-instance-identity"})
	resources, err := collect([]*node{agent, makeNode("aws_instance.dev", map[string]any{"id": "i-1"}, "coder_agent.main")}, api.TransitionStart)
	require.NoError(t, err)
	require.Equal(t, "i-1", resources[0].Agents[0].InstanceID)
}

func TestMetadataByID(t *testing.T) {
	t.Parallel()
	resources, err := collect([]*node{
		makeNode("a.one", map[string]any{"id": "same"}),
		makeNode("b.two", map[string]any{"id": "same"}),
		makeNode("coder_metadata.m", map[string]any{"resource_id": "same", "hide": true, "item": []any{
			map[string]any{"key": "k", "value": "v"}, map[string]any{"key": "none", "value": nil, "is_null": true}}}, "b.two"),
	}, api.TransitionStart)
	require.NoError(t, err)
	require.False(t, resources[0].Hide)
	require.True(t, resources[1].Hide)
	require.Equal(t, []api.WorkspaceResourceMetadata{{Key: "k", Value: "v"}}, resources[1].Metadata)
}

func TestDuplicateSlug(t *testing.T) {
	t.Parallel()
	_, err := collect([]*node{makeNode("coder_agent.main", map[string]any{"id": "1"}),
		makeNode("coder_app.a", map[string]any{"agent_id": "1", "slug": "x"}),
		makeNode("coder_app.b", map[string]any{"agent_id": "1", "slug": "x"})}, api.TransitionStart)
	require.ErrorContains(t, err, "slug")
}

func TestIncompleteLock(t *testing.T) {
	t.Parallel()
	const detail = "Due to this, for the following providers:\n%s\nThe current file\n"
	warning := func(list string) *diagnostic {
		return &diagnostic{Severity: "warning", Summary: "Incomplete lock file information for providers", Detail: strings.Replace(detail, "%s", list, 1)}
	}
	text, ok := mirrored(warning("  - coder/coder\n"))
	require.True(t, ok)
	require.Empty(t, text, "nobody locks our own provider")
	text, ok = mirrored(warning("  - coder/coder\n  - hashicorp/null\n  - some/docker\n"))
	require.True(t, ok)
	require.Equal(t, "From the provider mirror, with a checksum computed here: hashicorp/null, some/docker.", text)
	_, ok = mirrored(&diagnostic{Severity: "error", Summary: "s", Detail: "  - coder/coder"})
	require.False(t, ok)
}

func TestMask(t *testing.T) {
	t.Parallel()
	const token = "0f5a1c3e-1111-4222-8333-444455556666"
	file := filepath.Join(t.TempDir(), "state")
	m := &mask{stateFile: file}
	require.Equal(t, "as it is "+token, m.hide("as it is "+token))
	m.add("", "yes", "true", "geheim", "geheimnis", "first line\nsecond line\n", `["in a list",{"key":"in a map"}]`)
	require.Equal(t, "yes true key (sensitive value)|(sensitive value)|(sensitive value)|(sensitive value)|(sensitive value)|(sensitive value)",
		m.hide("yes true key geheim|geheimnis|first line|second line|in a list|in a map"))

	require.NoError(t, os.WriteFile(file, []byte("{\n \"id\": \""+token+"\"\n}\n"), 0o600))
	require.Equal(t, token, m.hide(token), "an id is no token")
	require.NoError(t, os.WriteFile(file, []byte("{\n \"token\": \""+token+"\"\n}\n"), 0o600))
	require.Equal(t, "a (sensitive value) b", m.hide("a "+token+" b"), "also before the watcher has seen it")
	for _, text := range []string{"", "{\n \"tok", "{\n \"resources\": [ {}"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.Equal(t, "(sensitive value)", m.hide(token), "the file is being written: who knows")
	}
}

func TestPlaintext(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Title\na bold and code_word link", plaintext("# Title\na **bold** and `code_word` [link](http://x)"))
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":4,"serial":1,"lineage":"x","resources":[{"mode":"managed","type":"coder_agent","name":"a","provider":"provider[\"r/c/c\"]","instances":[{"index_key":0,"attributes":{"id":"1","env":{"A":1}},"dependencies":["x.y"]}]}]}`))
	f.Add([]byte(`{"version":4,"resources":[{"mode":"managed","type":"vm","name":"a","instances":[{"index_key":{},"attributes":[]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if err != nil {
			return
		}
		s.providers()
		s.agentTokens()
		nodes, err := s.nodes()
		if err != nil {
			return
		}
		resources, err := collect(nodes, api.TransitionStart)
		if err == nil && len(resources) > len(nodes) {
			t.Fatal("more resources than instances")
		}
	})
}

func FuzzOutput(f *testing.F) {
	f.Add([]byte("{\"@level\":\"error\",\"@message\":\"m\",\"type\":\"diagnostic\",\"diagnostic\":{\"severity\":\"error\",\"summary\":\"s\",\"range\":{\"filename\":\"f\",\"start\":{\"line\":1}},\"snippet\":{\"code\":\"c\"}}}\nplain\n"))
	f.Add([]byte("{\"@message\":\"m\",\"type\":\"apply_complete\"}\n{\"@message\":\"m\",\"type\":\"planned_change\"}\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		o := newOutput(func(jobrpc.Log) {}, time.Now, stagePlan)
		_, _ = o.Write(b)
		_, _ = o.Write([]byte("\n"))
		_ = o.result()
	})
}
