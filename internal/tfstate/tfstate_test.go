package tfstate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/tfstate"
)

const whole = `{"version":4,"serial":7,"lineage":"a","resources":[
 {"mode":"data","type":"d","name":"x","instances":[{"attributes":{"id":"no"}}]},
 {"mode":"managed","module":"module.m[0]","type":"docker_container","name":"main","provider":"provider[\"registry.terraform.io/kreuzwerker/docker\"]",
  "instances":[{"index_key":0,"attributes":{"id":"abc"}},{"index_key":"k","attributes":{"id":12}}]},
 {"mode":"managed","type":"t","name":"n","provider":"p","instances":[{"attributes":null}]}]}`

func TestParse(t *testing.T) {
	t.Parallel()
	s, err := tfstate.Parse([]byte(whole))
	require.NoError(t, err)
	require.Equal(t, []tfstate.Resource{
		{Address: "module.m[0].docker_container.main[0]", Type: "docker_container", Name: "main", Provider: "registry.terraform.io/kreuzwerker/docker", ID: "abc"},
		{Address: `module.m[0].docker_container.main["k"]`, Type: "docker_container", Name: "main", Provider: "registry.terraform.io/kreuzwerker/docker", ID: "12"},
		{Address: "t.n", Type: "t", Name: "n", Provider: "p"},
	}, s.Resources)
	for text, want := range map[string]string{"": "not the JSON", "{}": "no version", `{"version":3}`: "format version 3",
		`{"version":4}`: "no lineage", `{"version":4,"lineage":"a","serial":-1}`: "negative", "[]": "not the JSON"} {
		_, err := tfstate.Parse([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	now := tfstate.State{Serial: 7, Lineage: "a"}
	require.NoError(t, now.Follows(now))
	require.NoError(t, now.Follows(tfstate.State{Serial: 8, Lineage: "a"}))
	require.ErrorContains(t, now.Follows(tfstate.State{Serial: 6, Lineage: "a"}), "older")
	require.ErrorContains(t, now.Follows(tfstate.State{Serial: 8, Lineage: "b"}), "something else")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"version":4,"lineage":"a","resources":[{"mode":"managed","instances":[{"index_key":[]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := tfstate.Parse(b)
		if err == nil && s.Lineage == "" {
			t.Fatal("a state without a lineage")
		}
	})
}
