package jobs

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// session is the queue as one external daemon sees it: jobs of its organization
// and tags, and the attempts that it was given. Attempts of others are over, as
// far as it can tell.
type session struct {
	q    *Queue
	who  caller
	live func(ctx context.Context) error // nil while the credential is good
	// held hears of jobs that the daemon works on, before it hears of them itself;
	// released of those that it has ended.
	held, released func(job api.ID)
}

// admitEvery is how long a waiting Acquire goes on before the credential is
// looked at again.
const admitEvery = time.Second

// acquire waits for a job. The credential is good at most admitEvery before the
// job is handed out.
func (s *session) acquire(ctx context.Context, req jobrpc.AcquireRequest) (*jobrpc.Job, error) {
	wait := min(max(req.Wait, 0), maxWait)
	start := s.q.opts.Clock.Now()
	for {
		if err := s.live(ctx); err != nil {
			return nil, err
		}
		left := wait - s.q.opts.Clock.Since(start)
		job, err := s.q.acquire(ctx, s.who, req.RequestID, min(left, admitEvery))
		if job != nil {
			s.held(job.ID)
		}
		if job != nil || err != nil || left <= admitEvery {
			return job, err
		}
	}
}

// mine refuses attempts of others. What was given to whom never changes, so that
// the answer stays true.
func (s *session) mine(ctx context.Context, job api.ID, attempt int) error {
	if err := s.live(ctx); err != nil {
		return err
	}
	row, err := s.q.opts.DB.GetProvisionerJob(ctx, job)
	if database.IsNotFound(err) {
		return ErrAttemptOver
	}
	if err != nil {
		return fmt.Errorf("load job %s: %w", job, err)
	}
	if row.OrganizationID != s.who.org || !s.who.got(row, attempt) {
		return ErrAttemptOver
	}
	return nil
}

func (s *session) update(ctx context.Context, req jobrpc.UpdateRequest) (jobrpc.UpdateResponse, error) {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return jobrpc.UpdateResponse{}, err
	}
	s.held(req.JobID)
	return s.q.Update(ctx, req)
}

func (s *session) complete(ctx context.Context, req jobrpc.CompleteRequest) error {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return err
	}
	err := s.q.Complete(ctx, req)
	if err == nil {
		s.released(req.JobID)
	}
	return err
}

func (s *session) fail(ctx context.Context, req jobrpc.FailRequest) error {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return err
	}
	err := s.q.Fail(ctx, req)
	if err == nil {
		s.released(req.JobID)
	}
	return err
}

func (s *session) archive(ctx context.Context, req jobrpc.ArchiveRequest) (jobrpc.ArchivePart, error) {
	if err := s.mine(ctx, req.JobID, req.Attempt); err != nil {
		return jobrpc.ArchivePart{}, err
	}
	if err := checkOffset(req); err != nil {
		return jobrpc.ArchivePart{}, err
	}
	row, err := s.q.opts.DB.GetProvisionerJobArchivePart(ctx, database.GetProvisionerJobArchivePartParams{
		ID: req.JobID, Attempt: attemptNumber(req.Attempt), Start: int32(req.Offset) + 1, Size: jobrpc.MaxArchivePart}) //nolint:gosec // bounded above
	if database.IsNotFound(err) {
		return jobrpc.ArchivePart{}, ErrAttemptOver
	}
	if err != nil {
		return jobrpc.ArchivePart{}, fmt.Errorf("load archive of job %s: %w", req.JobID, err)
	}
	return jobrpc.ArchivePart{Data: row.Part, Total: int(row.Total)}, nil
}

func checkOffset(req jobrpc.ArchiveRequest) error {
	if req.Offset < 0 || req.Offset > 1<<30 {
		return api.Invalid("offset", "must be inside the archive")
	}
	return nil
}
