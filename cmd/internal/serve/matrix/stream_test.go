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
	after   time.Time // of the first line after mark
	longest time.Duration
	more    chan struct{} // closed and replaced at each line
	err     error
	said    strings.Builder // on standard error
}

// notes keeps what the program says on standard error.
type notes struct{ s *stream }

func (n notes) Write(p []byte) (int, error) {
	n.s.mu.Lock()
	defer n.s.mu.Unlock()
	return n.s.said.Write(p)
}

// says counts how often the program said something.
func (s *stream) says(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.said.String(), what)
}

// inPackets keeps a client from direct streams.
const inPackets = "CODER_SSH_DISABLE_DIRECT_STREAM=true"

// lineEvery is the pause between two lines.
const lineEvery = 10 * time.Millisecond

func startStream(t *testing.T, p *servetest.CLI, host string) *stream {
	t.Helper()
	argv := p.Command("ssh", host, "--", "cat").Args
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = p.Env(), p.Home, time.Second
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	s := &stream{t: t, cmd: cmd, stop: make(chan struct{}), sent: sha256.New(), got: sha256.New(), more: make(chan struct{})}
	s.in, cmd.Stderr = in, notes{s}
	require.NoError(t, cmd.Start())
	s.wg.Go(s.write)
	s.wg.Go(func() { s.read(out) })
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended when all is well
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("ssh said: %s", s.said.String())
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
		if s.after.IsZero() {
			s.after = now
		}
	}
	if s.err == nil {
		s.err = err
	}
	close(s.more)
	s.more = make(chan struct{})
}

// mark begins a new measurement.
func (s *stream) mark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = time.Time{}
}

// flows waits until a few more lines have come.
func (s *stream) flows() {
	s.t.Helper()
	const few = 20
	s.mu.Lock()
	want := s.lines + few
	s.mu.Unlock()
	limit := time.NewTimer(servetest.Patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		n, err, more := s.lines, s.err, s.more
		s.mu.Unlock()
		require.NoError(s.t, err, "the stream ended")
		if n >= want {
			return
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

// measure waits until the stream flows and returns the longest stall since the
// last call and when the first line came after mark.
func (s *stream) measure() (longest time.Duration, first time.Time) {
	s.t.Helper()
	s.flows()
	s.mu.Lock()
	defer s.mu.Unlock()
	longest, s.longest = s.longest, 0
	return longest, s.after
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

// settle is how long the effects of an event are watched that undoes itself.
const settle = 3 * time.Second

// event does something and wants the lines back in time. Where there is undo the
// time counts from it, else the longest stall does.
func (s *stream) event(name string, do, undo func()) {
	s.t.Helper()
	s.measure()
	do()
	if undo == nil {
		time.Sleep(settle)
		longest, _ := s.measure()
		s.t.Logf("%-36s longest stall %8s", name, longest.Round(time.Millisecond))
		require.Less(s.t, longest, backWithin, name)
		return
	}
	s.mark()
	began := time.Now()
	undo()
	s.back(name, began)
}

// back wants the lines back in time after began.
func (s *stream) back(name string, began time.Time) {
	s.t.Helper()
	longest, first := s.measure()
	after := first.Sub(began)
	s.t.Logf("%-36s longest stall %8s, back after %8s", name, longest.Round(time.Millisecond), after.Round(time.Millisecond))
	require.Less(s.t, after, backWithin, name)
}

// relayedWorld is a world with a box in front of the server, and its address.
func relayedWorld(t *testing.T, agents ...string) (*world, *box, string) {
	t.Helper()
	w, err := newWorld(t, agents...)
	if err != nil {
		require.ErrorIs(t, err, errRefused)
		t.Log(err)
		return nil, nil, ""
	}
	b := &box{dial: w.toServer}
	ln := w.hub.listen(t, net.JoinHostPort(hub4, "0"))
	serve(t, ln, b.handle)
	return w, b, "http://" + ln.Addr().String()
}

// block drops what matches; the function that it returns lets it pass again.
func (w *world) block(t *testing.T, rule string) (unblock func()) {
	t.Helper()
	w.iptables(t, w.hub, fmt.Sprintf("iptables -I FORWARD %[1]s\niptables -I INPUT %[1]s", rule))
	return func() { w.iptables(t, w.hub, fmt.Sprintf("iptables -D FORWARD %[1]s\niptables -D INPUT %[1]s", rule)) }
}

func TestStreamLives(t *testing.T) {
	t.Parallel()
	w, b, at := relayedWorld(t, "stream")
	if w == nil {
		return
	}
	a, c := w.pair(t, kind{})
	a.agent(t, "stream", at)
	s := startStream(t, c.person(t, at, inPackets), "demo.stream")
	restart := func() { w.server.Kill(); w.server.Start() }
	var unblock func()
	s.event("server killed and restarted, direct", restart, nil)
	s.event("UDP blocked", func() { unblock = w.block(t, "-p udp -j DROP") }, nil)
	s.event("relay killed", b.killRelay, func() { s.rest(time.Second); b.reviveRelay() })
	s.event("server killed and restarted, relayed", restart, nil)
	s.event("UDP opened", func() { unblock() }, nil)
	s.event("agent's address changed", func() {
		a.ns.sh(t, fmt.Sprintf("ip addr flush dev eth0 scope global\nip addr add %s3/24 dev eth0\nip route add default via %s",
			strings.TrimSuffix(a.gateway, "1"), a.gateway))
	}, nil)
	s.event("client's link cut", func() { unblock = w.block(t, "-i "+c.link+" -j DROP"); time.Sleep(20 * time.Second) },
		func() { unblock() })
	s.finish()
}

// sleepTime is longer than what a peer that vanished is remembered for.
const sleepTime = 35 * time.Second

// TestStreamSleeps freezes a process as a computer that sleeps does: it answers
// nobody, and its clock jumps when it wakes.
func TestStreamSleeps(t *testing.T) {
	t.Parallel()
	names := []string{"agent-sleeps", "client-sleeps", "agent-sleeps-in-packets", "client-sleeps-in-packets"}
	w, _, at := relayedWorld(t, names...)
	if w == nil {
		return
	}
	var streams []*stream
	var sleepers []*os.Process
	for _, name := range names {
		who, way, _ := strings.Cut(name, "-sleeps")
		a, c := w.pair(t, kind{noUDP: who == "agent"})
		sleeper := a.agent(t, name, at)
		var env []string
		if way != "" {
			env = []string{inPackets}
		}
		s := startStream(t, c.person(t, at, env...), "demo."+name)
		if who == "client" {
			sleeper = s.cmd.Process
		}
		streams, sleepers = append(streams, s), append(sleepers, sleeper)
		s.measure()
	}
	for _, p := range sleepers {
		require.NoError(t, p.Signal(syscall.SIGSTOP))
	}
	time.Sleep(sleepTime)
	for _, s := range streams {
		s.mark()
	}
	began := time.Now()
	for _, p := range sleepers {
		require.NoError(t, p.Signal(syscall.SIGCONT))
	}
	for i, s := range streams {
		s.back(names[i], began)
		s.finish()
	}
}
