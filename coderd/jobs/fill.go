package jobs

import (
	"context"
	"errors"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// fillTimeout bounds what a Filler does. The lease of the attempt has begun.
const fillTimeout = jobrpc.LeaseDuration / 2

// fill has the owner of a job add what takes the network to know; nil, nil when
// the job has ended because of it.
func (q *Queue) fill(ctx context.Context, job *jobrpc.Job) (*jobrpc.Job, error) {
	typ := api.JobTemplateVersionImport
	switch {
	case job.Build != nil:
		typ = api.JobWorkspaceBuild
	case job.Plan != nil:
		typ = api.JobTemplateVersionDryRun
	}
	f, ok := q.completers[typ].(Filler)
	if !ok {
		return job, nil
	}
	limited, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	err := f.Fill(limited, job)
	if err == nil {
		return job, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err() // the daemon has gone: the lease ends, and the job is handed out again
	}
	req := jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt}
	var told *api.Error
	if errors.As(err, &told) {
		req.Error = told.Error()
	} else {
		q.log.Warn("job could not be filled", "job_id", job.ID.String(), "error", err)
		req.Error, req.Retry = "The server could not prepare this job. Ask an administrator to look for the job's id in the server's log.", true
	}
	if err := q.Fail(ctx, req); err != nil && !errors.Is(err, ErrAttemptOver) {
		return nil, err
	}
	return nil, nil
}
