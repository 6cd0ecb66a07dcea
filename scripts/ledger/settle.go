package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"coder.internal/api"
	"coder.internal/scripts/bench/proc"
)

// perKind is how many resources of each kind the template has.
const perKind = 3

// settle uses every workspace once more, without kills and without repairs,
// deletes it, and reads the ledger.
func settle(ctx context.Context, d *deployment, b *book, s *weather) (result, error) {
	res := result{Kills: s.kills}
	for _, w := range s.workers {
		if err := w.through(ctx, b, &res); err != nil {
			return res, fmt.Errorf("after the storm: workspace %s: %w", w.workspace(), err)
		}
		res.Builds += w.builds
		res.Failed += w.failed
	}
	c, err := b.read()
	if err != nil {
		return res, err
	}
	res.Creates, res.Destroys, res.Again, res.Doubles = c.creates, c.destroys, c.again, c.doubles
	res.Orphans = len(c.live)
	for _, key := range slices.Sorted(maps.Keys(c.live)) {
		fmt.Printf("orphan %s\n", key)
	}
	server, daemons := d.running()
	d.stop()
	for _, p := range append(daemons, server) {
		left, err := proc.Tree(p.Pid())
		if err == nil {
			res.Processes += len(left)
		}
	}
	marked, err := proc.Marked(b.path)
	res.Processes += len(marked)
	return res, err
}

// through starts, stops, starts and deletes a workspace. The first build of a
// workspace that the storm left broken may be the one that it had asked for.
func (w *worker) through(ctx context.Context, b *book, res *result) error {
	if !w.id.IsZero() && !w.healthy {
		res.Retried++
		if err := w.must(ctx, b, w.last); err != nil {
			return err
		}
	}
	if w.id.IsZero() {
		if err := w.create(ctx); err != nil {
			return err
		}
		if !w.healthy {
			return fmt.Errorf("it cannot be made")
		}
	}
	for _, t := range []api.Transition{api.TransitionStart, api.TransitionStop, api.TransitionStart, api.TransitionDelete} {
		if err := w.must(ctx, b, t); err != nil {
			return err
		}
	}
	return nil
}

// must runs one build, which has to succeed and to leave what it should.
func (w *worker) must(ctx context.Context, b *book, t api.Transition) error {
	name := w.workspace()
	if err := w.build(ctx, t); err != nil {
		return err
	}
	if !w.healthy {
		return fmt.Errorf("the %s failed", t)
	}
	c, err := b.read()
	if err != nil {
		return err
	}
	want := map[api.Transition]int{api.TransitionStart: 2 * perKind, api.TransitionStop: perKind, api.TransitionDelete: 0}[t]
	if live := c.of(name); len(live) != want {
		return fmt.Errorf("after %s there are %d things, not %d: %v", t, len(live), want, live)
	}
	return nil
}
