package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// Acquire gives the oldest job that the in-process daemon may run, as a new
// attempt. It blocks until there is one or req.Wait (at most a minute) is over;
// then it returns nil without an error. A zero OrganizationID means the default
// organization.
func (q *Queue) Acquire(ctx context.Context, req jobrpc.AcquireRequest) (*jobrpc.Job, error) {
	return q.acquire(ctx, builtIn(req), req.RequestID, req.Wait)
}

// acquire is Acquire for any caller.
func (q *Queue) acquire(ctx context.Context, c caller, request api.ID, wait time.Duration) (*jobrpc.Job, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	tags, err := encodeTags(c.tags)
	if err != nil {
		return nil, err
	}
	sub := q.opts.PubSub.Subscribe(pubsub.TopicJobs())
	defer sub.Close()
	deadline := q.opts.Clock.NewTimer(min(max(wait, 0), maxWait))
	defer deadline.Stop()
	poll := q.opts.Clock.NewTicker(pollEvery)
	defer poll.Stop()
	seek := seek{caller: c, tags: tags, request: request}
	look := q.tryAcquire
	if request.IsZero() { // there is no answer that was lost
		look = q.freshAcquire
	}
	for {
		job, err := look(ctx, seek)
		if job != nil || err != nil || wait <= 0 {
			return job, err
		}
		select {
		case <-sub.C():
			look = q.tryAcquire
		case <-poll.C:
			look = q.peekAcquire
		case <-deadline.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// seek is one look for a job.
type seek struct {
	caller
	tags    json.RawMessage // of the caller, with those that everything carries
	request api.ID          // zero when the request is never sent again
}

// workError marks a failure to describe the work of a job.
type workError struct {
	row database.ProvisionerJob
	err error
}

func (e *workError) Error() string { return e.err.Error() }
func (e *workError) Unwrap() error { return e.err }

// freshAcquire is tryAcquire behind one cheap statement: an idle daemon asks again
// and again.
func (q *Queue) freshAcquire(ctx context.Context, s seek) (*jobrpc.Job, error) {
	some, err := q.anyPending(ctx)
	if err != nil {
		return nil, err
	}
	return q.acquireIf(ctx, s, some)
}

// peekAcquire is freshAcquire where nobody sent a hint: one statement a second for
// all daemons of this replica together.
func (q *Queue) peekAcquire(ctx context.Context, s seek) (*jobrpc.Job, error) {
	now := q.opts.Clock.Now()
	q.mu.Lock()
	known, some := now.Sub(q.peekedAt) < peekKeep, q.pending
	q.mu.Unlock()
	if !known {
		return q.freshAcquire(ctx, s)
	}
	return q.acquireIf(ctx, s, some)
}

func (q *Queue) acquireIf(ctx context.Context, s seek, some bool) (*jobrpc.Job, error) {
	if !some && !q.due(s.daemon) {
		return nil, nil
	}
	return q.tryAcquire(ctx, s)
}

// peekKeep is how long an answer serves all: shorter than pollEvery, so that a
// daemon that is alone looks each time.
const peekKeep = pollEvery * 9 / 10

// anyPending reports whether any job waits.
func (q *Queue) anyPending(ctx context.Context) (bool, error) {
	now := q.opts.Clock.Now()
	some, err := q.opts.DB.AnyPendingProvisionerJob(ctx)
	if err != nil {
		return false, fmt.Errorf("look for jobs: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.peekedAt, q.pending = now, some
	return some, nil
}

// home returns the default organization, zero while there is none. It never
// changes once it is there.
func (q *Queue) home(ctx context.Context) (api.ID, error) {
	q.mu.Lock()
	id := q.defaultOrg
	q.mu.Unlock()
	if !id.IsZero() {
		return id, nil
	}
	id, err := q.opts.DB.GetDefaultOrganizationID(ctx)
	if database.IsNotFound(err) {
		return api.ID{}, nil
	}
	if err != nil {
		return api.ID{}, fmt.Errorf("load default organization: %w", err)
	}
	q.mu.Lock()
	q.defaultOrg = id
	q.mu.Unlock()
	return id, nil
}

// tryAcquire makes one attempt to take a job; nil, nil when there is none.
func (q *Queue) tryAcquire(ctx context.Context, s seek) (*jobrpc.Job, error) {
	if s.org.IsZero() {
		id, err := q.home(ctx)
		if err != nil || id.IsZero() {
			return nil, err // without one the deployment is not set up yet
		}
		s.org = id
	}
	if err := q.register(ctx, s); err != nil {
		return nil, err
	}
	var job *jobrpc.Job
	err := q.opts.DB.InTx(ctx, func(tx *database.Queries) (err error) {
		job, err = q.take(ctx, tx, s)
		return err
	})
	var werr *workError
	if errors.As(err, &werr) {
		return nil, q.refuse(ctx, werr)
	}
	if err != nil || job == nil {
		return nil, err
	}
	return q.fill(ctx, job)
}

// take is the transaction of tryAcquire.
func (q *Queue) take(ctx context.Context, tx *database.Queries, s seek) (*jobrpc.Job, error) {
	row, again, err := q.claim(ctx, tx, s)
	if database.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("acquire job: %w", err)
	}
	file, err := tx.GetFileInfo(ctx, row.FileID)
	if err != nil {
		return nil, fmt.Errorf("load archive of job %s: %w", row.ID, err)
	}
	job := &jobrpc.Job{
		ID:             row.ID,
		Attempt:        int(row.Attempt),
		OrganizationID: row.OrganizationID,
		FileID:         row.FileID,
		ArchiveHash:    file.Hash,
		ArchiveType:    file.Mimetype,
	}
	c, err := q.completer(row)
	if err != nil {
		return nil, &workError{row, err}
	}
	if err := c.Work(ctx, tx, row, job); err != nil {
		return nil, &workError{row, err}
	}
	if job.ModulesHash, err = modulesOf(ctx, tx, row); err != nil {
		return nil, err
	}
	if again {
		return job, nil
	}
	return job, q.announce(ctx, tx, row)
}

// claim makes the caller the holder of a job. again says that it is one already:
// the answer to an earlier sending of the same request was lost.
func (q *Queue) claim(ctx context.Context, tx *database.Queries, s seek) (row database.ProvisionerJob, again bool, err error) {
	if !s.request.IsZero() {
		row, err = tx.ReacquireProvisionerJob(ctx, database.ReacquireProvisionerJobParams{
			AcquireID: &s.request, WorkerID: &s.daemon, Holder: s.holder(),
			LeaseSeconds: jobrpc.LeaseDuration.Seconds()})
		if !database.IsNotFound(err) {
			return row, true, err
		}
	}
	defaults, err := encodeTags(nil)
	if err != nil {
		return row, false, err
	}
	row, err = tx.AcquireProvisionerJob(ctx, database.AcquireProvisionerJobParams{
		WorkerID:       &s.daemon,
		WorkerName:     s.name,
		LeaseSeconds:   jobrpc.LeaseDuration.Seconds(),
		AcquireID:      optional(s.request),
		Holder:         s.holder(),
		OrganizationID: s.org,
		Tags:           s.tags,
		DefaultTags:    defaults,
	})
	return row, false, err
}

func optional(id api.ID) *api.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}

// refuse counts an attempt that failed before a daemon heard of it, so that a
// job which cannot be described does not block the queue for ever. An error that
// people can act on ends the job at once.
func (q *Queue) refuse(ctx context.Context, werr *workError) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var told *api.Error
	final := errors.As(werr.err, &told)
	q.log.Warn("job could not be described", "job_id", werr.row.ID.String(), "error", werr.err)
	return q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		// The transaction that took the job was rolled back: the row is one behind.
		row, err := tx.CountFailedAcquire(ctx, database.CountFailedAcquireParams{
			ID: werr.row.ID, Attempt: werr.row.Attempt - 1})
		if database.IsNotFound(err) {
			return nil // someone else was quicker
		}
		if err != nil {
			return fmt.Errorf("count attempt of job %s: %w", werr.row.ID, err)
		}
		if !final && row.Attempt < MaxAttempts {
			return nil
		}
		if _, known := q.completers[api.JobType(row.Type)]; !known {
			return fmt.Errorf("end job %s: %w", row.ID, werr.err)
		}
		req := jobrpc.FailRequest{JobID: row.ID, Attempt: int(row.Attempt),
			Error: "The server could not prepare this job. Ask an administrator to look for the job's id in the server's log."}
		if final {
			req.Error = CleanText(told.Error(), maxError)
		}
		return q.finish(ctx, tx, row, api.JobFailed, req, true)
	})
}

// register keeps the daemon's row, at most every registerGap.
func (q *Queue) register(ctx context.Context, s seek) error {
	if !q.due(s.daemon) {
		return nil
	}
	row := database.UpsertProvisionerDaemonParams{
		ID: s.daemon, OrganizationID: s.org, Name: s.name, Version: s.version, ApiVersion: s.apiVersion,
		Tags: s.tags, KeyID: s.keyID, KeyName: s.keyName, StaleSeconds: staleAfter.Seconds()}
	n, err := q.opts.DB.UpsertProvisionerDaemon(ctx, row)
	if database.IsUniqueViolation(err) {
		// Two first requests of one daemon at once: the other's row, which this one
		// waited for, is found by its name the second time.
		n, err = q.opts.DB.UpsertProvisionerDaemon(ctx, row)
	}
	switch {
	case database.IsUniqueViolation(err):
		return api.Conflict("A daemon of another name uses this id. Start the daemon again.",
			api.ValidationError{Field: "daemon_id", Detail: "is in use"})
	case database.IsForeignKeyViolation(err):
		return api.Invalid("organization_id", "there is no such organization")
	case err != nil:
		return fmt.Errorf("register daemon %q: %w", s.name, err)
	case n == 0:
		return api.Conflict(fmt.Sprintf("A daemon named %q is connected with another credential. Choose another name with --name.", s.name),
			api.ValidationError{Field: "name", Detail: "is in use"})
	}
	q.mark(s.daemon)
	return nil
}

// due reports whether the daemon's last registration by this replica is old.
func (q *Queue) due(id api.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at, ok := q.seen[id]
	return !ok || q.opts.Clock.Since(at) >= registerGap
}

func (q *Queue) mark(id api.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.opts.Clock.Now()
	for k, at := range q.seen {
		if now.Sub(at) > 6*registerGap {
			delete(q.seen, k) // gone daemons do not stay in memory
		}
	}
	q.seen[id] = now
}

// Archive opens the template archive of a running attempt.
func (q *Queue) Archive(ctx context.Context, jobID api.ID, attempt int) (io.ReadCloser, error) {
	data, err := q.opts.DB.GetProvisionerJobArchive(ctx, database.GetProvisionerJobArchiveParams{
		ID: jobID, Attempt: attemptNumber(attempt)})
	if database.IsNotFound(err) {
		return nil, ErrAttemptOver
	}
	if err != nil {
		return nil, fmt.Errorf("load archive of job %s: %w", jobID, err)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// attemptNumber maps numbers that no attempt can have to one that none has.
func attemptNumber(n int) int32 {
	if n < 1 || n > MaxAttempts {
		return -1
	}
	return int32(n)
}
