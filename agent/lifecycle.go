package agent

import (
	"context"
	"os"

	"coder.internal/agent/child"
	"coder.internal/agent/scripts"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// lifecycle reports changes in order. The queue holds every change there can be
// in one life, so set never blocks and nothing is dropped.
type lifecycle struct {
	a       *Agent
	changes chan agentrpc.Lifecycle
	done    chan struct{} // closed when all changes before close are delivered
}

func newLifecycle(a *Agent) *lifecycle {
	return &lifecycle{a: a, changes: make(chan agentrpc.Lifecycle, 16), done: make(chan struct{})}
}

func (l *lifecycle) set(state api.AgentLifecycle) {
	l.a.opts.Log.Info("lifecycle changed", "state", state)
	l.changes <- agentrpc.Lifecycle{State: state, ChangedAt: l.a.opts.Clock.Now()}
}

// close says that no change follows, and blocks until all are delivered or ctx
// ends.
func (l *lifecycle) close(ctx context.Context) {
	close(l.changes)
	select {
	case <-ctx.Done():
	case <-l.done:
	}
}

func (l *lifecycle) run(ctx context.Context) {
	defer close(l.done)
	for change := range l.changes {
		err := l.a.deliver(ctx, "lifecycle", func(ctx context.Context) error {
			return l.a.opts.Client.PostLifecycle(ctx, change)
		})
		if err != nil {
			l.a.opts.Log.Warn("lifecycle change not delivered", "state", change.State, "error", err)
		}
	}
}

// live goes through the states; ctx ending is the wish to shut down. The server
// knows "created" by itself, so starting is the first change. started is called
// after the start scripts, and waited for; it must return soon after ctx ends.
func (a *Agent) live(ctx context.Context, life *lifecycle, runner *scripts.Runner, started func()) {
	life.set(api.LifecycleStarting)
	outcome := runner.Start(ctx)
	if ctx.Err() == nil {
		// People who watch the start see all of its log before it is over.
		flush, cancel := context.WithTimeout(ctx, lastWords)
		runner.Flush(flush)
		cancel()
		life.set(map[scripts.Outcome]api.AgentLifecycle{
			scripts.OK:       api.LifecycleReady,
			scripts.Failed:   api.LifecycleStartError,
			scripts.TimedOut: api.LifecycleStartTimeout,
		}[outcome])
		started()
		<-ctx.Done()
	}

	life.set(api.LifecycleShuttingDown)
	// Not derived from ctx, which has ended.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.opts.StopTimeout)
	outcome = runner.Stop(stopping)
	switch {
	case outcome == scripts.TimedOut || stopping.Err() != nil:
		life.set(api.LifecycleShutdownTimeout)
	case outcome == scripts.Failed:
		life.set(api.LifecycleShutdownError)
	}
	cancel()
	life.set(api.LifecycleOff)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	runner.Flush(last)
	life.close(last)
}

// expand resolves $NAME in a value of the template; a name that is not set
// becomes empty, as in a shell.
func expand(value string, environ []string) string {
	return os.Expand(value, func(name string) string { return child.Get(environ, name) })
}
