package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"coder.internal/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, s)
}

func (j *journal) part(name string) lifecycle.Part {
	ready := make(chan struct{})
	return lifecycle.Part{Name: name, Ready: ready, Run: func(ctx context.Context) error {
		j.add("start " + name)
		close(ready)
		<-ctx.Done()
		j.add("stop " + name)
		return nil
	}}
}

func TestRunStopsInReverseOrder(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	var j journal
	last := lifecycle.Part{Name: "last", Run: func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		j.add("stop last")
		return ctx.Err()
	}}
	require.NoError(t, lifecycle.Run(ctx, j.part("a"), j.part("b"), last))
	require.Equal(t, []string{"start a", "start b", "stop last", "stop b", "stop a"}, j.lines)
}

func TestRunReturnsTheFirstFailure(t *testing.T) {
	t.Parallel()
	var j journal
	boom := errors.New("boom")
	bad := lifecycle.Part{Name: "bad", Run: func(context.Context) error { return boom }}
	err := lifecycle.Run(context.Background(), j.part("a"), bad)
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, "bad: boom")
	require.Equal(t, []string{"start a", "stop a"}, j.lines)
}

func TestRunDoesNotStartWhatFollowsAFailedPart(t *testing.T) {
	t.Parallel()
	bad := lifecycle.Part{Name: "bad", Ready: make(chan struct{}),
		Run: func(context.Context) error { return errors.New("boom") }}
	never := lifecycle.Part{Name: "never", Run: func(context.Context) error {
		t.Error("started after a failure")
		return nil
	}}
	require.Error(t, lifecycle.Run(context.Background(), bad, never))
}
