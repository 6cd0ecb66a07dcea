package httpapi_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

func TestTerms(t *testing.T) {
	t.Parallel()
	got, err := httpapi.Terms(`  Action:create resource_target:"two words"  time:2026-01-02T03:04:05Z`, "action", "resource_target", "time")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"action": "create", "resource_target": "two words", "time": "2026-01-02T03:04:05Z"}, got)
	for _, q := range []string{"create", "a:b x", "other:1", "a:1 a:2", `a:"x`, "a:", `a:""`, `"a":1`} {
		_, err := httpapi.Terms(q, "a")
		require.Equal(t, api.CodeInvalid, api.CodeOf(err), q)
	}
	for _, c := range []struct {
		text string
		end  bool
		want time.Time
	}{
		{"2026-01-31", false, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)},
		{"2026-01-31", true, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		{"2026-01-31T10:00:00Z", true, time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)},
	} {
		at, err := httpapi.TermTime(map[string]string{"t": c.text}, "t", c.end)
		require.NoError(t, err)
		require.Equal(t, c.want, *at)
	}
	_, err = httpapi.TermTime(map[string]string{"t": "yesterday"}, "t", false)
	require.Equal(t, api.CodeInvalid, api.CodeOf(err))
	_, err = httpapi.TermID(map[string]string{"i": "x"}, "i")
	require.Equal(t, api.CodeInvalid, api.CodeOf(err))
}

// FuzzTerms: no search panics, and what is read is what was asked for.
func FuzzTerms(f *testing.F) {
	f.Add(`a:b c:"d e"`)
	f.Add(`a:"`)
	f.Fuzz(func(t *testing.T, q string) {
		got, err := httpapi.Terms(q, "a", "c")
		if err != nil {
			require.Equal(t, api.CodeInvalid, api.CodeOf(err))
			return
		}
		for k, v := range got {
			require.Contains(t, []string{"a", "c"}, k)
			require.NotEmpty(t, v)
		}
	})
}
