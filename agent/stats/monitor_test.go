package stats

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
	"coder.internal/api/agentrpc"
)

func TestThreshold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		samples []int
		changes []int // at which samples
	}{
		"a peak is no alarm":       {[]int{10, 95, 95, 95, 10, 95, 95, 95, 10}, nil},
		"four in a row are":        {[]int{10, 90, 95, 80, 99}, []int{4}},
		"hovering changes nothing": {[]int{80, 80, 80, 80, 79, 80, 79, 76, 75, 79, 75, 80, 78, 79, 76, 79, 75, 79, 78, 79, 75}, []int{3}},
		"calm after two minutes":   {[]int{80, 80, 80, 80, 74, 74, 74, 74, 74, 74, 74, 74, 74, 74, 74, 74, 80, 80, 80}, []int{3, 15}},
		"calm starts again":        {[]int{80, 80, 80, 80, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 75, 7, 7, 7, 7, 7}, []int{3}},
	} {
		m := threshold{limit: 80}
		var got []int
		for i, s := range c.samples {
			if m.take(s) {
				got = append(got, i)
			}
		}
		require.Equal(t, c.changes, got, name)
	}
	empty := threshold{limit: 0}
	for range 100 {
		empty.take(0)
	}
	require.Equal(t, agentrpc.MonitorNOK, empty.state(), "a threshold of 0 is always reached")
}

type monitorSink struct{ states chan agentrpc.MonitorState }

func (s monitorSink) PostMetadata(context.Context, agentrpc.Metadata) error   { return nil }
func (s monitorSink) PostAppHealth(context.Context, agentrpc.AppHealth) error { return nil }
func (s monitorSink) PostMonitors(_ context.Context, m agentrpc.Monitors) error {
	for _, state := range m.States {
		s.states <- state
	}
	return nil
}

// TestMonitors: changes are reported, and the first state of each resource even
// if it is calm.
func TestMonitors(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	clock := quartz.NewMock(t)
	trap := clock.Trap().NewTicker("monitors")
	sink := monitorSink{make(chan agentrpc.MonitorState, 10)}
	var mu sync.Mutex
	used := map[string]int{"": 50, "/home": 95}
	sampled := make(chan struct{}, 100)
	w, err := New(Options{Reporter: sink, Log: slog.New(slog.DiscardHandler), Clock: clock,
		Account: child.Account{Shell: "/bin/sh"},
		Monitors: agentrpc.ResourceMonitors{Memory: &agentrpc.Monitor{Enabled: true, Threshold: 80},
			Volumes: []agentrpc.Monitor{{Path: "/home", Enabled: true, Threshold: 90}, {Path: "/gone", Enabled: true}, {Path: "/off"}}},
		Usage: func(path string) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			if path == "/gone" {
				sampled <- struct{}{} // the last one of a round
				return 0, errors.New("no such volume")
			}
			return used[path], nil
		}})
	require.NoError(t, err)
	done := make(chan struct{})
	run, stop := context.WithCancel(ctx)
	go func() { defer close(done); _ = w.Run(run) }()
	trap.MustWait(ctx).MustRelease(ctx)
	trap.Close()
	<-sampled
	round := func(n int) {
		for range n {
			clock.Advance(monitorInterval).MustWait(ctx)
			<-sampled
		}
	}
	round(alarmAfter - 1)
	require.Equal(t, agentrpc.MonitorState{Path: "/home", State: "nok", UsedPercent: 95}, <-sink.states)
	mu.Lock()
	used["/home"] = 20
	mu.Unlock()
	round(calmAfter)
	got := map[string]agentrpc.MonitorState{}
	for range 2 {
		s := <-sink.states
		got[s.Path] = s
	}
	require.Equal(t, map[string]agentrpc.MonitorState{"": {State: "ok", UsedPercent: 50},
		"/home": {Path: "/home", State: "ok", UsedPercent: 20}}, got)
	stop()
	<-done
	require.Empty(t, sink.states)
}

// TestUsage reads this machine.
func TestUsage(t *testing.T) {
	t.Parallel()
	w := &Watcher{}
	for _, path := range []string{"", "/"} {
		n, err := w.usage(path)
		require.NoError(t, err)
		require.Positive(t, n, path)
		require.LessOrEqual(t, n, 100)
	}
	_, err := w.usage("/no/such/volume")
	require.Error(t, err)
}
