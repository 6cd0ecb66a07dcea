package main

import (
	"context"
	"time"

	"coder.internal/scripts/bench/proc"
)

// sessionsAtOnce is how many ssh commands the group parallel starts together.
const sessionsAtOnce = 50

// parallelSSH measures 50 connections that are opened at once, each with one
// command, beside as many of OpenSSH.
func (b *bench) parallelSSH(ctx context.Context) error {
	d, sshd, err := b.sides(ctx)
	if err != nil {
		return err
	}
	slim := d.client.Spec("ssh", workspaceName, "true")
	slim.Path = b.slim
	values, err := rounds(ctx, b.n, 1,
		together("coder ssh", d.client.Spec("ssh", workspaceName, "true")),
		together("ssh", sshd.Client([]string{curve}, "true")),
		together("coder-slim ssh", slim))
	if err != nil {
		return err
	}
	ref := values[1][0].side("50 × ssh localhost true at once, curve25519-sha256")
	f := newFigure("50 × coder ssh WS true at once", "s", values[0][0], &ref, atMost(2))
	f.Also = []side{values[2][0].side("by coder-slim"), values[0][1].side("CPU of the clients of ours"), values[1][1].side("CPU of the clients of OpenSSH")}
	return b.emit(f)
}

// together is a contender that runs a command line sessionsAtOnce times at once:
// seconds until the last has ended, and CPU seconds of all of them.
func together(what string, s proc.Spec) contender {
	return contender{what, func(ctx context.Context) ([]float64, error) {
		used := make([]time.Duration, sessionsAtOnce)
		start := time.Now()
		err := each(sessionsAtOnce, sessionsAtOnce, func(i int) error {
			r, err := proc.Run(ctx, s)
			used[i] = r.CPU
			return err
		})
		wall := time.Since(start)
		var cpu time.Duration
		for _, u := range used {
			cpu += u
		}
		return []float64{wall.Seconds(), cpu.Seconds()}, err
	}}
}
