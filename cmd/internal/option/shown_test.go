package option_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/option"
)

func TestOriginsAndJSON(t *testing.T) {
	t.Parallel()
	var name, file, absent string
	var on bool
	var n int
	var d time.Duration
	var list []string
	var key api.Secret
	set := option.Set{
		{Flag: "name", Env: "X_NAME", YAML: "a.name", Value: option.String(&name)},
		{Flag: "file", Env: "X_FILE", YAML: "a.file", Value: option.String(&file)},
		{Flag: "absent", YAML: "a.absent", Value: option.String(&absent)},
		{Flag: "on", YAML: "on", Value: option.Bool(&on)},
		{Flag: "n", Env: "X_N", Default: "3", Value: option.Int(&n, 0, 9)},
		{Flag: "d", Default: "2s", Value: option.Duration(&d)},
		{Flag: "list", Env: "X_LIST", Value: option.Strings(&list)},
		{Flag: "key", Env: "X_KEY", Secret: true, Value: option.Secret(&key)},
	}
	env := map[string]string{"X_NAME": "env", "X_FILE": "env", "X_LIST": "a,b", "X_KEY": "hunter2"}
	src := option.Source{Flags: map[string]string{"name": "flag"}, Getenv: func(k string) string { return env[k] },
		YAML: []byte("a: {name: yaml, file: yaml, absent: null}\non: true\n")}
	require.NoError(t, set.Resolve(src))
	assert.Equal(t, map[string]string{"name": "flag", "file": "env", "absent": "", "on": "yaml", "n": "default", "d": "default",
		"list": "env", "key": "env"}, set.Origins(src))
	want := map[string]any{"name": "flag", "file": "env", "absent": "", "on": true, "n": 3, "d": int64(2 * time.Second),
		"list": []string{"a", "b"}, "key": nil}
	for i := range set {
		assert.Equal(t, want[set[i].Flag], set[i].JSON(), set[i].Flag)
	}
}
