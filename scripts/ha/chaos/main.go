// Command chaos lets clients work on a deployment of three replicas while replicas,
// links and Postgres fail at random, writes every operation down, and checks the
// history in the end: see package history for what must hold.
//
//	go run ./scripts/ha/chaos [-seconds 600] [-seed 1] [-clients 6] [-binary build/coder] [-keep]
//	go run ./scripts/ha/chaos -check DIR
//
// The same -seed gives the same choices; the moments at which they hit depend on the
// machine. The history is a file of JSON lines in a directory that is kept when
// something is wrong; -check reads it again.
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

	"coder.internal/scripts/ha/cluster"
	"coder.internal/scripts/ha/history"
)

const (
	historyFile = "history.jsonl"
	finalFile   = "final.json"
)

type config struct {
	binary  string
	seconds int
	clients int
	seed    uint64
	keep    bool
	check   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0, 1 for a failure or a contradiction, 2 for bad
// arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "chaos:", err)
		return 2
	}
	if c.check != "" {
		err = again(c.check, stdout)
	} else {
		err = measure(ctx, c, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "chaos:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	fs := flag.NewFlagSet("chaos", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&c.binary, "binary", "build/coder", "the full `binary`")
	fs.IntVar(&c.seconds, "seconds", 600, "how long faults are made")
	fs.IntVar(&c.clients, "clients", 6, "how many clients work at the same time")
	fs.Uint64Var(&c.seed, "seed", 1, "of the random choices")
	fs.BoolVar(&c.keep, "keep", false, "keep the directory with logs and history")
	fs.StringVar(&c.check, "check", "", "check the history in this `directory` again, and run nothing")
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	switch {
	case fs.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case c.seconds < 1 || c.seconds > 86400:
		return c, fmt.Errorf("-seconds %d: give 1 to 86400", c.seconds)
	case c.clients < 1 || c.clients > 100:
		return c, fmt.Errorf("-clients %d: give 1 to 100", c.clients)
	}
	var err error
	c.binary, err = filepath.Abs(c.binary)
	return c, err
}

// again checks a history that was kept.
func again(dir string, out io.Writer) error {
	f, err := os.Open(filepath.Join(dir, historyFile))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	ops, err := history.Read(f)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, finalFile))
	if err != nil {
		return err
	}
	var final history.Final
	if err := json.Unmarshal(text, &final); err != nil {
		return fmt.Errorf("%s: %w", finalFile, err)
	}
	return verdict(ops, final, result{}, out)
}

// measure makes a deployment, a storm and the verdict.
func measure(ctx context.Context, c config, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "coder-chaos-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && !c.keep {
			err = os.RemoveAll(dir)
			return
		}
		fmt.Fprintln(stderr, "chaos: logs and history are in", dir)
	}()
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the user of Postgres passes
		return err
	}
	cl, err := cluster.New(cluster.Options{Binary: c.binary, Dir: dir, Replicas: 3, Links: true,
		Env: []string{"CODER_DANGEROUS_DISABLE_RATE_LIMITS=true", "CODER_ALLOW_WORKSPACE_RENAMES=true"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cl.Stop()) }()
	if err := cl.Start(ctx); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, historyFile)) //nolint:gosec // in a directory of ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s := &storm{config: c, cluster: cl, record: history.NewRecorder(file), log: stderr}
	start := time.Now()
	final, err := s.run(ctx)
	if err != nil {
		return err
	}
	ops, err := s.record.Ops()
	if err != nil {
		return err
	}
	text, err := json.Marshal(final)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, finalFile), text, 0o600); err != nil {
		return err
	}
	return verdict(ops, final, result{Seed: c.seed, Seconds: time.Since(start).Seconds(), Faults: s.faults}, stdout)
}

// result is the line that the program prints.
type result struct {
	Operations map[string]map[history.Outcome]int `json:"operations"`
	Faults     map[string]int                     `json:"faults"`
	Wrong      []string                           `json:"wrong"`
	Tokens     int                                `json:"tokens"`
	Workspaces int                                `json:"workspaces"`
	Entries    int                                `json:"audit_entries"`
	Seed       uint64                             `json:"seed"`
	Seconds    float64                            `json:"seconds"`
}

// verdict checks a history and prints what came of it.
func verdict(ops []history.Op, final history.Final, r result, out io.Writer) error {
	r.Operations = map[string]map[history.Outcome]int{}
	for _, op := range ops {
		if op.Do == history.Nemesis {
			continue
		}
		if r.Operations[op.Do] == nil {
			r.Operations[op.Do] = map[history.Outcome]int{}
		}
		r.Operations[op.Do][op.Outcome]++
	}
	r.Tokens, r.Workspaces, r.Entries = len(final.Tokens), len(final.Workspaces), len(final.Audit)
	r.Wrong = history.Check(ops, final)
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	if len(r.Wrong) > 0 {
		return fmt.Errorf("%d contradictions, the first: %s", len(r.Wrong), r.Wrong[0])
	}
	return nil
}
