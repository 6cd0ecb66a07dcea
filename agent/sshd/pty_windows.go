package sshd

import (
	"errors"
	"os"
	"os/exec"
)

// ptySupported is false: pty-req is refused, and clients then run without one.
const ptySupported = false

func (s *session) runPTY(_ *exec.Cmd, _ bool, reply func(bool)) {
	reply(true)
	s.fail(startFailedExitCode, "A PTY is not supported on Windows; use ssh -T.")
}

func setSize(*os.File, *ptyRequest) error { return errors.New("not supported on windows") }
