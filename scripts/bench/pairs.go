package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/deploy"
	"coder.internal/scripts/bench/plain"
	"coder.internal/scripts/bench/proc"
)

// nodes are two network nodes in processes of their own, without ssh: what package
// node of this folder says. Each round has a new near node; far stays.
type nodes struct {
	b       *bench
	what    string
	args    []string // of both
	near    []string // of near alone
	env     []string
	control string
	watch   int // the relay's process
	far     *proc.Process
}

// ourNodes are nodes of the product on a running server; token is that of an agent
// that nothing else runs. near may be told to stay on relays.
func (b *bench) ourNodes(ctx context.Context, c *deploy.Client, server *deploy.Server, token string, near ...string) (*nodes, error) {
	n := &nodes{b: b, what: "our nodes", watch: server.Pid(), args: []string{"-engine", "ours"}, near: near,
		env: []string{"BENCH_URL=" + server.URL, "BENCH_TOKEN=" + c.Token(), "BENCH_AGENT_TOKEN=" + token}}
	return n, n.start(ctx)
}

// bareNodes are nodes of the same upstream engine, with nothing of ours.
func (b *bench) bareNodes(ctx context.Context, relay *plain.Relay, near ...string) (*nodes, error) {
	n := &nodes{b: b, what: "bare nodes", watch: relay.Pid(), args: []string{"-engine", "bare", "-relay", relay.Addr}, near: near}
	return n, n.start(ctx)
}

func (n *nodes) start(ctx context.Context) error {
	port, err := proc.FreePort()
	if err != nil {
		return err
	}
	n.control = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	n.args = append(n.args, "-control", n.control)
	n.env = append(n.env, "BENCH_VERBOSE="+os.Getenv("BENCH_VERBOSE"), "PATH="+envPath(), "HOME="+n.b.dir)
	spec := n.spec("far")
	n.far, err = proc.Start(n.what, filepath.Join(n.b.dir, n.b.unique("far")+".log"), spec)
	if err != nil {
		return err
	}
	err = proc.Until(ctx, "the far one of "+n.what, 10*time.Millisecond, 30*time.Second, func() (bool, error) {
		select {
		case <-n.far.Done():
			return false, n.far.Ended()
		default:
		}
		c, err := net.Dial("tcp", n.control)
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
	if err != nil {
		err = errors.Join(err, n.stop())
	}
	return err
}

func (n *nodes) spec(end string, args ...string) proc.Spec {
	return proc.Spec{Path: n.b.node, Dir: n.b.dir, Env: n.env, Args: append(append([]string{end}, n.args...), args...)}
}

func (n *nodes) stop() error { return n.far.Stop(syscall.SIGTERM, 5*time.Second) }

// run measures one near node with a transfer of size bytes each way: MiB/s and CPU
// seconds per GiB of both nodes and the relay, down and up; and the median
// round-trip time in ms.
func (n *nodes) run(size int64) contender {
	return contender{n.what, func(ctx context.Context) ([]float64, error) {
		r, err := proc.Run(ctx, n.spec("near", append(n.near, "-size", strconv.FormatInt(size, 10), "-watch", strconv.Itoa(n.watch))...))
		if err != nil {
			return nil, err
		}
		type moved struct {
			Rate             float64
			Near, Far, Relay time.Duration
		}
		var got struct {
			RTT      time.Duration
			Down, Up moved
		}
		if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil {
			return nil, fmt.Errorf("answer of the near node: %w", err)
		}
		perGiB := float64(1<<30) / float64(size)
		var values []float64
		for _, m := range []moved{got.Down, got.Up} {
			values = append(values, m.Rate/mib, seconds(m.Near+m.Far+m.Relay)*perGiB)
		}
		values = append(values, 1000*seconds(got.RTT))
		n.b.say("%s: down %.0f MiB/s, up %.0f; CPU s/GiB %.1f, %.1f (relay %.1f, %.1f); RTT %.3f ms", n.what,
			values[0], values[2], values[1], values[3], seconds(got.Down.Relay)*perGiB, seconds(got.Up.Relay)*perGiB, values[4])
		return values, nil
	}}
}

// Indices of what run returns.
const (
	downRate = iota
	downCPU
	upRate
	upCPU
	pairRTT
)

// Bytes of one transfer between nodes, and the most rounds: many short ones, because
// from one to the next the same nodes differ by a tenth. Each takes some seconds, of
// which a relay with small packets takes most.
const (
	directSize  = 256 << 20
	relayedSize = 64 << 20
	mostPairs   = 5
)

// pairs measures plain TCP through the tunnel between two nodes of ours, beside two
// nodes of the bare engine: direct, and through the relay of each.
func (b *bench) pairs(ctx context.Context) (err error) {
	d, relay, tokens, err := b.pairSides(ctx, 2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, relay.Stop()) }()
	return errors.Join(
		b.onePair(ctx, d, relay, tokens[0], "direct", directSize),
		b.onePair(ctx, d, relay, tokens[1], "relayed", relayedSize, onRelay...))
}

// onRelay keeps a near node on its relay, as a client that is told so.
var onRelay = []string{"-relayed", "-block"}

// pairSides returns the shared deployment with tokens of spare agents, and a stock
// relay that the caller stops.
func (b *bench) pairSides(ctx context.Context, agents int) (*deployment, *plain.Relay, []string, error) {
	d, err := b.deployment(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	tokens, err := b.spareTokens(ctx, d.client, agents)
	if err != nil {
		return nil, nil, nil, err
	}
	dir, err := b.sub(b.unique("relay"))
	if err != nil {
		return nil, nil, nil, err
	}
	relay, err := plain.StartRelay(ctx, b.derper, dir)
	return d, relay, tokens, err
}

func (b *bench) onePair(ctx context.Context, d *deployment, relay *plain.Relay, token, name string, size int64, near ...string) (err error) {
	ours, err := b.ourNodes(ctx, d.client, d.server, token, near...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	return b.besideBare(ctx, ours, relay, name, size, atLeastTimes(0.95), near...)
}

// besideBare measures nodes of ours beside a new bare pair, whose near node has the
// arguments near.
func (b *bench) besideBare(ctx context.Context, ours *nodes, relay *plain.Relay, name string, size int64, speed goal, near ...string) (err error) {
	bare, err := b.bareNodes(ctx, relay, near...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	values, err := rounds(ctx, min(b.n, mostPairs), 0, ours.run(min(size, b.size)), bare.run(min(size, b.size)))
	if err != nil {
		return err
	}
	return b.emitPair(name, values[0], values[1], speed)
}

// emitPair prints ours beside the bare pair.
func (b *bench) emitPair(name string, ours, bare []series, speed goal) error {
	const what = "bare pair of the same engine"
	var errs []error
	for _, f := range []struct {
		name, unit string
		at         int
		goals      []goal
	}{
		{"tunnel down, " + name, "MiB/s", downRate, []goal{speed}},
		{"tunnel up, " + name, "MiB/s", upRate, []goal{speed}},
		{"CPU of tunnel down, " + name, "s/GiB", downCPU, nil},
		{"CPU of tunnel up, " + name, "s/GiB", upCPU, nil},
		{"tunnel RTT p50, " + name, "ms", pairRTT, nil},
	} {
		ref := bare[f.at].side(what)
		errs = append(errs, b.emit(newFigure(f.name, f.unit, ours[f.at], &ref, f.goals...)))
	}
	return errors.Join(errs...)
}
