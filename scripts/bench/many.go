package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

// many measures 50 builds that are asked for at once beside 50 lives by hand of
// which as many run at a time as there are daemons.
func (b *bench) many(ctx context.Context) (err error) {
	s, err := b.site(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	ids := make([]api.ID, atOnce)
	if err := each(atOnce, parallel, func(i int) (err error) {
		ids[i], err = s.create(ctx, "many"+strconv.Itoa(i))
		return err
	}); err != nil {
		return err
	}
	bare := make([]*plain.Terraform, atOnce)
	for i := range bare {
		if bare[i], err = s.terraform(b, s.module, plain.NoPluginTLS); err != nil {
			return err
		}
	}
	idle, err := proc.RSS([]int{s.server.Pid()})
	if err != nil {
		return err
	}
	var peak series
	ours := func(t api.Transition) contender {
		return contender{string(t) + " builds", func(ctx context.Context) ([]float64, error) {
			highest, stop := s.watchMemory(ctx)
			start := time.Now()
			err := each(atOnce, atOnce, func(i int) error {
				_, _, err := s.client.Build(ctx, ids[i], t)
				return err
			})
			took := time.Since(start)
			stop()
			peak = append(peak, float64(*highest-idle)/parallel/(1<<20))
			return []float64{atOnce / took.Seconds()}, err
		}}
	}
	byHand := func(transition string) contender {
		return contender{"terraform", func(ctx context.Context) ([]float64, error) {
			start := time.Now()
			err := each(atOnce, parallel, func(i int) error {
				_, _, err := bare[i].Build(ctx, transition)
				return err
			})
			return []float64{atOnce / time.Since(start).Seconds()}, err
		}}
	}
	if err := each(atOnce, parallel, func(i int) error { _, _, err := bare[i].Build(ctx, plain.Start); return err }); err != nil {
		return err
	}
	values, err := rounds(ctx, min(b.n, 2), 0, ours(api.TransitionStop), byHand(plain.Stop), ours(api.TransitionStart), byHand(plain.Start))
	if err != nil {
		return err
	}
	emit := func(name string, v [][]series) error {
		ref := v[1][0].side("terraform init + apply, " + strconv.Itoa(parallel) + " at a time, no plugin TLS")
		return b.emit(newFigure("throughput of "+strconv.Itoa(atOnce)+" "+name+" builds at once", "builds/s", v[0][0], &ref, atLeastTimes(0.95)))
	}
	return errors.Join(emit("stop", values[:2]), emit("start", values[2:]),
		b.emit(newFigure("server memory per running build, besides terraform's", "MiB", peak, nil)))
}

// watchMemory follows the server's own memory until stop is called.
func (s *site) watchMemory(ctx context.Context) (highest *int64, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	highest, done := new(int64), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(50 * time.Millisecond)
		defer t.Stop()
		for {
			if now, err := proc.RSS([]int{s.server.Pid()}); err == nil {
				*highest = max(*highest, now)
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}()
	return highest, func() { cancel(); <-done }
}
