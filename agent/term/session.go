package term

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/agent/child"
	"coder.internal/agent/term/screen"
	"coder.internal/api/termrpc"
)

// session is one terminal with its program.
type session struct {
	opts Options
	log  *slog.Logger
	cmd  *exec.Cmd
	near child.PTY
	stop <-chan struct{} // the agent stops

	input sync.Mutex // one writer of near at a time

	mu       sync.Mutex
	screen   *screen.Screen
	replies  []byte        // of the screen, while nobody answers for it
	viewers  []*viewer     // the one that was active last is the last one
	left     chan struct{} // holds one: viewers came or went
	closing  bool          // hung up: nobody is added
	ended    bool
	exitCode int
	reaped   bool
}

// terminalEnviron tells programs what draws them.
func terminalEnviron() []string { return []string{"TERM=xterm-256color", "COLORTERM=truecolor"} }

// start starts the program of a new terminal: inside where it is set. Nothing
// watches it before run.
func (t *Terminals) start(init termrpc.Init, inside *exec.Cmd) (*session, error) {
	if !child.PTYSupported() {
		return nil, errors.New("terminals need Windows 10 version 1809 or later; use coder ssh with a command")
	}
	child.DefaultSignals()
	s := &session{opts: t.opts, log: t.log.With("terminal_id", init.ID), stop: t.stop, left: make(chan struct{}, 1)}
	cols, rows := sizeOf(init.Width, init.Height)
	s.screen = s.newScreen(cols, rows)
	cols, rows = s.screen.Size()
	if s.cmd = inside; inside == nil {
		environ := child.Merge(t.opts.Environ, t.opts.Account.Environ(), terminalEnviron())
		s.cmd = t.opts.Account.Command(init.Command, t.opts.Directory, environ)
	}
	if init.Command == "" && inside == nil {
		_, _ = s.screen.Write(t.opts.Account.MOTD(t.opts.MOTDFile))
	}
	var err error
	s.near, err = child.StartPTY(s.cmd, ptySize(cols, rows), utf8Input)
	if err != nil {
		return nil, err
	}
	t.opts.Account.Priority.Apply(s.cmd.Process)
	s.log.Info("terminal started", "pid", s.cmd.Process.Pid)
	return s, nil
}

func (s *session) newScreen(cols, rows int) *screen.Screen {
	return screen.New(screen.Options{Cols: cols, Rows: rows, History: historyLines, HistoryBytes: historyBytes,
		Reply: func(p []byte) {
			if len(s.viewers) == 0 && len(s.replies) < 4<<10 { // else a viewer's own terminal answers
				s.replies = append(s.replies, p...)
			}
		}})
}

// sizeOf is the wanted size, or that of an old terminal.
func sizeOf(width, height uint16) (cols, rows int) {
	if width == 0 || height == 0 {
		return 80, 24
	}
	return int(width), int(height)
}

func ptySize(cols, rows int) child.PTYSize {
	return child.PTYSize{Cols: uint32(cols), Rows: uint32(rows)} //nolint:gosec // clamped by screen
}

// run watches the terminal until its program has ended and all it wrote is shown.
func (s *session) run() {
	drained, exited := make(chan struct{}), make(chan struct{})
	go func() { defer close(drained); s.drain() }()
	go func() { defer close(exited); s.wait() }()
	s.watch(exited)
	// Children may hold the terminal open; what they write now nobody will read.
	_ = s.near.SetReadDeadline(time.Now().Add(drainTime))
	<-drained
	s.finish()
	_ = s.near.Close()
}

// drainTime is how long output may still come after the end of the program.
const drainTime = 200 * time.Millisecond

// wait reaps the program; from then on it gets no signals.
func (s *session) wait() {
	_ = s.cmd.Wait() // the state says it all
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reaped, s.exitCode = true, child.ExitCode(s.cmd.ProcessState)
}

// watch returns when the program has ended. It ends it where nobody looks at the
// terminal for long, and when the agent stops.
func (s *session) watch(exited <-chan struct{}) {
	idle := s.opts.Clock.NewTimer(s.opts.IdleTimeout, "term", "idle")
	idle.Stop()
	defer func() { idle.Stop() }()
	var kill *quartz.Timer
	var killing <-chan time.Time
	hangUp := func(why string) {
		if kill != nil {
			return
		}
		s.log.Info("terminal hung up", "reason", why)
		s.signal(child.Hangup)
		kill = s.opts.Clock.NewTimer(stopGrace, "term", "kill")
		killing = kill.C
	}
	stop := s.stop
	for {
		select {
		case <-exited:
			if kill != nil {
				kill.Stop()
			}
			return
		case <-s.left:
			idle.Stop()
			if s.watched() {
				continue
			}
			idle = s.opts.Clock.NewTimer(s.opts.IdleTimeout, "term", "idle")
		case <-idle.C:
			if s.closeIfIdle() {
				hangUp("nobody looked at it")
			}
		case <-stop:
			stop = nil
			s.close()
			hangUp("the agent stops")
		case <-killing:
			killing = nil
			s.signal(child.Kill)
		}
	}
}

func (s *session) watched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.viewers) > 0
}

func (s *session) closeIfIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = s.closing || len(s.viewers) == 0
	return s.closing
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
}

func (s *session) signal(send func(*os.Process) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reaped {
		_ = send(s.cmd.Process) // gone is as good
	}
}

// finish tells the viewers that the terminal has ended.
func (s *session) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing, s.ended = true, true
	for _, v := range s.viewers {
		v.wake()
	}
	s.log.Info("terminal ended", "exit_code", s.exitCode)
}

// drain reads what the program writes, until the terminal is closed.
func (s *session) drain() {
	buf := make([]byte, 32<<10)
	for {
		n, err := s.near.Read(buf)
		if n > 0 {
			s.awaitRoom(n)
			s.show(buf[:n])
		}
		if err != nil {
			if !child.PTYEnded(err) && !errors.Is(err, os.ErrDeadlineExceeded) {
				s.log.Warn("terminal not readable", "error", err)
			}
			return
		}
	}
}

// show draws output and hands it to the viewers.
func (s *session) show(p []byte) {
	s.mu.Lock()
	s.draw(p)
	shared := slices.Clone(p)
	for _, v := range s.viewers {
		v.push(shared)
	}
	replies := s.replies
	s.replies = nil
	s.mu.Unlock()
	if len(replies) > 0 {
		s.enter(replies)
	}
}

func (s *session) draw(p []byte) {
	s.guard(func() { _, _ = s.screen.Write(p) }) // never fails
}

func (s *session) picture() (p []byte) {
	s.guard(func() { p = s.screen.Snapshot() })
	return p
}

// guard runs what works on the screen. What a program writes is not trusted so far
// that it could end the agent.
func (s *session) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("terminal picture lost", "error", r)
			s.screen = s.newScreen(s.screen.Size())
		}
	}()
	f()
}

// awaitRoom waits until all viewers have room for n bytes, roomPatience at most.
// It is called by drain alone.
func (s *session) awaitRoom(n int) {
	var timer *quartz.Timer
	for {
		full := s.fullViewer(n)
		if full == nil {
			break
		}
		if timer == nil {
			timer = s.opts.Clock.NewTimer(roomPatience, "term", "room")
			defer timer.Stop()
		}
		select {
		case <-full.room:
		case <-timer.C:
			return
		}
	}
}

func (s *session) fullViewer(n int) *viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.viewers {
		if !v.behind && v.size+n > backlog {
			return v
		}
	}
	return nil
}

// inputPatience is how long a program may leave a piece of input unread before the
// rest is dropped.
const inputPatience = 10 * time.Second

// enter writes to the program as a keyboard does. It blocks while the program does
// not read, and gives up in the end.
func (s *session) enter(p []byte) {
	s.input.Lock()
	defer s.input.Unlock()
	for len(p) > 0 {
		n := min(len(p), 1024)
		_ = s.near.SetWriteDeadline(time.Now().Add(inputPatience))
		if _, err := s.near.Write(p[:n]); err != nil {
			s.log.Debug("input dropped", "bytes", len(p), "error", err)
			return
		}
		p = p[n:]
	}
}

// resize makes the size of the terminal that of its last active viewer. mu is held.
func (s *session) resize() {
	if len(s.viewers) == 0 {
		return
	}
	v := s.viewers[len(s.viewers)-1]
	cols, rows := s.screen.Size()
	s.guard(func() { s.screen.Resize(v.cols, v.rows) })
	newCols, newRows := s.screen.Size()
	if newCols == cols && newRows == rows {
		return
	}
	if err := s.near.Resize(ptySize(newCols, newRows)); err != nil {
		s.log.Debug("terminal not resized", "error", err)
	}
}
