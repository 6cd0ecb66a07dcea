package main

import (
	"context"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/proc"
)

// idleUse measures memory and CPU of a server with one workspace, of its
// Postgres, and of the agent, while nobody does anything. That server has just
// unpacked its binaries, so a second one that found them unpacked is watched too.
func (b *bench) idleUse(ctx context.Context) error {
	d, err := b.deployment(ctx)
	if err != nil {
		return err
	}
	if err := d.started(ctx); err != nil {
		return err
	}
	postgres, err := d.postgres()
	if err != nil {
		return err
	}
	agent, err := d.agentTree(ctx)
	if err != nil {
		return err
	}
	again, err := b.restarted(ctx)
	if err != nil {
		return err
	}
	defer again.Stop() //nolint:errcheck // a late end changes no figure; sweep ends it for sure
	b.say("watching server %d, postgres %v, agent %v for %s", d.server.Pid(), postgres, agent, b.idle)
	watched := []watched{
		{what: "server, first start", pids: []int{d.server.Pid()}, memory: proc.RSS, mib: 70, cpu: 0.06},
		{what: "server, second start", pids: []int{again.Pid()}, memory: proc.RSS, mib: 70, cpu: 0.06},
		{what: "postgres of the server", pids: postgres, memory: proc.PSS},
		{what: "agent", pids: agent, memory: proc.RSS, mib: 25, cpu: 0.05},
	}
	for i := range watched {
		if watched[i].before, err = proc.CPU(watched[i].pids); err != nil {
			return err
		}
	}
	start := time.Now()
	timer := time.NewTimer(b.idle)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	for _, w := range watched {
		if err := b.emitIdle(w, time.Since(start)); err != nil {
			return err
		}
	}
	return nil
}

// restarted returns a server on the files of one that was stopped.
func (b *bench) restarted(ctx context.Context) (*deploy.Server, error) {
	dir, err := b.sub("again")
	if err != nil {
		return nil, err
	}
	if _, err := startOnce(ctx, b.binary, dir); err != nil {
		return nil, err
	}
	return deploy.Start(ctx, b.binary, dir)
}

// watched is one idle thing; limits of zero are no goals.
type watched struct {
	what   string
	pids   []int
	memory func([]int) (int64, error)
	mib    float64 // limit
	cpu    float64 // limit, percent of one core
	before time.Duration
}

func (b *bench) emitIdle(w watched, over time.Duration) error {
	after, err := proc.CPU(w.pids)
	if err != nil {
		return err
	}
	bytes, err := w.memory(w.pids)
	if err != nil {
		return err
	}
	var memory, cpu []goal
	if w.mib > 0 {
		memory, cpu = []goal{atMost(w.mib)}, []goal{atMost(w.cpu)}
	}
	if err := b.emit(newFigure("memory of the idle "+w.what, "MiB", series{float64(bytes) / mib}, nil, memory...)); err != nil {
		return err
	}
	percent := 100 * seconds(after-w.before) / seconds(over)
	return b.emit(newFigure("CPU of the idle "+w.what, "%", series{percent}, nil, cpu...))
}

// postgres lists the processes of the built-in Postgres: it is a child of the
// server, in a group of its own.
func (d *deployment) postgres() ([]int, error) {
	tree, err := proc.Tree(d.server.Pid())
	if err != nil {
		return nil, err
	}
	var out []int
	for _, pid := range tree[1:] {
		args, err := proc.Args(pid)
		if err != nil {
			continue // it ended
		}
		if isPostgres(args[0]) {
			out = append(out, pid)
		}
	}
	return out, nil
}
