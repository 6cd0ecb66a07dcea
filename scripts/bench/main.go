// Bench measures a built product beside the plain tools that do the same job,
// in turns and in one run, and prints one JSON line a figure on standard output.
// What it is doing is on standard error.
//
//	go run ./scripts/bench [-only regex] [-n N] [-size MiB] [-binary build/coder] [-keep]
//
// A figure says: what, unit, how often, minimum, median, maximum; the same of the
// reference; the ratio of the medians; the goal and whether the median meets it.
// Only ratios carry to another machine.
//
// It drives the binary through its command line and HTTP API and imports nothing
// of its parts. Network nodes and agents without a workspace are in the program of
// package node, which does; it and a stock relay are beside the binary. Everything temporary is in one directory; every process that was
// started, also one that detached itself, is stopped by its number at the end,
// after a failure and after Ctrl-C.
//
// It needs Linux, terraform, the OpenSSH client and server, nginx, and haproxy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	only   *regexp.Regexp
	n      int
	size   int64 // bytes of one transfer
	idle   time.Duration
	flat   time.Duration
	binary string
	slim   string
	node   string // program of package node
	derper string // upstream's relay
	keep   bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	only := fs.String("only", "", "measure the `groups` that this regular expression matches: "+groupNames())
	n := fs.Int("n", 5, "rounds of each figure; transfers take at most 3")
	size := fs.Int64("size", 1024, "`MiB` of one transfer")
	idle := fs.Duration("idle", 10*time.Second, "how long the idle server and agent are watched")
	flat := fs.Duration("flat", 5*time.Minute, "how long the group appsflat asks; it compares the first and last fifth")
	binary := fs.String("binary", "build/coder", "the full `binary`")
	keep := fs.Bool("keep", false, "keep the temporary directory, for its logs")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	o := options{n: *n, size: *size << 20, idle: *idle, flat: *flat, keep: *keep}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case *n < 1 || *n > 1000:
		return o, fmt.Errorf("-n %d: give 1 to 1000", *n)
	case *size < 1 || *size > 1<<20:
		return o, fmt.Errorf("-size %d: give 1 to 1048576 MiB", *size)
	case *flat < 5*time.Second || *flat > time.Hour:
		return o, fmt.Errorf("-flat %s: give 5s to 1h", *flat)
	case *idle < time.Second || *idle > time.Hour:
		return o, fmt.Errorf("-idle %s: give 1s to 1h", *idle)
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if o.binary, err = filepath.Abs(*binary); err != nil {
		return o, fmt.Errorf("-binary: %w", err)
	}
	if _, err := os.Stat(o.binary); err != nil {
		return o, fmt.Errorf("-binary: %w; make build makes it", err)
	}
	o.slim = slimBeside(o.binary)
	o.node = filepath.Join(filepath.Dir(o.binary), "bench-node")
	o.derper = filepath.Join(filepath.Dir(o.binary), "derper")
	return o, nil
}

// run returns the exit code: 0, 1 for a failure, 2 for bad arguments, 130 after
// a signal.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	b, err := newBench(o, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	err = errors.Join(b.measure(ctx), b.close())
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: stopped")
		return 130
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}
