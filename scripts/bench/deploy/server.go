package deploy

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

const (
	healthyWithin = 60 * time.Second
	stoppedWithin = 30 * time.Second
)

// Server is one running `coder server` on 127.0.0.1.
type Server struct {
	URL     string
	Dir     string        // holds config, cache, home and the log
	Healthy time.Duration // from the start of the process to the first good /healthz
	port    int
	process *proc.Process
}

// Start starts a server whose files are in dir, and waits until it is healthy.
// A second start in the same dir is a warm one.
func Start(ctx context.Context, binary, dir string, env ...string) (*Server, error) {
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	return start(ctx, binary, dir, port, env)
}

// Again starts a server in the place of this one, which has ended: same files,
// same address.
func (s *Server) Again(ctx context.Context, binary string, env ...string) (*Server, error) {
	return start(ctx, binary, s.Dir, s.port, env)
}

func start(ctx context.Context, binary, dir string, port int, env []string) (*Server, error) {
	for _, d := range []string{dir, filepath.Join(dir, "home")} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return nil, err
		}
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	s := &Server{URL: "http://" + addr, Dir: dir, port: port}
	// A measurement asks as often as it can.
	env = append([]string{"CODER_DANGEROUS_DISABLE_RATE_LIMITS=true", "PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "LANG=C.UTF-8",
		"CODER_CONFIG_DIR=" + filepath.Join(dir, "config"), "CODER_CACHE_DIRECTORY=" + s.Cache(),
		"CODER_HTTP_ADDRESS=" + addr, "CODER_ACCESS_URL=" + s.URL}, env...)
	began := time.Now()
	var err error
	s.process, err = proc.Start("coder server", s.Log(), proc.Spec{Path: binary, Args: []string{"server"}, Dir: dir, Env: env})
	if err != nil {
		return nil, err
	}
	if err := s.healthy(ctx); err != nil {
		if stopErr := s.Stop(); stopErr != nil {
			err = fmt.Errorf("%w; and %w", err, stopErr)
		}
		return nil, err
	}
	s.Healthy = time.Since(began)
	return s, nil
}

func (s *Server) healthy(ctx context.Context) error {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	return proc.Until(ctx, s.URL+"/healthz", 2*time.Millisecond, healthyWithin, func() (bool, error) {
		select {
		case <-s.process.Done():
			return false, s.process.Ended()
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/healthz", nil)
		if err != nil {
			return false, err
		}
		res, err := client.Do(req)
		if err != nil {
			return false, ctx.Err() // not listening yet
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	})
}

// Cache is the server's cache directory.
func (s *Server) Cache() string { return filepath.Join(s.Dir, "cache") }

// Log is the file with the server's output.
func (s *Server) Log() string { return filepath.Join(s.Dir, "server.log") }

// Pid is the number of the server's process.
func (s *Server) Pid() int { return s.process.Pid() }

// Stop ends the server as a service manager would.
func (s *Server) Stop() error { return s.process.Stop(syscall.SIGTERM, stoppedWithin) }

// Kill ends the server without a warning, as a crash would.
func (s *Server) Kill() error { return s.process.Stop(syscall.SIGKILL, stoppedWithin) }
