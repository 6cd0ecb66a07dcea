package child

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// NeedsReaper reports whether this process is the init of its pid namespace, so
// that orphans become its children and stay as zombies unless somebody reaps.
func NeedsReaper() bool { return os.Getpid() == 1 }

// Reap starts the same program once more with args and environ, passes on the
// signals it gets, collects every orphan, and returns the exit code of that
// child (128 + n for signal n). It blocks until the child ends. The agent runs
// in the child, where os/exec can wait for its own children undisturbed; the
// caller must see to it that the child does not reap again.
func Reap(executable string, args, environ []string) (int, error) {
	// Registered before the child exists, so that no SIGCHLD or SIGTERM is lost.
	sigs := make(chan os.Signal, 32)
	signal.Notify(sigs)
	defer signal.Stop(sigs)
	attr := &syscall.ProcAttr{Env: environ, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}}
	pid, err := syscall.ForkExec(executable, args, attr)
	if err != nil {
		return 1, fmt.Errorf("start %s under the reaper: %w", executable, err)
	}
	for sig := range sigs {
		s, ok := sig.(syscall.Signal)
		switch {
		case !ok, s == syscall.SIGURG, s == syscall.SIGPIPE:
		case s != syscall.SIGCHLD:
			_ = syscall.Kill(pid, s)
		default:
			if code, ended, err := collect(pid); ended || err != nil {
				return code, err
			}
		}
	}
	return 1, errors.New("signal channel closed")
}

// collect reaps all that ended; ended reports whether the child pid was among
// them. SIGCHLD does not queue, hence the loop.
func collect(pid int) (code int, ended bool, err error) {
	for {
		var ws syscall.WaitStatus
		got, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.ECHILD), err == nil && got == 0:
			return 0, false, nil
		case err != nil:
			return 1, false, fmt.Errorf("wait for children: %w", err)
		case got != pid:
			continue
		case ws.Signaled():
			return 128 + int(ws.Signal()), true, nil
		case ws.Exited():
			return ws.ExitStatus(), true, nil
		}
	}
}
