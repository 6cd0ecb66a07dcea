package jobs

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// Complete ends an attempt with success. Sent again by the same attempt it
// returns nil. When the result is not acceptable the job ends as failed, with
// the state that the result holds, and the error says why.
func (q *Queue) Complete(ctx context.Context, req jobrpc.CompleteRequest) error {
	over := false
	err := q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		over = false
		row, err := q.lockHeld(ctx, tx, req.JobID, req.Attempt)
		if err != nil {
			return err
		}
		if endedBy(row, req.Attempt, api.JobSucceeded) {
			return nil
		}
		if !holds(row, req.Attempt) {
			over = true
			return q.keepLate(ctx, tx, row, late{kind: "complete", attempt: req.Attempt,
				state: stateOf(req), isNew: fits(stateOf(req)), payload: req})
		}
		if err := checkResult(row, req); err != nil {
			return err
		}
		return q.succeed(ctx, tx, row, req)
	})
	if over && err == nil {
		return ErrAttemptOver
	}
	if api.CodeOf(err) != api.CodeInvalid {
		return err
	}
	failErr := q.Fail(ctx, jobrpc.FailRequest{JobID: req.JobID, Attempt: req.Attempt,
		Error: "The result of the job was refused: " + err.Error(), State: stateOf(req)})
	if failErr != nil {
		return failErr
	}
	return err
}

func (q *Queue) succeed(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, req jobrpc.CompleteRequest) error {
	c, err := q.completer(row)
	if err != nil {
		return err
	}
	n, err := tx.FinishProvisionerJob(ctx, database.FinishProvisionerJobParams{
		ID: row.ID, Attempt: row.Attempt, Status: string(api.JobSucceeded), Released: true})
	if err != nil {
		return fmt.Errorf("complete job %s: %w", row.ID, err)
	}
	if n == 0 {
		return ErrAttemptOver
	}
	row.Status = string(api.JobSucceeded)
	if err := c.Complete(ctx, tx, row, req); err != nil {
		return fmt.Errorf("complete job %s: %w", row.ID, err)
	}
	if err := tx.DeleteProvisionerJobAgentTokens(ctx, row.ID); err != nil {
		return fmt.Errorf("complete job %s: %w", row.ID, err)
	}
	return q.announce(ctx, tx, row)
}

// checkResult refuses a result of the wrong kind or size.
func checkResult(row database.ProvisionerJob, req jobrpc.CompleteRequest) error {
	var resources int
	switch api.JobType(row.Type) {
	case api.JobTemplateVersionImport:
		if req.Import == nil || req.Build != nil || req.Plan != nil {
			return api.Invalid("import", "must be the one result of an import")
		}
		resources = max(len(req.Import.Start), len(req.Import.Stop))
	case api.JobTemplateVersionDryRun:
		if req.Plan == nil || req.Import != nil || req.Build != nil {
			return api.Invalid("plan", "must be the one result of a plan")
		}
		resources = max(len(req.Plan.Resources), len(req.Plan.Changes))
	default:
		if req.Build == nil || req.Import != nil || req.Plan != nil {
			return api.Invalid("build", "must be the one result of a build")
		}
		resources = len(req.Build.Resources)
	}
	if resources > jobrpc.MaxResources {
		return api.Invalid("resources", fmt.Sprintf("has %d entries, at most %d are allowed", resources, jobrpc.MaxResources))
	}
	if !fits(stateOf(req)) {
		return api.Invalid("state", fmt.Sprintf("is larger than %d bytes", jobrpc.MaxStateBytes))
	}
	return nil
}

func stateOf(req jobrpc.CompleteRequest) []byte {
	if req.Build == nil {
		return nil
	}
	return req.Build.State
}

func fits(state []byte) bool { return len(state) <= jobrpc.MaxStateBytes }

// Fail ends an attempt without success; the state it brings is saved. With Retry
// the job is handed out again while attempts are left and nobody cancelled it.
// Sent again by the same attempt it returns nil.
func (q *Queue) Fail(ctx context.Context, req jobrpc.FailRequest) error {
	req.Error = CleanText(req.Error, maxError)
	req.Code = CleanText(req.Code, maxCode)
	if !fits(req.State) {
		// Ending the job matters more; the last snapshot stays in place.
		q.log.Error("the final state of a job was dropped: it is too large", "job_id", req.JobID.String(), "bytes", len(req.State))
		req.State = nil
	}
	over := false
	err := q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		over = false
		row, err := lock(ctx, tx, req.JobID)
		if err != nil {
			return err
		}
		switch {
		case holds(row, req.Attempt):
			return q.fail(ctx, tx, row, req)
		case endedBy(row, req.Attempt, api.JobFailed, api.JobCanceled):
			return nil
		case waiting(row, req.Attempt):
			// Handed back already, by this call or by the sweep.
			if len(req.State) == 0 {
				return nil
			}
			return q.saveState(ctx, tx, row, req.State)
		}
		over = true
		return q.keepLate(ctx, tx, row, late{kind: "fail", attempt: req.Attempt,
			state: req.State, isNew: len(req.State) > 0, payload: req})
	})
	if over && err == nil {
		return ErrAttemptOver
	}
	return err
}

// fail ends the attempt that holds the job.
func (q *Queue) fail(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, req jobrpc.FailRequest) error {
	canceling := api.JobStatus(row.Status) == api.JobCanceling
	if req.Retry && !canceling && row.Attempt < MaxAttempts {
		if len(req.State) > 0 {
			if err := q.saveState(ctx, tx, row, req.State); err != nil {
				return err
			}
		}
		return q.requeue(ctx, tx, row, true)
	}
	status := api.JobFailed
	if canceling && (req.Canceled || req.Retry) {
		status = api.JobCanceled
	}
	if req.Error == "" {
		req.Error = "The job ended without saying why."
		if status == api.JobCanceled {
			req.Error = "The job was canceled."
		}
	}
	return q.finish(ctx, tx, row, status, req, true)
}

// requeue makes a running job pending again.
func (q *Queue) requeue(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, released bool) error {
	n, err := tx.RequeueProvisionerJob(ctx, database.RequeueProvisionerJobParams{
		ID: row.ID, Attempt: row.Attempt, Released: released})
	if err != nil {
		return fmt.Errorf("requeue job %s: %w", row.ID, err)
	}
	if n == 0 {
		return ErrAttemptOver
	}
	return q.wake(ctx, tx, row)
}
