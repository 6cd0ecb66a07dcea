package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// weather is what a storm did.
type weather struct {
	kills   map[string]int
	workers []*worker
	rng     *rand.Rand
}

// storm builds workspaces and kills processes until enough were killed.
func storm(ctx context.Context, c config, d *deployment) (*weather, error) {
	s := &weather{kills: map[string]int{}, rng: rand.New(rand.NewPCG(c.seed, 0))}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var over atomic.Bool
	var wg sync.WaitGroup
	errs := make(chan error, c.workspaces+1)
	for i := range c.workspaces {
		w := &worker{d: d, name: fmt.Sprintf("w%d", i), rng: rand.New(rand.NewPCG(c.seed, uint64(i)+1))}
		s.workers = append(s.workers, w)
		wg.Go(func() {
			for !over.Load() {
				if err := w.step(ctx); err != nil {
					errs <- fmt.Errorf("workspace %s: %w", w.name, err)
					cancel()
					return
				}
			}
		})
	}
	if err := s.strike(ctx, c, d); err != nil {
		errs <- err
		cancel()
	}
	over.Store(true)
	wg.Wait()
	close(errs)
	return s, <-errs // the first one; nil when there is none
}

// strike kills until c.kills processes are gone, and brings servers and daemons
// back at once.
func (s *weather) strike(ctx context.Context, c config, d *deployment) error {
	for n := 0; n < c.kills; {
		t := time.NewTimer(time.Duration(50+s.rng.IntN(600)) * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		what, err := s.one(ctx, d)
		if err != nil {
			return err
		}
		if what != "" {
			s.kills[what]++
			n++
		}
	}
	return nil
}

// one kills one process and says of what kind it was; nothing if there was none.
func (s *weather) one(ctx context.Context, d *deployment) (string, error) {
	server, daemons := d.running()
	switch k := s.rng.IntN(10); {
	case k < 2:
		if err := server.Stop(syscall.SIGKILL, grace); err != nil {
			return "", err
		}
		return "server", d.startServer(ctx)
	case k < 5 && len(daemons) > 0:
		i := s.rng.IntN(len(daemons))
		if err := daemons[i].Stop(syscall.SIGKILL, grace); err != nil {
			return "", err
		}
		return "daemon", d.startDaemon(i)
	}
	var runs []int
	for _, p := range append(daemons, server) {
		runs = append(runs, terraforms(p.Pid())...)
	}
	if len(runs) == 0 {
		return "", nil
	}
	if err := syscall.Kill(runs[s.rng.IntN(len(runs))], syscall.SIGKILL); err != nil {
		return "", nil //nolint:nilerr // it ended by itself
	}
	return "terraform", nil
}

// terraforms returns the terraform processes below pid, without their plugins.
func terraforms(pid int) []int {
	tree, err := proc.Tree(pid)
	if err != nil {
		return nil
	}
	var out []int
	for _, p := range tree {
		args, err := proc.Args(p)
		if err == nil && len(args) > 1 && filepath.Base(args[0]) == "terraform" && (args[1] == "apply" || args[1] == "destroy") {
			out = append(out, p)
		}
	}
	return out
}
