package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"coder.internal/api"
	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/proc"
	"coder.internal/scripts/ha/cluster"
)

const (
	haReplicas = 3
	haProbes   = 6                // clients that ask all the time while one is killed
	haGapWatch = 4 * time.Second  // from the kill on
	haClients  = 16               // of the throughput
	haLasts    = 5 * time.Second  // one measurement of throughput
	haAnswer   = 10 * time.Second // longest wait for one answer
)

// several is a deployment of three replicas with a person and a workspace.
type several struct {
	*cluster.Cluster
	dir    string
	person *deploy.Client
}

// several measures what more than one replica gives and costs. A part that fails
// does not keep the others from being measured.
func (b *bench) several(ctx context.Context) (err error) {
	dir, err := b.sub("ha")
	if err != nil {
		return err
	}
	s := &several{dir: dir}
	s.Cluster, err = cluster.New(cluster.Options{Binary: b.binary, Dir: dir, Replicas: haReplicas, Env: []string{"CODER_DANGEROUS_DISABLE_RATE_LIMITS=true"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.fill(ctx); err != nil {
		return err
	}
	var all error
	for _, part := range []struct {
		name string
		run  func(context.Context, *several) error
	}{{"gap", b.haGap}, {"throughput", b.haThroughput}, {"notify", b.haNotify}, {"stall", b.haStall}, {"outage", b.haOutage}} {
		err := errors.Join(part.run(ctx, s), s.whole(ctx))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.say("%s: %v", part.name, err)
			all = errors.Join(all, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	return all
}

func (s *several) fill(ctx context.Context) (err error) {
	if err := s.Start(ctx); err != nil {
		return err
	}
	if s.person, _, err = s.SignIn(ctx); err != nil {
		return err
	}
	if err := s.PushHost(ctx, s.person); err != nil {
		return err
	}
	return s.CreateHost(ctx, s.person, workspaceName)
}

// whole starts what does not run and waits until the balancer uses all replicas.
func (s *several) whole(ctx context.Context) error {
	var all error
	for _, r := range s.Replicas {
		if r.Pid() == 0 {
			all = errors.Join(all, r.Start(ctx))
		}
		all = errors.Join(all, s.Balancer.Up(ctx, r.Name, true))
	}
	return all
}

// haGap measures for how long a client gets no answer when a replica is killed,
// beside two plain servers behind a haproxy with the same settings.
func (b *bench) haGap(ctx context.Context, s *several) error {
	echo, err := b.newEchoPair(ctx, s.dir)
	if err != nil {
		return err
	}
	defer echo.stop()
	turn := 0
	values, err := rounds(ctx, b.n, 0,
		contender{"replica", func(ctx context.Context) ([]float64, error) {
			r := s.Replicas[turn%haReplicas]
			turn++
			gap, err := gapOf(ctx, asker{url: s.URL() + probePath, token: s.person.Token()}, r.Kill)
			return gap, errors.Join(err, s.whole(ctx))
		}},
		contender{"echo", func(ctx context.Context) ([]float64, error) {
			gap, err := gapOf(ctx, asker{url: "http://" + echo.balancer.Addr + "/"}, func() error { return echo.servers[0].Stop(syscall.SIGKILL, time.Minute) })
			return gap, errors.Join(err, echo.again(ctx, 0))
		}})
	if err != nil {
		return err
	}
	ref := values[1][0].side("haproxy with two plain servers, one killed")
	f := newFigure("longest time without an answer when one of three replicas is killed", "s", values[0][0], &ref, atMostTimes(2))
	f.Also = []side{values[0][1].side("while none is killed"), values[1][1].side("plain servers, while none is killed")}
	return b.emit(f)
}

// asker is one kind of request.
type asker struct{ url, token string }

func (a asker) ask(ctx context.Context, hc *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return err
	}
	if a.token != "" {
		req.Header.Set(api.SessionTokenHeader, a.token)
	}
	res, err := hc.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", a.url, res.Status)
	}
	return nil
}

// gapOf lets clients ask all the time, kills, and returns the longest times in
// seconds in which one of them had no good answer: after the kill, and as long
// before.
func gapOf(ctx context.Context, a asker, kill func() error) ([]float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var killed, over atomic.Bool
	gaps := make([][2]time.Duration, haProbes)
	var going, wg sync.WaitGroup
	going.Add(haProbes)
	for i := range haProbes {
		wg.Go(func() { gaps[i] = a.watch(ctx, &killed, &over, going.Done) })
	}
	going.Wait()
	err := pause(ctx, haGapWatch)
	killed.Store(true)
	err = errors.Join(err, kill(), pause(ctx, haGapWatch))
	over.Store(true)
	wg.Wait()
	var longest [2]time.Duration
	for _, g := range gaps {
		longest = [2]time.Duration{max(longest[0], g[0]), max(longest[1], g[1])}
	}
	return []float64{seconds(longest[1]), seconds(longest[0])}, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// watch asks until there is a good answer after over, and returns the longest times
// between good answers before and after killed. It calls first at the first answer,
// or at its end.
func (a asker) watch(ctx context.Context, killed, over *atomic.Bool, first func()) (longest [2]time.Duration) {
	hc := &http.Client{Timeout: haAnswer, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer hc.CloseIdleConnections()
	once := sync.OnceFunc(first)
	defer once()
	var last time.Time
	for ctx.Err() == nil {
		if a.ask(ctx, hc) == nil {
			now, window := time.Now(), 0
			if killed.Load() {
				window = 1
			}
			if !last.IsZero() {
				longest[window] = max(longest[window], now.Sub(last))
			}
			last = now
			once()
			if over.Load() {
				return longest
			}
		}
		time.Sleep(probePause)
	}
	return longest
}

// echoPair is two plain servers behind a haproxy.
type echoPair struct {
	b        *bench
	balancer *cluster.Balancer
	addrs    [2]string
	servers  [2]*proc.Process
}

func (b *bench) newEchoPair(ctx context.Context, dir string) (e *echoPair, err error) {
	e = &echoPair{b: b}
	var servers []cluster.Server
	for i := range e.addrs {
		if e.addrs[i], err = freeAddress(); err != nil {
			return nil, err
		}
		servers = append(servers, cluster.Server{Name: fmt.Sprintf("echo%d", i), Addr: e.addrs[i]})
		if err := e.start(ctx, i); err != nil {
			e.stop()
			return nil, err
		}
	}
	if e.balancer, err = cluster.StartBalancer(ctx, filepath.Join(dir, "echo"), servers...); err != nil {
		e.stop()
	}
	return e, err
}

func (e *echoPair) start(ctx context.Context, i int) (err error) {
	e.servers[i], err = proc.Start("echo", filepath.Join(e.b.dir, "echo.log"), proc.Spec{Path: e.b.node, Dir: e.b.dir,
		Args: []string{"backend", "-listen", e.addrs[i]}, Env: []string{"PATH=" + envPath(), "HOME=" + e.b.dir}})
	if err != nil {
		return err
	}
	return e.servers[i].Answers(ctx, e.addrs[i])
}

// again starts one that was killed and waits until the balancer uses both.
func (e *echoPair) again(ctx context.Context, i int) error {
	return errors.Join(e.start(ctx, i), e.balancer.Up(ctx, "echo0", true), e.balancer.Up(ctx, "echo1", true))
}

func (e *echoPair) stop() {
	for _, p := range e.servers {
		if p != nil {
			_ = p.Stop(syscall.SIGTERM, 5*time.Second) // the bench looks for what is left
		}
	}
	if e.balancer != nil {
		_ = e.balancer.Stop()
	}
}

// haThroughput compares three replicas with one behind the same balancer.
func (b *bench) haThroughput(ctx context.Context, s *several) error {
	a := asker{url: s.URL() + probePath, token: s.person.Token()}
	values, err := rounds(ctx, min(b.n, 3), 0,
		contender{"three replicas", func(ctx context.Context) ([]float64, error) {
			if err := s.whole(ctx); err != nil {
				return nil, err
			}
			rate, err := a.rate(ctx)
			return []float64{rate}, err
		}},
		contender{"one replica", func(ctx context.Context) ([]float64, error) {
			for _, r := range s.Replicas[1:] {
				if err := errors.Join(r.Stop(), s.Balancer.Up(ctx, r.Name, false)); err != nil {
					return nil, err
				}
			}
			rate, err := a.rate(ctx)
			return []float64{rate}, err
		}})
	if err != nil {
		return err
	}
	ref := values[1][0].side("one replica behind the same balancer")
	return b.emit(newFigure(fmt.Sprintf("API requests through a balancer, three replicas, %d clients", haClients), "1/s", values[0][0], &ref, atLeastTimes(0.9)))
}

// rate asks with many clients for a while and returns the answers a second. A bad
// answer is an error.
func (a asker) rate(ctx context.Context) (float64, error) {
	hc := &http.Client{Timeout: haAnswer, Transport: &http.Transport{MaxIdleConnsPerHost: haClients}}
	defer hc.CloseIdleConnections()
	var n atomic.Int64
	errs := make([]error, haClients)
	began := time.Now()
	var wg sync.WaitGroup
	for i := range haClients {
		wg.Go(func() {
			for time.Since(began) < haLasts && errs[i] == nil {
				if errs[i] = a.ask(ctx, hc); errs[i] == nil {
					n.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}
