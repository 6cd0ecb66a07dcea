package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// pair is one end of a pair of nodes.
type pair struct {
	engine, control, relay string
	relayed, block         bool
	size                   int64
	watch                  int
	out                    io.Writer
}

// card is what a node must know of the other; a node of ours needs the id alone.
type card struct {
	ID        string   `json:"id,omitempty"`
	Key       string   `json:"key,omitempty"`
	Disco     string   `json:"disco,omitempty"`
	Endpoints []string `json:"endpoints,omitempty"`
}

// asked is a message of near to far on the control connection, told the answer.
type asked struct {
	Hello *card `json:"hello,omitempty"` // of a bare node; else far's CPU is asked for
}

type told struct {
	Hello card          `json:"hello"`
	CPU   time.Duration `json:"cpu"`
}

// node is a network node of either engine.
type node interface {
	card() card
	// meet learns of the other node.
	meet(card) error
	// path asks the other for an answer and reports whether it came directly.
	path(context.Context) (direct bool, err error)
	dial(context.Context) (net.Conn, error)
	close()
}

const (
	servicePort = 700 // of far, inside the tunnel
	pathWithin  = 20 * time.Second
	trips       = 400 // of one byte, for the round-trip time
)

// far serves near nodes, one after another, until ctx ends.
func (p *pair) far(ctx context.Context) error {
	n, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer n.close()
	l, err := net.Listen("tcp", p.control)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		err = answer(ctx, c, n)
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// answer speaks with one near until it is gone.
func answer(ctx context.Context, c net.Conn, n node) error {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	dec, enc := json.NewDecoder(c), json.NewEncoder(c)
	for {
		var m asked
		if err := dec.Decode(&m); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if m.Hello != nil {
			if err := n.meet(*m.Hello); err != nil {
				return err
			}
		}
		if err := enc.Encode(told{Hello: n.card(), CPU: ownCPU()}); err != nil {
			return err
		}
	}
}

// open makes a node of the engine; inbound ones serve streams.
func (p *pair) open(ctx context.Context, inbound bool) (node, error) {
	switch p.engine {
	case "bare":
		return newBare(ctx, p.relay, p.block, inbound)
	case "ours":
		return newOurs(ctx, p.block, inbound)
	}
	return nil, fmt.Errorf("-engine %q: give bare or ours", p.engine)
}

// result is what near prints. Rates are bytes a second.
type result struct {
	RTT  time.Duration `json:"rtt"` // median
	Down moved         `json:"down"`
	Up   moved         `json:"up"`
}

// moved is one transfer, with the CPU time that each process used meanwhile.
type moved struct {
	Rate  float64       `json:"rate"`
	Near  time.Duration `json:"near"`
	Far   time.Duration `json:"far"`
	Relay time.Duration `json:"relay"`
}

// near measures and prints.
func (p *pair) near(ctx context.Context) error {
	n, err := p.open(ctx, false)
	if err != nil {
		return err
	}
	defer n.close()
	c, err := net.Dial("tcp", p.control)
	if err != nil {
		return err
	}
	defer c.Close()
	m := &meter{p: p, n: n, dec: json.NewDecoder(c), enc: json.NewEncoder(c)}
	own := n.card()
	t, err := m.ask(asked{Hello: &own})
	if err != nil {
		return err
	}
	if err := n.meet(t.Hello); err != nil {
		return err
	}
	if err := m.awaitPath(ctx); err != nil {
		return err
	}
	var r result
	if r.RTT, err = m.roundTrip(ctx); err != nil {
		return err
	}
	if r.Down, err = m.move(ctx, serveDown); err != nil {
		return err
	}
	if r.Up, err = m.move(ctx, serveUp); err != nil {
		return err
	}
	if err := m.awaitPath(ctx); err != nil {
		return fmt.Errorf("after the transfers: %w", err)
	}
	return json.NewEncoder(p.out).Encode(r)
}

// meter is near with its control connection.
type meter struct {
	p   *pair
	n   node
	mu  sync.Mutex
	dec *json.Decoder
	enc *json.Encoder
}

func (m *meter) ask(q asked) (t told, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err = m.enc.Encode(q); err == nil {
		err = m.dec.Decode(&t)
	}
	if err != nil {
		err = fmt.Errorf("ask the far node: %w", err)
	}
	return t, err
}

// awaitPath waits until the packets go the way that is to be measured.
func (m *meter) awaitPath(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pathWithin)
	defer cancel()
	for {
		direct, err := m.n.path(ctx)
		if err == nil && direct != m.p.relayed {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no path with relayed=%t within %s: %w", m.p.relayed, pathWithin, errors.Join(err, ctx.Err()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// used is the CPU time of near, far and relay so far.
func (m *meter) used() (u moved, err error) {
	t, err := m.ask(asked{})
	if err != nil {
		return u, err
	}
	u.Near, u.Far = ownCPU(), t.CPU
	if m.p.watch != 0 {
		u.Relay, err = proc.CPU([]int{m.p.watch})
	}
	return u, err
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
