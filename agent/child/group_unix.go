//go:build !windows

package child

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// systemAccount reads the user database. os/user has no shell, so /etc/passwd is
// read here; a user known only to a directory service gets SHELL or /bin/sh.
func systemAccount(environ []string) Account {
	var a Account
	uid := strconv.Itoa(os.Getuid())
	if u, err := user.LookupId(uid); err == nil {
		a.Name, a.Home = u.Username, u.HomeDir
	}
	if a.Name == "" {
		a.Name = Get(environ, "USER")
	}
	for _, shell := range []string{passwdShell(uid), Get(environ, "SHELL"), "/bin/bash", "/bin/sh"} {
		if usableShell(shell) {
			a.Shell = shell
			return a
		}
	}
	a.Shell = "/bin/sh"
	return a
}

func passwdShell(uid string) string {
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 7 && fields[2] == uid {
			return fields[6]
		}
	}
	return ""
}

// usableShell also turns away nologin and false: system users of containers have
// them, and whoever reaches the agent has a right to a shell.
func usableShell(shell string) bool {
	if shell == "" || strings.HasSuffix(shell, "/nologin") || strings.HasSuffix(shell, "/false") {
		return false
	}
	st, err := os.Stat(shell)
	return err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0
}

// ShellArgs returns the arguments, argv[0] included, that run command.
func ShellArgs(shell, command string) []string { return []string{shell, "-c", command} }

// LoginArgs returns the arguments, argv[0] included, of an interactive login
// shell: a leading dash, as login(1) and sshd do.
func LoginArgs(shell string) []string {
	return []string{"-" + shell[strings.LastIndexByte(shell, '/')+1:]}
}

// Group makes cmd the leader of a session and process group of its own.
func Group(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
}

// Hangup, Terminate and Kill signal the whole group of a process started with
// Group. A group that is gone is not an error.
func Hangup(p *os.Process) error { return signalGroup(p, syscall.SIGHUP) }

// Terminate asks the group to end.
func Terminate(p *os.Process) error { return signalGroup(p, syscall.SIGTERM) }

// Kill ends the group.
func Kill(p *os.Process) error { return signalGroup(p, syscall.SIGKILL) }

// SignalByName sends the signal of RFC 4254 §6.10 ("TERM") to the group.
func SignalByName(p *os.Process, name string) error {
	for _, s := range signals() {
		if s.name == name {
			return signalGroup(p, s.sig)
		}
	}
	return errors.New("unknown signal")
}

// ExitSignal returns the name of the signal that ended a process, "" if none.
// A signal without a name in RFC 4254 gets the form the RFC gives private ones.
func ExitSignal(ps *os.ProcessState) (name string, core bool) {
	ws, ok := ps.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return "", false
	}
	for _, s := range signals() {
		if s.sig == ws.Signal() {
			return s.name, ws.CoreDump()
		}
	}
	return strconv.Itoa(int(ws.Signal())) + "@coder.internal", ws.CoreDump()
}

// ExitCode returns the exit code as a shell shows it: 128 + n for signal n.
func ExitCode(ps *os.ProcessState) int {
	if ws, ok := ps.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ps.ExitCode()
}

type namedSignal struct {
	name string
	sig  syscall.Signal
}

func signals() []namedSignal {
	return []namedSignal{
		{"ABRT", syscall.SIGABRT}, {"ALRM", syscall.SIGALRM}, {"FPE", syscall.SIGFPE},
		{"HUP", syscall.SIGHUP}, {"ILL", syscall.SIGILL}, {"INT", syscall.SIGINT},
		{"KILL", syscall.SIGKILL}, {"PIPE", syscall.SIGPIPE}, {"QUIT", syscall.SIGQUIT},
		{"SEGV", syscall.SIGSEGV}, {"TERM", syscall.SIGTERM}, {"USR1", syscall.SIGUSR1},
		{"USR2", syscall.SIGUSR2},
	}
}

func signalGroup(p *os.Process, sig syscall.Signal) error {
	if p == nil || p.Pid <= 1 {
		return errors.New("no such process group")
	}
	if err := syscall.Kill(-p.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
