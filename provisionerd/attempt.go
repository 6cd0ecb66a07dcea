package provisionerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api/jobrpc"
)

// Why work was asked to end; the cause of an attempt's context.
var (
	errCanceled = errors.New("canceled")
	errOver     = errors.New("the attempt is over")
	errLost     = errors.New("the job queue did not answer for the length of a lease")
	errStopping = errors.New("the provisioner daemon is stopping")
)

// attempt is one job in work.
type attempt struct {
	d      *Daemon
	job    *jobrpc.Job
	news   *news
	cause  func() error // why the work was asked to end, nil if it was not
	cancel context.CancelCauseFunc
	kill   func()
	killed chan struct{}
}

// outcome of the Provisioner.
type outcome struct {
	imported *jobrpc.ImportResult
	built    *jobrpc.BuildResult
	planned  *jobrpc.PlanResult
	err      error
}

// work runs one attempt to its end. ctx is the daemon's: its end starts the grace.
func (d *Daemon) work(ctx context.Context, job *jobrpc.Job) {
	log := d.log.With("job_id", job.ID, "attempt", job.Attempt)
	log.Info("job acquired")
	if err := d.writeRecord(job); err != nil {
		log.Error("record the job", "error", err)
		d.deliver(ctx, "hand back job", job.ID, func(ctx context.Context) error {
			return d.opts.Source.Fail(ctx, jobrpc.FailRequest{JobID: job.ID, Attempt: job.Attempt, Retry: true,
				Error: "The provisioner daemon cannot write to its work directory."})
		})
		return
	}
	a := &attempt{d: d, job: job, news: newNews(), killed: make(chan struct{})}
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	a.cancel, a.cause = cancel, func() error { return context.Cause(working) }
	a.kill = sync.OnceFunc(func() { close(a.killed) })

	result := make(chan outcome, 1)
	go func() { result <- a.provision(working) }()
	pumping, stopPump := context.WithCancel(context.WithoutCancel(ctx))
	pumped := make(chan struct{})
	go func() { defer close(pumped); a.pump(pumping) }()

	out := a.await(ctx, working, result)
	stopPump()
	<-pumped

	last, stop := d.lastCalls(ctx)
	defer stop()
	if a.report(last, out) {
		d.forget()
		log.Info("job ended", "error", out.err)
		return
	}
	log.Warn("the outcome of the job could not be delivered; it is kept for the next start")
}

// provision calls the Provisioner and turns a panic of it into an error: foreign
// input must not end the other daemons of this process.
func (a *attempt) provision(ctx context.Context) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = outcome{err: fmt.Errorf("provisioner panicked: %v", p)}
		}
	}()
	s := a.session()
	switch job := a.job; {
	case job.Import != nil && job.Build == nil && job.Plan == nil:
		out.imported, out.err = a.d.opts.Provisioner.Import(ctx, job, s)
	case job.Build != nil && job.Import == nil && job.Plan == nil:
		out.built, out.err = a.d.opts.Provisioner.Build(ctx, job, s)
	case job.Plan != nil && job.Import == nil && job.Build == nil:
		out.planned, out.err = a.d.opts.Provisioner.Plan(ctx, job, s)
	default:
		out.err = &Failure{Message: "This provisioner daemon does not know this kind of job; upgrade it."}
	}
	return out
}

// session returns what the Provisioner may use.
func (a *attempt) session() Session {
	s := Session{Log: a.news.addLog, State: a.news.setState, Kill: a.killed,
		Archive: func(ctx context.Context) (io.ReadCloser, error) {
			return a.d.opts.Source.Archive(ctx, a.job.ID, a.job.Attempt)
		}}
	if asker, ok := a.d.opts.Source.(QuotaAsker); ok {
		s.Quota = a.askQuota(asker)
	}
	keeper, ok := a.d.opts.Source.(ModuleKeeper)
	if !ok {
		return s
	}
	s.Modules = func(ctx context.Context) (io.ReadCloser, error) {
		return keeper.Modules(ctx, a.job.ID, a.job.Attempt)
	}
	s.KeepModules = func(ctx context.Context, data []byte) error {
		done := a.d.deliver(ctx, "keep modules", a.job.ID, func(ctx context.Context) error {
			return keeper.KeepModules(ctx, jobrpc.ModulesRequest{JobID: a.job.ID, Attempt: a.job.Attempt, Data: data})
		})
		if !done.settled {
			return context.Cause(ctx)
		}
		return done.err
	}
	return s
}

// await blocks until the Provisioner is done. It starts the grace when the
// daemon is told to stop, and kills work that does not end when interrupted.
func (a *attempt) await(daemon, working context.Context, result <-chan outcome) outcome {
	stopping, interrupted := daemon.Done(), working.Done()
	var grace, kill <-chan time.Time
	var timers []*quartz.Timer
	defer func() {
		for _, t := range timers {
			t.Stop()
		}
	}()
	after := func(d time.Duration, tag string) <-chan time.Time {
		timers = append(timers, a.d.opts.Clock.NewTimer(d, tag))
		return timers[len(timers)-1].C
	}
	for {
		select {
		case out := <-result:
			return out
		case <-stopping:
			stopping = nil
			grace = after(a.d.opts.Grace, "grace")
		case <-grace:
			a.cancel(errStopping)
			kill = after(a.d.opts.InterruptTimeout, "kill")
		case <-interrupted:
			interrupted = nil
			patience := a.d.opts.InterruptTimeout
			if errors.Is(a.cause(), errCanceled) {
				patience = a.d.opts.CancelTimeout
			}
			if kill == nil && patience > 0 {
				kill = after(patience, "kill")
			}
		case <-kill:
			a.kill()
		}
	}
}

// lastCalls returns the context for reporting: as long as the daemon lives, and
// InterruptTimeout longer.
func (d *Daemon) lastCalls(ctx context.Context) (context.Context, func()) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := d.opts.Clock.NewTimer(d.opts.InterruptTimeout, "last")
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-last.Done():
		}
	})
	return last, func() { stop(); cancel() }
}

// report makes the last call and returns whether the source has answered it.
func (a *attempt) report(ctx context.Context, out outcome) bool {
	if !a.flush(ctx) {
		return false
	}
	if out.err == nil {
		done := a.d.deliver(ctx, "complete job", a.job.ID, func(ctx context.Context) error {
			return a.d.opts.Source.Complete(ctx, jobrpc.CompleteRequest{JobID: a.job.ID, Attempt: a.job.Attempt,
				Import: out.imported, Build: out.built, Plan: out.planned})
		})
		if done.err == nil {
			return done.settled
		}
		if out.built != nil {
			a.news.setState(out.built.State, nil)
		}
		out.err = &Failure{Message: "The result of the job was refused: " + done.err.Error()}
	}
	req := a.failure(out.err)
	return a.d.deliver(ctx, "fail job", a.job.ID, func(ctx context.Context) error {
		return a.d.opts.Source.Fail(ctx, req)
	}).settled
}

// failure words the end of an attempt that did not succeed.
func (a *attempt) failure(err error) jobrpc.FailRequest {
	req := jobrpc.FailRequest{JobID: a.job.ID, Attempt: a.job.Attempt, State: a.news.lastState()}
	var known *Failure
	switch cause := a.cause(); {
	case errors.Is(cause, errCanceled):
		req.Error, req.Canceled = "Canceled", true
	case cause != nil:
		req.Error, req.Retry = "Interrupted: "+cause.Error()+".", true
	case errors.As(err, &known):
		req.Error, req.Code = known.Message, known.Code
	default:
		a.d.log.Error("provision", "job_id", a.job.ID, "error", err)
		req.Error = "The provisioner daemon had a problem: " + err.Error()
	}
	req.Error = clean(req.Error, maxErrorBytes)
	return req
}

// maxErrorBytes bounds the error of a job; the log has the rest.
const maxErrorBytes = 8 << 10

// flush sends what is left of the log. It returns false when ctx ended first.
func (a *attempt) flush(ctx context.Context) bool {
	if errors.Is(a.cause(), errOver) {
		return true
	}
	req, any := a.news.take(a.job)
	if !any {
		return true
	}
	return a.d.deliver(ctx, "send log", a.job.ID, func(ctx context.Context) error {
		_, err := a.d.opts.Source.Update(ctx, req)
		return err
	}).settled
}

// answer acts on what the source says to an update.
func (a *attempt) answer(resp jobrpc.UpdateResponse) {
	if resp.Cancel || resp.ForceCancel {
		a.cancel(errCanceled)
	}
	if resp.ForceCancel {
		a.kill()
	}
}

// stop reports why an attempt may not go on, if so.
func (a *attempt) stop(err error, lastAnswer time.Time) {
	switch {
	case over(err):
		a.cancel(errOver)
		a.kill()
	case a.d.opts.Clock.Since(lastAnswer) >= jobrpc.LeaseDuration:
		a.cancel(errLost)
	}
}
