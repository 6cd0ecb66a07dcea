package progress

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli"
)

// A log line may hold several lines of text; none of them runs into the next.
func TestWarningOfSeveralLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	f := &follower{env: &cli.Env{}, w: &out}
	require.NoError(t, f.line(api.ProvisionerJobLog{CreatedAt: time.Unix(0, 0), Level: api.LogWarn, Output: "one\r\n\ntwo\x1b[31m red"}))
	require.Equal(t, "  one\n  two red\n", out.String())
}
