package sshd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGatherer: only what comes often and in small pieces waits for more.
func TestGatherer(t *testing.T) {
	t.Parallel()
	const soon, late = time.Microsecond, time.Millisecond
	var g gatherer
	for range 100 {
		require.Zero(t, g.after(100, copyBuffer, late), "lines")
		require.Zero(t, g.after(copyBuffer, copyBuffer, soon), "large pieces")
		require.Zero(t, g.after(gatherBelow, copyBuffer, soon), "large pieces")
	}
	for range gatherAfter {
		require.Zero(t, g.after(4096, copyBuffer, soon), "not yet a stream")
	}
	for range 100 {
		require.Equal(t, gatherFor, g.after(4096, copyBuffer, soon))
		require.Equal(t, gatherFor, g.after(copyBuffer-1, copyBuffer, soon))
		require.Zero(t, g.after(copyBuffer, copyBuffer, soon), "there is more at once")
	}
	require.Zero(t, g.after(4096, copyBuffer, late), "the stream is over")
	require.Zero(t, g.after(4096, copyBuffer, soon))
}
