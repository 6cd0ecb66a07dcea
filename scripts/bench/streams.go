package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

const (
	requestTime = 2 * time.Second // of one value
	idleStreams = 2000
)

// streamSide are the processes of the group: a backend, our way to it, and others.
type streamSide struct {
	stops            []func() error
	backend          string
	replica, carrier *proc.Process
	ours, direct     string // addresses
	nginx            string
}

// streams measures a plain reverse proxy whose backend connections are streams on
// one that the agent holds, beside nginx and the same proxy to the same backend.
func (b *bench) streams(ctx context.Context) (err error) {
	s := &streamSide{}
	defer func() {
		for _, stop := range slices.Backward(s.stops) {
			err = errors.Join(err, stop())
		}
	}()
	if err := b.startStreams(ctx, s); err != nil {
		return err
	}
	for _, conns := range []int{1, 32} {
		if err := b.smallAnswers(ctx, s, conns); err != nil {
			return err
		}
	}
	if err := b.download(ctx, s); err != nil {
		return err
	}
	return b.idleStreams(ctx, s)
}

func (b *bench) startStreams(ctx context.Context, s *streamSide) error {
	dir, err := b.sub("streams")
	if err != nil {
		return err
	}
	start := func(what, listen string, args ...string) (*proc.Process, error) {
		p, err := proc.Start(what, filepath.Join(dir, b.unique(what)+".log"), proc.Spec{Path: b.node, Dir: dir,
			Env: []string{"HOME=" + dir, "PATH=" + envPath()}, Args: append([]string{what}, args...)})
		if err != nil {
			return nil, err
		}
		s.stops = append(s.stops, func() error { return p.Stop(syscall.SIGTERM, 5*time.Second) })
		if listen == "" {
			return p, nil
		}
		return p, p.Answers(ctx, listen)
	}
	for _, a := range []*string{&s.backend, &s.ours, &s.direct} {
		port, err := proc.FreePort()
		if err != nil {
			return err
		}
		*a = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	if _, err := start("backend", s.backend, "-listen", s.backend); err != nil {
		return err
	}
	if _, err := start("replica", s.direct, "-listen", s.direct, "-backend", s.backend, "-direct"); err != nil {
		return err
	}
	if s.replica, err = start("replica", s.ours, "-listen", s.ours, "-backend", s.backend); err != nil {
		return err
	}
	if s.carrier, err = start("carrier", "", "-url", "http://"+s.ours); err != nil {
		return err
	}
	nginx, err := plain.StartNginx(ctx, dir, s.backend)
	if err != nil {
		return err
	}
	s.nginx, s.stops = nginx.Addr, append(s.stops, nginx.Stop)
	return proc.Until(ctx, "the agent", 10*time.Millisecond, 10*time.Second, func() (bool, error) {
		res, err := http.Get("http://" + s.ours + "/small") //nolint:noctx // of this machine
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	})
}

// contenders are ours, nginx, and the same proxy without an agent.
func (s *streamSide) contenders(run func(ctx context.Context, s web) ([]float64, error)) []contender {
	var out []contender
	for _, c := range [][2]string{{"streams", s.ours}, {"nginx", s.nginx}, {"the same proxy without an agent", s.direct}} {
		out = append(out, contender{c[0], func(ctx context.Context) ([]float64, error) { return run(ctx, web{addr: c[1]}) }})
	}
	return out
}

func (b *bench) smallAnswers(ctx context.Context, s *streamSide, conns int) error {
	values, err := rounds(ctx, b.n, 1, s.contenders(func(ctx context.Context, s web) ([]float64, error) {
		return s.requests(ctx, conns, requestTime)
	})...)
	if err != nil {
		return err
	}
	for i, f := range []struct {
		what, unit string
		goals      []goal
	}{
		{"requests per second", "1/s", []goal{atLeastTimes(0.4)}},
		{"p50", "ms", []goal{atMostTimes(3)}},
		{"p99", "ms", nil},
	} {
		ref := values[1][i].side("nginx")
		fig := newFigure(fmt.Sprintf("small answers through streams, %d connections: %s", conns, f.what), f.unit, values[0][i], &ref, f.goals...)
		fig.Also = []side{values[2][i].side("the same proxy without an agent")}
		if err := b.emit(fig); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) download(ctx context.Context, s *streamSide) error {
	values, err := rounds(ctx, min(b.n, 3), 1, s.contenders(func(ctx context.Context, s web) ([]float64, error) {
		return s.download(ctx, b.size)
	})...)
	if err != nil {
		return err
	}
	ref := values[1][0].side("nginx")
	f := newFigure("download through streams", "MiB/s", values[0][0], &ref, atLeast(300))
	f.Also = []side{values[2][0].side("the same proxy without an agent")}
	return b.emit(f)
}

// idleStreams opens many connections that were upgraded, as websockets are, and
// leaves them alone.
func (b *bench) idleStreams(ctx context.Context, s *streamSide) error {
	sides := map[string]*proc.Process{"replica": s.replica, "agent": s.carrier}
	before := map[string]int64{}
	for name, p := range sides {
		n, err := proc.RSS([]int{p.Pid()})
		if err != nil {
			return err
		}
		before[name] = n
	}
	closeAll, err := web{addr: s.ours}.upgrades(idleStreams)
	defer closeAll()
	if err != nil {
		return err
	}
	for _, name := range []string{"replica", "agent"} {
		n, err := proc.RSS([]int{sides[name].Pid()})
		if err != nil {
			return err
		}
		each := float64(n-before[name]) / idleStreams / 1024
		if err := b.emit(newFigure(fmt.Sprintf("memory of an idle upgraded connection of %d, %s", idleStreams, name), "KiB", series{each}, nil)); err != nil {
			return err
		}
	}
	return ctx.Err()
}
