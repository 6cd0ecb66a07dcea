package params_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/params"
)

// template is a template whose parameters depend on answers.
func template(_ context.Context, inputs map[string]string) (api.DynamicParametersResponse, error) {
	valid := func(s string) api.HCLString { return api.HCLString{Value: s, Valid: true} }
	value := func(name, def string) api.HCLString {
		if v, ok := inputs[name]; ok {
			return valid(v)
		}
		return valid(def)
	}
	out := api.DynamicParametersResponse{Parameters: []api.PreviewParameter{{Name: "gpu", Type: "bool", FormType: "switch", Mutable: true,
		DefaultValue: valid("false"), Value: value("gpu", "false")}}}
	if value("gpu", "false").Value == "true" {
		out.Parameters = append(out.Parameters, api.PreviewParameter{Name: "cards", Type: "list(string)", FormType: "multi-select",
			Mutable: true, DefaultValue: valid("[]"), Value: value("cards", "[]"), Options: []api.PreviewParameterOption{
				{Name: "Big", Value: valid("b")}, {Name: "Small", Value: valid("s")}}})
	}
	one := int64(1)
	out.Parameters = append(out.Parameters, api.PreviewParameter{Name: "disk", Type: "number", FormType: "slider", Mutable: true,
		Required: true, Value: value("disk", ""), Validations: []api.PreviewParameterValidation{{Min: &one}}})
	return out, nil
}

func TestLiveQuestionsFollowAnswers(t *testing.T) {
	t.Parallel()
	b := params.Build{Live: template}
	got, asked, err := resolve(t, "yes\n1, Small\n0\n5\n", b)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"gpu": "true", "cards": `["b","s"]`, "disk": "5"}, got)
	require.Contains(t, asked, "gpu (yes/no) (no): ")
	require.Contains(t, asked, "2) Small")
	require.Contains(t, asked, "disk [at least 1]: ")

	got, asked, err = resolve(t, "no\n5\n", b)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"gpu": "false", "disk": "5"}, got)
	require.NotContains(t, asked, "cards")

	got, _, err = resolve(t, "", b, "--parameter", "gpu=true", "--parameter", "disk=2", "--parameter", `cards=["s"]`)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"gpu": "true", "cards": `["s"]`, "disk": "2"}, got)

	b.Preset = []api.ParameterValue{{Name: "gpu", Value: "true"}, {Name: "disk", Value: "9"}}
	got, _, err = resolve(t, "", b, "--parameter", "disk=3")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"disk": "3"}, got, "flags win over the preset, whose other values the server knows")
}

func TestLiveOfAnOldWorkspace(t *testing.T) {
	t.Parallel()
	b := params.Build{Live: template, Previous: []api.ParameterValue{{Name: "gpu", Value: "true"}, {Name: "disk", Value: "4"}}}
	got, _, err := resolve(t, "", b, "--parameter", `cards=["b"]`)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cards": `["b"]`}, got, "the last values stay, and what hangs on them is there")
	_, _, err = resolve(t, "", b, "--parameter", "card=b")
	require.ErrorContains(t, err, `no parameter "card" with these values; it has cards, disk, gpu`)
	_, _, err = resolve(t, "", b, "--parameter", `cards=["x"]`)
	require.ErrorContains(t, err, "must be one of b, s")
}
