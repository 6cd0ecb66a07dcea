package jobs

import (
	"context"
	"fmt"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/database"
)

// Limits of log lines. lineCost is what an empty line counts, so that the number
// of lines is bounded too.
const (
	maxLogLines = 1 << 28
	maxStage    = 256
	lineCost    = 8
)

// Sources of a log line.
const (
	sourceDaemon      = "provisioner_daemon"
	sourceProvisioner = "provisioner"
)

// cutMark stands where the log of a job was cut; there is always room for it. A
// daemon cuts with the same words, where its own count is over first.
const (
	cutMark = "The log is too long; the rest is left out."
	cutRoom = 256
)

// appendLogs stores the lines that the attempt has not sent before and notes the
// new counts in renew. It reports whether anything became visible.
func (q *Queue) appendLogs(ctx context.Context, tx *database.Queries, row database.ProvisionerJob, req jobrpc.UpdateRequest, renew *database.RenewProvisionerJobParams) (bool, error) {
	have := int(row.LogOffset)
	if req.LogOffset > have {
		return false, api.Invalid("log_offset", fmt.Sprintf("is %d, but only %d lines have arrived; send from there", req.LogOffset, have))
	}
	repeated := have - req.LogOffset
	if repeated >= len(req.Logs) {
		return false, nil
	}
	lines := req.Logs[repeated:]
	renew.LogOffset = int32(min(have+len(lines), maxLogLines)) //nolint:gosec // bounded here
	batch := database.InsertProvisionerJobLogsParams{JobID: row.ID}
	length, full := int(row.LogsLength), row.LogsOverflowed
	for _, l := range lines {
		out := CleanText(l.Output, jobrpc.MaxLogLine)
		if full {
			break // it stays so: no line may follow a gap
		}
		if length+len(out)+lineCost > jobrpc.MaxLogBytes-cutRoom {
			full = true
			l.Level, l.Source, out = api.LogWarn, sourceDaemon, cutMark
		}
		length += len(out) + lineCost
		batch.CreatedAt = append(batch.CreatedAt, q.reportedTime(l.CreatedAt))
		batch.Source = append(batch.Source, sourceOf(l.Source))
		batch.Level = append(batch.Level, string(levelOf(l.Level)))
		batch.Stage = append(batch.Stage, CleanText(l.Stage, maxStage))
		batch.Output = append(batch.Output, out)
	}
	renew.LogsLength, renew.LogsOverflowed = int32(length), full //nolint:gosec // at most MaxLogBytes
	if len(batch.Output) == 0 {
		return full != row.LogsOverflowed, nil
	}
	if err := tx.InsertProvisionerJobLogs(ctx, batch); err != nil {
		return false, fmt.Errorf("store logs of job %s: %w", row.ID, err)
	}
	return true, nil
}

// reportedTime replaces times that no clock shows and that JSON cannot write.
func (q *Queue) reportedTime(t time.Time) time.Time {
	if t.Year() < 2000 || t.Year() > 2200 {
		return q.opts.Clock.Now().UTC()
	}
	return t.UTC()
}

func sourceOf(s string) string {
	if s == sourceDaemon {
		return s
	}
	return sourceProvisioner
}

func levelOf(l api.LogLevel) api.LogLevel {
	switch l {
	case api.LogTrace, api.LogDebug, api.LogInfo, api.LogWarn, api.LogError:
		return l
	}
	return api.LogInfo
}
