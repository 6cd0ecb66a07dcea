package sshd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"coder.internal/agent/child"
)

// Exit codes that the server itself produces.
const (
	blockedExitCode     = 65
	startFailedExitCode = 126
	// signalled is reported for a process that a signal has ended.
	signalled = -1
)

// run starts cmd with a PTY or with pipes, replies, and leaves the rest to a
// goroutine that closes done.
func (s *session) run(cmd *exec.Cmd, login bool, reply func(bool)) {
	if s.pty != nil {
		s.runPTY(cmd, login, reply)
		return
	}
	p, err := startPipes(cmd)
	reply(true)
	if err != nil {
		s.fail(startFailedExitCode, fmt.Sprintf("Cannot start %s: %v", cmd.Path, err))
		return
	}
	s.proc = cmd.Process
	s.conn.srv.opts.Account.Priority.Apply(s.proc)
	s.stdin.Go(func() { s.feed(p.stdin) })
	go func() {
		defer close(s.done)
		out := s.newDrain(s.conn.srv.opts.WaitDelay, true)
		out.copy(s.ch, p.stdout)
		out.copy(s.ch.Stderr(), p.stderr)
		state := s.wait(cmd)
		out.finish()
		_ = p.stdin.Close()
		s.exit(state)
	}()
}

// pipes are our ends.
type pipes struct{ stdin, stdout, stderr *os.File }

func startPipes(cmd *exec.Cmd) (pipes, error) {
	var p pipes
	var theirs, ours []*os.File
	var failed error
	pipe := func() (r, w *os.File) {
		if failed != nil {
			return nil, nil
		}
		if r, w, failed = os.Pipe(); failed == nil {
			child.WidenPipe(w)
		}
		return r, w
	}
	inR, inW := pipe()
	outR, outW := pipe()
	errR, errW := pipe()
	theirs, ours = []*os.File{inR, outW, errW}, []*os.File{inW, outR, errR}
	if failed == nil {
		p = pipes{stdin: inW, stdout: outR, stderr: errR}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = inR, outW, errW
		failed = cmd.Start()
	}
	for _, f := range theirs {
		_ = f.Close() // a nil *os.File answers with an error
	}
	if failed != nil {
		for _, f := range ours {
			_ = f.Close()
		}
	}
	return p, failed
}

// feed copies the client's input to w until it ends, then closes w. Once the
// process stops reading, the rest is thrown away: a client must not block on it.
func (s *session) feed(w *os.File) {
	err := s.conn.srv.copy(w, s.ch)
	_ = w.Close()
	if err == nil {
		return
	}
	if s.conn.openSSH { // its extension to say that nobody reads any more
		_, _ = s.ch.SendRequest("eow@openssh.com", false, nil)
	}
	_ = s.conn.srv.copy(io.Discard, s.ch)
}

// wait reaps the process; from then on it gets no signals.
func (s *session) wait(cmd *exec.Cmd) *os.ProcessState {
	_ = cmd.Wait() // the state says it all: there are no copies inside exec
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc = nil
	return cmd.ProcessState
}

// exit reports how the process ended and closes the channel.
func (s *session) exit(state *os.ProcessState) {
	if name, core := child.ExitSignal(state); name != "" {
		s.code.Store(signalled)
		_, _ = s.ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name    string
			Core    bool
			Message string
			Lang    string
		}{name, core, "", ""}))
	} else {
		s.sendStatus(child.ExitCode(state))
	}
	// After the status, as sshd does: OpenSSH's multiplexing client may take the
	// end of the output for the end of the session.
	_ = s.ch.CloseWrite()
	_ = s.ch.Close()
}

func (s *session) sendStatus(code int) {
	s.code.Store(int32(code)) //nolint:gosec // an exit code
	_, _ = s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
}

// fail ends a session that has no process.
func (s *session) fail(code int, message string) {
	go func() { // session waits for done; a write may block on the client's window
		defer close(s.done)
		_, _ = io.WriteString(s.ch.Stderr(), message+"\r\n")
		s.sendStatus(code)
		_ = s.ch.CloseWrite()
		_ = s.ch.Close()
	}()
}

// drain copies a process's output and knows when it is complete: at end of file,
// or, once the process has ended, when nothing came for delay although a child
// still holds the other end. A slow client is never a reason to stop.
type drain struct {
	s     *session
	delay time.Duration
	pipes bool // not a terminal, whose buffer is small
	ended atomic.Bool
	files []readEnd
	wg    sync.WaitGroup
}

// readEnd is a pipe or a terminal.
type readEnd interface {
	io.ReadCloser
	SetReadDeadline(time.Time) error
}

func (s *session) newDrain(delay time.Duration, pipes bool) *drain {
	return &drain{s: s, delay: delay, pipes: pipes}
}

func (d *drain) copy(w io.Writer, r readEnd) {
	d.files = append(d.files, r)
	d.wg.Go(func() {
		defer r.Close()
		b := d.s.conn.srv.buffers.Get().(*[copyBuffer]byte)
		defer d.s.conn.srv.buffers.Put(b)
		var gather gatherer
		for {
			begun := time.Now()
			if d.ended.Load() {
				// Fresh for each read: time spent in Write does not count.
				_ = r.SetReadDeadline(begun.Add(d.delay))
			}
			n, err := r.Read(b[:])
			waited := time.Since(begun)
			if n > 0 {
				if _, werr := w.Write(b[:n]); werr != nil {
					return
				}
			}
			if err != nil {
				return
			}
			if away := gather.after(n, len(b), waited); away > 0 && d.pipes {
				time.Sleep(away)
			}
		}
	})
}

// finish is called after the process has ended; it blocks until all is copied.
func (d *drain) finish() {
	d.ended.Store(true)
	for _, f := range d.files {
		// Wakes a reader that waits already. An error means it has closed.
		_ = f.SetReadDeadline(time.Now().Add(d.delay))
	}
	d.wg.Wait()
}

// copy is io.Copy with a shared buffer. It hides ReadFrom and WriteTo of files
// and sockets, which cannot do better here and would allocate.
func (s *Server) copy(w io.Writer, r io.Reader) error {
	b := s.buffers.Get().(*[copyBuffer]byte)
	defer s.buffers.Put(b)
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, b[:])
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
