package sshd

import "os/exec"

func (s *session) runPTY(_ *exec.Cmd, _ bool, reply func(bool)) {
	reply(true)
	s.fail(startFailedExitCode, "A PTY is not supported on Windows; use ssh -T.")
}
