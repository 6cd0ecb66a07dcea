package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

const (
	appConns = 32
	// idleClose is what a server keeps connections to applications that nobody uses.
	idleClose = 90 * time.Second
)

// appSides are the ways to one web server: as a port of a workspace, opened by a
// signed-in person, and through nginx. The agent is on this machine.
type appSides struct {
	d             *deployment
	stops         []func() error
	backend       web
	ours, nginx   web
	server, agent []int // processes
}

// appSides starts the web server and nginx, and makes sure that the workspace runs.
func (b *bench) appSides(ctx context.Context, dir string) (s *appSides, err error) {
	s = &appSides{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if s.d, err = b.deployment(ctx); err != nil {
		return s, err
	}
	if dir, err = b.sub(dir); err != nil {
		return s, err
	}
	port, err := proc.FreePort()
	if err != nil {
		return s, err
	}
	s.backend.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p, err := proc.Start("backend", filepath.Join(dir, "backend.log"), proc.Spec{Path: b.node, Dir: dir,
		Env: []string{"HOME=" + dir, "PATH=" + envPath()}, Args: []string{"backend", "-listen", s.backend.addr}})
	if err != nil {
		return s, err
	}
	s.stops = append(s.stops, func() error { return p.Stop(syscall.SIGTERM, 5*time.Second) })
	if err := p.Answers(ctx, s.backend.addr); err != nil {
		return s, err
	}
	nginx, err := plain.StartNginx(ctx, dir, s.backend.addr)
	if err != nil {
		return s, err
	}
	s.stops = append(s.stops, nginx.Stop)
	// Both get the same request.
	s.ours = web{addr: strings.TrimPrefix(s.d.server.URL, "http://"), host: fmt.Sprintf("%d--%s--admin%s", port, workspaceName, appSuffix),
		head: api.SessionTokenHeader + ": " + s.d.client.Token() + "\r\n"}
	s.nginx = web{addr: nginx.Addr, host: s.ours.host, head: s.ours.head}
	return s, s.started(ctx)
}

// started waits for the workspace, and finds its agent's processes.
func (s *appSides) started(ctx context.Context) (err error) {
	if err := s.d.started(ctx); err != nil {
		return err
	}
	s.server = []int{s.d.server.Pid()}
	s.agent, err = s.d.agentTree(ctx)
	return err
}

func (s *appSides) stop() (err error) {
	for _, stop := range slices.Backward(s.stops) {
		err = errors.Join(err, stop())
	}
	return err
}

// contenders are the application proxy and nginx.
func (s *appSides) contenders(run func(context.Context, web) ([]float64, error)) []contender {
	var out []contender
	for what, side := range map[string]web{"application": s.ours, "nginx": s.nginx} {
		out = append(out, contender{what, func(ctx context.Context) ([]float64, error) { return run(ctx, side) }})
	}
	slices.SortFunc(out, func(a, b contender) int { return strings.Compare(a.what, b.what) })
	return out
}

// apps measures applications of a workspace as a browser asks for them, beside nginx
// before the same web server.
func (b *bench) apps(ctx context.Context) error {
	s, err := b.appSides(ctx, "apps")
	if err != nil {
		return err
	}
	return errors.Join(b.appFigures(ctx, s), s.stop())
}

func (b *bench) appFigures(ctx context.Context, s *appSides) error {
	steps := []func() error{
		func() error { return b.firstRequests(ctx, s) },
		func() error { return b.appAnswers(ctx, s, 1) },
		func() error { return b.appAnswers(ctx, s, appConns) },
		func() error { return b.appTransfer(ctx, s, "download", web.download) },
		func() error { return b.appTransfer(ctx, s, "upload", web.upload) },
		func() error { return b.appRoundTrip(ctx, s) },
		func() error { return b.appSockets(ctx, s) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// firstRequests starts the workspace again and again: each has a new agent that
// nobody has asked for anything.
func (b *bench) firstRequests(ctx context.Context, s *appSides) error {
	var took series
	for i := range min(b.n, 3) {
		if i > 0 {
			for _, t := range []api.Transition{api.TransitionStop, api.TransitionStart} {
				if _, _, err := s.d.client.Build(ctx, s.d.workspace.ID, t); err != nil {
					return err
				}
			}
			if err := s.started(ctx); err != nil {
				return err
			}
		}
		// Somebody new asks: for a second after an answer the server would still
		// believe in the agent before.
		fresh := s.ours
		fresh.host = fmt.Sprintf("p%d---%s", i, s.ours.host)
		first, err := fresh.first()
		if err != nil {
			return fmt.Errorf("first request: %w", err)
		}
		took = append(took, float64(first)/float64(time.Millisecond))
	}
	return b.emit(newFigure("first request to the application of a new agent", "ms", took, nil, atMost(300)))
}

func (b *bench) appAnswers(ctx context.Context, s *appSides, conns int) error {
	openedBefore, answeredBefore, err := s.counts(ctx)
	if err != nil {
		return err
	}
	run := s.contenders(func(ctx context.Context, s web) ([]float64, error) { return s.requests(ctx, conns, requestTime) })
	values, err := rounds(ctx, b.n, 1, run...)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("small answers of an application, %d connections: ", conns)
	for i, f := range []struct {
		what, unit string
		goals      []goal
	}{
		{"requests per second", "1/s", []goal{atLeastTimes(0.4)}},
		{"p50", "ms", []goal{atMostTimes(3)}},
		{"p99", "ms", []goal{atMost(10)}},
	} {
		ref := values[1][i].side("nginx")
		if err := b.emit(newFigure(name+f.what, f.unit, values[0][i], &ref, f.goals...)); err != nil {
			return err
		}
	}
	opened, answered, err := s.counts(ctx)
	if err != nil {
		return err
	}
	// One of them asks for the counts, and nginx has some too.
	each := 1000 * (opened - openedBefore) / (answered - answeredBefore)
	return b.emit(newFigure(name+"connections that the web server saw, a thousand requests", "", series{each}, nil, atMost(10)))
}

// counts returns the connections and small answers of the web server so far.
func (s *appSides) counts(ctx context.Context) (opened, answered float64, err error) {
	if opened, err = s.backend.number(ctx, "/opened"); err != nil {
		return 0, 0, err
	}
	answered, err = s.backend.number(ctx, "/answered")
	return opened, answered, err
}

func (b *bench) appTransfer(ctx context.Context, s *appSides, what string, move func(web, context.Context, int64) ([]float64, error)) error {
	run := s.contenders(func(ctx context.Context, s web) ([]float64, error) { return move(s, ctx, b.size) })
	values, err := rounds(ctx, min(b.n, 3), 1, run...)
	if err != nil {
		return err
	}
	ref := values[1][0].side("nginx")
	return b.emit(newFigure(what+" of an application", "MiB/s", values[0][0], &ref, atLeast(300)))
}

func (b *bench) appRoundTrip(ctx context.Context, s *appSides) error {
	values, err := rounds(ctx, b.n, 1, s.contenders(func(_ context.Context, s web) ([]float64, error) { return s.roundTrip() })...)
	if err != nil {
		return err
	}
	ref := values[1][0].side("nginx")
	return b.emit(newFigure("round trip on a websocket of an application", "ms", values[0][0], &ref, atMost(0.1)))
}

// appSockets opens many connections that were upgraded, as websockets are, and
// leaves them alone.
func (b *bench) appSockets(ctx context.Context, s *appSides) error {
	sides := []struct {
		what   string
		pids   []int
		before int64
		goals  []goal
	}{{what: "server", pids: s.server, goals: []goal{atMost(25)}}, {what: "agent", pids: s.agent}}
	for i := range sides {
		var err error
		if sides[i].before, err = proc.RSS(sides[i].pids); err != nil {
			return err
		}
	}
	closeAll, err := s.ours.upgrades(idleStreams)
	defer closeAll()
	if err != nil {
		return err
	}
	if err := b.settle(ctx, 2*time.Second); err != nil {
		return err
	}
	for _, side := range sides {
		after, err := proc.RSS(side.pids)
		if err != nil {
			return err
		}
		each := float64(after-side.before) / idleStreams / 1024
		name := fmt.Sprintf("memory of an idle websocket of an application of %d, %s", idleStreams, side.what)
		if err := b.emit(newFigure(name, "KiB", series{each}, nil, side.goals...)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// appsFlat asks for long, and sees whether that makes anything slower or larger.
func (b *bench) appsFlat(ctx context.Context) error {
	s, err := b.appSides(ctx, "appsflat")
	if err != nil {
		return err
	}
	return errors.Join(b.flatFigures(ctx, s), s.stop())
}

func (b *bench) flatFigures(ctx context.Context, s *appSides) error {
	// The first few make what every later one uses.
	if _, err := s.ours.requests(ctx, appConns, requestTime); err != nil {
		return err
	}
	if err := b.settle(ctx, requestTime); err != nil {
		return err
	}
	before, err := proc.RSS(s.server)
	if err != nil {
		return err
	}
	var rate, p99 series
	for range 5 {
		v, err := s.ours.requests(ctx, appConns, b.flat/5)
		if err != nil {
			return err
		}
		b.say("%.0f requests per second", v[0])
		rate, p99 = append(rate, v[0]), append(p99, v[2])
	}
	first := series{rate[0]}.side("the first fifth")
	name := fmt.Sprintf("small answers of an application over %s, %d connections: ", b.flat, appConns)
	if err := b.emit(newFigure(name+"requests per second in the last fifth", "1/s", series{rate[4]}, &first, atLeastTimes(0.9))); err != nil {
		return err
	}
	if err := b.emit(newFigure(name+"p99 of each fifth", "ms", p99, nil, atMost(10))); err != nil {
		return err
	}
	busy, err := proc.RSS(s.server)
	if err != nil {
		return err
	}
	if err := b.settle(ctx, idleClose+10*time.Second); err != nil {
		return err
	}
	after, err := proc.RSS(s.server)
	if err != nil {
		return err
	}
	was := series{float64(before) / mib}.side("before")
	f := newFigure("memory of the server after it", "MiB", series{float64(after) / mib}, &was, atMostTimes(1.1))
	f.Also = []side{series{float64(busy) / mib}.side("while it answers")}
	return b.emit(f)
}
