package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// Acquire gives the oldest job that the daemon may run, as a new attempt. It
// blocks until there is one or req.Wait (at most a minute) is over; then it
// returns nil without an error. A zero OrganizationID means the default
// organization.
func (q *Queue) Acquire(ctx context.Context, req jobrpc.AcquireRequest) (*jobrpc.Job, error) {
	if req.DaemonID.IsZero() {
		return nil, api.Invalid("daemon_id", "is missing")
	}
	if req.DaemonName == "" || CleanText(req.DaemonName, maxName) != req.DaemonName {
		return nil, api.Invalid("daemon_name", fmt.Sprintf("needs 1 to %d bytes of text", maxName))
	}
	tags, err := encodeTags(req.Tags)
	if err != nil {
		return nil, err
	}
	sub := q.opts.PubSub.Subscribe(pubsub.TopicJobs())
	defer sub.Close()
	deadline := q.opts.Clock.NewTimer(min(max(req.Wait, 0), maxWait))
	defer deadline.Stop()
	poll := q.opts.Clock.NewTicker(pollEvery)
	defer poll.Stop()
	for look := q.tryAcquire; ; {
		job, err := look(ctx, req, tags)
		if job != nil || err != nil || req.Wait <= 0 {
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

// workError marks a failure to describe the work of a job.
type workError struct {
	row database.ProvisionerJob
	err error
}

func (e *workError) Error() string { return e.err.Error() }
func (e *workError) Unwrap() error { return e.err }

// peekAcquire is tryAcquire for an idle daemon: one cheap statement a second
// where nobody sent a hint.
func (q *Queue) peekAcquire(ctx context.Context, req jobrpc.AcquireRequest, tags json.RawMessage) (*jobrpc.Job, error) {
	some, err := q.opts.DB.AnyPendingProvisionerJob(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	if !some && !q.due(req.DaemonID) {
		return nil, nil
	}
	return q.tryAcquire(ctx, req, tags)
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
func (q *Queue) tryAcquire(ctx context.Context, req jobrpc.AcquireRequest, tags json.RawMessage) (*jobrpc.Job, error) {
	if req.OrganizationID.IsZero() {
		id, err := q.home(ctx)
		if err != nil || id.IsZero() {
			return nil, err // without one the deployment is not set up yet
		}
		req.OrganizationID = id
	}
	if err := q.register(ctx, req, tags); err != nil {
		return nil, err
	}
	var job *jobrpc.Job
	err := q.opts.DB.InTx(ctx, func(tx *database.Queries) (err error) {
		job, err = q.take(ctx, tx, req, tags)
		return err
	})
	var werr *workError
	if errors.As(err, &werr) {
		return nil, q.refuse(ctx, werr)
	}
	if err != nil {
		return nil, err
	}
	return job, nil
}

// take is the transaction of tryAcquire.
func (q *Queue) take(ctx context.Context, tx *database.Queries, req jobrpc.AcquireRequest, tags json.RawMessage) (*jobrpc.Job, error) {
	defaults, err := encodeTags(nil)
	if err != nil {
		return nil, err
	}
	row, err := tx.AcquireProvisionerJob(ctx, database.AcquireProvisionerJobParams{
		WorkerID:       &req.DaemonID,
		WorkerName:     req.DaemonName,
		LeaseSeconds:   jobrpc.LeaseDuration.Seconds(),
		OrganizationID: req.OrganizationID,
		Tags:           tags,
		DefaultTags:    defaults,
	})
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
	return job, q.announce(ctx, tx, row)
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
func (q *Queue) register(ctx context.Context, req jobrpc.AcquireRequest, tags json.RawMessage) error {
	if !q.due(req.DaemonID) {
		return nil
	}
	err := q.opts.DB.UpsertProvisionerDaemon(ctx, database.UpsertProvisionerDaemonParams{
		ID: req.DaemonID, OrganizationID: req.OrganizationID, Name: req.DaemonName, Tags: tags})
	switch {
	case database.IsUniqueViolation(err):
		return api.Conflict("A daemon of another name uses this id. Start the daemon again.",
			api.ValidationError{Field: "daemon_id", Detail: "is in use"})
	case database.IsForeignKeyViolation(err):
		return api.Invalid("organization_id", "there is no such organization")
	case err != nil:
		return fmt.Errorf("register daemon %q: %w", req.DaemonName, err)
	}
	q.mark(req.DaemonID)
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
