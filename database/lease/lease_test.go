package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) {
	if at := os.Getenv(pausedVariable); at != "" {
		if err := holdAndWrite(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dbtest.Main(m)
}

// candidate has short leases so that tests are quick.
func candidate(db *database.DB) *Leases {
	l := New(db, api.NewID(), slog.New(slog.DiscardHandler))
	l.duration = 600 * time.Millisecond
	return l
}

// run starts l.Run and gives its end.
func run(ctx context.Context, l *Leases, work func(context.Context, int64) error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, "job", work) }()
	return done
}

func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing within 20 s")
		panic("unreachable")
	}
}

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	var holders atomic.Int32
	terms := make(chan int64, 10)
	work := func(ctx context.Context, term int64) error {
		if holders.Add(1) != 1 {
			return errors.New("two at once")
		}
		defer holders.Add(-1)
		terms <- term
		<-ctx.Done()
		return ctx.Err()
	}
	var stops []context.CancelFunc
	var ends []<-chan error
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := candidate(db)
		l.duration = 2 * time.Second // a busy machine may hold a renewal up for half a second
		stops, ends = append(stops, cancel), append(ends, run(ctx, l, work))
	}
	require.Equal(t, int64(1), await(t, terms))
	require.Never(t, func() bool { return len(terms) > 0 }, 4300*time.Millisecond, 50*time.Millisecond,
		"a living holder keeps the lease beyond its duration")
	for i, stop := range stops { // each stop hands over or stops a candidate
		stop()
		require.NoError(t, await(t, ends[i]))
	}
	require.Zero(t, holders.Load())
}

func TestHandOverAndTerm(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	for want := int64(1); want <= 3; want++ { // work that is done frees the lease at once
		var got int64
		done := run(t.Context(), candidate(db), func(_ context.Context, term int64) error {
			got = term
			return nil
		})
		require.NoError(t, await(t, done))
		require.Equal(t, want, got)
	}
}

func TestLostLeaseEndsTheWork(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	terms, causes := make(chan int64, 10), make(chan error, 10)
	done := run(ctx, candidate(db), func(ctx context.Context, term int64) error {
		terms <- term
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	})
	require.Equal(t, int64(1), await(t, terms))
	_, err := db.Pool().Exec(t.Context(), "update leases set holder = gen_random_uuid(), term = 7, expires_at = now() + interval '0.3 s'")
	require.NoError(t, err)
	require.ErrorIs(t, await(t, causes), errLost)
	require.Equal(t, int64(8), await(t, terms), "taken again after the other one")
	cancel()
	require.NoError(t, await(t, done))
}

// A holder that cannot reach the database stops before the lease runs out.
func TestUnreachableDatabaseEndsTheWork(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	db, watch := dbtest.Open(t, url), dbtest.Open(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	terms, left := make(chan int64, 10), make(chan float64, 10)
	done := run(ctx, candidate(db), func(ctx context.Context, term int64) error {
		terms <- term
		<-ctx.Done()
		var seconds float64
		err := watch.Pool().QueryRow(t.Context(),
			"select extract(epoch from expires_at - clock_timestamp())::float8 from leases").Scan(&seconds)
		left <- seconds
		return errors.Join(err, ctx.Err())
	})
	await(t, terms)
	db.Close()
	require.Positive(t, await(t, left), "the lease must still be ours when work is told to stop")
	cancel()
	require.NoError(t, await(t, done))
}

func TestFailedWorkIsTriedAgain(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	done := run(t.Context(), candidate(db), func(_ context.Context, term int64) error {
		if term == 1 {
			return errors.New("broken")
		}
		return nil
	})
	require.NoError(t, await(t, done))
	require.ErrorContains(t, candidate(db).Run(t.Context(), "", nil), "1 to 100 bytes")
}
