// Package lifecycle runs the long-lived parts of a process: it starts them in
// order, waits for all of them, and stops them in reverse.
//
// A part is a func(ctx) error that blocks until its work is over or ctx ends and
// returns only after its last goroutine has. The first part that fails ends the
// whole group. Stopping is sequential, last started first stopped, so that a
// part may lean on those that were started before it until it has returned.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Part is one long-lived component.
type Part struct {
	Name string
	Run  func(ctx context.Context) error
	// Ready, when not nil, is waited for before the next part starts.
	Ready <-chan struct{}
}

// StopTimeout bounds how long one part may take to stop.
const StopTimeout = 30 * time.Second

type running struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

// Run starts parts in order and blocks until ctx ends or a part returns an
// error. It returns that error, or nil after an orderly stop. A part that
// returns nil early is simply over.
func Run(ctx context.Context, parts ...Part) error {
	failed := make(chan error, len(parts))
	var live []running
	var first error
	for _, p := range parts {
		live = append(live, start(ctx, p, failed))
		if first = awaitReady(ctx, p, failed); first != nil {
			break
		}
	}
	if first == nil {
		select {
		case <-ctx.Done():
		case first = <-failed:
		}
	}
	if errors.Is(first, context.Canceled) && ctx.Err() != nil {
		first = nil
	}
	return errors.Join(first, stop(live))
}

func start(ctx context.Context, p Part, failed chan<- error) running {
	// Detached from ctx: the order of stopping is ours, not the context tree's.
	partCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := running{name: p.Name, cancel: cancel, done: make(chan error, 1)}
	go func() {
		err := p.Run(partCtx)
		if err != nil && partCtx.Err() == nil {
			failed <- fmt.Errorf("%s: %w", p.Name, err)
		}
		r.done <- err
	}()
	return r
}

func awaitReady(ctx context.Context, p Part, failed <-chan error) error {
	if p.Ready == nil {
		return nil
	}
	select {
	case <-p.Ready:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends parts in reverse order, each within StopTimeout.
func stop(live []running) error {
	var errs []error
	for i := len(live) - 1; i >= 0; i-- {
		r := live[i]
		r.cancel()
		timer := time.NewTimer(StopTimeout)
		select {
		case <-r.done:
		case <-timer.C:
			errs = append(errs, fmt.Errorf("%s did not stop within %s", r.name, StopTimeout))
		}
		timer.Stop()
	}
	return errors.Join(errs...)
}
