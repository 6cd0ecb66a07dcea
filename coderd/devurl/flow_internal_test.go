package devurl

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api/termrpc"
)

// TestFlow: a browser that says what it has drawn is not sent more than a window
// beyond that; one that says nothing is sent everything.
func TestFlow(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // who waits is told at once
	var f flow
	require.NoError(t, f.sent(gone, 10*termrpc.Window), "it never said anything")
	require.False(t, f.take([]termrpc.Input{{Ack: 10 * termrpc.Window}}), "an ack is not for the agent")
	require.NoError(t, f.sent(gone, termrpc.Window))
	require.ErrorIs(t, f.sent(gone, 1), context.Canceled)
	require.True(t, f.take([]termrpc.Input{{Ack: 5}, {Data: "x"}}))
	require.ErrorIs(t, f.sent(gone, 1), context.Canceled, "less than it has said before")
	f.take([]termrpc.Input{{Ack: 1 << 60}})
	require.NoError(t, f.sent(gone, termrpc.Window), "all of it was drawn")
	require.ErrorIs(t, f.sent(gone, 1), context.Canceled, "what was not sent yet is not drawn")
}

func TestFlowGoesOn(t *testing.T) {
	t.Parallel()
	var f flow
	f.take([]termrpc.Input{{Ack: 1}})
	done := make(chan error, 1)
	go func() { done <- f.sent(t.Context(), 3*termrpc.Window) }()
	for n := uint64(1); ; n += termrpc.Window {
		select {
		case err := <-done:
			require.NoError(t, err)
			require.Greater(t, n, uint64(2*termrpc.Window))
			return
		default:
			f.take([]termrpc.Input{{Ack: min(n, 3*termrpc.Window)}})
		}
	}
}
