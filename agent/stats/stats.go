// Package stats measures what a template asks the agent to watch: metadata items
// on their intervals, the health of apps, and how full memory and volumes are.
//
// It reports changed values only. It owns the processes of the measuring scripts
// and ends them at their timeout. It never restarts or touches an app: a probe is
// one GET whose redirects are not followed. An app's health goes initializing →
// healthy ⇄ unhealthy; a watched resource is ok ⇄ nok, with hysteresis in time and
// in usage (monitor.go). A value is measured again whether or not it was delivered.
package stats

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/coder/quartz"

	"coder.internal/agent/child"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// Limits: items beyond the first are measured in turn, values in one report are
// those of agentrpc.Metadata.
const (
	maxParallel = 8
	maxValues   = 128
	maxHealths  = 256
)

// Reporter receives what changed. Its methods block until delivered; an error
// means that delivery is pointless (refused, or ctx ended).
type Reporter interface {
	PostMetadata(ctx context.Context, values agentrpc.Metadata) error
	PostAppHealth(ctx context.Context, healths agentrpc.AppHealth) error
	PostMonitors(ctx context.Context, states agentrpc.Monitors) error
}

// Options of a Watcher. All are required but Items, Apps, Monitors and Usage.
type Options struct {
	Reporter Reporter
	Log      *slog.Logger
	Clock    quartz.Clock
	Items    []agentrpc.MetadataItem
	Apps     []api.WorkspaceApp
	Monitors agentrpc.ResourceMonitors
	// Usage measures the volume at path, or the memory, in percent; nil means
	// this machine.
	Usage     func(path string) (int, error)
	Account   child.Account
	Environ   []string
	Directory string
}

// Watcher measures and reports.
type Watcher struct {
	opts  Options
	slots chan struct{}
	wake  chan struct{} // something waits to be sent; holds one

	mu      sync.Mutex
	values  map[string]agentrpc.MetadataValue // not sent yet, the newest of each key
	healths map[string]string                 // not sent yet
	states  map[string]agentrpc.MonitorState  // not sent yet, by path
}

// New returns a Watcher; it starts nothing.
func New(o Options) (*Watcher, error) {
	if o.Reporter == nil || o.Log == nil || o.Clock == nil || o.Account.Shell == "" {
		return nil, errors.New("stats options: Reporter, Log, Clock and Account are required")
	}
	return &Watcher{opts: o, slots: make(chan struct{}, maxParallel), wake: make(chan struct{}, 1),
		values: make(map[string]agentrpc.MetadataValue), healths: make(map[string]string),
		states: make(map[string]agentrpc.MonitorState)}, nil
}

// Run measures until ctx ends and returns after its last process.
func (w *Watcher) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, item := range w.opts.Items {
		wg.Go(func() { w.watchItem(ctx, item) })
	}
	for _, app := range w.opts.Apps {
		if app.Healthcheck.URL != "" {
			wg.Go(func() { w.watchApp(ctx, app) })
		}
	}
	wg.Go(func() { w.watchMonitors(ctx) })
	w.send(ctx)
	wg.Wait()
	return nil
}

// send delivers one report at a time. While it waits for the server, newer values
// replace older ones, so what waits is bounded by the number of items.
func (w *Watcher) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for {
			values, healths := w.take()
			states := w.takeStates()
			if len(values) == 0 && len(healths) == 0 && len(states) == 0 {
				break
			}
			if len(states) > 0 {
				w.note(ctx, "state of watched resources refused", w.opts.Reporter.PostMonitors(ctx, agentrpc.Monitors{States: states}))
			}
			if len(values) > 0 {
				w.note(ctx, "metadata refused", w.opts.Reporter.PostMetadata(ctx, agentrpc.Metadata{Values: values}))
			}
			if len(healths) > 0 {
				w.note(ctx, "app health refused", w.opts.Reporter.PostAppHealth(ctx, agentrpc.AppHealth{Healths: healths}))
			}
		}
	}
}

func (w *Watcher) note(ctx context.Context, message string, err error) {
	if err != nil && ctx.Err() == nil {
		w.opts.Log.Warn(message, "error", err)
	}
}

func (w *Watcher) take() (values []agentrpc.MetadataValue, healths map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(w.values)) {
		if len(values) == maxValues {
			break
		}
		values = append(values, w.values[key])
		delete(w.values, key)
	}
	healths = make(map[string]string)
	for id, health := range w.healths {
		if len(healths) == maxHealths {
			break
		}
		healths[id] = health
		delete(w.healths, id)
	}
	return values, healths
}

// takeStates takes all: the template bounds how many there are.
func (w *Watcher) takeStates() (states []agentrpc.MonitorState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(w.states)) {
		states = append(states, w.states[path])
	}
	clear(w.states)
	return states
}

func (w *Watcher) putMonitor(s agentrpc.MonitorState) {
	w.mu.Lock()
	w.states[s.Path] = s
	w.mu.Unlock()
	w.signal()
}

func (w *Watcher) putValue(v agentrpc.MetadataValue) {
	w.mu.Lock()
	w.values[v.Key] = v
	w.mu.Unlock()
	w.signal()
}

func (w *Watcher) putHealth(id api.ID, health string) {
	w.mu.Lock()
	w.healths[id.String()] = health
	w.mu.Unlock()
	w.signal()
}

func (w *Watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
