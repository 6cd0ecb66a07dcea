package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/proc"
)

const (
	buildWithin = 3 * time.Minute // longest time from asking for a build to its end
	pause       = 50 * time.Millisecond
)

// worker is one person with one workspace at a time.
type worker struct {
	d          *deployment
	name       string
	rng        *rand.Rand
	generation int
	id         api.ID // zero while there is none
	last       api.Transition
	healthy    bool // the last build succeeded

	builds, failed int
}

// workspace is the name of the present workspace.
func (w *worker) workspace() string { return fmt.Sprintf("%s-%d", w.name, w.generation) }

// step runs one build to its end, whatever that is.
func (w *worker) step(ctx context.Context) error {
	switch k := w.rng.IntN(10); {
	case w.id.IsZero():
		return w.create(ctx)
	case !w.healthy:
		return w.build(ctx, w.last) // ask again, as a person would
	case k < 2:
		return w.build(ctx, api.TransitionDelete)
	case w.last == api.TransitionStart && k < 8:
		return w.build(ctx, api.TransitionStop)
	default:
		return w.build(ctx, api.TransitionStart)
	}
}

// create makes the next workspace. A request whose answer was lost is looked for
// before it is sent again.
func (w *worker) create(ctx context.Context) error {
	var made api.Workspace
	err := w.until(ctx, "create "+w.workspace(), func() (err error) {
		if made, err = w.d.c.WorkspaceByName(ctx, "me", w.workspace()); err == nil {
			return nil
		}
		made, err = w.d.c.CreateWorkspace(ctx, "me", api.CreateWorkspaceRequest{Name: w.workspace(), TemplateID: w.d.template})
		return err
	})
	if err != nil {
		return err
	}
	w.id, w.last = made.ID, api.TransitionStart
	return w.wait(ctx, made.LatestBuild.ID)
}

// build asks for a transition and waits for the end of the newest build.
func (w *worker) build(ctx context.Context, t api.Transition) error {
	w.last = t
	var before, now api.Workspace
	err := w.until(ctx, "read "+w.workspace(), func() (err error) {
		before, err = w.d.c.Workspace(ctx, w.id)
		return err
	})
	if err != nil {
		return err
	}
	err = w.until(ctx, string(t)+" "+w.workspace(), func() (err error) {
		now, err = w.d.c.Workspace(ctx, w.id)
		if err != nil || now.LatestBuild.BuildNumber > before.LatestBuild.BuildNumber {
			return err // the answer to an earlier request was lost
		}
		b, err := w.d.c.CreateBuild(ctx, w.id, api.CreateWorkspaceBuildRequest{Transition: t})
		now.LatestBuild = b
		return err
	})
	if err != nil {
		return err
	}
	return w.wait(ctx, now.LatestBuild.ID)
}

// wait waits for the end of a build and notes how it went.
func (w *worker) wait(ctx context.Context, build api.ID) error {
	var b api.WorkspaceBuild
	err := proc.Until(ctx, "the end of build "+build.String()+" of "+w.workspace(), pause, buildWithin, func() (bool, error) {
		now, err := w.d.c.Build(ctx, build)
		if err == nil {
			b = now
		}
		return err == nil && b.Job.Status.Done(), ctx.Err()
	})
	if err != nil {
		return err
	}
	w.builds++
	w.healthy = b.Job.Status == api.JobSucceeded
	if !w.healthy {
		w.failed++
		fmt.Fprintf(os.Stderr, "ledger: %s %s: %s: %.300s\n", w.last, w.workspace(), b.Job.Status, b.Job.Error)
	}
	if w.healthy && w.last == api.TransitionDelete {
		w.id = api.ID{}
		w.generation++
	}
	return nil
}

// until repeats a call while the server is away.
func (w *worker) until(ctx context.Context, what string, call func() error) error {
	var last error
	err := proc.Until(ctx, what, pause, buildWithin, func() (bool, error) {
		last = call()
		return last == nil, ctx.Err()
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return err
}
