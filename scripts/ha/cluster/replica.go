package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// Replica is one server. Its address and files stay the same over restarts.
type Replica struct {
	Name string
	Addr string // host:port at which it listens
	Link *Link  // what the balancer reaches it through; nil without Options.Links

	dir string
	env []string

	mu      sync.Mutex // guards what follows
	binary  string
	process *proc.Process
}

// Log is the file with its output.
func (r *Replica) Log() string { return filepath.Join(r.dir, "server.log") }

// Pid is the number of its process, 0 while there is none.
func (r *Replica) Pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		return 0
	}
	return r.process.Pid()
}

// Done is closed when its process has ended, however that came; while there is no
// process it is closed.
func (r *Replica) Done() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return r.process.Done()
}

// Use makes the next Start start another binary.
func (r *Replica) Use(binary string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.binary = binary
}

// Start starts it and waits until it serves: it is ready, or healthy when it is of
// a release that does not tell readiness.
func (r *Replica) Start(ctx context.Context) error {
	if err := r.Launch(); err != nil {
		return err
	}
	return r.Ready(ctx)
}

// Launch starts it and does not wait.
func (r *Replica) Launch() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		return fmt.Errorf("%s runs already", r.Name)
	}
	for _, d := range []string{r.dir, filepath.Join(r.dir, "home")} {
		if err := os.MkdirAll(d, 0o711); err != nil { //nolint:gosec // the user of Postgres and of terraform passes
			return err
		}
	}
	p, err := proc.Start(r.Name, r.Log(), proc.Spec{Path: r.binary, Args: []string{"server"}, Dir: r.dir, Env: r.env})
	if err != nil {
		return err
	}
	r.process = p
	return nil
}

// Ready waits until it serves.
func (r *Replica) Ready(ctx context.Context) error {
	r.mu.Lock()
	p := r.process
	r.mu.Unlock()
	if p == nil {
		return fmt.Errorf("%s does not run", r.Name)
	}
	hc := &http.Client{Timeout: 5 * time.Second}
	defer hc.CloseIdleConnections()
	return proc.Until(ctx, r.Name+" to serve", 10*time.Millisecond, startWithin, func() (bool, error) {
		select {
		case <-p.Done():
			return false, p.Ended()
		default:
		}
		ready, err := status(ctx, hc, "http://"+r.Addr+"/readyz")
		if err != nil {
			return false, ctx.Err() // not listening yet
		}
		if ready != http.StatusNotFound {
			return ready == http.StatusOK, nil
		}
		healthy, err := status(ctx, hc, "http://"+r.Addr+"/healthz")
		if err != nil {
			return false, ctx.Err()
		}
		return healthy == http.StatusOK, nil
	})
}

func status(ctx context.Context, hc *http.Client, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	res, err := hc.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// Kill ends it at once, as a crash does. Nothing happens when it does not run. It is
// an error, of Stop too, when it had ended by itself.
func (r *Replica) Kill() error { return r.stop(syscall.SIGKILL) }

// Stop ends it as a service manager does, and waits for its end.
func (r *Replica) Stop() error { return r.stop(syscall.SIGTERM) }

// Restart stops and starts it.
func (r *Replica) Restart(ctx context.Context) error {
	return errors.Join(r.Stop(), r.Start(ctx))
}

func (r *Replica) stop(sig syscall.Signal) error {
	r.mu.Lock()
	p := r.process
	r.process = nil
	r.mu.Unlock()
	if p == nil {
		return nil
	}
	select {
	case <-p.Done():
		return p.Ended()
	default:
	}
	_ = syscall.Kill(p.Pid(), syscall.SIGCONT) // a frozen one hears nothing; it may just have ended
	return p.Stop(sig, stopWithin)
}

// Freeze stops the process without ending it: it keeps its connections and answers
// nothing, as a machine does that hangs.
func (r *Replica) Freeze() error { return r.signal(syscall.SIGSTOP) }

// Thaw lets a frozen one go on.
func (r *Replica) Thaw() error { return r.signal(syscall.SIGCONT) }

func (r *Replica) signal(sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		return nil
	}
	if err := syscall.Kill(r.process.Pid(), sig); err != nil {
		return fmt.Errorf("%s %s: %w", sig, r.Name, err)
	}
	return nil
}
