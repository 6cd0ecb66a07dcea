package tailnet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// renewals counts how often new ways are made in so long a silence of one peer
// while another, if any, answers.
func renewals(silence time.Duration, other, linked bool) (n int) {
	start := time.Unix(1000, 0)
	signs := map[api.ID]*sign{api.NewID(): {at: start}}
	alive := &sign{at: start}
	if other {
		signs[api.NewID()] = alive
	}
	for now := start; now.Before(start.Add(silence)); now = now.Add(pulseEvery) {
		alive.at = now
		if due(signs, now, linked) {
			n++
		}
	}
	return n
}

func TestSilenceIsMetAtOnceAndThenSeldom(t *testing.T) {
	t.Parallel()
	require.Zero(t, renewals(silentAfter, false, true))
	require.Equal(t, 1, renewals(silentAfter+pulseEvery, false, true))
	require.Equal(t, 19, renewals(eagerFor-pulseEvery, false, true), "our own network may be down")
	require.Equal(t, 40, renewals(time.Minute+pulseEvery, false, false))
	require.Less(t, renewals(time.Hour, false, true), 45, "the peer sleeps")
	require.Less(t, renewals(time.Hour, true, true), 22, "the others feel it")
}

func TestAnAnswerEndsTheSilence(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := &sign{at: now}
	signs := map[api.ID]*sign{api.NewID(): s}
	later := now.Add(time.Hour)
	require.True(t, due(signs, later, true))
	require.False(t, due(signs, later.Add(time.Minute), true))
	s.at = later.Add(2 * time.Minute)
	require.False(t, due(signs, s.at.Add(pulseEvery), true))
	require.True(t, due(signs, s.at.Add(silentAfter), true))
}
