//go:build linux

package term_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/agent/child"
	"coder.internal/agent/term"
	"coder.internal/agent/term/screen"
	"coder.internal/api"
	"coder.internal/api/termrpc"
)

const patience = 30 * time.Second

// world is the terminals of one agent behind a listener.
type world struct {
	t     *testing.T
	terms *term.Terminals
	addr  string
	home  string
	stop  func() // ends the agent and waits
}

func newWorld(t *testing.T, change ...func(*term.Options)) *world {
	t.Helper()
	w := &world{t: t, home: t.TempDir()}
	o := term.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: quartz.NewReal(),
		Account: child.Account{Name: "dev", Home: w.home, Shell: "/bin/bash"},
		Environ: []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "ADDED=yes"}, Directory: w.home}
	require.NoError(t, os.WriteFile(filepath.Join(w.home, ".bash_profile"), []byte("PS1='$ '\n"), 0o600))
	for _, f := range change {
		f(&o)
	}
	var err error
	w.terms, err = term.New(o)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.terms.Run(ctx) })
	wg.Go(func() { _ = w.terms.Serve(ctx, l) })
	w.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(w.stop)
	return w
}

// viewer is a person's terminal.
type viewer struct {
	t    *testing.T
	conn net.Conn

	mu      sync.Mutex
	screen  *screen.Screen
	raw     bytes.Buffer
	end     *termrpc.End
	err     error
	changed chan struct{}
	done    chan struct{}
}

// dial opens a connection of a viewer and sends its first frame.
func (w *world) dial(init termrpc.Init) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	payload, err := json.Marshal(init)
	require.NoError(w.t, err)
	require.NoError(w.t, termrpc.WriteFrame(conn, termrpc.KindInit, payload))
	return conn
}

// pipes is a listener whose connections hold no bytes: what one side does not read
// the other cannot write.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// pipe is dial on such a connection.
func (w *world) pipe(init termrpc.Init) net.Conn {
	w.t.Helper()
	l := &pipes{conns: make(chan net.Conn, 1), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.terms.Serve(ctx, l) }()
	near, far := net.Pipe()
	w.t.Cleanup(func() { cancel(); _ = near.Close(); require.NoError(w.t, <-served) })
	l.conns <- far
	payload, err := json.Marshal(init)
	require.NoError(w.t, err)
	require.NoError(w.t, termrpc.WriteFrame(near, termrpc.KindInit, payload))
	return near
}

// open looks at a terminal of 80 × 24, or as init says.
func (w *world) open(init termrpc.Init) *viewer {
	w.t.Helper()
	if init.Width == 0 {
		init.Width, init.Height = 80, 24
	}
	v := &viewer{t: w.t, conn: w.dial(init), changed: make(chan struct{}), done: make(chan struct{}),
		screen: screen.New(screen.Options{Cols: int(init.Width), Rows: int(init.Height), History: 10_000, HistoryBytes: 8 << 20})}
	go v.read()
	w.t.Cleanup(v.leave)
	return v
}

func (v *viewer) read() {
	defer close(v.done)
	var buf []byte
	for {
		kind, p, grown, err := termrpc.ReadFrame(v.conn, buf, termrpc.MaxOutput)
		buf = grown
		v.mu.Lock()
		switch {
		case err != nil:
			v.err = err
		case kind == termrpc.KindOutput:
			_, _ = v.screen.Write(p)
			v.raw.Write(p)
		case kind == termrpc.KindEnd:
			v.end = &termrpc.End{}
			_ = json.Unmarshal(p, v.end)
		}
		close(v.changed)
		v.changed = make(chan struct{})
		v.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (v *viewer) leave() {
	_ = v.conn.Close()
	<-v.done
}

func (v *viewer) send(in termrpc.Input) {
	v.t.Helper()
	p, err := json.Marshal(in)
	require.NoError(v.t, err)
	require.NoError(v.t, termrpc.WriteFrame(v.conn, termrpc.KindInput, p))
}

func (v *viewer) keys(text string) { v.t.Helper(); v.send(termrpc.Input{Data: text}) }

// await waits until ok holds for what is seen, under mu.
func (v *viewer) await(what string, ok func() bool) {
	v.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		v.mu.Lock()
		good, changed, text, err := ok(), v.changed, strings.Join(v.screen.Text(), "\n"), v.err
		v.mu.Unlock()
		if good {
			return
		}
		if err != nil {
			v.t.Fatalf("never: %s; the connection ended: %v\n%s", what, err, text)
		}
		select {
		case <-changed:
		case <-limit.C:
			v.t.Fatalf("never: %s\n%s", what, text)
		}
	}
}

func (v *viewer) sees(text string) {
	v.t.Helper()
	v.await("the screen shows "+text, func() bool { return strings.Contains(strings.Join(v.screen.Text(), "\n"), text) })
}

func (v *viewer) ends() termrpc.End {
	v.t.Helper()
	v.await("the terminal ends", func() bool { return v.end != nil })
	return *v.end
}

func (v *viewer) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.Join(v.screen.Text(), "\n")
}

// settled waits until both viewers see the same for good: until a mark that the
// program prints at the end is on both screens.
func same(t *testing.T, a, b *viewer) {
	t.Helper()
	b.await("both see the same", func() bool { return strings.Join(b.screen.Text(), "\n") == a.text() })
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	ax, ay := a.screen.Cursor()
	bx, by := b.screen.Cursor()
	require.Equal(t, []any{ax, ay, a.screen.Alternate(), a.screen.HistoryLen()}, []any{bx, by, b.screen.Alternate(), b.screen.HistoryLen()})
}

func TestLoginShell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *term.Options) {
		o.MOTDFile = filepath.Join(o.Account.Home, "motd")
		require.NoError(t, os.WriteFile(o.MOTDFile, []byte("welcome\nto work\n"), 0o600))
	})
	v := w.open(termrpc.Init{ID: api.NewID(), Width: 100, Height: 30})
	v.sees("welcome\nto work\n$")
	v.keys("shopt -q login_shell && stty size && echo $TERM-$ADDED-$USER-$HOME-$PWD\r")
	v.sees("30 100\nxterm-256color-yes-dev-" + w.home + "-" + w.home)
	v.send(termrpc.Input{Width: 90, Height: 20})
	v.keys("stty size; stty -a | grep -c -w iutf8\r")
	v.sees("20 90\n1\n")
	v.keys("exit 7\r")
	require.Equal(t, termrpc.End{ExitCode: 7}, v.ends())
}

func TestCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(termrpc.Init{ID: api.NewID(), Command: "echo hello; tty; exit 3"})
	require.Equal(t, 3, v.ends().ExitCode)
	require.Contains(t, v.text(), "hello\n/dev/pts/")
	other := w.open(termrpc.Init{ID: api.NewID(), Command: "kill -9 $$"})
	require.Equal(t, 137, other.ends().ExitCode)
}

// TestComeBack: who returns to a terminal finds the same process and picture, with
// the scroll-back, at once.
func TestComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := api.NewID()
	a := w.open(termrpc.Init{ID: id})
	a.keys("echo pid-$$; seq -f 'line %g of many' 12000; echo done\r")
	a.sees("\ndone\n$")
	before := a.text()
	a.leave()
	start := time.Now()
	b := w.open(termrpc.Init{ID: id, Command: "not started again"})
	b.await("the picture is there", func() bool { return strings.Join(b.screen.Text(), "\n") == before })
	took := time.Since(start)
	t.Logf("restored in %s, %d bytes", took, b.raw.Len())
	b.mu.Lock()
	require.Equal(t, 10_000, b.screen.HistoryLen())
	b.mu.Unlock()
	b.keys("clear; echo pid-$$\r")
	b.sees("pid-")
}

func TestSeveralViewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := api.NewID()
	a := w.open(termrpc.Init{ID: id})
	a.sees("$")
	b := w.open(termrpc.Init{ID: id, Width: 60, Height: 20})
	b.sees("$")
	b.keys("stty size\r")
	b.sees("20 60")
	a.sees("20 60")
	a.keys("clear; stty size\r")
	b.sees("24 80")
	a.keys("clear; echo rea''dy; cat\r")
	a.sees("ready")
	a.keys("to all\r")
	b.sees("to all\nto all")
	// Answers of terminals count once, from the one in use.
	b.keys("\x1b[?1;2c")
	a.keys("\x1b[?9;9c\r")
	a.sees("^[[?9;9c")
	require.NotContains(t, a.text(), "1;2c")
	a.keys("\x04")
	a.sees("\n$")
	a.leave()
	b.keys("clear; echo si''ze $(stty size)\r")
	b.sees("size 20 60")
}

// TestSlowViewer: one that takes nothing holds up neither the program nor others,
// and gets the picture when it goes on.
func TestSlowViewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := api.NewID()
	a := w.open(termrpc.Init{ID: id})
	a.sees("$")
	slow := w.pipe(termrpc.Init{ID: id, Width: 80, Height: 24})
	a.keys("seq 200000; echo end-$((1+1))\r")
	a.sees("end-2")
	late := &viewer{t: t, conn: slow, changed: make(chan struct{}), done: make(chan struct{}),
		screen: screen.New(screen.Options{Cols: 80, Rows: 24, History: 10_000, HistoryBytes: 8 << 20})}
	go late.read()
	late.sees("200000\nend-2")
	same(t, a, late)
	late.leave()
}

func TestIdleTerminalEnds(t *testing.T) {
	t.Parallel()
	mock := quartz.NewMock(t)
	trap := mock.Trap().NewTimer("term", "idle")
	defer trap.Close()
	w := newWorld(t, func(o *term.Options) { o.Clock = mock })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { trap.MustWait(ctx).MustRelease(ctx) }() // the first, which is stopped
	id := api.NewID()
	v := w.open(termrpc.Init{ID: id, Command: "trap 'touch hung' HUP; echo ready; while true; do sleep 0.01; done"})
	v.sees("ready") // the trap is set
	pid := w.child(t)
	v.leave()
	trap.MustWait(ctx).MustRelease(ctx)
	eventually(t, "nothing else is timed", func() bool { d, ok := mock.Peek(); return ok && d == term.DefaultIdleTimeout })
	mock.Advance(term.DefaultIdleTimeout - time.Second).MustWait(ctx)
	require.Equal(t, 1, w.terms.Count())
	require.NoError(t, syscall.Kill(pid, 0))
	kill := mock.Trap().NewTimer("term", "kill")
	defer kill.Close()
	mock.Advance(time.Second).MustWait(ctx)
	kill.MustWait(ctx).MustRelease(ctx)
	eventually(t, "the program hears of it", func() bool { _, err := os.Stat(filepath.Join(w.home, "hung")); return err == nil })
	require.Equal(t, 1, w.terms.Count())
	mock.Advance(3 * time.Second).MustWait(ctx)
	eventually(t, "the program is killed", func() bool { return w.terms.Count() == 0 })
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

// child is the process id of the shell of the only terminal.
func (w *world) child(t *testing.T) (pid int) {
	t.Helper()
	eventually(t, "the program runs", func() bool {
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, d := range dirs {
			env, _ := os.ReadFile(filepath.Join(d, "environ"))
			args, _ := os.ReadFile(filepath.Join(d, "cmdline"))
			if bytes.Contains(env, []byte("HOME="+w.home)) && bytes.Contains(args, []byte("trap")) {
				_, err := fmt.Sscanf(filepath.Base(d), "%d", &pid)
				return err == nil
			}
		}
		return false
	})
	return pid
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAgentStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(termrpc.Init{ID: api.NewID(), Command: "trap : WINCH; echo started; cat"})
	v.sees("started")
	pid := w.child(t)
	w.stop()
	require.Zero(t, w.terms.Count())
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *term.Options) { o.MaxSessions, o.MaxViewers = 2, 2 })
	id := api.NewID()
	one := w.open(termrpc.Init{ID: id, Command: "cat"})
	two := w.open(termrpc.Init{ID: api.NewID(), Command: "cat"})
	two.keys("two\r")
	two.sees("two")
	require.Contains(t, w.open(termrpc.Init{ID: api.NewID()}).ends().Error, "2 terminals open")
	one.keys("one\r")
	one.sees("one")
	again := w.open(termrpc.Init{ID: id})
	again.sees("one")
	third := w.open(termrpc.Init{ID: id})
	third.sees("one")
	one.await("the oldest is cut", func() bool { return one.err != nil })
	third.keys("\x04")
	require.Zero(t, third.ends().ExitCode)
	again.ends()
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Contains(t, w.open(termrpc.Init{}).ends().Error, "reconnect")
	require.Contains(t, w.open(termrpc.Init{ID: api.NewID(), Container: "x"}).ends().Error, "containers are not supported")
	require.Contains(t, w.open(termrpc.Init{ID: api.NewID(), Command: "a\x00"}).ends().Error, "command")
	for _, raw := range []string{"GET / HTTP/1.1\r\n\r\n", "\x01\x00\x00\x00\x02{]", "\x02\x00\x00\x00\x02{}", "\x01\xff\xff\xff\xff"} {
		conn, err := net.Dial("tcp", w.addr)
		require.NoError(t, err)
		_, err = conn.Write([]byte(raw))
		require.NoError(t, err)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		_, err = io.Copy(io.Discard, conn)
		require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "%q", raw)
		_ = conn.Close()
	}
	v := w.open(termrpc.Init{ID: api.NewID(), Command: "cat"})
	other := w.open(termrpc.Init{ID: api.NewID(), Command: "cat"})
	require.NoError(t, termrpc.WriteFrame(v.conn, termrpc.KindInput, []byte(`{"data":7}`)))
	v.await("a bad message ends the viewer", func() bool { return v.err != nil })
	other.keys("still here\r")
	other.sees("still here")
}

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := term.New(term.Options{})
	require.ErrorContains(t, err, "required")
}
