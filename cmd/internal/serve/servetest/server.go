//go:build linux

package servetest

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/database/dbtest"
)

// Patience bounds each wait; nothing waits that long when all is well.
const Patience = time.Minute

// Options of a server.
type Options struct {
	// BuiltinPostgres lets the server run its own Postgres.
	BuiltinPostgres bool
	// PostgresURL is used instead of a fresh database.
	PostgresURL string
	Env         []string // NAME=value
	Args        []string // after "server"
	// HTTPS serves with a certificate of an own authority and turns HTTP off.
	HTTPS bool
	// Host is the address to listen on instead of a loopback one, and Enter a
	// command that runs the one behind it elsewhere, such as in a network
	// namespace. It must become that command, not start it.
	Host  string
	Enter []string
}

// Server is one deployment: a directory, a database, and at most one process.
type Server struct {
	t    testing.TB
	opts Options
	// Dir holds all that belongs to the deployment; its path marks its processes.
	Dir string
	// URL is the access URL, known after the first Start.
	URL *url.URL
	// DSN is the database's, empty for the built-in one.
	DSN string
	// CA is the file of the authority of HTTPS.
	CA string

	host, port string
	run        *run   // the last process
	logs       []*log // of all processes
}

// run is one process of a server.
type run struct {
	cmd  *exec.Cmd
	log  *log
	done chan struct{} // closed after the process has ended
}

// New makes a deployment without a process.
func New(t testing.TB, opts Options) *Server {
	t.Helper()
	s := &Server{t: t, opts: opts, Dir: makeDir(t), DSN: opts.PostgresURL, port: "0"}
	if !opts.BuiltinPostgres && s.DSN == "" {
		s.DSN = dbtest.URL(t)
	}
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	s.host = fmt.Sprintf("127.%d.%d.%d", 1+b[0]%250, b[1], 1+b[2]%250)
	if opts.Host != "" {
		s.host = opts.Host
	}
	if opts.HTTPS {
		s.makeCertificate()
	}
	t.Cleanup(s.clean)
	return s
}

// Start makes a deployment and starts it.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	s := New(t, opts)
	s.Start()
	return s
}

// makeDir makes a directory that the user of a built-in Postgres can enter.
func makeDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "coder-e2e-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// Start starts the process and waits until it is ready.
func (s *Server) Start() {
	s.t.Helper()
	s.launch()
	s.WaitLog(`msg="server is ready"`)
	u, err := url.Parse(s.WaitLog(`(?m)^Coder is at (\S+)$`))
	require.NoError(s.t, err)
	s.URL, s.port = u, u.Port()
}

// Fail starts the process, wants it to end by itself with an error, and returns
// its output.
func (s *Server) Fail() string {
	s.t.Helper()
	s.launch()
	require.Equal(s.t, 1, s.Wait(), "%s", s.run.log.text())
	return s.run.log.text()
}

// launch starts the process. A thread that lives as long as the process is its
// parent, because the kernel ends it with that thread: nothing survives a test
// binary that is killed.
func (s *Server) launch() {
	s.t.Helper()
	argv := append(append(append([]string(nil), s.opts.Enter...), binary), append(s.args(), s.opts.Args...)...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(s.environ(), s.opts.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	r := &run{cmd: cmd, log: newLog(), done: make(chan struct{})}
	w, whole := r.log.writer(s.t)
	cmd.Stdout, cmd.Stderr = w, w
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its code is in ProcessState
		}
		whole()
		close(r.done)
	}()
	s.logs = append(s.logs, r.log)
	require.NoError(s.t, <-started)
	s.run = r
}

func (s *Server) args() []string {
	address := net.JoinHostPort(s.host, s.port)
	args := []string{"server", "--provisioner-daemon-poll-interval", "1s"}
	if !slices.Contains(s.opts.Args, "--derp-server-stun-addresses") {
		args = append(args, "--derp-server-stun-addresses", "disable")
	}
	if !s.opts.HTTPS {
		return append(args, "--http-address", address)
	}
	return append(args, "--http-address", "off", "--tls-enable", "--tls-address", address,
		"--tls-cert-file", filepath.Join(s.Dir, "cert.pem"), "--tls-key-file", filepath.Join(s.Dir, "key.pem"))
}

// environ is what a service manager would give, nothing of the tester's.
func (s *Server) environ() []string {
	// Tests send as much as they can from one address.
	env := []string{"CODER_DANGEROUS_DISABLE_RATE_LIMITS=true", "PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "LANG=C.UTF-8",
		"CODER_CONFIG_DIR=" + filepath.Join(s.Dir, "config"), "CODER_CACHE_DIRECTORY=" + filepath.Join(s.Dir, "cache")}
	if s.DSN != "" {
		env = append(env, "CODER_PG_CONNECTION_URL="+s.DSN)
	}
	return env
}

// Setenv adds to the environment of the next Start.
func (s *Server) Setenv(pairs ...string) { s.opts.Env = append(s.opts.Env, pairs...) }

// Log returns what the process has written so far.
func (s *Server) Log() string { return s.run.log.text() }

// WaitLog waits until the process's output matches and returns the first group,
// or the match.
func (s *Server) WaitLog(expr string) string {
	s.t.Helper()
	re := regexp.MustCompile(expr)
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	for {
		text, more := s.run.log.wait()
		if m := re.FindStringSubmatch(text); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-more:
		case <-s.run.done:
			if m := re.FindStringSubmatch(s.run.log.text()); m != nil {
				return m[len(m)-1]
			}
			s.t.Fatalf("the server ended before it wrote %s:\n%s", expr, s.run.log.text())
		case <-limit.C:
			s.t.Fatalf("the server never wrote %s:\n%s", expr, text)
		}
	}
}

// Signal sends sig to the process.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	require.NoError(s.t, s.run.cmd.Process.Signal(sig))
}

// Wait waits for the end of the process and returns its exit code, -1 after a
// signal.
func (s *Server) Wait() int {
	s.t.Helper()
	select {
	case <-s.run.done:
	case <-time.After(Patience):
		s.t.Fatalf("the server did not end:\n%s", s.run.log.text())
	}
	return s.run.cmd.ProcessState.ExitCode()
}

// Kill ends the process as the kernel does when memory is short.
func (s *Server) Kill() {
	s.t.Helper()
	s.Signal(syscall.SIGKILL)
	s.Wait()
}

// Stop asks the process to end and wants exit code 0.
func (s *Server) Stop() {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	require.Equal(s.t, 0, s.Wait(), "%s", s.run.log.text())
}

// clean stops the process, ends what runs in workspaces, and wants nothing else
// to be left.
func (s *Server) clean() {
	defer func() {
		for _, l := range s.logs {
			l.close()
		}
	}()
	if s.run == nil {
		return
	}
	select {
	case <-s.run.done:
	default:
		if err := s.run.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Errorf("stop server: %v", err)
		}
		if code := s.Wait(); code != 0 {
			s.t.Errorf("the server ended with code %d", code)
		}
	}
	if s.t.Failed() {
		s.t.Logf("server %s:\n%s", s.Dir, s.run.log.text())
	}
	for _, p := range s.Processes() {
		if !p.InWorkspace {
			s.t.Errorf("left behind: %s", p)
		}
		_ = syscall.Kill(p.PID, syscall.SIGKILL) // it may be gone by itself
	}
	Eventually(s.t, "all processes are gone", func() bool { return len(s.Processes()) == 0 })
	if s.opts.BuiltinPostgres {
		s.removeCluster()
	}
}

// removeCluster removes a cluster that a root server keeps outside its directory.
func (s *Server) removeCluster() {
	names, _ := filepath.Glob(filepath.Join(s.Dir, "config", "postgres", "*"))
	for _, name := range names {
		b, err := os.ReadFile(name)
		if dir := strings.TrimSpace(string(b)); err == nil && strings.HasPrefix(dir, "/var/lib/coder-") {
			_ = os.RemoveAll(dir)
		}
	}
}
