//go:build linux

package stat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/cli/clitest"
)

// TestCommands runs on the real machine.
func TestCommands(t *testing.T) {
	t.Parallel()
	c := clitest.New(t)
	for args, want := range map[string]string{
		"stat cpu --host":                 `^\d+\.\d/\d+\.\d cores \(\d+%\)\n$`,
		"stat cpu":                        `^\d+\.\d(/\d+\.\d)? cores( \(\d+%\))?\n$`,
		"stat mem --prefix Mi":            `^\d+\.\d(/\d+\.\d)? MiB( \(\d+%\))?\n$`,
		"stat mem --host":                 `^\d+\.\d/\d+\.\d GiB \(\d+%\)\n$`,
		"stat disk --path " + t.TempDir(): `^\d+\.\d/\d+\.\d GiB \(\d+%\)\n$`,
	} {
		r := c.Run(strings.Split(args, " ")...)
		require.Regexp(t, want, r.Stdout+r.Stderr, args)
	}
	r := c.Run("stat")
	require.Zero(t, r.Code, r.Stderr)
	require.Regexp(t, `^HOST CPU +HOST MEMORY +HOME DISK +CONTAINER CPU +CONTAINER MEMORY\n`, r.Stdout)
	var f struct {
		Used float64
		Unit string
	}
	require.NoError(t, json.Unmarshal([]byte(c.Run("stat", "mem", "--host", "-o", "json").Stdout), &f))
	require.Equal(t, "B", f.Unit)
	require.Positive(t, f.Used)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.Run("stat", "-o", "json").Stdout), &rows))
	require.Len(t, rows, 1)
	require.Contains(t, c.Run("stat", "disk", "--path", "/absent").Stderr, "/absent")
	require.Contains(t, c.Run("stat", "mem", "--prefix", "Xi").Stderr, "must be one of Ki, Mi, Gi, Ti")
}
