package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

const (
	maxTokenText = 512
	maxStrays    = 8 // kept for one job
)

// Update renews the lease of an attempt and stores what is new: log lines, a
// state snapshot, agent tokens. Sent again it changes nothing. It answers
// whether someone wants the job to end, and ErrAttemptOver when the attempt is.
func (q *Queue) Update(ctx context.Context, req jobrpc.UpdateRequest) (jobrpc.UpdateResponse, error) {
	var res jobrpc.UpdateResponse
	if err := checkUpdate(req); err != nil {
		return res, err
	}
	over := false
	var worker *api.ID
	err := q.opts.DB.InTx(ctx, func(tx *database.Queries) error {
		over = false // the transaction may be run again
		row, err := q.lockHeld(ctx, tx, req.JobID, req.Attempt)
		if err != nil {
			return err
		}
		if !holds(row, req.Attempt) {
			over = true
			newer := len(req.State) > 0 && req.StateSerial > row.StateSerial
			return q.keepLate(ctx, tx, row, late{kind: "update", attempt: req.Attempt, state: req.State, isNew: newer, payload: req})
		}
		worker = row.WorkerID
		res.Cancel = api.JobStatus(row.Status) == api.JobCanceling
		res.ForceCancel = row.ForceCancel
		return q.apply(ctx, tx, row, req)
	})
	if err != nil {
		return jobrpc.UpdateResponse{}, err
	}
	if over {
		return jobrpc.UpdateResponse{}, ErrAttemptOver
	}
	if worker != nil && q.due(*worker) {
		if err := q.opts.DB.TouchProvisionerDaemon(ctx, *worker); err != nil {
			return res, fmt.Errorf("note daemon %s: %w", *worker, err)
		}
		q.mark(*worker)
	}
	return res, nil
}

func checkUpdate(req jobrpc.UpdateRequest) error {
	switch {
	case req.LogOffset < 0 || req.LogOffset > maxLogLines:
		return api.Invalid("log_offset", fmt.Sprintf("must be between 0 and %d", maxLogLines))
	case len(req.Logs) > maxLogLines:
		return api.Invalid("logs", fmt.Sprintf("has more than %d lines", maxLogLines))
	case len(req.State) > jobrpc.MaxStateBytes:
		return api.Invalid("state", fmt.Sprintf("is larger than %d bytes", jobrpc.MaxStateBytes))
	case len(req.AgentTokens) > jobrpc.MaxResources:
		return api.Invalid("agent_tokens", fmt.Sprintf("has more than %d entries", jobrpc.MaxResources))
	}
	for _, t := range req.AgentTokens {
		if t == "" || len(t) > maxTokenText {
			return api.Invalid("agent_tokens", fmt.Sprintf("each needs 1 to %d bytes", maxTokenText))
		}
	}
	return nil
}

// lock loads a job for a change. An unknown job is an attempt that is over.
func lock(ctx context.Context, tx *database.Queries, id api.ID) (database.ProvisionerJob, error) {
	row, err := tx.LockProvisionerJob(ctx, id)
	if database.IsNotFound(err) {
		return row, ErrAttemptOver
	}
	if err != nil {
		return row, fmt.Errorf("load job %s: %w", id, err)
	}
	return row, nil
}

// lockHeld is lock, and lets an attempt whose lease ran out go on when nobody has
// taken its job: the work is not lost, and nobody else has begun.
func (q *Queue) lockHeld(ctx context.Context, tx *database.Queries, id api.ID, attempt int) (database.ProvisionerJob, error) {
	row, err := lock(ctx, tx, id)
	if err != nil || !waiting(row, attempt) || row.LeaseExpiresAt == nil {
		return row, err
	}
	daemon, name := holderOf(row, attempt)
	if daemon == nil {
		return row, nil
	}
	row, err = tx.ReclaimProvisionerJob(ctx, database.ReclaimProvisionerJobParams{ID: row.ID, Attempt: row.Attempt,
		WorkerID: daemon, WorkerName: name, LeaseSeconds: jobrpc.LeaseDuration.Seconds()})
	if err != nil {
		return row, fmt.Errorf("reclaim job %s: %w", id, err)
	}
	q.log.Info("an attempt goes on after its lease ran out", "job_id", id.String(), "attempt", attempt, "worker", name)
	return row, q.announce(ctx, tx, row)
}

// apply stores the news of the attempt that holds the job.
func (q *Queue) apply(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, req jobrpc.UpdateRequest) error {
	renew := database.RenewProvisionerJobParams{
		ID: row.ID, Attempt: row.Attempt, LeaseSeconds: jobrpc.LeaseDuration.Seconds(),
		StateSerial: row.StateSerial, LogOffset: row.LogOffset,
		LogsLength: row.LogsLength, LogsOverflowed: row.LogsOverflowed,
	}
	news, err := q.appendLogs(ctx, tx, row, req, &renew)
	if err != nil {
		return err
	}
	// An empty snapshot never replaces a state, and an older one never a newer.
	if len(req.State) > 0 && req.StateSerial > row.StateSerial {
		if err := q.saveState(ctx, tx, row, req.State); err != nil {
			return err
		}
		renew.StateSerial = req.StateSerial
	}
	announced, err := q.announceTokens(ctx, tx, row, req.AgentTokens)
	if err != nil {
		return err
	}
	n, err := tx.RenewProvisionerJob(ctx, renew)
	if err != nil {
		return fmt.Errorf("renew job %s: %w", row.ID, err)
	}
	if n == 0 {
		return ErrAttemptOver
	}
	if !news && !announced {
		return nil
	}
	return q.announce(ctx, tx, row)
}

func (q *Queue) saveState(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, state []byte) error {
	c, err := q.completer(row)
	if err != nil {
		return err
	}
	if err := c.SaveState(ctx, tx, row, state); err != nil {
		return fmt.Errorf("save state of job %s: %w", row.ID, err)
	}
	return nil
}

// announceTokens stores the hashes of agent tokens of a build. Agents that wait
// for an announcement do not know the job, so all who look at the queue hear it.
func (q *Queue) announceTokens(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, tokens []api.Secret) (bool, error) {
	if len(tokens) == 0 || api.JobType(row.Type) != api.JobWorkspaceBuild {
		return false, nil
	}
	hashes := make([][]byte, len(tokens))
	for i, t := range tokens {
		sum := sha256.Sum256([]byte(t.Reveal()))
		hashes[i] = sum[:]
	}
	n, err := tx.InsertProvisionerJobAgentTokens(ctx, database.InsertProvisionerJobAgentTokensParams{
		TokenHashes: hashes, JobID: row.ID})
	if err != nil {
		return false, fmt.Errorf("announce agents of job %s: %w", row.ID, err)
	}
	if n == 0 {
		return false, nil
	}
	if err := q.opts.PubSub.Publish(ctx, tx, pubsub.TopicJobs()); err != nil {
		return false, fmt.Errorf("announce agents of job %s: %w", row.ID, err)
	}
	return true, nil
}

// late is what a call for an attempt that is over brought.
type late struct {
	kind    string
	attempt int
	state   []byte
	// isNew says that the call brings something worth keeping.
	isNew   bool
	payload any
}

// keepLate saves the state of the last attempt of a job that nobody has taken
// again; everything else goes, sealed, to the strays.
func (q *Queue) keepLate(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, l late) error {
	if !l.isNew {
		return nil
	}
	if waiting(row, l.attempt) && len(l.state) > 0 {
		if err := q.saveState(ctx, tx, row, l.state); err != nil {
			return err
		}
	}
	n, err := tx.CountProvisionerJobStrays(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("keep what job %s brought late: %w", row.ID, err)
	}
	if n >= maxStrays {
		q.log.Error("a late attempt was dropped: too many are kept already", "job_id", row.ID.String())
		return nil
	}
	plain, err := json.Marshal(l.payload)
	if err != nil {
		return fmt.Errorf("encode what job %s brought late: %w", row.ID, err)
	}
	sealed, err := q.opts.Ring.Seal(plain)
	if err != nil {
		return fmt.Errorf("seal what job %s brought late: %w", row.ID, err)
	}
	err = tx.InsertProvisionerJobStray(ctx, database.InsertProvisionerJobStrayParams{
		ID: api.NewID(), JobID: row.ID, Attempt: int32(min(max(l.attempt, -1), 1<<30)), //nolint:gosec // bounded here
		Kind: l.kind, Payload: sealed})
	if err != nil {
		return fmt.Errorf("keep what job %s brought late: %w", row.ID, err)
	}
	q.log.Warn("a late attempt brought something; it is kept aside", "job_id", row.ID.String(), "attempt", l.attempt)
	return nil
}
