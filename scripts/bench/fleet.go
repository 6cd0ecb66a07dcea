package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/proc"
)

// The fleet of the group of that name: workspaces, and agents of each.
const (
	fleetWorkspaces = 50
	fleetEach       = 20
	fleetAgents     = fleetWorkspaces * fleetEach
	fleetWithin     = 90 * time.Second // to come, and to come back
)

// company is a fleet of agents in one process.
type company struct {
	process *proc.Process
	status  string // where it says how many are there
	client  *http.Client
}

// fleet measures what 1,000 agents cost a server, and how soon they are back after
// it was killed and started again.
func (b *bench) fleet(ctx context.Context) (err error) {
	dir, err := b.sub("fleet")
	if err != nil {
		return err
	}
	server, err := deploy.Start(ctx, b.binary, filepath.Join(dir, "server"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	c, err := deploy.Login(ctx, b.binary, filepath.Join(dir, "person"), server.URL, rand.Text())
	if err != nil {
		return err
	}
	tokens, err := b.spareAgents(ctx, c, fleetWorkspaces, fleetEach)
	if err != nil {
		return err
	}
	before, err := proc.RSS([]int{server.Pid()})
	if err != nil {
		return err
	}
	f, err := b.company(server.URL, tokens)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.process.Stop(syscall.SIGTERM, 30*time.Second)) }()
	start := time.Now()
	if _, err := f.await(ctx, fleetAgents, start); err != nil {
		return err
	}
	b.say("%d agents are there after %s", fleetAgents, time.Since(start).Round(time.Millisecond))
	if err := b.fleetMemory(ctx, server, f, before); err != nil {
		return err
	}
	again, err := b.fleetBack(ctx, server, f)
	if again != nil {
		server = again
	}
	return err
}

// fleetMemory prints what each agent costs.
func (b *bench) fleetMemory(ctx context.Context, server *deploy.Server, f *company, before int64) error {
	if err := b.settle(ctx, 5*time.Second); err != nil {
		return err
	}
	after, err := proc.RSS([]int{server.Pid()})
	if err != nil {
		return err
	}
	agents, err := proc.RSS([]int{f.process.Pid()})
	if err != nil {
		return err
	}
	cpu, err := proc.CPU([]int{server.Pid()})
	if err != nil {
		return err
	}
	start := time.Now()
	if err := b.settle(ctx, b.idle); err != nil {
		return err
	}
	later, err := proc.CPU([]int{server.Pid()})
	if err != nil {
		return err
	}
	with := newFigure(fmt.Sprintf("server memory with %d agents", fleetAgents), "MiB", series{float64(after) / mib}, nil)
	with.Also = []side{series{float64(before) / mib}.side("before they came")}
	return errors.Join(b.emit(with),
		b.emit(newFigure("server memory per agent", "MiB", series{float64(after-before) / mib / fleetAgents}, nil, atMost(0.15))),
		b.emit(newFigure(fmt.Sprintf("CPU of the server with %d idle agents", fleetAgents), "%",
			series{100 * seconds(later-cpu) / seconds(time.Since(start))}, nil)),
		b.emit(newFigure("memory of a simulated agent", "MiB", series{float64(agents) / mib / fleetAgents}, nil)))
}

// fleetBack kills the server and starts it again. The clock runs from the kill.
func (b *bench) fleetBack(ctx context.Context, server *deploy.Server, f *company) (*deploy.Server, error) {
	start := time.Now()
	_ = server.Kill() // says that it was killed
	killed := time.Now()
	again, err := server.Again(ctx, b.binary)
	if err != nil {
		return nil, err
	}
	healthy := time.Since(start)
	before, err := proc.CPU([]int{f.process.Pid()})
	if err != nil {
		return again, err
	}
	most, err := f.await(ctx, fleetAgents*95/100, killed)
	if err != nil {
		return again, fmt.Errorf("after the kill: %w", err)
	}
	all, err := f.await(ctx, fleetAgents, killed)
	if err != nil {
		return again, fmt.Errorf("after the kill: %w", err)
	}
	busy, err := proc.CPU([]int{again.Pid()})
	if err != nil {
		return again, err
	}
	theirs, err := proc.CPU([]int{f.process.Pid()})
	if err != nil {
		return again, err
	}
	back := newFigure(fmt.Sprintf("95 %% of %d agents back after a kill of the server", fleetAgents), "s", series{seconds(most.Sub(start))}, nil, atMost(10))
	back.Also = []side{series{seconds(all.Sub(start))}.side("all of them"), series{seconds(healthy)}.side("server healthy"),
		series{seconds(busy)}.side("CPU of the server until all are back"), series{seconds(theirs - before)}.side("CPU of the agents meanwhile")}
	return again, b.emit(back)
}

// settle lets time pass in which nothing is done.
func (b *bench) settle(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// company starts one agent for each token of the file.
func (b *bench) company(url, tokens string) (*company, error) {
	status, err := freeAddress()
	if err != nil {
		return nil, err
	}
	f := &company{status: status, client: &http.Client{Timeout: 10 * time.Second}}
	f.process, err = proc.Start("fleet", filepath.Join(b.dir, "fleet.log"), proc.Spec{Path: b.node, Dir: b.dir,
		Args: []string{"fleet", "-url", url, "-tokens", tokens, "-status", f.status},
		Env:  []string{"PATH=" + envPath(), "HOME=" + b.dir, "TMPDIR=" + b.dir}})
	return f, err
}

func freeAddress() (string, error) {
	port, err := proc.FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// await waits until at least n agents are there, and returns when that was: each
// reaches its coordinator, and since that time the relay, which admits known agents
// only.
func (f *company) await(ctx context.Context, n int, since time.Time) (at time.Time, err error) {
	there := 0
	err = proc.Until(ctx, fmt.Sprintf("%d agents", n), 20*time.Millisecond, fleetWithin, func() (bool, error) {
		select {
		case <-f.process.Done():
			return false, f.process.Ended()
		default:
		}
		there = f.count(ctx, since)
		at = time.Now()
		return there >= n, ctx.Err()
	})
	if err != nil {
		err = fmt.Errorf("%w (%d are there)", err, there)
	}
	return at, err
}

// count asks how many are there; 0 while nobody answers.
func (f *company) count(ctx context.Context, since time.Time) int {
	url := fmt.Sprintf("http://%s/?since=%d", f.status, since.UnixNano())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := f.client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	var n int
	if _, err := fmt.Fscan(res.Body, &n); err != nil {
		return 0
	}
	return n
}
