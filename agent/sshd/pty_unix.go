//go:build !windows

package sshd

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const ptySupported = true

// ptyDelay is how long output may still come after the process has ended while
// a child keeps the terminal open. sshd closes at once; the kernel's buffer has
// to be read first.
const ptyDelay = 200 * time.Millisecond

func (s *session) runPTY(cmd *exec.Cmd, login bool, reply func(bool)) {
	near, err := startPTY(cmd, s.pty)
	reply(true)
	if err != nil {
		s.fail(startFailedExitCode, fmt.Sprintf("Cannot start %s: %v", cmd.Path, err))
		return
	}
	s.term, s.proc = near, cmd.Process
	s.conn.srv.opts.Account.Priority.Apply(s.proc)
	// The end of the client's input does not end the terminal's, as in sshd.
	s.stdin.Go(func() { _ = s.conn.srv.copy(near, s.ch) })
	go func() {
		defer close(s.done)
		if login {
			s.showMOTD()
		}
		out := s.newDrain(ptyDelay)
		out.copy(s.ch, near)
		state := s.wait(cmd)
		out.finish()
		s.exit(state)
	}()
}

// startPTY starts cmd on a new terminal and returns its near end, on which
// deadlines work.
func startPTY(cmd *exec.Cmd, req *ptyRequest) (*os.File, error) {
	near, far, err := openPTY()
	if err != nil {
		return nil, err
	}
	defer far.Close()
	if err = setSize(near, req); err == nil {
		applyModes(far, req.Modes)
		cmd.Env = append(cmd.Env, "SSH_TTY="+far.Name())
		cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		err = cmd.Start()
	}
	if err != nil {
		_ = near.Close()
		return nil, err
	}
	return near, nil
}

// openPTY makes the near end non-blocking: the pty library leaves it blocking,
// and then a reader could not be stopped.
func openPTY() (near, far *os.File, err error) {
	blocking, far, err := pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("open pty: %w", err)
	}
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = far.Close()
		return nil, nil, fmt.Errorf("open pty: %w", err)
	}
	return os.NewFile(uintptr(fd), blocking.Name()), far, nil
}

func setSize(near *os.File, p *ptyRequest) error {
	clamp := func(v uint32) uint16 { return uint16(min(v, 1<<16-1)) }
	raw, err := near.SyscallConn()
	if err != nil {
		return err
	}
	ws := &unix.Winsize{Col: clamp(p.Cols), Row: clamp(p.Rows), Xpixel: clamp(p.Width), Ypixel: clamp(p.Height)}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, ws)
	}); err != nil {
		return err
	}
	return failed
}
