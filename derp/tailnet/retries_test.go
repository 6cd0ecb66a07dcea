package tailnet

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server that is lost sends all its nodes away at once: they spread.
func TestNodesComeBackSpread(t *testing.T) {
	t.Parallel()
	for name, moved := range map[string]bool{"lost": false, "told to move": true} {
		var waits []time.Duration
		for i := range 100 {
			waits = append(waits, newRetries().next(time.Minute, moved, false, float64(i)/100))
		}
		require.GreaterOrEqual(t, slices.Min(waits), firstRetry/2, name)
		require.Less(t, slices.Max(waits), firstRetry/2+idleSpread, name)
		require.Greater(t, slices.Max(waits)-slices.Min(waits), idleSpread*9/10, name)
	}
	// Streams do not wait for that.
	require.Less(t, newRetries().next(time.Minute, false, true, 0.99), firstRetry)
}

// Whatever ends sessions early, dials become rare, and often again only after a time
// of service.
func TestPausesGrowUntilServiceIsSteady(t *testing.T) {
	t.Parallel()
	for name, lasted := range map[string]time.Duration{"dials fail": noSession, "sent away at once": 0, "short sessions": steadyAfter} {
		for _, moved := range []bool{false, true} {
			if moved && lasted > movedAfter || moved && lasted == noSession {
				continue
			}
			r := newRetries()
			total := time.Duration(0)
			for range 10 {
				total += r.next(lasted, moved, false, 0)
			}
			require.Greater(t, total, 10*time.Second, name)
			require.Equal(t, lastRetry/2, r.next(lasted, moved, false, 0), name)
			// A node with open streams stays eager, but no more than that.
			require.Equal(t, busyRetry/2, r.next(lasted, moved, true, 0), name)
		}
	}
	r := newRetries()
	for range 10 {
		r.next(noSession, false, false, 0)
	}
	require.Equal(t, firstRetry/2, r.next(steadyAfter+1, false, false, 0))
	for range 10 {
		r.next(noSession, false, false, 0)
	}
	require.Equal(t, firstRetry/2, r.next(movedAfter+1, true, false, 0), "replicas that stop one after another")
}
