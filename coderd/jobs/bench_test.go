package jobs_test

import (
	"testing"

	"coder.internal/api/jobrpc"
)

// BenchmarkJob is the queue's own part of one job: acquire, one update with a
// line and a state, complete.
func BenchmarkJob(b *testing.B) {
	r := newRig(b)
	for b.Loop() {
		b.StopTimer()
		r.enqueue(nil)
		b.StartTimer()
		job := r.acquire()
		r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, Logs: lines("one"), State: []byte("state"), StateSerial: 1})
		if err := r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Build: &jobrpc.BuildResult{}}); err != nil {
			b.Fatal(err)
		}
	}
}
