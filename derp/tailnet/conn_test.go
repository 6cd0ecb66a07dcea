package tailnet

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
	"coder.internal/internal/wsconn"
)

// scripted is a node whose coordinator is the test. Each dial gives the far end
// to dials; a value in stale says that the session has named all its peers.
func scripted(t *testing.T) (c *Conn, dials chan *wsconn.Conn, stale chan struct{}) {
	t.Helper()
	c, err := New(Config{
		ID: api.NewID(), Log: slog.New(slog.DiscardHandler), Inbound: true, BlockDirect: true,
		Relay: netip.MustParseAddrPort("127.0.0.1:9"), Jitter: func() float64 { return 0 },
	})
	require.NoError(t, err)
	stale = make(chan struct{})
	c.awaitStale = func(ctx context.Context) error {
		select {
		case <-stale:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	dials = make(chan *wsconn.Conn, 10)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- c.Run(ctx, func(context.Context) (*wsconn.Conn, error) {
			near, far := wsconn.Pipe()
			dials <- far
			return near, nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "closing twice is harmless")
	})
	return c, dials, stale
}

func greet(t *testing.T, ws *wsconn.Conn, nodes ...tailrpc.Node) tailrpc.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m := derpmap.Build(derpmap.Config{})
	require.NoError(t, ws.Write(ctx, tailrpc.ServerMessage{RelayMap: &m, Upsert: nodes}))
	var got tailrpc.ClientMessage
	require.NoError(t, ws.Read(ctx, &got))
	return *got.Node
}

func someNode() tailrpc.Node {
	return tailrpc.Node{
		ID: api.NewID(), Key: key.NewNode().Public().String(), DiscoKey: key.NewDisco().Public().String(), HomeRelay: 999,
	}
}

func (c *Conn) knows(id api.ID) bool { _, ok, _ := c.peers.get(id); return ok }

func TestNodeIntroducesItself(t *testing.T) {
	t.Parallel()
	c, dials, _ := scripted(t)
	n := greet(t, <-dials)
	require.Equal(t, c.ID(), n.ID)
	require.Equal(t, c.Key(), n.Key)
	require.Equal(t, []string{tailrpc.PrefixOf(c.ID()).String()}, n.Addresses)
	require.Equal(t, 999, n.HomeRelay)
	require.Empty(t, n.Endpoints, "direct is blocked")
}

func TestPeersThatLeftDuringAnOutageAreForgotten(t *testing.T) {
	t.Parallel()
	c, dials, stale := scripted(t)
	stays, leaves := someNode(), someNode()
	ws := <-dials
	greet(t, ws, stays, leaves)
	require.Eventually(t, func() bool { return c.knows(stays.ID) && c.knows(leaves.ID) }, 10*time.Second, time.Millisecond)
	require.NoError(t, ws.CloseNow())
	ws = <-dials
	require.True(t, c.knows(leaves.ID), "an outage alone ends no tunnel")
	greet(t, ws, stays)
	require.Eventually(t, func() bool { return len(c.peers.unnamed()) == 1 }, 10*time.Second, time.Millisecond)
	require.True(t, c.knows(leaves.ID))
	stale <- struct{}{}
	require.Eventually(t, func() bool { return !c.knows(leaves.ID) }, 10*time.Second, time.Millisecond)
	require.True(t, c.knows(stays.ID))
}

func TestHostileUpserts(t *testing.T) {
	t.Parallel()
	c, dials, _ := scripted(t)
	good, thief, self, broken, zero := someNode(), someNode(), someNode(), someNode(), someNode()
	thief.Key = good.Key
	self.ID = c.ID()
	broken.Key = "nodekey:00"
	zero.ID = api.ID{}
	good.Addresses = []string{"::/0"} // addresses follow from the id, whatever is said
	good.Endpoints = []string{"not an address", "10.0.0.1:0", "10.0.0.1:7"}
	last := someNode()
	greet(t, <-dials, good, thief, self, broken, zero, last)
	require.Eventually(t, func() bool { return c.knows(last.ID) }, 10*time.Second, time.Millisecond)
	for name, n := range map[string]tailrpc.Node{"thief": thief, "self": self, "broken": broken, "zero": zero} {
		require.False(t, c.knows(n.ID), name)
	}
	p, ok, _ := c.peers.get(good.ID)
	require.True(t, ok)
	require.Equal(t, []netip.Prefix{tailrpc.PrefixOf(good.ID)}, p.node.AllowedIPs().AsSlice())
	require.Equal(t, []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:7")}, p.node.Endpoints().AsSlice())
	// A node that comes back with another key takes its place.
	id := good.ID
	good = someNode()
	good.ID = id
	c.peers.apply(c.eng, c.ID(), []tailrpc.Node{good}, nil)
	p, _, _ = c.peers.get(id)
	require.Equal(t, good.Key, p.node.Key().String())
	c.peers.apply(c.eng, c.ID(), nil, []api.ID{id})
	require.False(t, c.knows(id))
}

func TestMoveDialsAgain(t *testing.T) {
	t.Parallel()
	_, dials, _ := scripted(t)
	ws := <-dials
	greet(t, ws)
	require.NoError(t, ws.Write(t.Context(), tailrpc.ServerMessage{Move: true}))
	greet(t, <-dials)
}

func TestGoodbye(t *testing.T) {
	t.Parallel()
	var far *wsconn.Conn
	c, err := New(Config{ID: api.NewID(), Log: slog.New(slog.DiscardHandler), Relay: netip.MustParseAddrPort("127.0.0.1:9")})
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	err = c.Run(ctx, func(context.Context) (*wsconn.Conn, error) {
		var near *wsconn.Conn
		near, far = wsconn.Pipe()
		cancel()
		return near, nil
	})
	require.NoError(t, err)
	var ce *wsconn.CloseError
	require.ErrorAs(t, far.Read(t.Context(), &tailrpc.ClientMessage{}), &ce)
	require.Equal(t, wsconn.CodeNormal, ce.Code)
	require.ErrorContains(t, c.Run(t.Context(), nil), "twice")
}

func TestWantedForgetsTheIdle(t *testing.T) {
	t.Parallel()
	w := &wanted{uses: map[api.ID]*use{}}
	a, b := api.NewID(), api.NewID()
	require.True(t, w.acquire(a))
	require.False(t, w.acquire(a))
	require.True(t, w.acquire(b))
	w.release(b)
	w.release(a)
	later := time.Now().Add(idleAfter + time.Minute)
	require.Empty(t, w.sweep(time.Now()))
	require.Equal(t, []api.ID{b}, w.sweep(later))
	require.Equal(t, []api.ID{a}, w.ids())
	w.release(a)
	require.Equal(t, []api.ID{a}, w.sweep(later))
}
