package templates

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

func option(values ...string) []api.TemplateVersionParameterOption {
	var out []api.TemplateVersionParameterOption
	for _, v := range values {
		out = append(out, api.TemplateVersionParameterOption{Name: v, Value: v})
	}
	return out
}

func TestParameterChanges(t *testing.T) {
	t.Parallel()
	five := int64(5)
	before := []api.TemplateVersionParameter{
		{Name: "same", Type: "string", DefaultValue: "x", Mutable: true},
		{Name: "gone", Type: "string"},
		{Name: "zone", Type: "string", DefaultValue: "eu", Mutable: true, Options: option("eu", "us")},
		{Name: "size", Type: "string", DefaultValue: "1", Mutable: true},
		{Name: "seats", Type: "number", DefaultValue: "1"},
	}
	after := []api.TemplateVersionParameter{
		{Name: "same", Type: "string", DefaultValue: "x", Mutable: true},
		{Name: "zone", Type: "string", DefaultValue: "us", Options: option("us", "ap")},
		{Name: "size", Type: "number", Required: true, Mutable: true},
		{Name: "seats", Type: "number", DefaultValue: "1", ValidationMax: &five},
		{Name: "team", Type: "string", Required: true},
		{Name: "shell", Type: "string", DefaultValue: "bash"},
	}
	require.Equal(t, []string{
		`~ parameter zone: default "eu" → "us"; cannot be changed any more; options removed: eu; workspaces that use one must choose at their update; options added: ap`,
		`~ parameter size: type string → number; has no default any more; workspaces without a value must choose at their update`,
		`~ parameter seats: other validation`,
		`+ parameter team: has no default; workspaces must choose at their update`,
		`+ parameter shell (default "bash")`,
		`- parameter gone`,
	}, parameterChanges(before, after))
	require.Empty(t, parameterChanges(before, before))
}

func TestResourceChanges(t *testing.T) {
	t.Parallel()
	at := func(tr api.Transition, addr string, kept bool) api.WorkspaceResource {
		return api.WorkspaceResource{Transition: tr, Type: "a", Address: addr, Persistent: kept}
	}
	before := []api.WorkspaceResource{at("start", "a.vm[0]", false), at("start", "a.home", true), at("start", "a.cache", true),
		at("stop", "a.home", true), at("stop", "a.cache", true), {Transition: "start", Type: "coder_agent", Address: "coder_agent.main"}}
	after := []api.WorkspaceResource{at("start", "a.vm[0]", false), at("start", "a.house", true), at("start", "a.cache", false), at("stop", "a.house", true)}
	require.Equal(t, []string{
		"+ a.house",
		"~ a.cache: a stop kept it; now a stop destroys it with what is in it",
		"- a.home: a stop kept it; an update destroys it with what is in it, and asks before",
	}, resourceChanges(before, after))
	require.Empty(t, resourceChanges(before, before))
	old := []api.WorkspaceResource{{Transition: "start", Type: "a", Name: "home"}}
	require.Empty(t, resourceChanges(old, nil), "versions of older servers say nothing")
}
