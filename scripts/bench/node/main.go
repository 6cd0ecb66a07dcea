// Node is the other half of some groups of bench: network nodes, and agents
// without a workspace, in processes of their own.
//
//	bench-node far  -engine bare|ours -control ADDR [-relay ADDR]
//	bench-node near -engine bare|ours -control ADDR [-relay ADDR] [-relayed] [-block] [-size BYTES] [-watch PID]
//	bench-node fleet -url URL -tokens FILE -status ADDR
//	bench-node backend|replica|carrier …
//
// A far and a near node are a pair: near opens TCP streams through the tunnel to
// far and prints one JSON line with what it measured. "bare" is upstream's packet
// engine and network stack with upstream's own settings and nothing of ours;
// "ours" is derp/tailnet with the coordinator and relay of a running server, whose
// address and tokens are in BENCH_URL, BENCH_TOKEN (near: a session) and
// BENCH_AGENT_TOKEN (far: an agent). No ssh is involved on either side, and both
// measure with the same code.
//
// A fleet is many agents in one process; see fleet.go. The last three are a web
// server, a proxy to it and an agent in between; see streams.go.
//
// It is started by scripts/bench alone, and never used by the product.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-node:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New("say far, near, fleet, backend, replica or carrier")
	}
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	switch args[0] {
	case "far", "near":
		p := pair{out: stdout}
		fs.StringVar(&p.engine, "engine", "bare", "bare or ours")
		fs.StringVar(&p.control, "control", "", "host:port at which far waits for near")
		fs.StringVar(&p.relay, "relay", "", "host:port of the relay of a bare node")
		fs.BoolVar(&p.relayed, "relayed", false, "near: measure once packets go through the relay, and not once they go directly")
		fs.BoolVar(&p.block, "block", false, "allow this node no direct path")
		fs.Int64Var(&p.size, "size", 64<<20, "bytes of a transfer")
		fs.IntVar(&p.watch, "watch", 0, "process of the relay, whose CPU is counted")
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		if args[0] == "far" {
			return p.far(ctx)
		}
		return p.near(ctx)
	case "fleet":
		f := fleet{log: stderr}
		fs.StringVar(&f.url, "url", "", "base URL of the server")
		fs.StringVar(&f.tokens, "tokens", "", "file with one agent token a line")
		fs.StringVar(&f.status, "status", "", "host:port to answer on how many agents are there")
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		return f.run(ctx)
	}
	return runProxy(ctx, fs, args)
}

// runProxy runs a process of the streams group.
func runProxy(ctx context.Context, fs *flag.FlagSet, args []string) error {
	p := proxies{}
	runs := map[string]func(context.Context) error{"backend": p.serveBackend, "replica": p.serveReplica, "carrier": p.carry}
	if runs[args[0]] == nil {
		return fmt.Errorf("%q is not one of far, near, fleet, backend, replica and carrier", args[0])
	}
	fs.StringVar(&p.listen, "listen", "", "host:port to listen on")
	fs.StringVar(&p.backend, "backend", "", "replica: host:port of the backend, as the agent sees it")
	fs.StringVar(&p.url, "url", "", "carrier: base URL of the replica")
	fs.BoolVar(&p.direct, "direct", false, "replica: connect to the backend without an agent")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	return runs[args[0]](ctx)
}
