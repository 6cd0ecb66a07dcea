package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

const mostTransfers = 3 // of one kind: each takes seconds

// relayed measures transfers whose packets go through the relay.
func (b *bench) relayed(ctx context.Context) error {
	return b.transfers(ctx, "relayed", []string{"CODER_DISABLE_DIRECT_CONNECTIONS=true"},
		[]goal{atLeast(100)}, []goal{atMost(20)})
}

// direct measures transfers between the two ends themselves.
func (b *bench) direct(ctx context.Context) error {
	return b.transfers(ctx, "direct", nil, []goal{atLeast(200), atLeastTimes(0.8)}, []goal{atMost(16)})
}

// transfers measures both directions beside OpenSSH on loopback: speed, and the
// CPU of all processes on the way.
func (b *bench) transfers(ctx context.Context, path string, env []string, speed, cpu []goal) error {
	d, sshd, err := b.sides(ctx)
	if err != nil {
		return err
	}
	if err := b.pathTaken(ctx, d, path, env); err != nil {
		return err
	}
	ours := func(command string) proc.Spec {
		s := d.client.Spec("ssh", workspaceName, command)
		s.Env = append(s.Env, env...)
		return s
	}
	plainly := func(command string) proc.Spec { return sshd.Client([]string{curve}, command) }
	gcm := func(command string) proc.Spec {
		return sshd.Client([]string{curve, "Ciphers=aes128-gcm@openssh.com"}, command)
	}
	us := usage{inner: d.server.Pid(), d: d, sshd: sshd}
	for _, way := range []struct {
		name string
		move func(context.Context, proc.Spec, int64) (proc.Result, error)
		line string
	}{
		{"down", down, "head -c " + strconv.FormatInt(b.size, 10) + " /dev/zero"},
		{"up", up, "wc -c"},
	} {
		move := func(what string, spec proc.Spec, count func(context.Context) (times, error)) contender {
			return b.mover(what, spec, way.move, count)
		}
		values, err := rounds(ctx, min(b.n, mostTransfers), 0,
			move("coder ssh", ours(way.line), us.product),
			move("ssh", plainly(way.line), us.openssh),
			move("ssh with aes128-gcm", gcm(way.line), us.openssh))
		if err != nil {
			return err
		}
		if err := b.emitTransfers(way.name+", "+path, values, speed, cpu); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) emitTransfers(name string, values [][]series, speed, cpu []goal) error {
	what := []string{"OpenSSH on loopback", "OpenSSH on loopback, aes128-gcm"}
	ref := values[1][0].side(what[0])
	f := newFigure(fmt.Sprintf("ssh %d MiB %s", b.size/mib, name), "MiB/s", values[0][0], &ref, speed...)
	f.Also = []side{values[2][0].side(what[1])}
	if err := b.emit(f); err != nil {
		return err
	}
	ref = values[1][1].side(what[0] + ", client and server")
	f = newFigure("CPU of ssh "+name, "s/GiB", values[0][1], &ref, cpu...)
	f.Also = []side{values[2][1].side(what[1]), values[0][2].side("of that the server"),
		values[0][3].side("of that the agent"), values[0][4].side("of that the client")}
	return b.emit(f)
}

// pathTaken says on standard error which way the packets go.
func (b *bench) pathTaken(ctx context.Context, d *deployment, path string, env []string) error {
	s := d.client.Spec("ping", workspaceName, "-n", "3")
	s.Env = append(s.Env, env...)
	r, err := proc.Run(ctx, s)
	if err != nil {
		return err
	}
	for line := range strings.Lines(r.Stdout) {
		b.say("%s: %s", path, strings.TrimRight(line, "\n"))
	}
	return nil
}

// times is CPU so far, by who used it.
type times struct{ inner, outer time.Duration }

// usage reads CPU times of long-lived processes.
type usage struct {
	inner int // the server
	d     *deployment
	sshd  *plain.SSHD
}

// product reads the server (inner) and the agent with its children (outer).
func (u usage) product(ctx context.Context) (t times, err error) {
	if t.inner, err = proc.CPU([]int{u.inner}); err != nil {
		return t, err
	}
	agent, err := u.d.agentTree(ctx)
	if err != nil {
		return t, err
	}
	t.outer, err = proc.CPU(agent)
	return t, err
}

// openssh reads sshd with all connections that ended.
func (u usage) openssh(ctx context.Context) (t times, err error) {
	if err := u.sshd.Quiet(ctx); err != nil {
		return t, err
	}
	t.outer, err = proc.CPU([]int{u.sshd.Pid()})
	return t, err
}

// mover is a contender that moves b.size bytes: MiB/s, CPU seconds per GiB in
// all, and those of server, far end and client.
func (b *bench) mover(what string, spec proc.Spec, move func(context.Context, proc.Spec, int64) (proc.Result, error),
	count func(context.Context) (times, error)) contender {
	return contender{what, func(ctx context.Context) ([]float64, error) {
		before, err := count(ctx)
		if err != nil {
			return nil, err
		}
		r, err := move(ctx, spec, b.size)
		if err != nil {
			return nil, err
		}
		after, err := count(ctx)
		if err != nil {
			return nil, err
		}
		perGiB := float64(1<<30) / float64(b.size)
		server, far, near := seconds(after.inner-before.inner)*perGiB, seconds(after.outer-before.outer)*perGiB, seconds(r.CPU)*perGiB
		rate := float64(b.size) / mib / seconds(r.Wall)
		b.say("%s: %.0f MiB/s, CPU s/GiB: server %.1f, far end %.1f, client %.1f", what, rate, server, far, near)
		return []float64{rate, server + far + near, server, far, near}, nil
	}}
}

// down runs a command whose output is size bytes, and counts them.
func down(ctx context.Context, s proc.Spec, size int64) (proc.Result, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return proc.Result{}, err
	}
	s.Stdout = w
	type count struct {
		n   int64
		err error
	}
	got := make(chan count, 1)
	go func() {
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 256<<10))
		got <- count{n, errors.Join(err, r.Close())}
	}()
	res, err := proc.Run(ctx, s)
	err = errors.Join(err, w.Close())
	c := <-got
	if err = errors.Join(err, c.err); err == nil && c.n != size {
		err = fmt.Errorf("%d of %d bytes arrived", c.n, size)
	}
	return res, err
}

// up runs a command that is fed size bytes and prints how many it got.
func up(ctx context.Context, s proc.Spec, size int64) (proc.Result, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return proc.Result{}, err
	}
	s.Stdin = r
	fed := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(zeros{}, size), make([]byte, 256<<10))
		fed <- errors.Join(err, w.Close())
	}()
	res, err := proc.Run(ctx, s)
	err = errors.Join(err, r.Close()) // frees the feeder if the command ended early
	err = errors.Join(err, <-fed)
	if n := strings.TrimSpace(res.Stdout); err == nil && n != strconv.FormatInt(size, 10) {
		err = fmt.Errorf("%s of %d bytes arrived", n, size)
	}
	return res, err
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
