package provisionerdtest

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// Harness is a JobSource under test and the other side of its queue. The queue
// is empty at first and nobody else takes jobs from it.
type Harness struct {
	Source provisionerd.JobSource
	// Request is what Acquire is called with; Wait is set by the test.
	Request jobrpc.AcquireRequest
	// Enqueue adds a job that Request may get; its archive is what it is given.
	Enqueue func(t testing.TB, archive []byte) api.ID
	Cancel  func(t testing.TB, id api.ID, force bool)
	// Expire ends the lease of the running attempt.
	Expire func(t testing.TB, id api.ID)
	// Logs returns the text of the lines of the job that can be read by people.
	Logs func(t testing.TB, id api.ID) []string
	// Done reports whether the job has ended, and its error if it failed.
	Done func(t testing.TB, id api.ID) (done bool, failure string)
}

// Conformance checks that a source keeps the contract of jobrpc. open is called
// once for each part; parts run in parallel.
func Conformance(t *testing.T, open func(t *testing.T) Harness) {
	parts := map[string]func(*testing.T, Harness){
		"nothing to do":     idle,
		"one job, once":     once,
		"wakes":             wakes,
		"archive":           archiveOf,
		"logs":              logs,
		"complete":          complete,
		"fail":              fail,
		"retry":             retry,
		"lease":             lease,
		"cancel":            cancel,
		"hint":              hint,
		"unknown job":       unknown,
		"call ends with it": interrupted,
	}
	for name, part := range parts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part(t, open(t))
		})
	}
}

// patience bounds each wait of the test; nothing waits that long when all is well.
const patience = 20 * time.Second

func (h Harness) acquire(t *testing.T, wait time.Duration) *jobrpc.Job {
	t.Helper()
	job, err := h.tryAcquire(t, wait)
	require.NoError(t, err)
	return job
}

// tryAcquire may be called from any goroutine.
func (h Harness) tryAcquire(t *testing.T, wait time.Duration) (*jobrpc.Job, error) {
	ctx, stop := context.WithTimeout(t.Context(), wait+patience)
	defer stop()
	req := h.Request
	req.Wait = wait
	return h.Source.Acquire(ctx, req)
}

// taken enqueues a job and acquires it.
func (h Harness) taken(t *testing.T) *jobrpc.Job {
	t.Helper()
	id := h.Enqueue(t, []byte("archive"))
	job := h.acquire(t, patience)
	require.NotNil(t, job)
	require.Equal(t, id, job.ID)
	return job
}

func requireOver(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, api.CodeConflict, api.CodeOf(err), "%v", err)
}

func line(text string) jobrpc.Log {
	return jobrpc.Log{CreatedAt: time.Now(), Source: "provisioner", Level: api.LogInfo, Stage: "Planning", Output: text}
}

func success(job *jobrpc.Job) jobrpc.CompleteRequest {
	req := jobrpc.CompleteRequest{JobID: job.ID, Attempt: job.Attempt}
	switch {
	case job.Import != nil:
		req.Import = &jobrpc.ImportResult{}
	case job.Plan != nil:
		req.Plan = &jobrpc.PlanResult{}
	default:
		req.Build = &jobrpc.BuildResult{}
	}
	return req
}

func idle(t *testing.T, h Harness) {
	require.Nil(t, h.acquire(t, 10*time.Millisecond))
}

func once(t *testing.T, h Harness) {
	h.Enqueue(t, nil)
	var wg sync.WaitGroup
	got := make(chan *jobrpc.Job, 4)
	for range 4 {
		wg.Go(func() {
			job, err := h.tryAcquire(t, 100*time.Millisecond)
			if err != nil {
				t.Error(err)
			}
			got <- job
		})
	}
	wg.Wait()
	close(got)
	jobs := 0
	for job := range got {
		if job == nil {
			continue
		}
		jobs++
		require.Equal(t, 1, job.Attempt)
		kinds := 0
		for _, is := range []bool{job.Import != nil, job.Build != nil, job.Plan != nil} {
			if is {
				kinds++
			}
		}
		require.Equal(t, 1, kinds, "exactly one kind of work")
	}
	require.Equal(t, 1, jobs)
}

func wakes(t *testing.T, h Harness) {
	got := make(chan *jobrpc.Job, 1)
	go func() {
		job, err := h.tryAcquire(t, patience)
		if err != nil {
			t.Error(err)
		}
		got <- job
	}()
	id := h.Enqueue(t, nil)
	job := <-got
	require.NotNil(t, job)
	require.Equal(t, id, job.ID)
}

func archiveOf(t *testing.T, h Harness) {
	job := h.taken(t)
	for range 2 {
		rc, err := h.Source.Archive(t.Context(), job.ID, job.Attempt)
		require.NoError(t, err)
		b, err := io.ReadAll(rc)
		require.NoError(t, err)
		require.NoError(t, rc.Close())
		require.Equal(t, "archive", string(b))
	}
	_, err := h.Source.Archive(t.Context(), job.ID, job.Attempt+1)
	requireOver(t, err)
}

func logs(t *testing.T, h Harness) {
	job := h.taken(t)
	send := func(offset int, lines ...string) {
		req := jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt, LogOffset: offset}
		for _, l := range lines {
			req.Logs = append(req.Logs, line(l))
		}
		_, err := h.Source.Update(t.Context(), req)
		require.NoError(t, err)
	}
	send(0)
	send(0, "one", "two")
	send(0, "one", "two")          // repeated
	send(0, "one", "two", "three") // repeated, with more
	send(3, "four")
	require.Equal(t, []string{"one", "two", "three", "four"}, h.Logs(t, job.ID))
}

func complete(t *testing.T, h Harness) {
	job := h.taken(t)
	require.NoError(t, h.Source.Complete(t.Context(), success(job)))
	done, failure := h.Done(t, job.ID)
	require.True(t, done)
	require.Empty(t, failure)
	if err := h.Source.Complete(t.Context(), success(job)); err != nil { // the answer was lost
		requireOver(t, err)
	}
	_, err := h.Source.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt})
	requireOver(t, err)
	requireOver(t, h.Source.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Error: "late"}))
	_, failure = h.Done(t, job.ID)
	require.Empty(t, failure, "an ended job does not change")
	require.Nil(t, h.acquire(t, 10*time.Millisecond))
}

func fail(t *testing.T, h Harness) {
	job := h.taken(t)
	req := jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Error: "main.tf line 3: no"}
	require.NoError(t, h.Source.Fail(t.Context(), req))
	done, failure := h.Done(t, job.ID)
	require.True(t, done)
	require.Equal(t, req.Error, failure)
	if err := h.Source.Fail(t.Context(), req); err != nil {
		requireOver(t, err)
	}
	requireOver(t, h.Source.Complete(t.Context(), success(job)))
	require.Nil(t, h.acquire(t, 10*time.Millisecond))
}

func retry(t *testing.T, h Harness) {
	job := h.taken(t)
	require.NoError(t, h.Source.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Retry: true, Error: "stopping"}))
	again := h.acquire(t, patience)
	require.NotNil(t, again)
	require.Equal(t, job.ID, again.ID)
	require.Equal(t, job.Attempt+1, again.Attempt)
	requireOver(t, h.Source.Complete(t.Context(), success(job)))
	require.NoError(t, h.Source.Complete(t.Context(), success(again)))
}

func lease(t *testing.T, h Harness) {
	job := h.taken(t)
	require.Nil(t, h.acquire(t, 10*time.Millisecond), "a job in work is nobody else's")
	h.Expire(t, job.ID)
	again := h.acquire(t, patience)
	require.NotNil(t, again)
	require.Equal(t, job.Attempt+1, again.Attempt)
	_, err := h.Source.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt, Logs: []jobrpc.Log{line("ghost")}})
	requireOver(t, err)
	requireOver(t, h.Source.Complete(t.Context(), success(job)))
	requireOver(t, h.Source.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Error: "ghost"}))
	done, _ := h.Done(t, job.ID)
	require.False(t, done, "an old attempt ends nothing")
	require.NotContains(t, h.Logs(t, job.ID), "ghost")
	require.NoError(t, h.Source.Complete(t.Context(), success(again)))
}

func cancel(t *testing.T, h Harness) {
	job := h.taken(t)
	update := func() jobrpc.UpdateResponse {
		resp, err := h.Source.Update(t.Context(), jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt})
		require.NoError(t, err)
		return resp
	}
	require.Equal(t, jobrpc.UpdateResponse{}, update())
	h.Cancel(t, job.ID, false)
	require.Equal(t, jobrpc.UpdateResponse{Cancel: true}, update())
	h.Cancel(t, job.ID, true)
	require.True(t, update().ForceCancel)
	require.NoError(t, h.Source.Fail(t.Context(), jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Canceled: true, Error: "Canceled"}))
	done, _ := h.Done(t, job.ID)
	require.True(t, done)
}

// hint wants a source that hints to do so once somebody wants a job to end, and
// not to hint at the jobs of others. Hints that mean nothing are fine.
func hint(t *testing.T, h Harness) {
	hinter, ok := h.Source.(provisionerd.Hinter)
	require.True(t, ok, "all our sources hint")
	job := h.taken(t)
	hints, stop := hinter.CancelHints(job.ID)
	defer stop()
	other, stopOther := hinter.CancelHints(api.NewID())
	defer stopOther()
	update := jobrpc.UpdateRequest{JobID: job.ID, Attempt: job.Attempt}
	_, err := h.Source.Update(t.Context(), update)
	require.NoError(t, err)
	select {
	case <-hints: // of the time before
	default:
	}
	h.Cancel(t, job.ID, false)
	for {
		select {
		case <-hints:
		case <-other:
			require.Fail(t, "a hint for another job")
		case <-time.After(patience):
			require.Fail(t, "no hint")
		}
		resp, err := h.Source.Update(t.Context(), update)
		require.NoError(t, err)
		if resp.Cancel {
			return
		}
	}
}

func unknown(t *testing.T, h Harness) {
	id := api.NewID()
	codes := []api.Code{api.CodeNotFound, api.CodeConflict}
	_, err := h.Source.Update(t.Context(), jobrpc.UpdateRequest{JobID: id, Attempt: 1})
	require.Contains(t, codes, api.CodeOf(err))
	err = h.Source.Complete(t.Context(), jobrpc.CompleteRequest{JobID: id, Attempt: 1, Import: &jobrpc.ImportResult{}})
	require.Contains(t, codes, api.CodeOf(err))
	require.Contains(t, codes, api.CodeOf(h.Source.Fail(t.Context(), jobrpc.FailRequest{JobID: id, Attempt: 1})))
	_, err = h.Source.Archive(t.Context(), id, 1)
	require.Contains(t, codes, api.CodeOf(err))
}

func interrupted(t *testing.T, h Harness) {
	ctx, stop := context.WithCancel(t.Context())
	req := h.Request
	req.Wait = patience
	ended := make(chan error, 1)
	go func() {
		_, err := h.Source.Acquire(ctx, req)
		ended <- err
	}()
	stop()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(patience / 2):
		t.Fatal("Acquire did not end with its context")
	}
}
