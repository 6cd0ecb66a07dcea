package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// dialStep is how long an address may stay silent before the next is tried
	// beside it.
	dialStep = 250 * time.Millisecond
	// dialAgain is how long all may stay silent before one is tried anew. The
	// kernel repeats its own question after 1, 3, 7, 15 s: too slow for a network
	// that has just come back.
	dialAgain   = time.Second
	dialTimeout = 15 * time.Second
	// maxDials bounds the attempts under way; the oldest gives way.
	maxDials = 8
	// maxAddresses bounds those of one name.
	maxAddresses = 16
	// maxRemembered bounds the hosts whose good address is kept.
	maxRemembered = 64
)

var errNoAnswer = fmt.Errorf("no answer within %s", dialTimeout)

// dialer opens TCP connections. Of a host with several addresses the first to
// answer wins, and is asked first the next time.
type dialer struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	good map[string]netip.Addr
}

func newDialer() *dialer {
	d := &net.Dialer{Timeout: dialTimeout, Control: tuneSocket, KeepAliveConfig: net.KeepAliveConfig{
		// Noticed within 30 s: 15 s of silence and three questions.
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	return &dialer{lookup: net.DefaultResolver.LookupNetIP, dial: d.DialContext, good: map[string]netip.Addr{}}
}

// DialContext connects to host:port within 15 s.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errNoAnswer)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var addrs []netip.Addr
	if ip, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{ip}
	} else if addrs, err = d.lookup(ctx, "ip", host); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	addrs = d.order(host, addrs)
	if len(addrs) == 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no address", Name: host, IsNotFound: true}}
	}
	r := &race{d: d, network: network, port: port, addrs: addrs, results: make(chan result)}
	nc, from, err := r.run(ctx)
	if err != nil {
		return nil, err
	}
	d.remember(host, from)
	return nc, nil
}

// order alternates the families, and puts the address that worked last first.
func (d *dialer) order(host string, addrs []netip.Addr) []netip.Addr {
	var first, second, out []netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if len(first) == 0 || a.Is4() == first[0].Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	for i := range max(len(first), len(second)) {
		out = append(out, first[min(i, len(first)):min(i+1, len(first))]...)
		out = append(out, second[min(i, len(second)):min(i+1, len(second))]...)
	}
	d.mu.Lock()
	good, ok := d.good[host]
	d.mu.Unlock()
	for i, a := range out {
		if ok && a == good {
			copy(out[1:i+1], out[:i])
			out[0] = a
		}
	}
	return out[:min(len(out), maxAddresses)]
}

func (d *dialer) remember(host string, a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.good) >= maxRemembered {
		clear(d.good)
	}
	d.good[host] = a
}

// race dials addresses until one answers.
type race struct {
	d             *dialer
	network, port string
	addrs         []netip.Addr
	results       chan result

	wg      sync.WaitGroup
	pending []context.CancelFunc // oldest first; called more than once
	running int
	first   error // of the first address that refused
	refused map[netip.Addr]bool
}

type result struct {
	addr netip.Addr
	conn net.Conn
	err  error
}

func (r *race) run(ctx context.Context) (net.Conn, netip.Addr, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer r.wg.Wait() // attempts end with ctx; whoever comes late is closed
	defer cancel()
	r.refused = map[netip.Addr]bool{}
	next := 0
	r.start(ctx, r.addrs[0])
	t := time.NewTimer(dialStep)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, netip.Addr{}, r.failure(ctx)
		case <-t.C:
		case res := <-r.results:
			r.running--
			if res.err == nil {
				return res.conn, res.addr, nil
			}
			if ctx.Err() == nil && !errors.Is(res.err, context.Canceled) {
				r.refused[res.addr] = true
				if r.first == nil {
					r.first = res.err
				}
			}
			if len(r.refused) == len(r.addrs) {
				return nil, netip.Addr{}, r.first
			}
			if r.running > 0 && next >= len(r.addrs)-1 {
				continue
			}
		}
		next++
		if a := r.addrs[next%len(r.addrs)]; !r.refused[a] {
			r.start(ctx, a)
		}
		if next < len(r.addrs)-1 {
			t.Reset(dialStep)
		} else {
			t.Reset(dialAgain)
		}
	}
}

func (r *race) start(ctx context.Context, a netip.Addr) {
	actx, cancel := context.WithCancel(ctx)
	if len(r.pending) == maxDials {
		r.pending[0]()
		r.pending = append(r.pending[:0], r.pending[1:]...)
	}
	r.pending = append(r.pending, cancel)
	r.running++
	r.wg.Go(func() {
		defer cancel()
		nc, err := r.d.dial(actx, r.network, net.JoinHostPort(a.String(), r.port))
		select {
		case r.results <- result{a, nc, err}:
		case <-ctx.Done():
			if nc != nil {
				_ = nc.Close()
			}
		}
	})
}

func (r *race) failure(ctx context.Context) error {
	if r.first != nil {
		return r.first
	}
	return &net.OpError{Op: "dial", Net: r.network, Err: context.Cause(ctx),
		Addr: hostAddr(net.JoinHostPort(r.addrs[0].String(), r.port))}
}

// hostAddr is an address in an error.
type hostAddr string

func (hostAddr) Network() string  { return "tcp" }
func (a hostAddr) String() string { return string(a) }
