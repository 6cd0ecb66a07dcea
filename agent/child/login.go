package child

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// PTYSize is the size of a terminal in characters, and in pixels where known.
type PTYSize struct{ Cols, Rows, Width, Height uint32 }

// Environ is what a login sets from the account.
func (a Account) Environ() []string {
	return []string{"USER=" + a.Name, "LOGNAME=" + a.Name, "HOME=" + a.Home, "SHELL=" + a.Shell}
}

// Command prepares line for the account's shell, or an interactive login shell
// where line is empty. directory is where it starts, if there is such a one.
func (a Account) Command(line, directory string, environ []string) *exec.Cmd {
	cmd := &exec.Cmd{Path: a.Shell, Args: ShellArgs(a.Shell, line)}
	if line == "" {
		cmd.Args = LoginArgs(a.Shell)
	}
	if resolved, err := exec.LookPath(a.Shell); err == nil {
		cmd.Path = resolved
	}
	cmd.Dir, cmd.Env = a.Directory(directory), environ
	return cmd
}

// maxMOTD bounds the message of the day; the rest of a longer one is not shown.
const maxMOTD = 64 << 10

// MOTD returns the message of the day in file as a raw terminal needs it. It is
// empty without a file and for an account with a ~/.hushlogin.
func (a Account) MOTD(file string) []byte {
	if file == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(a.Home, ".hushlogin")); err == nil {
		return nil
	}
	// A FIFO or device would block the login: only regular files are read.
	if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMOTD))
	if err != nil {
		return nil
	}
	// The terminal is raw: it needs both characters.
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}
