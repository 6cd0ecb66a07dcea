// Command ha runs a deployment of several replicas on loopback for trying things:
// Postgres, three servers on 127.0.0.1, 127.0.0.2 and 127.0.0.3, haproxy before
// them, the starter template "host" and two workspaces with agents. It follows what
// the replicas do until Ctrl-C and then ends everything that it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/ha/cluster"
)

// workspaces that are made.
var workspaces = [...]string{"one", "two"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type options struct {
	binary   string
	replicas int
	port     int
	exit     bool
	keep     bool
}

// run returns the exit code: 0, also after Ctrl-C; 1 for a failure, 2 for bad
// arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "ha:", err)
		return 2
	}
	if err := serve(ctx, o, stdout); err != nil && ctx.Err() == nil {
		fmt.Fprintln(stderr, "ha:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("ha", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.binary, "binary", "build/coder", "the full `binary`")
	fs.IntVar(&o.replicas, "replicas", 3, "how many servers, 1 to 9")
	fs.IntVar(&o.port, "port", 0, "of the balancer on 127.0.0.1 (default 3000, else the next free one)")
	fs.BoolVar(&o.exit, "exit", false, "end when everything runs")
	fs.BoolVar(&o.keep, "keep", false, "keep the directory with logs and data")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case o.port < 0 || o.port > 65535:
		return o, fmt.Errorf("-port %d: give 1 to 65535, or 0 for a free one", o.port)
	case o.port == 0:
		o.port = firstFree(3000, 3049)
	}
	var err error
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return o, err
	}
	if _, err := os.Stat(o.binary); err != nil {
		return o, fmt.Errorf("-binary: %w; make build makes it", err)
	}
	return o, nil
}

// firstFree returns a port of 127.0.0.1 on which nobody listens, 0 for none.
func firstFree(from, to int) int {
	for port := from; port <= to; port++ {
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			_ = l.Close()
			return port
		}
	}
	return 0
}

// serve runs the cluster until ctx ends.
func serve(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "coder-ha-")
	if err != nil {
		return err
	}
	defer func() {
		if o.keep {
			fmt.Fprintln(out, "Logs and data are in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the user of Postgres passes
		return err
	}
	c, err := cluster.New(cluster.Options{Binary: o.binary, Dir: dir, Replicas: o.replicas, Port: o.port})
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(out, "Stopping everything")
		if stopErr := c.Stop(); stopErr != nil {
			fmt.Fprintln(out, stopErr)
			err = errors.Join(err, stopErr)
			return
		}
		fmt.Fprintln(out, "Nothing is left running.")
	}()
	fmt.Fprintf(out, "Starting Postgres, %d replicas and haproxy in %s\n", o.replicas, dir)
	if err := c.Start(ctx); err != nil {
		return err
	}
	person, password, err := fill(ctx, c, out)
	if err != nil {
		return err
	}
	tell(out, c, person, password)
	if o.exit {
		return nil
	}
	return follow(ctx, c, out)
}

// fill makes the first user, the template and the workspaces.
func fill(ctx context.Context, c *cluster.Cluster, out io.Writer) (*deploy.Client, cluster.Password, error) {
	person, password, err := c.SignIn(ctx)
	if err != nil {
		return nil, "", err
	}
	fmt.Fprintln(out, `Pushing the template "host"`)
	if err := c.PushHost(ctx, person); err != nil {
		return nil, "", err
	}
	for _, name := range workspaces {
		fmt.Fprintf(out, "Creating the workspace %q\n", name)
		if err := c.CreateHost(ctx, person, name); err != nil {
			return nil, "", err
		}
	}
	return person, password, nil
}

// tell prints what there is and what to try.
func tell(out io.Writer, c *cluster.Cluster, person *deploy.Client, password cluster.Password) {
	fmt.Fprintf(out, "\n  %-10s %s\n  %-10s admin@localhost.example\n  %-10s %s\n\n", "URL", c.URL(), "E-mail", "Password", password)
	fmt.Fprintf(out, "  %-10s %-22s %-8s %s\n", "Replica", "Address", "Process", "Log")
	for _, r := range c.Replicas {
		fmt.Fprintf(out, "  %-10s %-22s %-8d %s\n", r.Name, r.Addr, r.Pid(), r.Log())
	}
	fmt.Fprintf(out, `
Try, in another terminal:

  export CODER_CONFIG_DIR=%s
  %s ssh one               # stays open when a replica goes
  %s ping two
  kill -9 %-16d # one replica; it is started again after 10 seconds
  kill -STOP %-13d # one that hangs; kill -CONT lets it go on
  psql '%s'

Ctrl-C ends everything.

`, filepath.Join(person.Dir, "config"), person.Binary, person.Binary, c.Replicas[0].Pid(), c.Replicas[len(c.Replicas)-1].Pid(), c.Postgres.URL())
}

// follow prints what happens to replicas, and starts those again that ended.
func follow(ctx context.Context, c *cluster.Cluster, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "%s %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
	}
	var wg sync.WaitGroup
	for _, r := range c.Replicas {
		wg.Go(func() { keep(ctx, c, r, say) })
	}
	wg.Wait()
	return nil
}

// keep starts one replica again whenever it has ended, until ctx ends.
func keep(ctx context.Context, c *cluster.Cluster, r *cluster.Replica, say func(string, ...any)) {
	const again = 10 * time.Second
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.Done():
		}
		_ = r.Stop() // it has ended; this only forgets the process
		say("%s ended", r.Name)
		if err := c.Balancer.Up(ctx, r.Name, false); err == nil {
			say("%s gets no requests any more", r.Name)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
		if err := r.Start(ctx); err != nil {
			if ctx.Err() == nil {
				say("%s does not start: %s", r.Name, strings.TrimSpace(err.Error()))
			}
			continue
		}
		say("%s serves again, process %d", r.Name, r.Pid())
	}
}
