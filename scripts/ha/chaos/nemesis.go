package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"coder.internal/scripts/ha/cluster"
	"coder.internal/scripts/ha/history"
)

// fault is something that goes wrong, and what ends it. A part that is nil needs
// nothing.
type fault struct {
	name       string
	start, end func(context.Context) error
}

// nemesis makes faults until the time is over, heals everything and waits until all
// replicas serve.
func (s *storm) nemesis(ctx context.Context, rng *rand.Rand) error {
	s.faults = map[string]int{}
	for deadline := time.Now().Add(time.Duration(s.seconds) * time.Second); time.Now().Before(deadline); {
		if err := pass(ctx, rng, 500, 2500); err != nil {
			return err
		}
		f := s.choose(rng)
		s.faults[f.name]++
		if err := s.note(ctx, f.name, f.start); err != nil {
			return err
		}
		if err := pass(ctx, rng, 500, 8000); err != nil {
			return err
		}
		if err := s.note(ctx, "end of "+f.name, f.end); err != nil {
			return err
		}
	}
	for _, r := range s.cluster.Replicas {
		if err := s.cluster.Balancer.Up(ctx, r.Name, true); err != nil {
			return err
		}
	}
	return nil
}

// note does one thing and writes it down.
func (s *storm) note(ctx context.Context, what string, do func(context.Context) error) error {
	op := history.Op{Do: history.Nemesis, Value: what, Start: s.record.Now(), Outcome: history.OK}
	var err error
	if do != nil {
		err = do(ctx)
	}
	if op.End = s.record.Now(); err != nil {
		op.Outcome, op.Error = history.Failed, err.Error()
		err = fmt.Errorf("%s: %w", what, err)
	}
	s.record.Add(op)
	return err
}

// pass lets a random time pass, given in milliseconds.
func pass(ctx context.Context, rng *rand.Rand, least, most int) error {
	t := time.NewTimer(time.Duration(least+rng.IntN(most-least)) * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// choose picks the next fault.
func (s *storm) choose(rng *rand.Rand) fault {
	all := s.cluster.Replicas
	r := all[rng.IntN(len(all))]
	switch k := rng.IntN(20); {
	case k < 5:
		return fault{"kill " + r.Name, plain(r.Kill), r.Start}
	case k < 8:
		return fault{"stop " + r.Name, plain(r.Stop), r.Start}
	case k < 11:
		return fault{"freeze " + r.Name, plain(r.Freeze), plain(r.Thaw)}
	case k < 13:
		return fault{"break link of " + r.Name, act(r.Link.Break), act(r.Link.Heal)}
	case k < 15:
		return fault{"stall link of " + r.Name, act(r.Link.Stall), act(r.Link.Heal)}
	case k < 17:
		n := 1 + rng.IntN(20)
		return fault{"end connections of postgres", func(ctx context.Context) error {
			_, err := s.cluster.Postgres.Terminate(ctx, n)
			return err
		}, nil}
	case k < 19:
		return fault{"crash postgres", plain(s.cluster.Postgres.Crash), s.cluster.Postgres.Ready}
	}
	return fault{"kill all replicas", each(all, func(_ context.Context, r *cluster.Replica) error { return r.Kill() }),
		each(all, func(ctx context.Context, r *cluster.Replica) error { return r.Start(ctx) })}
}

func plain(do func() error) func(context.Context) error {
	return func(context.Context) error { return do() }
}

func act(do func()) func(context.Context) error {
	return func(context.Context) error { do(); return nil }
}

// each does something to all replicas at the same time.
func each(all []*cluster.Replica, do func(context.Context, *cluster.Replica) error) func(context.Context) error {
	return func(ctx context.Context) error {
		errs := make([]error, len(all))
		var wg sync.WaitGroup
		for i, r := range all {
			wg.Go(func() { errs[i] = do(ctx, r) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}
