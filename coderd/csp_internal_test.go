package coderd

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	clk := quartz.NewMock(t)
	v := newViolations(slog.New(slog.NewTextHandler(&out, nil)), clk)
	send := func(report map[string]any) string {
		t.Helper()
		out.Reset()
		_, err := v.handle(t.Context(), &struct{ Body api.CSPViolation }{api.CSPViolation{Report: report}})
		require.NoError(t, err)
		return out.String()
	}
	script := map[string]any{"violated-directive": "script-src-elem 'self'", "blocked-uri": "https://user:pw@evil.example/a.js?token=s3cret#s3cret",
		"document-uri": "https://coder.example/cli-auth#s3cret", "line-number": 12}
	line := send(script)
	for _, part := range []string{"level=WARN", "script-src-elem 'self'", "https://evil.example/a.js", "https://coder.example/cli-auth"} {
		require.Contains(t, line, part)
	}
	require.NotContains(t, line, "s3cret")
	require.NotContains(t, line, "pw@")
	require.Empty(t, send(script), "once a minute")
	require.NotEmpty(t, send(map[string]any{"effective-directive": "img-src"}), "another directive")
	require.NotEmpty(t, send(map[string]any{"effective-directive": "nonsense-1"}))
	require.Empty(t, send(map[string]any{"effective-directive": "nonsense-2"}), "what is no directive counts as one")
	require.Empty(t, send(nil))
	clk.Advance(time.Minute)
	line = send(map[string]any{"violated-directive": 5, "blocked-uri": strings.Repeat("\x1b]0;\n", 10_000)})
	require.Less(t, len(line), 2000)
	require.Equal(t, 1, strings.Count(line, "\n"))
	require.NotContains(t, line, "\x1b")
	require.NotEmpty(t, send(script))
}
