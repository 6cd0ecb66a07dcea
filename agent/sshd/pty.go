package sshd

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"coder.internal/agent/child"
)

// ptyDelay is how long output may still come after the process has ended while
// a child keeps the terminal open. sshd closes at once; the kernel's buffer has
// to be read first.
const ptyDelay = 200 * time.Millisecond

func (s *session) runPTY(cmd *exec.Cmd, login bool, reply func(bool)) {
	near, err := child.StartPTY(cmd, s.pty.size(), func(far *os.File) { applyModes(far, s.pty.Modes) })
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
			opts := &s.conn.srv.opts
			_, _ = s.ch.Write(opts.Account.MOTD(opts.MOTDFile))
		}
		out := s.newDrain(ptyDelay, false)
		out.copy(s.ch, near)
		state := s.wait(cmd)
		out.finish()
		s.exit(state)
	}()
}
