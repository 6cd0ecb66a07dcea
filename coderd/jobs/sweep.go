package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// The sweep looks every sweepEvery. After a time without the database, or after
// a start, it first gives living daemons sweepGrace to renew their leases: they
// could not, and their work is not lost.
const (
	sweepEvery = 3 * time.Second
	sweepGrace = 2 * jobrpc.HeartbeatInterval
	maxSweep   = 100 // jobs in one go
	purgeEvery = 5 * time.Minute
)

const vanished = "The provisioner daemon vanished: it sent no heartbeat for 30 seconds. Its last saved state is kept; start the job again."

// Run hands out again, or ends, the jobs whose lease ran out, until ctx ends.
// Every replica may run it.
func (q *Queue) Run(ctx context.Context) error {
	tick := q.opts.Clock.NewTicker(sweepEvery)
	defer tick.Stop()
	healthySince := q.opts.Clock.Now()
	failing, purged := false, q.opts.Clock.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if failing || q.opts.Clock.Since(healthySince, "sweep") < sweepGrace {
			err = q.opts.DB.Ping(ctx)
		} else {
			err = q.sweep(ctx)
			if err == nil && q.opts.Clock.Since(purged, "purge") >= purgeEvery {
				purged = q.opts.Clock.Now()
				err = q.purge(ctx)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = q.forgetDaemons(ctx)
		}
		if err != nil && !failing {
			q.log.Warn("expired jobs could not be swept", "error", err)
		}
		if err != nil || failing {
			healthySince = q.opts.Clock.Now()
		}
		failing = err != nil
	}
}

// forgetDaemons removes the rows of daemons that are gone for long, now and then.
func (q *Queue) forgetDaemons(ctx context.Context) error {
	const every = time.Hour
	q.mu.Lock()
	now := q.opts.Clock.Now()
	wait := now.Sub(q.swept) < every
	if !wait {
		q.swept = now
	}
	q.mu.Unlock()
	if wait {
		return nil
	}
	if _, err := q.opts.DB.DeleteOldProvisionerDaemons(ctx, forgetAfter.Seconds()); err != nil {
		return fmt.Errorf("forget daemons: %w", err)
	}
	return nil
}

// sweep treats the expired jobs one by one, each in its own transaction, after
// it marked those that do not stop.
func (q *Queue) sweep(ctx context.Context) error {
	n, err := q.opts.DB.ForceCancelProvisionerJobs(ctx, q.opts.ForceCancelAfter.Seconds())
	if err != nil {
		return fmt.Errorf("force canceled jobs: %w", err)
	}
	if n > 0 {
		q.log.Warn("canceled jobs did not stop and are killed", "jobs", n)
	}
	for range maxSweep {
		found, err := q.sweepOne(ctx)
		if err != nil || !found {
			return err
		}
	}
	return nil
}

// purge removes plans of yesterday with their jobs and logs, and modules that no
// template version uses any more.
func (q *Queue) purge(ctx context.Context) error {
	n, err := q.opts.DB.DeleteOldPlans(ctx)
	if err != nil {
		return fmt.Errorf("purge plans: %w", err)
	}
	if n > 0 {
		q.log.Debug("old plans were removed", "jobs", n)
	}
	return q.purgeModules(ctx)
}

func (q *Queue) sweepOne(ctx context.Context) (found bool, err error) {
	err = q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		found = false
		row, err := tx.LockExpiredProvisionerJob(ctx)
		if database.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find expired jobs: %w", err)
		}
		found = true
		log := q.log.With("job_id", row.ID.String(), "attempt", row.Attempt, "worker", row.WorkerName)
		if api.JobStatus(row.Status) == api.JobRunning && row.Attempt < MaxAttempts {
			log.Warn("job lost its daemon and is handed out again")
			return q.requeue(ctx, tx, row, false)
		}
		log.Warn("job lost its daemon and ends")
		return q.finish(ctx, tx, row, api.JobFailed, jobrpc.FailRequest{JobID: row.ID,
			Attempt: int(row.Attempt), Error: vanished}, false)
	})
	if errors.Is(err, ErrAttemptOver) {
		return true, nil
	}
	return found, err
}
