package agentconn_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/agentconn"
	"coder.internal/internal/mux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a replica and one agent, of which the test says how it is reached.
type world struct {
	*testing.T
	s     *agentconn.Streams
	clock *quartz.Mock
	agent api.ID
	stop  func()

	mu      sync.Mutex
	comes   bool // the agent, when it is asked
	away    bool // the tunnel too
	asked   int
	tunnels int
	ports   []uint16
	held    []*mux.Session // the agent's ends
	wg      sync.WaitGroup
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, clock: quartz.NewMock(t), agent: api.NewID()}
	var err error
	w.s, err = agentconn.New(agentconn.Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: w.clock, Tunnel: w, Ask: w.ask})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	w.wg.Go(func() { _ = w.s.Run(ctx) })
	w.stop = sync.OnceFunc(func() { cancel(); w.wg.Wait() })
	t.Cleanup(w.stop)
	return w
}

// serve is the agent's end: it says through which way it was reached.
func (w *world) serve(conn net.Conn, way string) *mux.Session {
	session := mux.New(conn, mux.Options{Handler: func(st *mux.Stream) {
		target, err := agentrpc.ReadTarget(st)
		if err != nil {
			return
		}
		if target.Address == "127.0.0.1:1" {
			_ = agentrpc.WriteAnswer(st, api.Conflict("Nothing listens."))
			return
		}
		_ = agentrpc.WriteAnswer(st, nil)
		_, _ = io.WriteString(st, way+" "+target.Network+" "+target.Address+"\n")
		_, _ = io.Copy(st, st)
	}})
	w.wg.Go(func() { _ = session.Run(context.Background()) })
	return session
}

// come is the agent, connecting.
func (w *world) come() {
	near, far := net.Pipe()
	session := w.serve(far, "held")
	w.mu.Lock()
	w.held = append(w.held, session)
	w.mu.Unlock()
	w.wg.Go(func() { _ = w.s.ServeAgent(context.Background(), near, w.agent) })
}

func (w *world) ask(api.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.comes {
		w.wg.Go(w.come)
	}
	return true
}

func (w *world) DialAgent(ctx context.Context, _ api.ID, port uint16) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ports = append(w.ports, port)
	if w.away {
		return nil, errors.New("no way")
	}
	near, far := net.Pipe()
	if port == agentrpc.PortStreams {
		w.tunnels++
		w.serve(far, "tunnel")
	} else {
		w.wg.Go(func() { _, _ = io.WriteString(far, "port\n"); _ = far.Close() })
	}
	return near, ctx.Err()
}

func (w *world) set(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }

// dial returns the first line of a stream. patient lets the wait for the agent pass.
func (w *world) dial(network, address string, patient bool) (net.Conn, string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	got := make(chan result, 1)
	dial := func() {
		conn, err := w.s.DialAgent(ctx, w.agent, network, address)
		got <- result{conn, err}
	}
	if patient {
		w.patiently(dial)
	} else {
		go dial()
	}
	r := <-got
	require.NoError(w, r.err)
	w.Cleanup(func() { _ = r.conn.Close() })
	return r.conn, line(w.T, r.conn)
}

// patiently starts dial and lets the wait for the agent pass.
func (w *world) patiently(dial func()) {
	w.Helper()
	trap := w.clock.Trap().NewTimer("agentconn", "ask")
	defer trap.Close()
	go dial()
	trap.MustWait(w.Context()).MustRelease(w.Context())
	w.clock.Advance(150 * time.Millisecond).MustWait(w.Context())
}

func line(t *testing.T, r io.Reader) string {
	t.Helper()
	var out []byte
	for b := make([]byte, 1); ; out = append(out, b[0]) {
		_, err := io.ReadFull(r, b)
		require.NoError(t, err)
		if b[0] == '\n' {
			return string(out)
		}
	}
}

// The agent is asked, comes, and its connection is used from then on.
func TestHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.comes = true
	for range 3 {
		_, got := w.dial("tcp", "127.0.0.1:8080", false)
		require.Equal(t, "held tcp 127.0.0.1:8080", got)
	}
	_, got := w.dial("tcp", "unix:/tmp/x", false)
	require.Equal(t, "held unix /tmp/x", got)
	w.set(func() { require.Equal(t, 1, w.asked); require.Zero(t, w.tunnels) })
	_, err := w.s.DialAgent(t.Context(), w.agent, "tcp", "127.0.0.1:1")
	require.Equal(t, api.CodeConflict, api.CodeOf(err), "%v", err)
	conn, err := w.s.Ports().DialAgent(t.Context(), w.agent, 2)
	require.NoError(t, err)
	defer conn.Close()
	require.Equal(t, "held port 2", line(t, conn))
}

// An agent that does not come is reached through the tunnel, and used once it does.
func TestTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, got := w.dial("tcp", "127.0.0.1:8080", true)
	require.Equal(t, "tunnel tcp 127.0.0.1:8080", got)
	_, got = w.dial("tcp", "127.0.0.1:8081", false) // it is not waited for again
	require.Equal(t, "tunnel tcp 127.0.0.1:8081", got)
	w.set(func() {
		require.Equal(t, 1, w.asked)
		require.Equal(t, 1, w.tunnels, "one connection carries all")
		w.comes = true
	})
	w.clock.Advance(11 * time.Second).MustWait(t.Context())
	_, got = w.dial("tcp", "127.0.0.1:8080", false)
	require.Equal(t, "held tcp 127.0.0.1:8080", got)
	_, err := io.WriteString(first, "goes on\n")
	require.NoError(t, err)
	require.Equal(t, "goes on", line(t, first))
}

// Ports of agents of earlier releases are reached as they always were.
func TestOldAgents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := make(chan net.Conn, 1)
	w.patiently(func() {
		conn, err := w.s.Ports().DialAgent(t.Context(), w.agent, 2)
		if err != nil {
			t.Error(err)
		}
		got <- conn
	})
	conn := <-got
	require.NotNil(t, conn)
	defer conn.Close()
	require.Equal(t, "port", line(t, conn))
	w.set(func() { require.Equal(t, []uint16{2}, w.ports) })
}

// A connection that breaks breaks its streams, and is asked for again.
func TestBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.comes = true
	conn, _ := w.dial("tcp", "127.0.0.1:8080", false)
	w.set(func() { require.NoError(t, w.held[0].Close()) })
	_, err := io.ReadAll(conn)
	require.ErrorContains(t, err, "stream connection ended")
	for { // until the replica has noted it, the broken one may be the answer
		next, err := w.s.DialAgent(t.Context(), w.agent, "tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		got := line(t, next)
		_ = next.Close()
		if got == "held tcp 127.0.0.1:8080" {
			break
		}
	}
	w.set(func() { require.Len(t, w.held, 2) })
}

func TestAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.away = true
	failed := make(chan error, 1)
	w.patiently(func() {
		_, err := w.s.DialAgent(t.Context(), w.agent, "tcp", "127.0.0.1:8080")
		failed <- err
	})
	require.Equal(t, api.CodeUnavailable, api.CodeOf(<-failed))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.s.DialAgent(ctx, w.agent, "tcp", "127.0.0.1:8080")
	require.ErrorIs(t, err, context.Canceled)
}

// What carries nothing for ten minutes ends; with the replica all ends.
func TestIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.comes = true
	conn, _ := w.dial("tcp", "127.0.0.1:8080", false)
	var held *mux.Session
	w.set(func() { held = w.held[0] })
	pass := func(d time.Duration) {
		for ; d > 0; d -= time.Minute {
			w.clock.Advance(time.Minute).MustWait(t.Context())
		}
	}
	pass(20 * time.Minute)
	_, err := io.WriteString(conn, "still\n")
	require.NoError(t, err)
	require.Equal(t, "still", line(t, conn))
	require.NoError(t, conn.Close())
	pass(12 * time.Minute)
	select {
	case <-held.Done():
	case <-time.After(time.Minute):
		t.Fatal("an idle connection stays")
	}
	conn, got := w.dial("tcp", "127.0.0.1:8080", false)
	require.Equal(t, "held tcp 127.0.0.1:8080", got)
	w.stop()
	_, err = io.ReadAll(conn)
	require.Error(t, err)
	_, err = w.s.DialAgent(t.Context(), w.agent, "tcp", "127.0.0.1:8080")
	require.Equal(t, api.CodeUnavailable, api.CodeOf(err))
	near, _ := net.Pipe()
	require.Error(t, w.s.ServeAgent(t.Context(), near, w.agent))
}

// A connection on which nothing comes back is not used, and ends.
func TestSwallowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	near, far := net.Pipe()
	trap := w.clock.Trap().NewTimer("agentconn", "answer")
	defer trap.Close()
	ended := make(chan error, 1)
	go func() { ended <- w.s.ServeAgent(t.Context(), near, w.agent) }()
	swallowed := make(chan struct{})
	go func() { defer close(swallowed); _, _ = io.Copy(io.Discard, far) }()
	trap.MustWait(t.Context()).MustRelease(t.Context())
	_, got := w.dial("tcp", "127.0.0.1:8080", true)
	require.Equal(t, "tunnel tcp 127.0.0.1:8080", got)
	_, waiter := w.clock.AdvanceNext()
	waiter.MustWait(t.Context())
	require.ErrorIs(t, <-ended, mux.ErrClosed)
	<-swallowed
}
