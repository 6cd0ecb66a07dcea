package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/term"

	"coder.internal/agent/child"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
)

// copyBuffer holds several of SSH's 32 KiB packets, so that a busy stream needs
// fewer calls of the system and of the packet engine.
const copyBuffer = 128 << 10

// wide is a writer that is copied to with a large buffer, in place of the 32 KiB
// that io.Copy and os.File take.
type wide struct{ io.Writer }

// ReadFrom copies until r ends.
func (w wide) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w.Writer}, struct{ io.Reader }{r}, make([]byte, copyBuffer))
}

// widen makes room in the pipes that we read and write, if they are pipes: whoever
// is at their other end waits for us less often.
func widen(env *cli.Env) {
	for _, end := range []any{env.Stdin, env.Stdout} {
		if f, ok := end.(*os.File); ok {
			child.WidenPipe(f)
		}
	}
}

// exitLost is OpenSSH's status for a connection that broke.
const exitLost = 255

// session is one shell or command.
type session struct {
	env         *cli.Env
	client      *gossh.Client
	vars        [][2]string
	tty         bool
	command     string
	agentSocket string
}

func (s *session) run(ctx context.Context) error {
	ses, err := s.client.NewSession()
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	defer ses.Close()
	for _, v := range s.vars {
		if err := ses.Setenv(v[0], v[1]); err != nil {
			return fmt.Errorf("set %s in the session: %w", cli.Inert(v[0]), err)
		}
	}
	if s.agentSocket != "" {
		if err := s.forwardAgent(ses); err != nil {
			return err
		}
	}
	widen(s.env)
	ses.Stdout, ses.Stderr = wide{s.env.Stdout}, s.env.Stderr
	in, err := ses.StdinPipe()
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	if s.tty {
		restore, err := s.terminal(ctx, ses)
		if err != nil {
			return err
		}
		defer restore()
	}
	if s.command == "" {
		err = ses.Shell()
	} else {
		err = ses.Start(s.command)
	}
	if err != nil {
		return fmt.Errorf("start in the workspace: %w", err)
	}
	// The read of a terminal cannot be interrupted: this goroutine may outlive
	// the session, to the end of the process, and then only reads.
	go func() {
		_, _ = wide{in}.ReadFrom(s.env.Stdin)
		_ = in.Close()
	}()
	stop := context.AfterFunc(ctx, func() { _ = s.client.Close() })
	defer stop()
	return s.result(ctx, ses.Wait())
}

// result turns the end of the remote command into our exit status.
func (s *session) result(ctx context.Context, err error) error {
	var exit *gossh.ExitError
	var lost *gossh.ExitMissingError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		if sig := exit.Signal(); sig != "" {
			return &cli.ExitError{Code: signalStatus(sig)}
		}
		return &cli.ExitError{Code: exit.ExitStatus()}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &lost):
		return &cli.ExitError{Code: exitLost, Err: errors.New("the connection to the workspace was lost")}
	}
	return &cli.ExitError{Code: exitLost, Err: fmt.Errorf("session: %w", err)}
}

// signalStatus is what a shell reports for a command ended by that signal.
func signalStatus(name string) int {
	numbers := map[string]syscall.Signal{"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE,
		"HUP": syscall.SIGHUP, "ILL": syscall.SIGILL, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL,
		"PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM}
	if n, ok := numbers[name]; ok {
		return 128 + int(n)
	}
	return exitLost
}

func (s *session) forwardAgent(ses *gossh.Session) error {
	// The socket is dialled for each use, as OpenSSH does, so that an agent
	// that was restarted works again.
	probe, err := net.DialTimeout("unix", s.agentSocket, 5*time.Second)
	if err != nil {
		return fmt.Errorf("reach ssh-agent: %w", err)
	}
	_ = probe.Close()
	if err := agent.ForwardToRemote(s.client, s.agentSocket); err != nil {
		return fmt.Errorf("forward ssh-agent: %w", err)
	}
	if err := agent.RequestAgentForwarding(ses); err != nil {
		return fmt.Errorf("forward ssh-agent: %w", err)
	}
	return nil
}

// terminal asks for a terminal there and makes ours raw. restore puts it back.
func (s *session) terminal(ctx context.Context, ses *gossh.Session) (restore func(), err error) {
	width, height := 80, 24
	out, isOut := s.env.TerminalOut()
	if isOut {
		if w, h, err := term.GetSize(out); err == nil {
			width, height = w, h
		}
	}
	name := s.env.Getenv("TERM")
	if name == "" {
		name = "xterm-256color"
	}
	if err := ses.RequestPty(name, height, width, gossh.TerminalModes{}); err != nil {
		return nil, fmt.Errorf("ask for a terminal: %w", err)
	}
	restore = func() {}
	if in, ok := s.env.TerminalIn(); ok {
		old, err := term.MakeRaw(in)
		if err != nil {
			return nil, fmt.Errorf("set up terminal: %w", err)
		}
		restore = func() { _ = term.Restore(in, old) }
	}
	if !isOut {
		return restore, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		cli.Resizes(ctx, func() {
			if w, h, err := term.GetSize(out); err == nil && (w != width || h != height) {
				width, height = w, h
				_ = ses.WindowChange(h, w)
			}
		})
	}()
	raw := restore
	return func() { cancel(); <-done; raw() }, nil
}

// drainTimeout bounds the wait for the agent's side once our input has ended.
const drainTimeout = 30 * time.Second

// stdio passes a raw SSH connection.
func stdio(ctx context.Context, env *cli.Env, conn *tunnel.Connection) error {
	stream, err := conn.DialSSH(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	defer stop()
	widen(env)
	// As with a terminal, this read may stay open to the end of the process.
	go func() {
		_, _ = wide{stream}.ReadFrom(env.Stdin)
		_ = stream.CloseWrite()
		_ = stream.SetReadDeadline(time.Now().Add(drainTimeout))
	}()
	_, err = wide{env.Stdout}.ReadFrom(stream)
	var timeout net.Error
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return nil
	}
	if err != nil {
		return &cli.ExitError{Code: exitLost, Err: fmt.Errorf("connection to the workspace: %w", err)}
	}
	return nil
}
