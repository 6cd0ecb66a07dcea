package memory

import (
	"context"
	"runtime"
	"testing"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"
)

func TestOver(t *testing.T) {
	t.Parallel()
	k, err := New(Options{Clock: quartz.NewMock(t), Burst: 1000})
	require.NoError(t, err)
	var sum uint64
	for i, step := range []struct {
		more uint64
		over bool
	}{{100, false}, {800, false}, {100, true}, {10, false}, {900, false}, {900, false}, {124, true}, {0, false}, {999, false}, {1, true}} {
		sum += step.more
		require.Equal(t, step.over, k.over(sum), "step %d", i)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	clock := quartz.NewMock(t)
	freed := make(chan struct{})
	k, err := New(Options{Clock: clock, Burst: 1000, Allocated: func() uint64 { return 5000 }, Free: func() { close(freed) }})
	require.NoError(t, err)
	trap := clock.Trap().NewTicker("memory")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	trap.MustWait(t.Context()).MustRelease(t.Context())
	trap.Close()
	// The first look may come before the ticker's first moment, or with it.
	for range 3 {
		clock.Advance(lookEvery).MustWait(t.Context())
	}
	<-freed
	cancel()
	require.NoError(t, <-done)
}

func TestAllocated(t *testing.T) {
	t.Parallel()
	before := allocated()
	b := make([]byte, 8<<20)
	runtime.KeepAlive(b)
	require.GreaterOrEqual(t, allocated()-before, uint64(8<<20))
	_, err := New(Options{Clock: quartz.NewMock(t)})
	require.Error(t, err)
}
