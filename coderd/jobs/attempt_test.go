package jobs_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/jobs"
)

func (r *rig) update(req jobrpc.UpdateRequest) jobrpc.UpdateResponse {
	r.t.Helper()
	res, err := r.queue.Update(r.ctx, req)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func TestLogsAreNotRepeated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(nil)
	job := r.acquire()
	r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, Logs: lines("a", "b")})
	r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, Logs: lines("a", "b")})
	r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, LogOffset: 1, Logs: lines("b", "c")})
	if got := r.outputs(job.ID); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Fatalf("lines are %q", got)
	}
	_, err := r.queue.Update(r.ctx, jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, LogOffset: 9, Logs: lines("z")})
	if api.CodeOf(err) != api.CodeInvalid {
		t.Fatalf("a gap gave %v", err)
	}
}

func TestLogsAreMadeHarmlessAndCapped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(nil)
	job := r.acquire()
	odd := lines("nul\x00 and \xff bad", strings.Repeat("é", jobrpc.MaxLogLine))
	odd[0].CreatedAt = time.Date(30000, 1, 1, 0, 0, 0, 0, time.UTC)
	odd[0].Level, odd[0].Source = "loud", "someone"
	r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, Logs: odd})
	got, err := r.queue.Logs(r.ctx, job.ID, 0, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Output != "nul\uFFFD and \uFFFD bad" || got[0].Level != api.LogInfo || got[0].Source != "provisioner" {
		t.Fatalf("first line is %+v", got[0])
	}
	if _, err := json.Marshal(got); err != nil {
		t.Fatal(err)
	}
	if n := len(got[1].Output); n > jobrpc.MaxLogLine+3 || !utf8.ValidString(got[1].Output) {
		t.Fatalf("long line kept %d bytes", n)
	}
	big := strings.Repeat("x", jobrpc.MaxLogLine)
	for i := range 20 {
		r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, LogOffset: 2 + i, Logs: lines(big)})
	}
	r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, LogOffset: 22, Logs: lines("after the cap")})
	row := r.row(job.ID)
	if !row.LogsOverflowed || row.LogsLength > jobrpc.MaxLogBytes {
		t.Fatalf("overflowed %v with %d bytes", row.LogsOverflowed, row.LogsLength)
	}
	if all := r.outputs(job.ID); slices.Contains(all, "after the cap") {
		t.Fatal("a line followed a gap")
	}
}

func TestStateOnlyGrows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(nil)
	job := r.acquire()
	for _, s := range []struct {
		state  string
		serial int64
	}{{"one", 1}, {"three", 3}, {"two", 2}, {"three again", 3}, {"", 9}} {
		r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, State: []byte(s.state), StateSerial: s.serial})
	}
	if !slices.Equal(r.owner.states, []string{"one", "three"}) {
		t.Fatalf("saved %q", r.owner.states)
	}
}

func TestAgentTokensAreHashedAndForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(nil)
	job := r.acquire()
	for range 2 {
		r.update(jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, AgentTokens: []api.Secret{"agent-secret"}})
	}
	sum := sha256.Sum256([]byte("agent-secret"))
	count := func() (n int) {
		row := r.db.Pool().QueryRow(r.ctx, `select count(*) from provisioner_job_agent_tokens where token_hash = $1 and job_id = $2`, sum[:], job.ID)
		if err := row.Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 1 {
		t.Fatalf("%d hashes stored, want 1", n)
	}
	if err := r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Build: &jobrpc.BuildResult{}}); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 0 {
		t.Fatalf("%d hashes left after the end", n)
	}
}

func TestCompleteTwiceThenConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(nil)
	job := r.acquire()
	req := jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Build: &jobrpc.BuildResult{State: []byte("s")}}
	for range 2 {
		if err := r.queue.Complete(r.ctx, req); err != nil {
			t.Fatal(err)
		}
	}
	if r.owner.completed != 1 {
		t.Fatalf("completed %d times", r.owner.completed)
	}
	r.wantStatus(job.ID, api.JobSucceeded)
	_, err := r.queue.Update(r.ctx, jobrpc.UpdateRequest{JobID: job.ID, Attempt: 1, Logs: lines("late")})
	wantOver(t, err)
	wantOver(t, r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: job.ID, Attempt: 1, Error: "late"}))
	if got := r.outputs(job.ID); len(got) != 0 {
		t.Fatalf("late lines were stored: %q", got)
	}
	r.wantStatus(job.ID, api.JobSucceeded)
}

func TestRefusedResultFailsWithState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refuse error
		build  *jobrpc.BuildResult
		state  string
	}{
		"owner refuses": {api.Invalid("resources", "bad name"), &jobrpc.BuildResult{State: []byte("kept")}, "kept"},
		"wrong kind":    {nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.owner.refuse = tc.refuse
			r.enqueue(nil)
			job := r.acquire()
			err := r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: job.ID, Attempt: 1, Build: tc.build})
			if api.CodeOf(err) != api.CodeInvalid {
				t.Fatalf("got %v", err)
			}
			r.wantStatus(job.ID, api.JobFailed)
			if f := r.owner.failures(); len(f) != 1 || string(f[0].State) != tc.state {
				t.Fatalf("owner heard %+v", f)
			}
		})
	}
}

func TestExpiredLeaseIsHandedOutAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	r.expire(id)
	if err := r.queue.Sweep(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(id, api.JobPending)
	second := r.acquire()
	if second.ID != id || second.Attempt != 2 {
		t.Fatalf("got %+v", second)
	}
	wantOver(t, r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: id, Attempt: 1, Build: &jobrpc.BuildResult{State: []byte("late state")}}))
	strays := r.strays(id)
	if len(strays) != 1 || strays[0].Attempt != 1 || strings.Contains(string(strays[0].Payload), "late") {
		t.Fatalf("strays are %+v", strays)
	}
	plain, err := r.ring.Open(strays[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	var kept jobrpc.CompleteRequest
	if err := json.Unmarshal(plain, &kept); err != nil || string(kept.Build.State) != "late state" {
		t.Fatalf("kept %+v, %v", kept, err)
	}
	if s := r.owner.lastState(); s != "" {
		t.Fatalf("late state %q was applied", s)
	}
	r.wantStatus(id, api.JobRunning)
	if err := r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: id, Attempt: 2, Build: &jobrpc.BuildResult{}}); err != nil {
		t.Fatal(err)
	}
}

func TestLateStateOfWaitingJobIsSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	r.expire(id)
	if err := r.queue.Sweep(r.ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: id, Attempt: 1, Retry: true, State: []byte("found on disk")}); err != nil {
		t.Fatal(err)
	}
	if s := r.owner.lastState(); s != "found on disk" {
		t.Fatalf("saved %q", s)
	}
	r.wantStatus(id, api.JobPending)
}

func TestLastAttemptVanishes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	for range jobs.MaxAttempts {
		r.acquire()
		r.expire(id)
		if err := r.queue.Sweep(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	row := r.row(id)
	if row.Status != string(api.JobFailed) || !strings.Contains(row.Error, "daemon vanished") {
		t.Fatalf("job is %s: %s", row.Status, row.Error)
	}
	wantOver(t, r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: id, Attempt: jobs.MaxAttempts, State: []byte("x")}))
	if n := len(r.strays(id)); n != 1 {
		t.Fatalf("%d strays", n)
	}
}

func TestHeartbeatKeepsTheLease(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	r.expire(id)
	r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1})
	if err := r.queue.Sweep(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(id, api.JobRunning)
}

func TestFailWithRetry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	for n := 1; n <= jobs.MaxAttempts; n++ {
		job := r.acquire()
		req := jobrpc.FailRequest{JobID: id, Attempt: job.Attempt, Error: "daemon stops", Retry: true, State: fmt.Appendf(nil, "s%d", n)}
		for range 2 { // sent again it is answered the same
			if err := r.queue.Fail(r.ctx, req); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.wantStatus(id, api.JobFailed)
	if s := r.owner.lastState(); s != "s2" {
		t.Fatalf("last saved state is %q", s)
	}
	if f := r.owner.failures(); len(f) != 1 || string(f[0].State) != "s3" {
		t.Fatalf("owner heard %+v", f)
	}
}

func TestCancelPending(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	if err := r.cancel(id, false); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(id, api.JobCanceled)
	if f := r.owner.failures(); len(f) != 1 || !f[0].Canceled {
		t.Fatalf("owner heard %+v", f)
	}
	if job, err := r.queue.Acquire(r.ctx, r.request(0, nil)); job != nil || err != nil {
		t.Fatalf("got %v, %v", job, err)
	}
	wantOver(t, r.cancel(id, false))
}

func TestCancelRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	if res := r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1}); res.Cancel || res.ForceCancel {
		t.Fatalf("got %+v before anyone asked", res)
	}
	for range 2 {
		if err := r.cancel(id, false); err != nil {
			t.Fatal(err)
		}
	}
	if res := r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1}); !res.Cancel || res.ForceCancel {
		t.Fatalf("got %+v after cancel", res)
	}
	if err := r.cancel(id, true); err != nil {
		t.Fatal(err)
	}
	if res := r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1}); !res.ForceCancel {
		t.Fatalf("got %+v after force", res)
	}
	if err := r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: id, Attempt: 1, Canceled: true, State: []byte("left")}); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(id, api.JobCanceled)
}

func TestStubbornJobIsKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	if err := r.cancel(id, false); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		since string
		force bool
	}{{"9 seconds", false}, {"11 seconds", true}} {
		r.exec(`update provisioner_jobs set canceled_at = now() - $1::text::interval where id = $2`, tc.since, id)
		if err := r.queue.Sweep(r.ctx); err != nil {
			t.Fatal(err)
		}
		if res := r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1}); res.ForceCancel != tc.force {
			t.Fatalf("after %s force is %v", tc.since, res.ForceCancel)
		}
	}
}

func TestCancelingJobIsNotHandedOutAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	if err := r.cancel(id, false); err != nil {
		t.Fatal(err)
	}
	r.expire(id)
	if err := r.queue.Sweep(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.wantStatus(id, api.JobFailed)
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.enqueue(nil)
	r.acquire()
	r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1, Logs: lines("one")})
	got := make(chan string, 10)
	done := make(chan error, 1)
	go func() {
		done <- r.queue.Follow(r.ctx, id, 0, func(ls []api.ProvisionerJobLog) error {
			for _, l := range ls {
				got <- l.Output
			}
			return nil
		})
	}()
	if s := <-got; s != "one" {
		t.Fatalf("got %q", s)
	}
	r.update(jobrpc.UpdateRequest{JobID: id, Attempt: 1, LogOffset: 1, Logs: lines("two")})
	if s := <-got; s != "two" {
		t.Fatalf("got %q", s)
	}
	if err := r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: id, Attempt: 1, Build: &jobrpc.BuildResult{}}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	err := r.queue.Follow(r.ctx, id, 0, func([]api.ProvisionerJobLog) error { return errors.New("stop") })
	if err == nil || err.Error() != "stop" {
		t.Fatalf("got %v", err)
	}
	if err := r.queue.Follow(r.ctx, api.NewID(), 0, nil); api.CodeOf(err) != api.CodeNotFound {
		t.Fatalf("unknown job gave %v", err)
	}
}

func TestUnknownJobIsOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.queue.Update(r.ctx, jobrpc.UpdateRequest{JobID: api.NewID(), Attempt: 1})
	wantOver(t, err)
	wantOver(t, r.queue.Complete(r.ctx, jobrpc.CompleteRequest{JobID: api.NewID(), Attempt: 1}))
	wantOver(t, r.queue.Fail(r.ctx, jobrpc.FailRequest{JobID: api.NewID(), Attempt: 1}))
}

func TestUpdateLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enqueue(nil)
	job := r.acquire()
	for field, req := range map[string]jobrpc.UpdateRequest{
		"log_offset":   {LogOffset: -1},
		"agent_tokens": {AgentTokens: []api.Secret{""}},
		"state":        {State: make([]byte, jobrpc.MaxStateBytes+1), StateSerial: 1},
	} {
		req.JobID, req.Attempt = job.ID, 1
		_, err := r.queue.Update(context.Background(), req)
		var e *api.Error
		if !errors.As(err, &e) || e.Code != api.CodeInvalid || e.Validations[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
