// Command upgrade rolls three replicas from the previous release to this one and
// back, one by one, while clients use the API through haproxy and ssh sessions are
// open. It prints how many requests failed and how many sessions broke; both have to
// be none.
//
//	go run ./scripts/ha/upgrade [-previous REF | -old BINARY] [-binary build/coder] [-keep]
//
// The previous release is the last tag, or HEAD~ where there is none. It is built
// from the repository, without the dashboard and without Postgres.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/proc"
	"coder.internal/scripts/ha/cluster"
	"coder.internal/scripts/ha/session"
)

const (
	workspaceName = "one"
	beatEvery     = 100 * time.Millisecond
	between       = 3 * time.Second // from one replica to the next
)

type config struct {
	binary, previous, old string
	keep                  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c config
	fs := flag.NewFlagSet("upgrade", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&c.binary, "binary", "build/coder", "the full `binary` of this release")
	fs.StringVar(&c.previous, "previous", "", "commit or tag of the previous release (default: the last tag, else HEAD~)")
	fs.StringVar(&c.old, "old", "", "the full `binary` of the previous release, where it is built already")
	fs.BoolVar(&c.keep, "keep", false, "keep the directory with logs")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(stderr, "upgrade:", err)
		return 2
	}
	if err := roll(ctx, c, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "upgrade:", err)
		return 1
	}
	return 0
}

// result is the line that the program prints.
type result struct {
	Previous string         `json:"previous"`
	Requests int            `json:"requests"`
	Failed   int            `json:"failed_requests"`
	Sessions int            `json:"sessions"`
	Dropped  int            `json:"dropped_sessions"`
	Beats    int            `json:"beats"`
	Pauses   map[string]int `json:"longest_pause_ms"` // of each session
	Slowest  int            `json:"slowest_request_ms"`
	Errors   []string       `json:"errors,omitempty"` // the first ones
	Seconds  float64        `json:"seconds"`
}

// roll does all of it.
func roll(ctx context.Context, c config, stdout, stderr io.Writer) (err error) {
	start := time.Now()
	if c.binary, err = filepath.Abs(c.binary); err != nil {
		return err
	}
	old := release{commit: c.old, binary: c.old}
	if c.old != "" {
		old.binary, err = filepath.Abs(c.old)
	} else {
		old, err = previous(ctx, c.previous, filepath.Dir(c.binary), stderr)
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "coder-upgrade-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && !c.keep {
			err = os.RemoveAll(dir)
			return
		}
		fmt.Fprintln(stderr, "upgrade: logs are in", dir)
	}()
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the user of Postgres passes
		return err
	}
	cl, err := cluster.New(cluster.Options{Binary: c.binary, Dir: dir, Replicas: 3, Env: []string{"CODER_DANGEROUS_DISABLE_RATE_LIMITS=true"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cl.Stop()) }()
	for _, r := range cl.Replicas {
		r.Use(old.binary)
	}
	if err := cl.Start(ctx); err != nil {
		return err
	}
	t := trial{config: c, cluster: cl, old: old, log: stderr}
	r, err := t.run(ctx)
	if err != nil {
		return err
	}
	r.Previous, r.Seconds = old.commit, time.Since(start).Seconds()
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return err
	}
	if r.Failed+r.Dropped > 0 {
		return fmt.Errorf("%d requests failed and %d sessions broke", r.Failed, r.Dropped)
	}
	return nil
}

// trial is a running deployment that is rolled.
type trial struct {
	config
	cluster *cluster.Cluster
	old     release
	log     io.Writer
	person  *deploy.Client
}

func (t *trial) run(ctx context.Context) (r result, err error) {
	if t.person, _, err = t.cluster.SignIn(ctx); err != nil {
		return r, err
	}
	if err := t.cluster.PushHost(ctx, t.person); err != nil {
		return r, err
	}
	if err := t.cluster.CreateHost(ctx, t.person, workspaceName); err != nil {
		return r, err
	}
	sessions, err := t.open(ctx)
	defer func() { t.count(sessions, &r) }()
	if err != nil {
		return r, err
	}
	l := newLoad(t.cluster.URL(), t.person.Token())
	work, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); l.run(work) }()
	err = errors.Join(t.all(ctx, t.binary, "this release"), t.all(ctx, t.old.binary, "the previous release"))
	cancel()
	<-done
	l.report(&r)
	return r, err
}

// open opens the sessions: one for each way to the agent and for each release of
// the command line.
func (t *trial) open(ctx context.Context) ([]*session.Session, error) {
	var all []*session.Session
	for _, way := range []struct {
		name, binary string
		env          []string
	}{
		{"direct, this release", t.binary, nil},
		{"relayed, this release", t.binary, []string{"CODER_DISABLE_DIRECT_CONNECTIONS=true"}},
		{"direct, previous release", t.old.binary, nil},
		{"relayed, previous release", t.old.binary, []string{"CODER_DISABLE_DIRECT_CONNECTIONS=true"}},
	} {
		opening, cancel := context.WithTimeout(ctx, 30*time.Second)
		spec := t.person.Spec("ssh", workspaceName, "cat")
		spec.Path, spec.Env = way.binary, append(spec.Env, way.env...)
		s, err := session.Open(opening, way.name, spec, beatEvery, 64)
		cancel()
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

// count closes the sessions and adds them to r.
func (t *trial) count(sessions []*session.Session, r *result) {
	r.Pauses = map[string]int{}
	for _, s := range sessions {
		r.Sessions++
		r.Pauses[s.Name()] = int(s.Longest().Milliseconds())
		n, err := s.Close()
		r.Beats += n
		if err != nil {
			r.Dropped++
			r.Errors = append(r.Errors, err.Error())
		}
	}
}

// all replaces the replicas one by one.
func (t *trial) all(ctx context.Context, binary, what string) error {
	for _, r := range t.cluster.Replicas {
		start := time.Now()
		r.Use(binary)
		if err := r.Stop(); err != nil {
			return err
		}
		stopped := time.Since(start)
		if err := r.Start(ctx); err != nil {
			return err
		}
		if err := t.cluster.Balancer.Up(ctx, r.Name, true); err != nil {
			return err
		}
		fmt.Fprintf(t.log, "upgrade: %s runs %s (stopped in %s, serves after %s)\n", r.Name, what,
			stopped.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
		if err := rest(ctx, between); err != nil {
			return err
		}
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// release is a commit and its binary.
type release struct{ commit, binary string }

// output runs a program and returns what it prints, without the newline.
func output(ctx context.Context, dir, path string, args ...string) (string, error) {
	r, err := proc.Run(ctx, proc.Spec{Path: path, Args: args, Dir: dir, Env: os.Environ()})
	return trim(r.Stdout), err
}
