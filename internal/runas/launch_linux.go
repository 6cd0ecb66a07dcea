package runas

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// exec gives up all rights and becomes the program; it returns only on error.
func (l *launch) exec(args, env []string) error {
	runtime.LockOSThread() // some of this is a thread's own
	if l.Cgroup != "" {
		if err := os.WriteFile(l.Cgroup, []byte("0"), 0); err != nil {
			return fmt.Errorf("join the job's cgroup: %w", err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("turn core files off: %w", err)
	}
	leaveTerminal()
	// A keyring of its own; where the host has none there is nothing to leave.
	_, _ = unix.KeyctlJoinSessionKeyring("")
	var deathSignal int32
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&deathSignal)), 0); errno != 0 {
		return fmt.Errorf("read the parent's signal: %w", errno)
	}
	parent := os.Getppid()
	if err := l.drop(); err != nil {
		return err
	}
	// The kernel forgets it with a change of the user.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(deathSignal), 0, 0, 0); err != nil { //nolint:gosec // a signal
		return fmt.Errorf("set the parent's signal: %w", err)
	}
	if deathSignal != 0 && os.Getppid() != parent {
		return fmt.Errorf("the parent has ended")
	}
	args = append([]string{l.Program}, args[1:]...)
	return fmt.Errorf("start %s: %w", l.Program, syscall.Exec(l.Program, args, env))
}

// drop takes the user's identity and leaves no way back.
func (l *launch) drop() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL { //nolint:errorlint // an errno: no further capability
			break
		}
		if err == unix.EPERM { //nolint:errorlint // an errno: without CAP_SETPCAP no_new_privs must do
			break
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := syscall.Setgroups(l.User.Groups); err != nil {
		return fmt.Errorf("set groups: %w", err)
	}
	if err := syscall.Setresgid(l.User.GID, l.User.GID, l.User.GID); err != nil {
		return fmt.Errorf("set group %d: %w", l.User.GID, err)
	}
	if err := syscall.Setresuid(l.User.UID, l.User.UID, l.User.UID); err != nil {
		return fmt.Errorf("set user %d: %w", l.User.UID, err)
	}
	// The change has emptied all sets but the inheritable one.
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&hdr, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// leaveTerminal gives up the controlling terminal, into which a program could
// otherwise type for whoever started the server. It keeps the session.
func leaveTerminal() {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return // there is none
	}
	defer func() { _ = f.Close() }()
	_ = unix.IoctlSetInt(int(f.Fd()), unix.TIOCNOTTY, 0) // a session leader keeps it; a launcher is none
}
