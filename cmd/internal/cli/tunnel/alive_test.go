package tunnel

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAwaitGoesOnWhileTheAgentExists(t *testing.T) {
	t.Parallel()
	answered := make(chan error, 1)
	asked := 0
	ok := await(t.Context(), answered, func(context.Context) bool {
		if asked++; asked == 3 {
			answered <- nil
		}
		return false
	}, time.Millisecond)
	require.True(t, ok)
	require.GreaterOrEqual(t, asked, 3)
}

func TestAwaitEndsWithTheAgent(t *testing.T) {
	t.Parallel()
	require.False(t, await(t.Context(), make(chan error, 1), func(context.Context) bool { return true }, time.Millisecond))
	broken := make(chan error, 1)
	broken <- errors.New("closed")
	require.False(t, await(t.Context(), broken, nil, time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, await(ctx, make(chan error, 1), nil, time.Hour))
}
