package params_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
)

func ptr(n int64) *int64 { return &n }

func declared() []api.TemplateVersionParameter {
	return []api.TemplateVersionParameter{
		{Name: "region", Type: "string", DefaultValue: "eu", Mutable: false,
			Options: []api.TemplateVersionParameterOption{{Name: "Europe", Value: "eu"}, {Name: "America", Value: "us"}}},
		{Name: "cpus", Type: "number", Mutable: true, Required: true, ValidationMin: ptr(1), ValidationMax: ptr(8), ValidationMonotonic: "increasing"},
		{Name: "once", Type: "bool", Mutable: true, Ephemeral: true, DefaultValue: "false"},
	}
}

func resolve(t *testing.T, stdin string, b params.Build, args ...string) (map[string]string, string, error) {
	t.Helper()
	var f params.Flags
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Register(fs)
	require.NoError(t, fs.Parse(args))
	var asked bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(stdin), Stderr: &asked, Stdout: &asked, Getenv: func(string) string { return "" }}
	env.Global.ForceTTY = stdin != ""
	values, err := f.Resolve(context.Background(), env, b)
	out := map[string]string{}
	for _, v := range values {
		out[v.Name] = v.Value
	}
	return out, asked.String(), err
}

func TestResolveOfANewWorkspace(t *testing.T) {
	t.Parallel()
	b := params.Build{Parameters: declared()}
	got, _, err := resolve(t, "", b, "--parameter", "cpus=4")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpus": "4"}, got, "the server fills in defaults")

	got, _, err = resolve(t, "", b, "--parameter", "cpus=4,region=us", "--ephemeral-parameter", "once=true")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpus": "4", "region": "us", "once": "true"}, got)

	got, asked, err := resolve(t, "2\n99\n3\n", b)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"region": "us", "cpus": "3"}, got)
	require.Contains(t, asked, "must be between 1 and 8")

	file := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(file, []byte("cpus: 2\nregion: us\n"), 0o600))
	got, _, err = resolve(t, "", b, "--rich-parameter-file", file, "--parameter", "cpus=5")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpus": "5", "region": "us"}, got)
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	b := params.Build{Parameters: declared()}
	for args, want := range map[string]string{
		"":                                     `a value for "cpus"`,
		"--parameter cpus=x":                   "must be a number",
		"--parameter cpus=9":                   "must be between 1 and 8",
		"--parameter cpus=1 --parameter cpu=1": `no parameter "cpu"; it has cpus, once, region`,
		"--parameter cpus=1,region=mars":       "must be one of eu, us",
		"--parameter cpus":                     "name=value",
		"--ephemeral-parameter cpus=1":         "is not ephemeral",
		"--parameter-default nope=1 --parameter cpus=1": `no parameter "nope"`,
	} {
		_, _, err := resolve(t, "", b, strings.Fields(args)...)
		require.ErrorContains(t, err, want, args)
	}
}

func TestResolveOfAnOldWorkspace(t *testing.T) {
	t.Parallel()
	b := params.Build{Parameters: declared(), Previous: []api.ParameterValue{{Name: "region", Value: "eu"}, {Name: "cpus", Value: "4"}}}
	got, _, err := resolve(t, "", b)
	require.NoError(t, err)
	require.Empty(t, got, "the last values stay")
	_, _, err = resolve(t, "", b, "--parameter", "region=us")
	require.ErrorContains(t, err, "cannot be changed")
	_, _, err = resolve(t, "", b, "--parameter", "cpus=2")
	require.ErrorContains(t, err, "must not be less than before")
	got, _, err = resolve(t, "", b, "--parameter", "cpus=6")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpus": "6"}, got)
	// A value that no longer fits has to be given anew.
	b.Previous[1].Value = "16"
	_, _, err = resolve(t, "", b)
	require.ErrorContains(t, err, `a value for "cpus"`)
}

func TestResolveLeavesThePresetToTheServer(t *testing.T) {
	t.Parallel()
	b := params.Build{Parameters: declared(), Preset: []api.ParameterValue{{Name: "cpus", Value: "4"}, {Name: "region", Value: "us"}, {Name: "gone", Value: "1"}}}
	got, asked, err := resolve(t, "\n", b)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Empty(t, asked, "nothing is left to ask")
	got, _, err = resolve(t, "", b, "--parameter", "cpus=2")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpus": "2"}, got)
	b.Preset[0].Value = "99"
	_, _, err = resolve(t, "", b)
	require.ErrorContains(t, err, "cpus=99: must be between 1 and 8")
	// What cannot be changed any more is not taken from a preset.
	b.Preset, b.Previous = []api.ParameterValue{{Name: "region", Value: "us"}}, []api.ParameterValue{{Name: "region", Value: "eu"}, {Name: "cpus", Value: "4"}}
	got, _, err = resolve(t, "", b)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestPairsKeepCommasOfAValue(t *testing.T) {
	t.Parallel()
	got, err := params.Pairs("parameter", []string{"a=1", "2", "3", "b=x=y"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1,2,3", "b": "x=y"}, got)
}
