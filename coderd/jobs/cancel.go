package jobs

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// Cancel asks a job to end, inside the caller's transaction tx. A pending job is
// canceled at once; the daemon of a running one hears of it with its next
// heartbeat. force kills the work instead of asking it to stop. Asking twice is
// fine; a job that has ended gives CodeConflict.
func (q *Queue) Cancel(ctx context.Context, tx *database.Queries, jobID api.ID, force bool) error {
	row, err := tx.LockProvisionerJob(ctx, jobID)
	if database.IsNotFound(err) {
		return api.NotFound("Job")
	}
	if err != nil {
		return fmt.Errorf("cancel job %s: %w", jobID, err)
	}
	switch status := api.JobStatus(row.Status); {
	case status == api.JobPending:
		return q.finish(ctx, tx, row, api.JobCanceled, jobrpc.FailRequest{JobID: row.ID,
			Attempt: int(row.Attempt), Error: "The job was canceled before it started.", Canceled: true}, false)
	case status.Done():
		return api.Conflict("The job has ended already: it is " + row.Status + ".")
	}
	if _, err := tx.CancelProvisionerJob(ctx, database.CancelProvisionerJobParams{ID: row.ID, Force: force}); err != nil {
		return fmt.Errorf("cancel job %s: %w", jobID, err)
	}
	if err := q.opts.PubSub.Publish(ctx, tx, pubsub.TopicCancel(jobID)); err != nil {
		return fmt.Errorf("cancel job %s: %w", jobID, err)
	}
	return q.announce(ctx, tx, row)
}

// CancelHints implements provisionerd.Hinter for the daemons of this process.
func (q *Queue) CancelHints(jobID api.ID) (<-chan struct{}, func()) {
	sub := q.opts.PubSub.Subscribe(pubsub.TopicCancel(jobID))
	return sub.C(), sub.Close
}

// wake tells those who look at the job and those who look for work.
func (q *Queue) wake(ctx context.Context, tx *database.Queries, row database.ProvisionerJob) error {
	if err := q.opts.PubSub.Publish(ctx, tx, pubsub.TopicJobs()); err != nil {
		return fmt.Errorf("requeue job %s: %w", row.ID, err)
	}
	return q.announce(ctx, tx, row)
}
