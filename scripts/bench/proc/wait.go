package proc

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Until asks ready each interval until it says yes. It ends with an error when
// ctx or limit ends; what names the thing waited for.
func Until(ctx context.Context, what string, interval, limit time.Duration, ready func() (bool, error)) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		ok, err := ready()
		if err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("waited %s for %s in vain", limit, what)
		case <-tick.C:
		}
	}
}

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Answers waits until a process takes connections at address.
func (p *Process) Answers(ctx context.Context, address string) error {
	return Until(ctx, address, 5*time.Millisecond, 10*time.Second, func() (bool, error) {
		select {
		case <-p.Done():
			return false, p.Ended()
		default:
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return true, c.Close()
	})
}
