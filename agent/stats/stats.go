// Package stats measures what a template asks the agent to watch: metadata items
// on their intervals, and the health of apps.
//
// It reports changed values only. It owns the processes of the measuring scripts
// and ends them at their timeout. It never restarts or touches an app: a probe is
// one GET whose redirects are not followed. An app's health goes initializing →
// healthy ⇄ unhealthy; a value is measured again whether or not it was delivered.
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
}

// Options of a Watcher. All are required but Items and Apps.
type Options struct {
	Reporter  Reporter
	Log       *slog.Logger
	Clock     quartz.Clock
	Items     []agentrpc.MetadataItem
	Apps      []api.WorkspaceApp
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
}

// New returns a Watcher; it starts nothing.
func New(o Options) (*Watcher, error) {
	if o.Reporter == nil || o.Log == nil || o.Clock == nil || o.Account.Shell == "" {
		return nil, errors.New("stats options: Reporter, Log, Clock and Account are required")
	}
	return &Watcher{opts: o, slots: make(chan struct{}, maxParallel), wake: make(chan struct{}, 1),
		values: make(map[string]agentrpc.MetadataValue), healths: make(map[string]string)}, nil
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
			if len(values) == 0 && len(healths) == 0 {
				break
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
