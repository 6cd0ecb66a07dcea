//go:build !windows

package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// PTYSupported says whether StartPTY can work on this system.
func PTYSupported() bool { return true }

// unixPTY is the near end of a terminal of the kernel.
type unixPTY struct{ *os.File }

// StartPTY starts cmd as the leader of a session on a new terminal, and returns
// the near end, on which deadlines work. prepare, where not nil, gets the far end
// before the start. SSH_TTY is added to the environment.
func StartPTY(cmd *exec.Cmd, size PTYSize, prepare func(far *os.File)) (PTY, error) {
	near, far, err := openPTY()
	if err != nil {
		return nil, err
	}
	defer far.Close()
	pty := unixPTY{near}
	if err = pty.Resize(size); err == nil {
		if prepare != nil {
			prepare(far)
		}
		cmd.Env = append(cmd.Env, "SSH_TTY="+far.Name())
		cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		err = cmd.Start()
	}
	if err != nil {
		_ = near.Close()
		return nil, err
	}
	return pty, nil
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

// Resize implements PTY; programs on the terminal get SIGWINCH.
func (u unixPTY) Resize(p PTYSize) error {
	clamp := func(v uint32) uint16 { return uint16(min(v, 1<<16-1)) }
	raw, err := u.SyscallConn()
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

// PTYEnded reports whether a read of the near end failed because the last
// program on the terminal has closed it.
func PTYEnded(err error) bool { return errors.Is(err, syscall.EIO) || errors.Is(err, io.EOF) }
