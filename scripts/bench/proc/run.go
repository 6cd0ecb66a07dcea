package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	keptOutput = 1 << 20 // bytes of standard output that a Result keeps
	keptErrors = 4 << 10 // bytes of standard error that an error quotes
	killAfter  = 5 * time.Second
)

// Spec says what to run. Env is the whole environment.
type Spec struct {
	Path  string
	Args  []string
	Dir   string
	Env   []string
	Stdin io.Reader
	// Stdout takes the output instead of Result.Stdout; a pipe or file is given
	// to the process as it is.
	Stdout io.Writer
	// UID and GID are who runs it, when set and we are root.
	UID, GID uint32
}

// Result is what one finished process used. CPU counts its children that it
// waited for. MaxRSS is in bytes and never below our own memory, which the kernel
// counts until the new program is there.
type Result struct {
	Wall   time.Duration
	CPU    time.Duration
	MaxRSS int64
	Stdout string
}

// Run runs a process to its end. A process that fails gives an error with the
// last of what it wrote to standard error. When ctx ends its group gets SIGTERM,
// and SIGKILL 5 seconds later.
func Run(ctx context.Context, s Spec) (Result, error) {
	cmd := exec.CommandContext(ctx, s.Path, s.Args...)
	s.apply(cmd)
	var out, errs tail
	out.most, errs.most = keptOutput, keptErrors
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, &errs
	if s.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	start := time.Now()
	err := cmd.Run()
	r := Result{Wall: time.Since(start), Stdout: out.String()}
	if st := cmd.ProcessState; st != nil {
		r.CPU = st.UserTime() + st.SystemTime()
		if u, ok := st.SysUsage().(*syscall.Rusage); ok {
			r.MaxRSS = u.Maxrss * 1024
		}
	}
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	if err != nil {
		return r, fmt.Errorf("%s %s: %w: %s", filepath.Base(s.Path), strings.Join(s.Args, " "), err,
			strings.TrimSpace(errs.String()+"\n"+out.lastLines()))
	}
	return r, nil
}

func (s Spec) apply(cmd *exec.Cmd) {
	cmd.Dir, cmd.Env = s.Dir, s.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.UID != 0 && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: s.UID, Gid: s.GID}
	}
}

// tail keeps the last bytes of what is written to it.
type tail struct {
	buf  bytes.Buffer
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	t.buf.Write(p)
	if over := t.buf.Len() - t.most; over > 0 {
		t.buf.Next(over)
	}
	return n, nil
}

func (t *tail) String() string { return t.buf.String() }

func (t *tail) lastLines() string {
	s := strings.TrimSpace(t.buf.String())
	if len(s) > keptErrors {
		s = s[len(s)-keptErrors:]
	}
	return s
}

// Process runs in the background.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // set before done is closed
}

// Start starts a process whose output goes to the file log. Stop must be called.
func Start(name, log string, s Spec) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer f.Close() //nolint:errcheck // the child has its own descriptor
	cmd := exec.Command(s.Path, s.Args...)
	s.apply(cmd)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, f, f
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended describes a process that ended by itself, with the end of its log.
func (p *Process) Ended() error {
	text, err := os.ReadFile(p.log)
	if err != nil {
		text = []byte(err.Error())
	}
	if len(text) > keptErrors {
		text = text[len(text)-keptErrors:]
	}
	return fmt.Errorf("%s ended by itself (%v): %s", p.name, p.err, strings.TrimSpace(string(text)))
}

// Stop sends sig, and SIGKILL to the group when the process is still there after
// grace, and waits for its end.
func (p *Process) Stop(sig syscall.Signal, grace time.Duration) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(p.Pid(), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL) // it may just have ended
	<-p.done
	return fmt.Errorf("%s did not end within %s of %s and was killed", p.name, grace, sig)
}
