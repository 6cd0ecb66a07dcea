package plain

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// Relay is upstream's own relay program on 127.0.0.1, in plain HTTP as behind a
// proxy, and without STUN.
type Relay struct {
	Addr    string
	process *proc.Process
}

// StartRelay starts the program binary with its key in dir.
func StartRelay(ctx context.Context, binary, dir string) (*Relay, error) {
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	r := &Relay{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	r.process, err = proc.Start("derper", filepath.Join(dir, "derper.log"), proc.Spec{Path: binary, Dir: dir,
		Env:  []string{"HOME=" + dir, "PATH=/usr/bin:/bin"},
		Args: []string{"-a", r.Addr, "-c", filepath.Join(dir, "derper.key"), "-stun=false", "-http-port=-1", "-home=blank"}})
	if err != nil {
		return nil, fmt.Errorf("start stock relay: %w", err)
	}
	err = proc.Until(ctx, "the stock relay", 5*time.Millisecond, 10*time.Second, func() (bool, error) {
		select {
		case <-r.process.Done():
			return false, r.process.Ended()
		default:
		}
		c, err := net.Dial("tcp", r.Addr)
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
	if err != nil {
		_ = r.Stop() // the error says more
		return nil, err
	}
	return r, nil
}

// Pid is the number of its process.
func (r *Relay) Pid() int { return r.process.Pid() }

// Stop ends it.
func (r *Relay) Stop() error { return r.process.Stop(syscall.SIGTERM, 5*time.Second) }
