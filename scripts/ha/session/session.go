// Package session keeps a remote command open that sends back what it is sent, and
// tells whether bytes were lost and how long nothing came.
//
// A Session sends a numbered line at every beat. Each has to come back whole and in
// order; the hashes of all that was sent and of all that came are compared at the
// end.
package session

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

const (
	keptErrors  = 4 << 10 // bytes of standard error that an error quotes
	closeWithin = 30 * time.Second
)

// Session is one open command.
type Session struct {
	name     string
	interval time.Duration
	padding  string
	cmd      *exec.Cmd
	stderr   bytes.Buffer // read after the end of cmd
	in       io.WriteCloser
	stop     chan struct{} // closed to end sending
	sent     chan struct{} // closed when nothing is sent any more
	done     chan struct{} // closed when nothing comes any more
	sentSum  hash.Hash     // read after sent
	gotSum   hash.Hash     // read after done

	mu      sync.Mutex // guards what follows
	beats   int
	last    time.Time
	longest time.Duration
	err     error // why it ended too early
}

// Open starts the command of spec, which must send back its input, and returns when
// the first line came back. Each line has about size bytes. Close must be called,
// also when ctx, which bounds only the opening, has ended.
func Open(ctx context.Context, name string, spec proc.Spec, interval time.Duration, size int) (*Session, error) {
	noise := make([]byte, size/2+1)
	if _, err := rand.Read(noise); err != nil {
		return nil, err
	}
	s := &Session{name: name, interval: interval, padding: hex.EncodeToString(noise), cmd: exec.Command(spec.Path, spec.Args...), //nolint:gosec // a program of ours
		stop: make(chan struct{}), sent: make(chan struct{}), done: make(chan struct{}), sentSum: sha256.New(), gotSum: sha256.New()}
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = spec.Dir, spec.Env, &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start session %s: %w", name, err)
	}
	first := make(chan struct{})
	go s.send()
	go s.receive(out, first)
	select {
	case <-first:
		return s, nil
	case <-s.done:
		_, err := s.Close()
		return nil, fmt.Errorf("open session %s: %w", name, err)
	case <-ctx.Done():
		s.kill()
		_, err := s.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
}

func (s *Session) kill() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }

// send writes lines until it is told to stop.
func (s *Session) send() {
	defer close(s.sent)
	defer s.in.Close() //nolint:errcheck // the other side hears of it, or has ended
	w := io.MultiWriter(s.in, s.sentSum)
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for n := 1; ; n++ {
		if _, err := fmt.Fprintf(w, "%d %s\n", n, s.padding); err != nil {
			s.fail(fmt.Errorf("send beat %d: %w", n, err))
			return
		}
		select {
		case <-tick.C:
		case <-s.stop:
			return
		}
	}
}

// receive reads lines until there are no more.
func (s *Session) receive(out io.Reader, first chan struct{}) {
	defer close(s.done)
	r := bufio.NewReaderSize(io.TeeReader(out, s.gotSum), 64<<10)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if err != nil {
			if line != "" || !errors.Is(err, io.EOF) {
				s.fail(fmt.Errorf("after beat %d: %q, %w", n-1, line, err))
			}
			return
		}
		number, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if number != strconv.Itoa(n) || rest != s.padding {
			s.fail(fmt.Errorf("beat %d came as %.80q", n, line))
			_, _ = io.Copy(io.Discard, r)
			return
		}
		s.mu.Lock()
		now := time.Now()
		if n > 1 {
			s.longest = max(s.longest, now.Sub(s.last))
		}
		s.last, s.beats = now, n
		s.mu.Unlock()
		if n == 1 {
			close(first)
		}
	}
}

func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// Name is what Open was told.
func (s *Session) Name() string { return s.name }

// Done is closed when nothing comes any more.
func (s *Session) Done() <-chan struct{} { return s.done }

// Beats is how many lines have come back.
func (s *Session) Beats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beats
}

// Longest is the longest time in which nothing came, since the opening or the last
// Reset.
func (s *Session) Longest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.longest, time.Since(s.last))
}

// Reset forgets pauses that have ended.
func (s *Session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longest = 0
}

// Close ends the session and returns how many lines came back. It is an error when
// the session had ended before, or when not exactly what was sent came back.
func (s *Session) Close() (int, error) {
	early := false
	select {
	case <-s.done:
		early = true
	default:
	}
	close(s.stop)
	timer := time.AfterFunc(closeWithin, func() {
		s.fail(fmt.Errorf("what was sent did not come back within %s", closeWithin))
		s.kill()
	})
	<-s.done
	if early {
		s.kill() // it may not read any more
	}
	<-s.sent
	err := s.cmd.Wait()
	timer.Stop()
	if err != nil {
		text := s.stderr.Bytes()
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(text[max(0, len(text)-keptErrors):]))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		err = errors.Join(s.err, err)
	}
	if early {
		err = errors.Join(errors.New("it ended by itself"), err)
	}
	if err == nil && !bytes.Equal(s.sentSum.Sum(nil), s.gotSum.Sum(nil)) {
		err = errors.New("what came back is not what was sent")
	}
	if err != nil {
		err = fmt.Errorf("session %s, after %d beats: %w", s.name, s.beats, err)
	}
	return s.beats, err
}
