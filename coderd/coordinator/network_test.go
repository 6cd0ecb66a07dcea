package coordinator_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// exercise runs a stream through a pair and returns a ping's answer.
func exercise(t *testing.T, w *world) tailnet.PingResult {
	agent, client := w.pair()
	ctx := deadline(t, 20*time.Second)
	s, err := client.DialTCP(ctx, agent.ID(), 22)
	require.NoError(t, err)
	say(t, s, "hello")
	say(t, s, strings.Repeat("0123456789", 50_000))
	require.Equal(t, netip.AddrPortFrom(agent.Addr(), 22).String(), s.RemoteAddr().String())
	require.NoError(t, s.CloseWrite())
	rest, err := io.ReadAll(s)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.NoError(t, s.Close())
	r, err := client.Ping(ctx, agent.ID())
	require.NoError(t, err)
	return r
}

func TestRelayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	r := exercise(t, w)
	require.False(t, r.Direct)
	require.Equal(t, "coder", r.RelayRegionCode)
	require.Equal(t, "Coder Embedded Relay", r.RelayRegionName)
	require.Positive(t, r.Latency)
}

func TestRelayedByTheNodeAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{stun: true})
	agentID := api.NewID()
	agent := w.node(agentID, api.ID{})
	echo(t, agent, 22)
	client := w.node(api.NewID(), agentID, func(c *tailnet.Config) { c.BlockDirect = true })
	ctx := deadline(t, 20*time.Second)
	s, err := client.DialTCP(ctx, agentID, 22)
	require.NoError(t, err)
	for range 5 {
		say(t, s, "still relayed")
		r, err := client.Ping(ctx, agentID)
		require.NoError(t, err)
		require.False(t, r.Direct)
	}
}

func TestDirect(t *testing.T) {
	t.Parallel()
	for _, stun := range []bool{true, false} {
		t.Run(fmt.Sprintf("stun=%v", stun), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{stun: stun})
			agent, client := w.pair()
			s, err := client.DialTCP(deadline(t, 20*time.Second), agent.ID(), 22)
			require.NoError(t, err)
			say(t, s, "hello")
			r := directPath(t, client, agent.ID())
			require.NotEmpty(t, r.Endpoint)
			say(t, s, strings.Repeat("0123456789", 50_000))
			p, ok := client.PathStatus(agent.ID())
			require.True(t, ok)
			require.True(t, p.Direct)
			require.Greater(t, p.SentBytes, int64(500_000))
		})
	}
}

func TestHTTPSWithPrivateCAUnderPrefix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{tls: true, prefix: "/dev/coder", blockDirect: true})
	require.False(t, exercise(t, w).Direct)
}

func TestWebsocketWhereUpgradesAreRefused(t *testing.T) {
	t.Parallel()
	var refused, websockets atomic.Int64
	w := newWorld(t, worldOptions{blockDirect: true, middlebox: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch up := strings.ToLower(r.Header.Get("Upgrade")); {
			case up == "websocket" && strings.HasSuffix(r.URL.Path, "/derp"):
				websockets.Add(1)
			case up != "" && up != "websocket":
				refused.Add(1)
				r.Header.Del("Upgrade")
				r.Header.Del("Connection")
			}
			next.ServeHTTP(rw, r)
		})
	}})
	require.False(t, exercise(t, w).Direct)
	require.Equal(t, int64(2), refused.Load(), "each node tries the upgrade once")
	require.Equal(t, int64(2), websockets.Load())
}

func TestForcedWebsocketsNeverTryTheUpgrade(t *testing.T) {
	t.Parallel()
	var upgrades atomic.Int64
	w := newWorld(t, worldOptions{blockDirect: true, middlebox: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.EqualFold(r.Header.Get("Upgrade"), "derp") {
				upgrades.Add(1)
			}
			next.ServeHTTP(rw, r)
		})
	}})
	w.rmap.ForceWebSockets = true
	exercise(t, w)
	require.Zero(t, upgrades.Load())
}

func TestStreamOutlivesRelayAndCoordinatorConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	stopFirst := w.startRelay() // in place of the world's own
	agent, client := w.pair()
	s, err := client.DialTCP(deadline(t, 20*time.Second), agent.ID(), 22)
	require.NoError(t, err)
	say(t, s, "before")
	stopFirst()
	w.startRelay()
	began := time.Now()
	w.cut()
	say(t, s, "after")
	// The bound we promise is 10 s; the usual is well below one.
	require.Less(t, time.Since(began), 10*time.Second)
	t.Logf("stream paused for %s", time.Since(began))
}

func TestStreamOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, client := w.pair()
	s, err := client.DialTCP(deadline(t, 20*time.Second), agent.ID(), 22)
	require.NoError(t, err)
	say(t, s, "before")
	w.down.Store(true)
	w.cut()
	// What is written now has nowhere to go until the servers are back.
	_, err = io.WriteString(s, "meanwhile")
	require.NoError(t, err)
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	<-short.Done()
	w.down.Store(false)
	back := time.Now()
	got := make([]byte, len("meanwhile"))
	require.NoError(t, s.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.ReadFull(s, got)
	require.NoError(t, err)
	require.Equal(t, "meanwhile", string(got))
	require.Less(t, time.Since(back), 10*time.Second)
	t.Logf("stream went on %s after the servers came back", time.Since(back))
}

func TestHomeMovesToARelayThatAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, dead.Close())
	w.extra = []tailrpc.Region{{ID: 1, Code: "dead", Nodes: []tailrpc.RelayNode{{Name: "1-0", URL: "http://" + dead.Addr().String()}}}}
	require.Equal(t, "coder", exercise(t, w).RelayRegionCode)
}

func TestRelayRefusesUnknownKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, _ := w.pair()
	ctx := deadline(t, 20*time.Second)
	require.True(t, w.coord.AwaitKnown(ctx, agent.Key()))

	// The stranger gets relays and peers like anybody, only its key is not in
	// the coordinator's hands: it speaks with another coordinator.
	other := newWorld(t, worldOptions{blockDirect: true})
	other.rmap.URL = w.access.String()
	strangeAgent, strangeClient := other.pair()
	short, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer cancel()
	err := strangeClient.AwaitReachable(short, strangeAgent.ID())
	require.ErrorContains(t, err, "does not answer")
	require.False(t, w.coord.Knows(strangeClient.Key()))
}

func TestHostIsNotReachableThroughANode(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	touched := make(chan struct{}, 1)
	go func() {
		if nc, err := ln.Accept(); err == nil {
			nc.Close()
			touched <- struct{}{}
		}
	}()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, client := w.pair()
	ctx := deadline(t, 20*time.Second)
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	var p uint16
	_, err = fmt.Sscan(port, &p)
	require.NoError(t, err)
	_, err = client.DialTCP(ctx, agent.ID(), p)
	require.ErrorContains(t, err, "refused")
	select {
	case <-touched:
		t.Fatal("the host's service was reached through the node")
	default:
	}
	// The node is as good as before.
	s, err := client.DialTCP(ctx, agent.ID(), 22)
	require.NoError(t, err)
	say(t, s, "hello")
}

func TestClientsAcceptNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, client := w.pair()
	ctx := deadline(t, 20*time.Second)
	require.NoError(t, client.AwaitReachable(ctx, agent.ID()))
	_, err := client.Listen("tcp", 22)
	require.Error(t, err)
	short, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
	defer cancel()
	_, err = agent.DialTCP(short, client.ID(), 22)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestListenerLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, client := w.pair()
	ctx := deadline(t, 20*time.Second)
	_, err := agent.Listen("tcp", 22)
	require.ErrorContains(t, err, "in use")
	_, err = agent.Listen("udp", 1)
	require.Error(t, err)
	ln, err := agent.Listen("tcp", 80)
	require.NoError(t, err)
	s, err := client.DialTCP(ctx, agent.ID(), 80)
	require.NoError(t, err)
	nc, err := ln.Accept()
	require.NoError(t, err)
	id, ok := agent.PeerOf(nc.RemoteAddr().(*net.TCPAddr).AddrPort().Addr())
	require.True(t, ok)
	require.Equal(t, client.ID(), id)
	require.NoError(t, nc.Close())
	_, err = io.ReadAll(s)
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	_, err = ln.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = client.DialTCP(ctx, agent.ID(), 80)
	require.ErrorContains(t, err, "refused")
}

func TestServerNodeReachesManyAgents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	id := api.NewID()
	ctx, cancel := context.WithCancel(t.Context())
	dial, wait := w.coord.Local(ctx, id)
	t.Cleanup(func() { cancel(); wait() })
	server, err := tailnet.New(tailnet.Config{ID: id, Log: w.log, Relay: w.relay.Load().LoopbackAddr()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	background(t, func(ctx context.Context) error { return server.Run(ctx, dial) })
	for range 3 {
		agentID := api.NewID()
		agent := w.node(agentID, api.ID{})
		echo(t, agent, 80)
		s, err := server.DialTCP(deadline(t, 20*time.Second), agentID, 80)
		require.NoError(t, err)
		say(t, s, "hello from the server")
	}
}

func TestAbsentAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agentID := api.NewID()
	client := w.node(api.NewID(), agentID)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := client.DialTCP(ctx, agentID, 22)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "is not connected")
	// Whoever waits longer is served when it comes.
	got := make(chan error, 1)
	go func() { got <- client.AwaitReachable(deadline(t, 20*time.Second), agentID) }()
	w.node(agentID, api.ID{})
	require.NoError(t, <-got)
}

func TestAgentRestartsWithANewKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agentID := api.NewID()
	start := func() (*tailnet.Conn, func()) {
		c, err := tailnet.New(tailnet.Config{ID: agentID, Log: w.log, Inbound: true, AccessURL: w.access})
		require.NoError(t, err)
		echo(t, c, 22)
		stop := background(t, func(ctx context.Context) error { return c.Run(ctx, w.exchange(agentID, api.ID{})) })
		return c, func() { stop(); _ = c.Close() }
	}
	_, stop := start()
	client := w.node(api.NewID(), agentID)
	s, err := client.DialTCP(deadline(t, 20*time.Second), agentID, 22)
	require.NoError(t, err)
	say(t, s, "first life")
	stop()
	_, stop = start()
	defer stop()
	s, err = client.DialTCP(deadline(t, 20*time.Second), agentID, 22)
	require.NoError(t, err)
	say(t, s, "second life")
}

func TestTunnelEndsWithItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, _ := w.pair()
	id := api.NewID()
	c, err := tailnet.New(tailnet.Config{ID: id, Log: w.log, AccessURL: w.access})
	require.NoError(t, err)
	stop := background(t, func(ctx context.Context) error { return c.Run(ctx, w.exchange(id, agent.ID())) })
	require.NoError(t, c.AwaitReachable(deadline(t, 20*time.Second), agent.ID()))
	require.True(t, w.coord.Knows(c.Key()))
	_, known := agent.PeerOf(c.Addr())
	require.True(t, known)
	stop()
	require.NoError(t, c.Close())
	waitFor(t, func() bool {
		_, known := agent.PeerOf(c.Addr())
		return !known && !w.coord.Knows(c.Key())
	})
}

// A client whose last packets are lost says goodbye to the coordinator only.
func TestStreamsEndWithTheirClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent := w.node(api.NewID(), api.ID{})
	ln, err := agent.Listen("tcp", 22)
	require.NoError(t, err)
	id := api.NewID()
	c, err := tailnet.New(tailnet.Config{ID: id, Log: w.log, AccessURL: w.access})
	require.NoError(t, err)
	stop := background(t, func(ctx context.Context) error { return c.Run(ctx, w.exchange(id, agent.ID())) })
	s, err := c.DialTCP(deadline(t, 20*time.Second), agent.ID(), 22)
	require.NoError(t, err)
	_, err = s.Write([]byte("x"))
	require.NoError(t, err)
	there, err := ln.Accept()
	require.NoError(t, err)
	require.NoError(t, there.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = there.Read(make([]byte, 1))
	require.NoError(t, err)
	stop()
	_, err = there.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, c.Close())
}

func TestRefusedExchangeEndsRun(t *testing.T) {
	t.Parallel()
	c, err := tailnet.New(tailnet.Config{ID: api.NewID(), Log: testLog()})
	require.NoError(t, err)
	defer c.Close()
	calls := 0
	err = c.Run(deadline(t, 20*time.Second), func(context.Context) (*wsconn.Conn, error) {
		if calls++; calls < 3 {
			return nil, errTest // anything else is tried again
		}
		return nil, fmt.Errorf("no right to ssh: %w", tailnet.ErrRefused)
	})
	require.ErrorIs(t, err, tailnet.ErrRefused)
	require.Equal(t, 3, calls)
}
