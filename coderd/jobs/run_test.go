package jobs_test

import (
	"testing"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
)

// TestRunGivesDaemonsTimeToRenew: after a start, an expired lease is not taken
// before living daemons could send a heartbeat.
func TestRunGivesDaemonsTimeToRenew(t *testing.T) {
	t.Parallel()
	clk := quartz.NewMock(t)
	r := newRigAt(t, clk)
	id := r.enqueue(nil)
	r.acquire()
	r.expire(id)
	ticker := clk.Trap().NewTicker()
	rounds := clk.Trap().Since("sweep")
	live(t, r.queue.Run)
	ticker.MustWait(r.ctx).MustRelease(r.ctx)
	ticker.Close()
	// A round that begins shows that the ones before are over.
	for _, want := range []api.JobStatus{ // at 3, 6, 9, 12 and 15 s
		api.JobRunning, api.JobRunning, api.JobRunning, api.JobRunning, api.JobPending,
	} {
		clk.Advance(3 * time.Second).MustWait(r.ctx)
		call := rounds.MustWait(r.ctx)
		r.wantStatus(id, want)
		call.MustRelease(r.ctx)
	}
	rounds.Close()
}
