package child

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"syscall"
)

func systemAccount([]string) Account {
	var a Account
	if u, err := user.Current(); err == nil {
		a.Name, a.Home = u.Username, u.HomeDir
	}
	a.Shell = "cmd.exe"
	if shell, err := exec.LookPath("powershell.exe"); err == nil {
		a.Shell = shell
	}
	return a
}

// ShellArgs returns the arguments, argv[0] included, that run command.
func ShellArgs(shell, command string) []string {
	if shell == "cmd.exe" {
		return []string{shell, "/c", command}
	}
	return []string{shell, "-NoProfile", "-NonInteractive", "-Command", command}
}

// LoginArgs returns the arguments, argv[0] included, of an interactive shell.
func LoginArgs(shell string) []string { return []string{shell} }

// Group makes cmd the leader of a process group of its own.
func Group(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP
}

// Hangup ends the process: Windows has no such signal.
func Hangup(p *os.Process) error { return Kill(p) }

// Terminate ends the process: Windows has no such signal.
func Terminate(p *os.Process) error { return Kill(p) }

// Kill ends the process. Its children are not followed on Windows.
func Kill(p *os.Process) error {
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// SignalByName maps the signals that end a process; others are refused.
func SignalByName(p *os.Process, name string) error {
	switch name {
	case "HUP", "INT", "KILL", "QUIT", "TERM", "ABRT":
		return Kill(p)
	}
	return errors.New("signal not supported on windows")
}

// ExitSignal is always "": Windows processes end with codes only.
func ExitSignal(*os.ProcessState) (name string, core bool) { return "", false }

// ExitCode returns the exit code.
func ExitCode(ps *os.ProcessState) int { return ps.ExitCode() }
