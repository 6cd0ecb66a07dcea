package provisionerdtest

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// Queue is a job queue in memory. The zero value is empty and ready.
type Queue struct {
	mu   sync.Mutex
	jobs []*entry
	wake chan struct{} // closed when a job can be handed out
	// down, when set, is what all calls fail with.
	down error
}

type entry struct {
	hint    chan struct{} // somebody wants the job to end
	job     jobrpc.Job
	archive []byte
	running bool
	expires time.Time
	result  Outcome
}

// Outcome is what a job has come to.
type Outcome struct {
	Done     bool
	Attempt  int
	Complete *jobrpc.CompleteRequest
	Fail     *jobrpc.FailRequest
	Logs     []jobrpc.Log
	State    []byte   // the newest, of the attempt that may write
	Aside    [][]byte // what attempts that are over have brought
	Tokens   []api.Secret
	Cancel   bool
	Force    bool
}

var (
	_ provisionerd.JobSource = (*Queue)(nil)
	_ provisionerd.Hinter    = (*Queue)(nil)
)

// Enqueue adds a job and returns its id. Import, Build or Plan must be set.
func (q *Queue) Enqueue(job jobrpc.Job, archive []byte) api.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	job.ID = api.NewID()
	q.jobs = append(q.jobs, &entry{hint: make(chan struct{}, 1), job: job, archive: archive})
	q.ring()
	return job.ID
}

// Outcome returns a copy of what a job has come to.
func (q *Queue) Outcome(id api.ID) Outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.find(id); e != nil {
		e.result.Attempt = e.job.Attempt
		return e.result
	}
	return Outcome{}
}

// Cancel asks for the end of a job.
func (q *Queue) Cancel(id api.ID, force bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.find(id); e != nil {
		e.result.Cancel, e.result.Force = true, force
		select {
		case e.hint <- struct{}{}:
		default:
		}
	}
}

// CancelHints implements provisionerd.Hinter.
func (q *Queue) CancelHints(id api.ID) (<-chan struct{}, func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.find(id); e != nil {
		return e.hint, func() {}
	}
	return nil, func() {}
}

// Expire ends the lease of a running attempt, as if its daemon were silent.
func (q *Queue) Expire(id api.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.find(id); e != nil {
		e.running = false
		q.ring()
	}
}

// Break makes all calls fail with err until it is called with nil.
func (q *Queue) Break(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = err
	q.ring()
}

func (q *Queue) ring() {
	if q.wake != nil {
		close(q.wake)
		q.wake = nil
	}
}

func (q *Queue) find(id api.ID) *entry {
	for _, e := range q.jobs {
		if e.job.ID == id {
			return e
		}
	}
	return nil
}

// Acquire implements provisionerd.JobSource.
func (q *Queue) Acquire(ctx context.Context, req jobrpc.AcquireRequest) (*jobrpc.Job, error) {
	deadline := time.NewTimer(req.Wait)
	defer deadline.Stop()
	for {
		job, wake, err := q.next()
		if job != nil || err != nil {
			return job, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, nil
		case <-wake:
		}
	}
}

func (q *Queue) next() (*jobrpc.Job, <-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.down != nil {
		return nil, nil, q.down
	}
	for _, e := range q.jobs {
		if e.result.Done || e.running && time.Now().Before(e.expires) {
			continue
		}
		e.job.Attempt++
		e.running, e.expires = true, time.Now().Add(jobrpc.LeaseDuration)
		e.result.Logs = nil
		job := e.job
		if job.Build != nil {
			work := *job.Build
			if e.result.State != nil {
				work.State = e.result.State
			}
			job.Build = &work
		}
		return &job, nil, nil
	}
	if q.wake == nil {
		q.wake = make(chan struct{})
	}
	return nil, q.wake, nil
}

// attempt returns the entry if the attempt may write, with the lock held.
func (q *Queue) attempt(id api.ID, attempt int) (*entry, error) {
	if q.down != nil {
		return nil, q.down
	}
	e := q.find(id)
	if e == nil {
		return nil, api.NotFound("Job")
	}
	if !e.running || e.result.Done || e.job.Attempt != attempt {
		return e, api.Conflict("The attempt is over.")
	}
	return e, nil
}

// Update implements provisionerd.JobSource.
func (q *Queue) Update(_ context.Context, req jobrpc.UpdateRequest) (jobrpc.UpdateResponse, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.attempt(req.JobID, req.Attempt)
	if err != nil {
		e.aside(req.State)
		return jobrpc.UpdateResponse{}, err
	}
	e.expires = time.Now().Add(jobrpc.LeaseDuration)
	if new := req.LogOffset + len(req.Logs) - len(e.result.Logs); new > 0 && req.LogOffset <= len(e.result.Logs) {
		e.result.Logs = append(e.result.Logs, req.Logs[len(req.Logs)-new:]...)
	}
	if req.State != nil {
		e.result.State, e.result.Tokens = req.State, req.AgentTokens
	}
	return jobrpc.UpdateResponse{Cancel: e.result.Cancel, ForceCancel: e.result.Force}, nil
}

func (e *entry) aside(state []byte) {
	if e != nil && state != nil {
		e.result.Aside = append(e.result.Aside, state)
	}
}

// Complete implements provisionerd.JobSource.
func (q *Queue) Complete(_ context.Context, req jobrpc.CompleteRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.attempt(req.JobID, req.Attempt)
	if err != nil {
		if e != nil && e.result.Complete != nil && e.result.Complete.Attempt == req.Attempt {
			return nil
		}
		return err
	}
	e.running, e.result.Done, e.result.Complete = false, true, &req
	return nil
}

// Fail implements provisionerd.JobSource.
func (q *Queue) Fail(_ context.Context, req jobrpc.FailRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.attempt(req.JobID, req.Attempt)
	if err != nil {
		if e != nil && e.result.Fail != nil && e.result.Fail.Attempt == req.Attempt {
			return nil
		}
		e.aside(req.State)
		return err
	}
	if req.State != nil {
		e.result.State = req.State
	}
	e.running, e.result.Done, e.result.Fail = false, !req.Retry, &req
	q.ring()
	return nil
}

// Archive implements provisionerd.JobSource.
func (q *Queue) Archive(_ context.Context, id api.ID, attempt int) (io.ReadCloser, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.attempt(id, attempt)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(e.archive)), nil
}
