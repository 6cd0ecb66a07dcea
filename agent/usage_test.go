package agent_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent"
	"coder.internal/agent/agenttest"
	"coder.internal/api/agentrpc"
)

// TestUsage: an agent says at the start how far the relays are; then who uses it,
// once more when that has ended, and nothing while nobody does. A report that was
// not answered is sent again as it was.
func TestUsage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	clock := quartz.NewMock(t)
	timers := clock.Trap().NewTimer("usage")
	defer timers.Close()
	cp := agenttest.New(t, agentrpc.Manifest{})
	r := run(t, cp, func(o *agent.Options) { o.Clock = clock })
	tick := func() {
		t.Helper()
		call := timers.MustWait(ctx)
		call.MustRelease(ctx)
		clock.Advance(call.Duration).MustWait(ctx)
	}
	reports := func(n int) []agentrpc.Usage {
		t.Helper()
		return cp.Wait("report", func(rec agenttest.Record) bool { return len(rec.Usage) >= n }).Usage
	}

	r.net.port(t, agent.PortSSH)
	tick()
	first := reports(1)[0]
	require.Equal(t, map[string]float64{"1": 4.5}, first.Relays)
	require.Equal(t, 1, first.HomeRelay)
	require.False(t, first.Open.Any() || first.Opened.Any())

	tick() // nobody is there: no report, as the next one shows
	require.Equal(t, "hi\n", r.ssh(t, "echo hi"))
	require.Equal(t, "vscode\n", r.ssh(t, "echo vscode", "-o", "SetEnv=CODER_SSH_SESSION_TYPE=vscode"))
	tick()
	second := reports(2)[1]
	require.NotEqual(t, first.ID, second.ID)
	require.Equal(t, 30, second.Seconds)
	require.Equal(t, agentrpc.Sessions{SSH: 1, VSCode: 1}, second.Opened)
	require.Equal(t, 1, second.Direct)
	require.Equal(t, 2, second.Relayed)
	require.Equal(t, 2.0, *second.LatencyMS)
	require.Equal(t, agentrpc.Traffic{Packets: 1, Bytes: 1000}, second.Received)
	require.Nil(t, second.Relays, "they are not measured again yet")

	holder := r.client(ctx, t, "echo here; exec cat")
	typed, err := holder.StdinPipe()
	require.NoError(t, err)
	shown, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, err = shown.Read(make([]byte, 1))
	require.NoError(t, err)
	cp.Fail(agentrpc.PathUsage, http.StatusServiceUnavailable, 1)
	pauses := clock.Trap().NewTimer("backoff")
	tick()
	call := pauses.MustWait(ctx)
	call.MustRelease(ctx)
	pauses.Close()
	clock.Advance(call.Duration).MustWait(ctx)
	third := reports(3)[2]
	require.NotZero(t, third.Open.SSH)
	require.Equal(t, agentrpc.Traffic{Packets: 1, Bytes: 1000}, third.Received, "since the last report only")
	require.Zero(t, third.Sent)

	require.NoError(t, typed.Close())
	require.NoError(t, holder.Wait())
	n := 4
	for ; ; n++ { // the agent may notice a moment later
		tick()
		if !reports(n)[n-1].Open.Any() {
			break // the end is told
		}
	}
	tick()
	timers.MustWait(ctx).MustRelease(ctx)
	require.Len(t, cp.Record().Usage, n)
}
