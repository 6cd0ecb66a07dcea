package jobs

import (
	"context"
	"fmt"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/pubsub"
)

// followPage is the number of lines read in one go.
const followPage = 500

// Follow calls emit with the lines after the given id, oldest first, as they
// come. It returns nil when the job has ended and all its lines were emitted; an
// error of emit ends it. It blocks until then or until ctx ends.
func (q *Queue) Follow(ctx context.Context, jobID api.ID, after int64, emit func([]api.ProvisionerJobLog) error) error {
	sub := q.opts.PubSub.Subscribe(pubsub.TopicJob(jobID))
	defer sub.Close()
	poll := q.opts.Clock.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		// The state first: lines written before the end are then seen for sure.
		row, err := q.opts.DB.GetProvisionerJob(ctx, jobID)
		if database.IsNotFound(err) {
			return api.NotFound("Job")
		}
		if err != nil {
			return fmt.Errorf("follow job %s: %w", jobID, err)
		}
		if after, err = q.drain(ctx, jobID, after, emit); err != nil {
			return err
		}
		if api.JobStatus(row.Status).Done() {
			return nil
		}
		select {
		case <-sub.C():
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drain emits all lines there are and returns the id of the last.
func (q *Queue) drain(ctx context.Context, jobID api.ID, after int64, emit func([]api.ProvisionerJobLog) error) (int64, error) {
	for {
		lines, err := q.Logs(ctx, jobID, after, 0, followPage)
		if err != nil {
			return after, err
		}
		if len(lines) == 0 {
			return after, nil
		}
		if err := emit(lines); err != nil {
			return after, err
		}
		after = lines[len(lines)-1].ID
		if len(lines) < followPage {
			return after, nil
		}
	}
}

// Logs returns at most limit lines with ids after and before the ones given;
// before 0 means no upper bound.
func (q *Queue) Logs(ctx context.Context, jobID api.ID, after, before int64, limit int32) ([]api.ProvisionerJobLog, error) {
	rows, err := q.opts.DB.ListProvisionerJobLogs(ctx, database.ListProvisionerJobLogsParams{
		JobID: jobID, AfterID: after, BeforeID: before, MaxRows: limit})
	if err != nil {
		return nil, fmt.Errorf("load logs of job %s: %w", jobID, err)
	}
	out := make([]api.ProvisionerJobLog, len(rows))
	for i, r := range rows {
		out[i] = api.ProvisionerJobLog{ID: r.ID, CreatedAt: r.CreatedAt, Source: r.Source,
			Level: api.LogLevel(r.Level), Stage: r.Stage, Output: r.Output}
	}
	return out, nil
}
