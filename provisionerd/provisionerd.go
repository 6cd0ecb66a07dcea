// Package provisionerd is the loop of a provisioner daemon: acquire a job, let a
// Provisioner work on it, report while it goes on, complete or fail.
//
// It owns one attempt at a time and the record of it on disk. It never opens a
// database or a network connection: jobs come from a JobSource that it is given,
// which is the queue itself inside the server and a client of it elsewhere. What
// a job means is the Provisioner's business.
//
// States of an attempt, changed by the goroutine of Run only:
//
//	acquired → recorded on disk → working → reported → record removed
//	                                └ canceled | forced | over | lost | stopping
//
// canceled: someone asked for it; the Provisioner ends gracefully, and is killed
// when it does not end within CancelTimeout.
// over: the queue says that the attempt belongs to somebody else; work is killed.
// lost: no answer for the length of a lease; somebody else may have the job soon.
// stopping: this process ends; the job gets its grace and is then handed back.
//
// Whatever the way, the newest state is handed over with the last call. When that
// call cannot be made, the record and the files stay, and the next Run on the
// same directory makes it: no job waits for a person or for the end of a lease.
package provisionerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// JobSource is where jobs come from and where their outcome goes. See jobrpc for
// the order of calls. All methods may be called again after an error without a
// code, or with CodeUnavailable, CodeInternal, CodeRateLimited or
// CodeUnauthenticated; CodeConflict and CodeNotFound mean that the attempt is over.
type JobSource interface {
	// Acquire blocks until there is a job or the request's Wait is over; then it
	// returns nil without an error.
	Acquire(ctx context.Context, req jobrpc.AcquireRequest) (*jobrpc.Job, error)
	Update(ctx context.Context, req jobrpc.UpdateRequest) (jobrpc.UpdateResponse, error)
	Complete(ctx context.Context, req jobrpc.CompleteRequest) error
	Fail(ctx context.Context, req jobrpc.FailRequest) error
	// Archive opens the template archive of a running attempt.
	Archive(ctx context.Context, jobID api.ID, attempt int) (io.ReadCloser, error)
}

// Hinter is a JobSource that can tell at once when somebody wants a job to end,
// instead of with the answer to the next heartbeat. A hint may be lost or come
// for nothing. The returned function ends the hints.
type Hinter interface {
	CancelHints(jobID api.ID) (<-chan struct{}, func())
}

// ModuleKeeper is a JobSource that keeps the modules of template versions. Without
// it each host fetches them for itself.
type ModuleKeeper interface {
	// KeepModules hands in the modules of a running import, see jobrpc.ModulesRequest.
	KeepModules(ctx context.Context, req jobrpc.ModulesRequest) error
	// Modules opens those that Job.ModulesHash names, for a running attempt.
	Modules(ctx context.Context, jobID api.ID, attempt int) (io.ReadCloser, error)
}

// QuotaAsker is a JobSource that knows budgets, see jobrpc.QuotaRequest. Without it
// no build is refused for its cost.
type QuotaAsker interface {
	Quota(ctx context.Context, req jobrpc.QuotaRequest) (jobrpc.QuotaResponse, error)
}

// Provisioner does the work of one job at a time. Cancelling ctx asks it to end
// gracefully and to keep its state; closing Session.Kill to end now. Errors that
// are meant for people are *Failure.
type Provisioner interface {
	Import(ctx context.Context, job *jobrpc.Job, s Session) (*jobrpc.ImportResult, error)
	Build(ctx context.Context, job *jobrpc.Job, s Session) (*jobrpc.BuildResult, error)
	// Plan changes nothing, and hands over no state.
	Plan(ctx context.Context, job *jobrpc.Job, s Session) (*jobrpc.PlanResult, error)
	// Salvage ends processes that an earlier process left behind and returns the
	// newest state it finds among the files, or nil.
	Salvage() ([]byte, error)
	// Discard removes the files of the last job.
	Discard() error
}

// Session is what a Provisioner may use while it works. The functions are safe
// for concurrent use and do not block on the network, except Archive, Modules,
// KeepModules and Quota. Modules and KeepModules are nil where nobody keeps modules,
// Quota where nobody knows budgets; the last two go on until there is an answer or
// ctx ends.
type Session struct {
	Archive     func(ctx context.Context) (io.ReadCloser, error)
	Modules     func(ctx context.Context) (io.ReadCloser, error)
	KeepModules func(ctx context.Context, data []byte) error
	// Quota returns a *Failure where a build may not cost that much a day.
	Quota func(ctx context.Context, dailyCost int) error
	Log   func(line jobrpc.Log)
	// State hands over a snapshot. The newest one is also what a failure keeps.
	State func(state []byte, tokens []api.Secret)
	Kill  <-chan struct{}
}

// Failure is the end of a job that its user can act on. Message is a short
// sentence; Code is one that the API knows, or empty.
type Failure struct {
	Message string
	Code    string
}

// Error implements error.
func (f *Failure) Error() string { return f.Message }

// Options of a Daemon. All fields are required unless said otherwise.
type Options struct {
	Source         JobSource
	Provisioner    Provisioner
	Log            *slog.Logger
	Clock          quartz.Clock
	DaemonID       api.ID
	Name           string
	OrganizationID api.ID
	Tags           map[string]string // may be nil
	// WorkDir is a directory of this daemon alone; the record of the running job
	// is kept in it. It is made when absent.
	WorkDir string
	// PollInterval is how long one Acquire may wait for a job.
	PollInterval time.Duration
	// PollJitter is the random part that is added to it.
	PollJitter time.Duration
	// Grace is how long a running job may go on once Run's context is cancelled,
	// before Terraform is interrupted. Zero interrupts at once.
	Grace time.Duration
	// InterruptTimeout is how long interrupted work may take before it is killed,
	// and how long the last call to the source may take while stopping.
	InterruptTimeout time.Duration
	// CancelTimeout is how long a cancelled job may take to end by itself before
	// it is killed. Zero leaves that to the source, which says ForceCancel.
	CancelTimeout time.Duration
}

// Daemon is one loop; it works on one job at a time.
type Daemon struct {
	opts Options
	log  *slog.Logger
}

// New checks the options. It starts nothing.
func New(opts Options) (*Daemon, error) {
	switch {
	case opts.Source == nil, opts.Provisioner == nil, opts.Log == nil, opts.Clock == nil:
		return nil, errors.New("provisionerd: Source, Provisioner, Log and Clock are required")
	case opts.DaemonID.IsZero(), opts.Name == "", opts.WorkDir == "":
		return nil, errors.New("provisionerd: DaemonID, Name and WorkDir are required")
	case opts.PollInterval <= 0, opts.InterruptTimeout <= 0, opts.Grace < 0, opts.CancelTimeout < 0, opts.PollJitter < 0:
		return nil, errors.New("provisionerd: PollInterval and InterruptTimeout must be positive, Grace, CancelTimeout and PollJitter not negative")
	}
	return &Daemon{opts: opts, log: opts.Log.With("component", "provisionerd", "daemon", opts.Name)}, nil
}

// Run works on jobs until ctx ends and returns nil then, after the running job
// was completed or handed back. It fails at once when WorkDir is not usable or
// in use by another process.
func (d *Daemon) Run(ctx context.Context) error {
	if err := os.MkdirAll(d.opts.WorkDir, 0o700); err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	unlock, err := lockDir(d.opts.WorkDir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := d.recover(ctx); err != nil {
		return err
	}
	pause := backoff{clock: d.opts.Clock, min: 100 * time.Millisecond, max: 10 * time.Second}
	for ctx.Err() == nil {
		job, err := d.opts.Source.Acquire(ctx, jobrpc.AcquireRequest{
			DaemonID: d.opts.DaemonID, DaemonName: d.opts.Name, OrganizationID: d.opts.OrganizationID,
			Tags: d.opts.Tags, Wait: d.opts.PollInterval + rand.N(d.opts.PollJitter+1),
		})
		if err != nil {
			if ctx.Err() == nil {
				d.log.Warn("acquire a job", "error", err)
			}
			pause.wait(ctx)
			continue
		}
		pause.reset()
		if job != nil {
			d.work(ctx, job)
		}
	}
	return nil
}

// backoff waits longer after each failure, with jitter.
type backoff struct {
	clock    quartz.Clock
	min, max time.Duration
	next     time.Duration
}

// wait blocks for the next pause or until ctx ends.
func (b *backoff) wait(ctx context.Context) {
	b.next = min(max(b.next*2, b.min), b.max)
	t := b.clock.NewTimer(b.next/2+rand.N(b.next/2+1), "backoff")
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (b *backoff) reset() { b.next = 0 }

// over reports whether err says that an attempt belongs to us no more.
func over(err error) bool {
	code := api.CodeOf(err)
	return code == api.CodeConflict || code == api.CodeNotFound
}

// refused reports whether err will be the same however often the call is made.
func refused(err error) bool {
	switch api.CodeOf(err) {
	case api.CodeInvalid, api.CodeForbidden, api.CodeTooLarge, api.CodeUnsupported:
		return true
	}
	return over(err)
}
