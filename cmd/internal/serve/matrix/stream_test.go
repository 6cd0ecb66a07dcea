//go:build linux

package matrix_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// backWithin is the longest that a session may stand still once the way is open
// again. 3 s are promised; the rest is for a machine that runs other tests too.
const backWithin = 5 * time.Second

// stream sends numbered lines to a remote cat and checks what comes back.
type stream struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	stop chan struct{}
	wg   sync.WaitGroup

	sent hash.Hash // until the writer has ended

	mu      sync.Mutex
	got     hash.Hash
	lines   int
	last    time.Time // of the last line
	longest time.Duration
	more    chan struct{} // closed and replaced at each line
	err     error
}

// lineEvery is the pause between two lines.
const lineEvery = 10 * time.Millisecond

func startStream(t *testing.T, p *servetest.CLI, host string) *stream {
	t.Helper()
	argv := p.Command("ssh", host, "--", "cat").Args
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = p.Env(), p.Home, time.Second
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	s := &stream{t: t, cmd: cmd, in: in, stop: make(chan struct{}), sent: sha256.New(), got: sha256.New(), more: make(chan struct{})}
	require.NoError(t, cmd.Start())
	s.wg.Go(s.write)
	s.wg.Go(func() { s.read(out) })
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended when all is well
		if t.Failed() {
			t.Logf("ssh said: %s", said.String())
		}
	})
	s.flows()
	return s
}

func (s *stream) write() {
	defer s.in.Close()
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		line := fmt.Sprintf("%08d %s\n", i, strings.Repeat("x", i%100))
		if _, err := io.WriteString(s.in, line); err != nil {
			return // the reader reports
		}
		_, _ = io.WriteString(s.sent, line)
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
	}
}

func (s *stream) read(out io.Reader) {
	sc := bufio.NewScanner(out)
	for i := 0; sc.Scan(); i++ {
		var err error
		if !strings.HasPrefix(sc.Text(), fmt.Sprintf("%08d ", i)) {
			err = fmt.Errorf("line %d is %q", i, sc.Text())
		}
		s.note(sc.Text()+"\n", err)
	}
	s.note("", errors.Join(io.EOF, sc.Err()))
}

func (s *stream) note(line string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if line != "" {
		_, _ = io.WriteString(s.got, line)
		s.lines++
		if !s.last.IsZero() {
			s.longest = max(s.longest, now.Sub(s.last))
		}
		s.last = now
	}
	if s.err == nil {
		s.err = err
	}
	close(s.more)
	s.more = make(chan struct{})
}

// flows waits for a few more lines and returns when the first of them came.
func (s *stream) flows() time.Time {
	s.t.Helper()
	const few = 20
	var first time.Time
	s.mu.Lock()
	start := s.lines
	s.mu.Unlock()
	limit := time.NewTimer(servetest.Patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		n, err, more, last := s.lines, s.err, s.more, s.last
		s.mu.Unlock()
		require.NoError(s.t, err, "the stream ended")
		if n > start && first.IsZero() {
			first = last
		}
		if n >= start+few {
			return first
		}
		select {
		case <-more:
		case <-limit.C:
			s.t.Fatal("the stream stands still")
		}
	}
}

// rest waits until no line came for a moment: what was on its way is through.
func (s *stream) rest(moment time.Duration) {
	for {
		s.mu.Lock()
		more := s.more
		s.mu.Unlock()
		select {
		case <-more:
		case <-time.After(moment):
			return
		}
	}
}

// takeLongest returns the longest stall since the last call.
func (s *stream) takeLongest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.longest
	s.longest = 0
	return l
}

// finish ends the stream and compares both ends.
func (s *stream) finish() {
	s.t.Helper()
	close(s.stop)
	s.wg.Wait()
	require.NoError(s.t, s.cmd.Wait())
	s.mu.Lock()
	defer s.mu.Unlock()
	require.ErrorIs(s.t, s.err, io.EOF)
	require.Equal(s.t, s.sent.Sum(nil), s.got.Sum(nil), "0 bytes lost")
	s.t.Logf("%d lines came back whole", s.lines)
}

func TestStreamLives(t *testing.T) {
	t.Parallel()
	w, err := newWorld(t, "stream")
	if err != nil {
		require.ErrorIs(t, err, errRefused)
		t.Log(err)
		return
	}
	b := &box{dial: w.toServer}
	ln := w.hub.listen(t, net.JoinHostPort(hub4, "0"))
	serve(t, ln, b.handle)
	at := "http://" + ln.Addr().String()
	a, c := w.pair(t, kind{})
	agent := a.agent(t, "stream", at)
	s := startStream(t, c.person(t, at), "demo.stream")

	// event does something and, after it is undone, wants the lines back in time.
	event := func(name string, do, undo func()) {
		t.Helper()
		s.flows()
		s.takeLongest()
		began := time.Now()
		do()
		took := time.Since(began)
		if undo != nil {
			undo()
			began = time.Now()
		}
		back := s.flows().Sub(began)
		t.Logf("%-36s took %7s, longest stall %8s, back after %8s", name, took.Round(time.Millisecond), s.takeLongest().Round(time.Millisecond), max(back, 0).Round(time.Millisecond))
		require.Less(t, back, backWithin, name)
	}
	block := func(rule string) func() {
		return func() { w.iptables(t, w.hub, fmt.Sprintf("iptables -I FORWARD %[1]s\niptables -I INPUT %[1]s", rule)) }
	}
	open := func(rule string) func() {
		return func() { w.iptables(t, w.hub, fmt.Sprintf("iptables -D FORWARD %[1]s\niptables -D INPUT %[1]s", rule)) }
	}
	restart := func() { w.server.Kill(); w.server.Start() }
	frozen := func(p *os.Process, d time.Duration) (func(), func()) {
		return func() { require.NoError(t, p.Signal(syscall.SIGSTOP)); time.Sleep(d) },
			func() { require.NoError(t, p.Signal(syscall.SIGCONT)) }
	}

	event("server killed and restarted, direct", restart, nil)
	const udp = "-p udp -j DROP"
	event("UDP blocked", block(udp), nil)
	event("relay killed", b.killRelay, func() { s.rest(time.Second); b.reviveRelay() })
	event("server killed and restarted, relayed", restart, func() {})
	event("UDP opened", open(udp), nil)
	event("agent's address changed", func() {
		a.ns.sh(t, fmt.Sprintf("ip addr flush dev eth0 scope global\nip addr add %s3/24 dev eth0\nip route add default via %s",
			strings.TrimSuffix(a.gateway, "1"), a.gateway))
	}, nil)
	all := "-i " + c.link + " -j DROP"
	event("client's link cut for 20 s", block(all), func() { time.Sleep(20 * time.Second); open(all)() })
	do, undo := frozen(agent, sleepTime)
	event("agent asleep", do, undo)
	do, undo = frozen(s.cmd.Process, sleepTime)
	event("client asleep", do, undo)
	s.finish()
}

// sleepTime is longer than what a peer that vanished is remembered for.
const sleepTime = 35 * time.Second
