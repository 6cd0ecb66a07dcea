//go:build linux

package servetest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Process is one that belongs to a deployment.
type Process struct {
	PID     int
	Command string
	// InWorkspace says that a template started it: it may outlive the server.
	InWorkspace bool
}

// String implements fmt.Stringer.
func (p Process) String() string { return fmt.Sprintf("%d %s", p.PID, p.Command) }

// Processes lists what runs and names the deployment's directory in its
// arguments or environment.
func (s *Server) Processes() []Process {
	var out []Process
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is fine
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		args, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || pid == os.Getpid() {
			continue // gone
		}
		env, _ := os.ReadFile(filepath.Join(dir, "environ")) // none for other users' processes
		if len(args) == 0 || !bytes.Contains(args, []byte(s.Dir)) && !bytes.Contains(env, []byte(s.Dir)) {
			continue
		}
		out = append(out, Process{PID: pid, Command: strings.TrimSpace(strings.ReplaceAll(string(args), "\x00", " ")),
			InWorkspace: bytes.Contains(env, []byte("HOST_WORKSPACE="))})
	}
	return out
}

// Eventually waits until cond holds, for what sends no signal.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
