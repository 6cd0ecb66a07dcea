package scripts

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"coder.internal/agent/child"
	"coder.internal/api"
)

const (
	killGrace      = 5 * time.Second // between SIGTERM and SIGKILL at a timeout
	maxLogFile     = 64 << 20
	maxOpen        = 256 // pipes read at a time, two for each run
	exitNotStarted = 126
	exitTimedOut   = 124 // as timeout(1)
)

// run blocks until the script's process has ended and its output is complete, or
// PipeDelay has passed.
func (r *Runner) run(whole context.Context, s api.AgentScript) (status string, code int) {
	note := func(format string, args ...any) {
		r.logs.add(s.LogSourceID, api.LogError, fmt.Sprintf(format, args...))
	}
	timed := whole
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		timed, cancel = context.WithTimeout(whole, time.Duration(s.Timeout)*time.Second)
		defer cancel()
	}
	cmd, cleanup, err := r.command(s)
	if err != nil {
		note("The script was not started: %v", err)
		return StatusExitFailure, exitNotStarted
	}
	defer cleanup()
	file := r.logFile(s, note)
	out, err := r.start(cmd, s, file)
	if err != nil {
		_ = file.Close()
		note("The script was not started: %v", err)
		return StatusExitFailure, exitNotStarted
	}
	interrupted := r.wait(timed, cmd)
	leftOpen := !out.wait(r.opts.PipeDelay)
	code = child.ExitCode(cmd.ProcessState)
	switch {
	case interrupted && timed.Err() == context.DeadlineExceeded:
		if whole.Err() == nil {
			note("The script was stopped: it did not end within its timeout of %d s.", s.Timeout)
		} else {
			note("The script was stopped: the agent has no more time for it.")
		}
		return StatusTimedOut, exitTimedOut
	case interrupted:
		note("The script was stopped: the agent is shutting down.")
		return StatusExitFailure, max(1, code)
	case code != 0:
		return StatusExitFailure, code
	case leftOpen:
		return StatusPipesLeftOpen, 0
	}
	return StatusOK, 0
}

// wait reaps cmd. When ctx ends first, the whole group is told to end and, after
// a grace period, killed; then the answer is true.
func (r *Runner) wait(ctx context.Context, cmd *exec.Cmd) (interrupted bool) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the state says it all
	}()
	select {
	case <-ended:
		return false
	case <-ctx.Done():
	}
	_ = child.Terminate(cmd.Process)
	grace := time.NewTimer(killGrace)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
	}
	_ = child.Kill(cmd.Process)
	<-ended
	return true
}

// command writes the script to a file, which keeps it out of the list of
// processes and free of the limit on one argument. The file need not be
// executable: its interpreter is called, so that a noexec /tmp does no harm.
func (r *Runner) command(s api.AgentScript) (*exec.Cmd, func(), error) {
	data := filepath.Join(r.base, s.LogSourceID.String())
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make data directory: %w", err)
	}
	f, err := os.CreateTemp(r.base, "script-*"+scriptSuffix)
	if err != nil {
		return nil, nil, fmt.Errorf("write script: %w", err)
	}
	cleanup := func() { _ = os.Remove(f.Name()) }
	_, err = f.WriteString(s.Script)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		cleanup()
		return nil, nil, fmt.Errorf("write script: %w", err)
	}
	args := interpreter(r.opts.Account.Shell, s.Script)
	path, err := exec.LookPath(args[0])
	if err != nil {
		cleanup()
		return nil, nil, err
	}
	cmd := &exec.Cmd{Path: path, Args: append(args, f.Name())}
	cmd.Dir = r.opts.Account.Directory(r.opts.Directory)
	cmd.Env = child.Merge(child.PrependPath(r.opts.Environ, r.BinDir(), string(os.PathListSeparator)), []string{
		"CODER_SCRIPT_DATA_DIR=" + data,
		"CODER_SCRIPT_BIN_DIR=" + r.BinDir(),
	})
	child.Group(cmd)
	return cmd, cleanup, nil
}

// interpreter reads a #! line as the kernel does: a path and one argument.
func interpreter(shell, script string) []string {
	line, ok := strings.CutPrefix(script, "#!")
	if !ok {
		return append([]string{shell}, shellFileArgs()...)
	}
	line, _, _ = strings.Cut(line, "\n")
	path, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	if arg = strings.TrimSpace(arg); arg != "" {
		return []string{path, arg}
	}
	if path == "" {
		return append([]string{shell}, shellFileArgs()...)
	}
	return []string{path}
}

// logFile opens log_path anew for this run. Without it, or when it cannot be
// opened, the script runs all the same.
func (r *Runner) logFile(s api.AgentScript, note func(string, ...any)) *cappedFile {
	if s.LogPath == "" {
		return &cappedFile{}
	}
	account := r.opts.Account
	if r.opts.LogDir != "" && !strings.HasPrefix(s.LogPath, "~") {
		account.Home = r.opts.LogDir
	}
	path := account.Expand(s.LogPath, child.Merge(r.opts.Environ, []string{"HOME=" + r.opts.Account.Home}))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|openNoFollow, 0o600)
	if err != nil {
		note("log_path cannot be written: %v", err)
		return &cappedFile{}
	}
	return &cappedFile{f: f, left: maxLogFile}
}

// cappedFile is a log on disk. Its writes never fail: a full disk must not stop
// the script. A zero cappedFile swallows all.
type cappedFile struct {
	mu   sync.Mutex
	f    *os.File
	left int
}

func (c *cappedFile) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f == nil || c.left <= 0 {
		return len(p), nil
	}
	n, _ := c.f.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left <= 0 {
		_, _ = fmt.Fprintf(c.f, "\n[This log has reached its limit of %d MiB; what follows is not kept.]\n", maxLogFile>>20)
	}
	return len(p), nil
}

func (c *cappedFile) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f == nil {
		return nil
	}
	return c.f.Close()
}

// output is the reading side of one run.
type output struct{ done chan struct{} }

// start starts cmd with two pipes and copies them to file and to the log until
// nobody holds them any more, which may be long after cmd has ended.
func (r *Runner) start(cmd *exec.Cmd, s api.AgentScript, file *cappedFile) (*output, error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_, _ = outR.Close(), outW.Close()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = outW, errW
	err = cmd.Start()
	r.opts.Account.Priority.Apply(cmd.Process)
	_, _ = outW.Close(), errW.Close()
	if err != nil {
		_, _ = outR.Close(), errR.Close()
		return nil, err
	}
	o := &output{done: make(chan struct{})}
	var both sync.WaitGroup
	both.Go(func() { r.copy(outR, s.LogSourceID, api.LogInfo, file) })
	both.Go(func() { r.copy(errR, s.LogSourceID, api.LogError, file) })
	r.wg.Go(func() {
		defer close(o.done)
		both.Wait()
		_ = file.Close()
	})
	return o, nil
}

func (r *Runner) copy(from *os.File, source api.ID, level api.LogLevel, file *cappedFile) {
	r.read(from)
	lines := &lineWriter{full: r.logs.isFull, emit: func(line string) { r.logs.add(source, level, line) }}
	_, _ = io.Copy(io.MultiWriter(file, lines), from) // ends at end of file or Run's
	lines.Close()
	r.mu.Lock()
	delete(r.open, from)
	r.mu.Unlock()
	_ = from.Close()
}

// read notes that a pipe is read. Processes that runs left behind hold theirs for
// as long as they like: beyond maxOpen the oldest is given up, and its process
// learns of it when it writes next.
func (r *Runner) read(from *os.File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened++
	r.open[from] = r.opened
	if len(r.open) <= maxOpen {
		return
	}
	oldest := from
	for f, at := range r.open {
		if at < r.open[oldest] {
			oldest = f
		}
	}
	delete(r.open, oldest)
	_ = oldest.Close()
	r.opts.Log.Warn("scripts left too many processes behind, the output of the oldest is no longer read", "pipes", maxOpen)
}

// wait reports whether the output ended within delay.
func (o *output) wait(delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-o.done:
		return true
	case <-timer.C:
		return false
	}
}
