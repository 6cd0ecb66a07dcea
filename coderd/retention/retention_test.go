package retention_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/coderd/retention"
)

// held is a lease that nobody else wants.
type held struct{ again chan error }

func (h held) Run(ctx context.Context, _ string, work func(context.Context, int64) error) error {
	for ctx.Err() == nil {
		if err := work(ctx, 1); ctx.Err() == nil {
			h.again <- err
		}
	}
	return nil
}

func TestCleansInBatches(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	clock := quartz.NewMock(t)
	ticker := clock.Trap().NewTicker("retention")
	defer ticker.Close()
	pause := clock.Trap().NewTimer("pause")
	defer pause.Close()
	left, calls, broken := int64(2500), make(chan time.Duration, 16), false
	lease := held{again: make(chan error, 4)}
	s, err := retention.New(retention.Options{Lease: lease, Log: slog.New(slog.DiscardHandler), Clock: clock, Kinds: []retention.Kind{
		{Name: "kept", Clean: func(context.Context, time.Duration, int32) (int64, error) {
			t.Error("what is kept for ever was cleaned")
			return 0, nil
		}},
		{Name: "rows", Keep: time.Hour, Clean: func(_ context.Context, keep time.Duration, limit int32) (int64, error) {
			n := min(left, int64(limit))
			left -= n
			away := broken // the test goes on with the call
			calls <- keep
			if away {
				return 0, errors.New("the database is away")
			}
			return n, nil
		}},
	}})
	require.NoError(t, err)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	ticker.MustWait(ctx).MustRelease(ctx)
	for range 2 {
		require.Equal(t, time.Hour, <-calls)
		pause.MustWait(ctx).MustRelease(ctx)
		clock.Advance(50 * time.Millisecond).MustWait(ctx)
	}
	<-calls
	require.Zero(t, left)
	broken = true
	clock.Advance(10*time.Minute - 100*time.Millisecond).MustWait(ctx)
	<-calls
	require.ErrorContains(t, <-lease.again, "clean rows: the database is away")
	stop()
	ticker.MustWait(ctx).MustRelease(ctx)
	require.NoError(t, <-done)
}

// TestKindsAreIndependent: one kind that fails keeps none of the others from being
// cleaned, and its error comes out all the same.
func TestKindsAreIndependent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	lease, cleaned := held{again: make(chan error)}, make(chan string, 16)
	kind := func(name string, err error) retention.Kind {
		return retention.Kind{Name: name, Keep: time.Hour, Clean: func(context.Context, time.Duration, int32) (int64, error) {
			cleaned <- name
			return 0, err
		}}
	}
	s, err := retention.New(retention.Options{Lease: lease, Log: slog.New(slog.DiscardHandler), Clock: quartz.NewMock(t), Kinds: []retention.Kind{
		kind("first", errors.New("no such table")), kind("second", nil), kind("third", errors.New("statement timeout")), kind("fourth", nil)}})
	require.NoError(t, err)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	for _, want := range []string{"first", "second", "third", "fourth"} {
		require.Equal(t, want, <-cleaned)
	}
	failed := <-lease.again
	require.ErrorContains(t, failed, "clean first: no such table")
	require.ErrorContains(t, failed, "clean third: statement timeout")
	stop()
	for {
		select {
		case <-lease.again: // a round that had begun
		case <-cleaned:
		case err := <-done:
			require.NoError(t, err)
			return
		}
	}
}
