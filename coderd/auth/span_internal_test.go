package auth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"7d": 168 * time.Hour, "36h": 36 * time.Hour, "25h30m": 25*time.Hour + 30*time.Minute, "1h30m": 90 * time.Minute,
		"10m": 10 * time.Minute, "10s": 10 * time.Second, "100h": 100*time.Hour + 3*time.Nanosecond,
	} {
		require.Equal(t, want, span(d))
	}
}
