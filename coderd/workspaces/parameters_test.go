package workspaces_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// TestParameters drives the rules of parameters through builds.
func TestParameters(t *testing.T) {
	t.Parallel()
	one, nine := int64(1), int64(9)
	type set = func(*api.TemplateVersionParameter)
	options := func(p *api.TemplateVersionParameter) {
		p.Options = []api.TemplateVersionParameterOption{{Name: "A", Value: "a"}, {Name: "B", Value: "b"}}
	}
	r := newRig(t)
	tpl := r.template("rules",
		parameter("flag", "bool"),
		parameter("size", "number", func(p *api.TemplateVersionParameter) {
			p.ValidationMin, p.ValidationMax, p.ValidationMonotonic = &one, &nine, "increasing"
			p.ValidationError = "between {min} and {max}, not {value}"
		}),
		parameter("slug", "string", func(p *api.TemplateVersionParameter) { p.ValidationRegex = "^[a-z]+$" }),
		parameter("pick", "string", set(options)),
		parameter("many", "list(string)", set(options)),
		parameter("fixed", "string", func(p *api.TemplateVersionParameter) { p.Mutable = false }),
		parameter("once", "string", func(p *api.TemplateVersionParameter) { p.Ephemeral = true }),
	)
	v := func(name, value string) []api.ParameterValue { return []api.ParameterValue{{Name: name, Value: value}} }
	for _, bad := range [][2]string{{"flag", "yes"}, {"size", "x"}, {"size", "0"}, {"size", "10"}, {"size", "NaN"}, {"slug", "A1"},
		{"pick", "c"}, {"many", "a"}, {"many", `["a","c"]`}, {"fixed", "a\x00b"}} {
		e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, "/api/v2/users/me/workspaces",
			api.CreateWorkspaceRequest{Name: "dev", TemplateID: tpl.ID, ParameterValues: v(bad[0], bad[1])})
		assert.Contains(t, e.Message, bad[0])
		if bad[1] == "10" {
			assert.Contains(t, e.Message, "between 1 and 9, not 10")
		}
	}
	w := r.create(r.member, tpl, "dev", api.ParameterValue{Name: "flag", Value: "true"}, api.ParameterValue{Name: "size", Value: "4"},
		api.ParameterValue{Name: "slug", Value: "abc"}, api.ParameterValue{Name: "pick", Value: "a"},
		api.ParameterValue{Name: "many", Value: `["a","b"]`}, api.ParameterValue{Name: "fixed", Value: "x"}, api.ParameterValue{Name: "once", Value: "y"})
	r.complete(r.acquire(), jobrpc.BuildResult{})

	path := "/api/v2/workspaces/" + w.ID.String() + "/builds"
	for _, bad := range [][2]string{{"size", "3"}, {"fixed", "z"}} {
		r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, path,
			api.CreateWorkspaceBuildRequest{Transition: "start", ParameterValues: v(bad[0], bad[1])})
	}
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "start", ParameterValues: v("size", "5")})
	job := r.acquire()
	now := map[string]string{}
	for _, p := range job.Build.Parameters {
		now[p.Name] = p.Value
	}
	assert.Equal(t, map[string]string{"flag": "true", "size": "5", "slug": "abc", "pick": "a", "many": `["a","b"]`, "fixed": "x", "shell": "/bin/bash"}, now,
		"values are carried over, ephemeral ones are not")
	r.complete(job, jobrpc.BuildResult{})

	// A version without the chosen option asks again; taking down still works.
	next := r.version(tpl.ID, jobrpc.ImportResult{Parameters: []api.TemplateVersionParameter{parameter("pick", "string", func(p *api.TemplateVersionParameter) {
		p.Options = []api.TemplateVersionParameterOption{{Name: "C", Value: "c"}}
	})}})
	e := r.refused(r.member, http.StatusBadRequest, "rich_parameter_values", http.MethodPost, path,
		api.CreateWorkspaceBuildRequest{Transition: "start", TemplateVersionID: next.ID})
	assert.Contains(t, e.Message, "choose again")
	r.build(r.member, w, api.CreateWorkspaceBuildRequest{Transition: "stop"})
}
