package scripts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coder/quartz"
	"github.com/robfig/cron/v3"

	"coder.internal/agent/child"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// Statuses and stages of a run, as the control plane knows them.
const (
	StatusOK            = "ok"
	StatusExitFailure   = "exit_failure"
	StatusTimedOut      = "timed_out"
	StatusPipesLeftOpen = "pipes_left_open"

	stageStart = "start"
	stageStop  = "stop"
	stageCron  = "cron"
)

// Reporter receives what the scripts produce. Its methods block until delivered;
// an error means that delivery is pointless (refused, or ctx ended).
type Reporter interface {
	PatchLogs(ctx context.Context, logs agentrpc.PatchLogs) error
	PostScriptResult(ctx context.Context, result agentrpc.ScriptResult) error
}

// Outcome sums up the scripts of one stage; the worst one counts.
type Outcome int

// Outcomes, from good to bad.
const (
	OK Outcome = iota
	Failed
	TimedOut
)

// Options of a Runner. All fields are required but LogDir and PipeDelay.
type Options struct {
	Reporter  Reporter
	Log       *slog.Logger
	Clock     quartz.Clock
	Scripts   []api.AgentScript
	Account   child.Account
	Environ   []string
	Directory string // where scripts start; home if it does not exist
	DataDir   string // below which each script gets a directory of its own
	LogDir    string // for log_path that are not absolute; home if empty
	// PipeDelay is how long a run waits for its output to end after its process
	// has. Zero means 1 s.
	PipeDelay time.Duration
}

// Runner runs scripts. Start and Stop work only while Run does.
type Runner struct {
	opts Options
	base string // of data directories, ours alone
	logs *logQueue

	stopping chan struct{} // closed by Stop
	stopOnce sync.Once
	wg       sync.WaitGroup // copies of output and cron loops

	mu     sync.Mutex
	open   map[*os.File]uint64 // pipes still read, and the how-manieth each is
	opened uint64
}

// New makes the data directories; it starts nothing.
func New(o Options) (*Runner, error) {
	if o.Reporter == nil || o.Log == nil || o.Clock == nil || o.Account.Shell == "" || o.DataDir == "" {
		return nil, errors.New("scripts options: Reporter, Log, Clock, Account and DataDir are required")
	}
	if o.PipeDelay == 0 {
		o.PipeDelay = time.Second
	}
	base, err := privateDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	r := &Runner{opts: o, base: base, open: make(map[*os.File]uint64), stopping: make(chan struct{})}
	r.logs = newLogQueue(o.Clock, o.Reporter, o.Log)
	return r, nil
}

// BinDir is the directory that scripts put programs into; it is on their PATH.
func (r *Runner) BinDir() string { return filepath.Join(r.base, "bin") }

// privateDir returns a directory for scripts that nobody else can write to: its
// bin directory is on a PATH. One that another user made is not used.
func privateDir(parent string) (string, error) {
	base := filepath.Join(parent, "coder-script-data")
	if err := os.MkdirAll(base, 0o700); err != nil || !ownedPrivately(base) {
		if base, err = os.MkdirTemp(parent, "coder-script-data-"); err != nil {
			return "", fmt.Errorf("make script data directory: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(base, "bin"), 0o700); err != nil {
		return "", fmt.Errorf("make script bin directory: %w", err)
	}
	return base, nil
}

// Run sends logs and runs the scripts on a schedule until ctx ends; then it
// stops reading from processes that were left behind and returns. Logs that are
// not sent by then are lost: call Flush before.
func (r *Runner) Run(ctx context.Context) error {
	child.DefaultSignals()
	cronCtx, cancel := context.WithCancel(ctx)
	r.wg.Go(func() {
		defer cancel()
		select {
		case <-ctx.Done():
		case <-r.stopping:
		}
	})
	for _, s := range r.opts.Scripts {
		if s.Cron != "" {
			r.wg.Go(func() { r.schedule(cronCtx, s) })
		}
	}
	r.logs.run(ctx)
	r.mu.Lock()
	for f := range r.open {
		_ = f.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return nil
}

// Start runs the scripts for start side by side and blocks until all have ended.
func (r *Runner) Start(ctx context.Context) Outcome {
	return r.stage(ctx, stageStart, func(s api.AgentScript) bool { return s.RunOnStart })
}

// Stop ends the schedules and runs the scripts for stop; it blocks like Start.
func (r *Runner) Stop(ctx context.Context) Outcome {
	r.stopOnce.Do(func() { close(r.stopping) })
	return r.stage(ctx, stageStop, func(s api.AgentScript) bool { return s.RunOnStop })
}

// Flush blocks until the lines written so far are delivered, or ctx ends.
func (r *Runner) Flush(ctx context.Context) { r.logs.flush(ctx) }

// Once runs a script that the template does not have, in the same way: its log goes
// to its log source, which has to be known to the server. It blocks until the end
// and reports nothing else.
func (r *Runner) Once(ctx context.Context, s api.AgentScript) (status string, code int) {
	return r.run(ctx, s)
}

func (r *Runner) stage(ctx context.Context, stage string, chosen func(api.AgentScript) bool) Outcome {
	var wg sync.WaitGroup
	outcomes := make([]Outcome, len(r.opts.Scripts))
	for i, s := range r.opts.Scripts {
		if chosen(s) {
			wg.Go(func() { outcomes[i] = r.runAndReport(ctx, s, stage) })
		}
	}
	wg.Wait()
	worst := OK
	for _, o := range outcomes {
		worst = max(worst, o)
	}
	return worst
}

func (r *Runner) runAndReport(ctx context.Context, s api.AgentScript, stage string) Outcome {
	result := agentrpc.ScriptResult{ScriptID: s.ID, Stage: stage, StartedAt: r.opts.Clock.Now()}
	result.Status, result.ExitCode = r.run(ctx, s)
	result.EndedAt = r.opts.Clock.Now()
	r.opts.Log.Info("script ended", "script", s.DisplayName, "stage", stage, "status", result.Status, "exit_code", result.ExitCode)
	// Detached: the result of a script that a shutdown interrupts counts too.
	report, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := r.opts.Reporter.PostScriptResult(report, result); err != nil {
		r.opts.Log.Warn("script result not delivered", "script", s.DisplayName, "error", err)
	}
	switch result.Status {
	case StatusTimedOut:
		return TimedOut
	case StatusExitFailure:
		return Failed
	}
	return OK
}

// schedule runs s at its times until ctx ends. Times that pass while it still
// runs are left out.
func (r *Runner) schedule(ctx context.Context, s api.AgentScript) {
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	times, err := parser.Parse(s.Cron)
	if err != nil {
		r.logs.add(s.LogSourceID, api.LogError, fmt.Sprintf(
			"cron %.100q is not valid: %v. It takes six fields: second minute hour day month weekday.", s.Cron, err))
		return
	}
	for {
		now := r.opts.Clock.Now()
		next := times.Next(now)
		if next.IsZero() {
			return // never again
		}
		timer := r.opts.Clock.NewTimer(next.Sub(now), "cron")
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		r.runAndReport(ctx, s, stageCron)
	}
}
