package provisionerd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// record is what survives this process: which attempt was running.
type record struct {
	JobID   api.ID `json:"job_id"`
	Attempt int    `json:"attempt"`
}

func (d *Daemon) recordPath() string { return filepath.Join(d.opts.WorkDir, "job.json") }

// writeRecord replaces the record; it is complete or absent, never half there.
func (d *Daemon) writeRecord(job *jobrpc.Job) error {
	b, err := json.Marshal(record{JobID: job.ID, Attempt: job.Attempt})
	if err != nil {
		return fmt.Errorf("encode job record: %w", err)
	}
	tmp := d.recordPath() + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write job record: %w", err)
	}
	if err := os.Rename(tmp, d.recordPath()); err != nil {
		return fmt.Errorf("write job record: %w", err)
	}
	return nil
}

// readRecord returns nil when no job was running. An unreadable record counts as
// none: the lease will end that attempt.
func (d *Daemon) readRecord() *record {
	b, err := os.ReadFile(d.recordPath())
	if err != nil {
		return nil
	}
	r := new(record)
	if json.Unmarshal(b, r) != nil || r.JobID.IsZero() {
		return nil
	}
	return r
}

// forget removes the record, then the files. In this order a crash in between
// loses nothing that was not yet reported.
func (d *Daemon) forget() {
	if err := os.Remove(d.recordPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Error("remove job record", "error", err)
	}
	if err := d.opts.Provisioner.Discard(); err != nil {
		d.log.Error("remove job files", "error", err)
	}
}

// recover hands back the job that a killed process was working on, with the
// newest state, so that the queue gives it out again at once. It blocks until
// the source has answered or ctx ends; then the record stays for the next time.
func (d *Daemon) recover(ctx context.Context) error {
	state, err := d.opts.Provisioner.Salvage()
	if err != nil {
		return fmt.Errorf("salvage the last job: %w", err)
	}
	if r := d.readRecord(); r != nil {
		d.log.Warn("handing back a job that was interrupted", "job_id", r.JobID, "attempt", r.Attempt)
		done := d.deliver(ctx, "hand back job", r.JobID, func(ctx context.Context) error {
			return d.opts.Source.Fail(ctx, jobrpc.FailRequest{JobID: r.JobID, Attempt: r.Attempt, Retry: true,
				Error: "The provisioner daemon was interrupted.", State: state})
		})
		if !done.settled {
			return nil
		}
	}
	d.forget()
	return nil
}

// callTimeout bounds one call to the source; calls answer at once.
const callTimeout = 15 * time.Second

// delivery is how a call ended: settled when the source has answered for good,
// err when that answer was a refusal.
type delivery struct {
	settled bool
	err     error
}

// deliver makes a call until the source answers for good or ctx ends.
func (d *Daemon) deliver(ctx context.Context, what string, job api.ID, call func(context.Context) error) delivery {
	pause := backoff{clock: d.opts.Clock, min: 100 * time.Millisecond, max: 5 * time.Second}
	for {
		err := bounded(ctx, call)
		switch {
		case err == nil:
			return delivery{settled: true}
		case over(err):
			d.log.Warn("the attempt is over", "job_id", job, "call", what)
			return delivery{settled: true}
		case refused(err):
			d.log.Error("the source refused a call", "job_id", job, "call", what, "error", err)
			return delivery{settled: true, err: err}
		case ctx.Err() != nil:
			return delivery{}
		}
		d.log.Warn("the source did not answer", "job_id", job, "call", what, "error", err)
		pause.wait(ctx)
		if ctx.Err() != nil {
			return delivery{}
		}
	}
}

func bounded(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}
