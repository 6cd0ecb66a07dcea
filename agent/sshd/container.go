package sshd

import (
	"context"
	"errors"
	"os/exec"

	"coder.internal/agent/child"
	"coder.internal/agent/containers"
	"coder.internal/api"
)

// startInContainer runs line, or a login shell, in the container that the client has
// named. It blocks while the engine is asked for it, 15 s at most: the requests of
// this connection wait that long.
func (s *session) startInContainer(ctx context.Context, line string, reply func(bool)) {
	cmd, err := s.inContainer(ctx, line)
	if err != nil {
		reply(true)
		message := err.Error()
		var e *api.Error
		if errors.As(err, &e) {
			message = e.Message
		}
		s.fail(startFailedExitCode, message)
		return
	}
	child.Group(cmd)
	s.run(cmd, false, reply)
}

func (s *session) inContainer(ctx context.Context, line string) (*exec.Cmd, error) {
	all := s.conn.srv.opts.Containers
	if all == nil {
		return nil, errors.New("Sessions in containers are not supported by this agent.") //nolint:staticcheck // shown to people
	}
	environ := s.sent()
	if s.pty != nil && s.pty.Term != "" {
		environ = append(environ, "TERM="+s.pty.Term)
	}
	return all.Command(ctx, containers.Session{Container: child.Get(s.env, "CODER_CONTAINER"),
		User: child.Get(s.env, "CODER_CONTAINER_USER"), Line: line, Environ: environ, TTY: s.pty != nil})
}
