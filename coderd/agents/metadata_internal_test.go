package agents

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// TestOneWriteForManyReports: a thousand agents that report at once cost one
// write, the newest value of an item wins, and each report is answered with the
// outcome of its write.
func TestOneWriteForManyReports(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	clock := quartz.NewMock(t)
	trap := clock.Trap().NewTimer("metadata")
	defer trap.Close()
	writes := make(chan []metadataValue)
	outcome := make(chan error)
	m := newMetadataWriter(clock, func(_ context.Context, rows []metadataValue) error {
		writes <- rows
		return <-outcome
	})
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() { defer close(ended); m.run(running) }()

	add := func(agent api.ID, value string) <-chan error {
		done, err := m.add([]metadataValue{{AgentID: agent, Key: "cpu", Value: value}})
		require.NoError(t, err)
		return done
	}
	first := add(api.NewID(), "0")
	require.Len(t, <-writes, 1, "the first value is written at once")
	var answers []<-chan error
	agent := api.NewID()
	for i := range 1000 { // these come while the write is under way, and after it
		if i < 500 {
			answers = append(answers, add(api.NewID(), "1"))
		} else {
			answers = append(answers, add(agent, "old"))
		}
	}
	outcome <- nil
	require.NoError(t, <-first)
	call := trap.MustWait(ctx)
	require.Equal(t, metadataInterval, call.Duration)
	call.MustRelease(ctx)
	answers = append(answers, add(agent, "new"))
	clock.Advance(metadataInterval).MustWait(ctx)
	rows := <-writes
	require.Len(t, rows, 501)
	for _, r := range rows {
		if r.AgentID == agent {
			require.Equal(t, "new", r.Value)
		}
	}
	broken := errors.New("the database is away")
	outcome <- broken
	for _, a := range answers {
		require.ErrorIs(t, <-a, broken)
	}

	trap.MustWait(ctx).MustRelease(ctx)
	trap.Close()
	last := add(agent, "last")
	stop()
	require.Len(t, <-writes, 1, "what waits at the end is written")
	outcome <- nil
	require.NoError(t, <-last)
	<-ended
	require.ErrorIs(t, m.put(ctx, []metadataValue{{Key: "late"}}), errStopping)
}

// TestMetadataIsBounded: reports beyond the limits are refused, the others stay.
func TestMetadataIsBounded(t *testing.T) {
	t.Parallel()
	m := newMetadataWriter(quartz.NewMock(t), nil)
	for range maxMetadataRows {
		_, err := m.add([]metadataValue{{AgentID: api.NewID(), Key: "k"}})
		require.NoError(t, err)
	}
	_, err := m.add([]metadataValue{{AgentID: api.NewID(), Key: "k"}})
	require.ErrorIs(t, err, errMetadataFull)
	require.Len(t, m.rows, maxMetadataRows)
}
