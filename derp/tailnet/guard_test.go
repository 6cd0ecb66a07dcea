package tailnet

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/net/packet"
	"tailscale.com/types/ipproto"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

// What a peer says of relays counts from its first word, after a moment where it
// was direct before, and no more once it has gone direct in spite of it.
func TestPeerOnRelays(t *testing.T) {
	t.Parallel()
	c, dials, _ := scripted(t)
	greet(t, <-dials)
	n := someNode()
	n.Endpoints = []string{"10.0.0.1:7"}
	a := tailrpc.AddressOf(n.ID)
	say := func(only bool) {
		n.RelayOnly = only
		c.peers.apply(c.eng, c.ID(), []tailrpc.Node{n}, nil)
	}
	known := func() peer { x, _, _ := c.peers.get(n.ID); return x }
	say(true)
	require.True(t, c.onRelays(a))
	require.Zero(t, known().node.Endpoints().Len(), "nobody may send there")
	require.False(t, c.onRelays(tailrpc.AddressOf(api.NewID())), "of a stranger")
	say(false)
	require.False(t, c.onRelays(a))
	require.Equal(t, 1, known().node.Endpoints().Len())
	say(true)
	require.False(t, c.onRelays(a), "the direct path of before may still be in use")
	require.True(t, c.peers.onRelays(a, time.Now().Add(pathFades)))
	say(true)
	require.True(t, c.peers.onRelays(a, time.Now().Add(pathFades)), "said again")
	c.peers.distrust(known())
	say(true)
	require.False(t, c.peers.onRelays(a, time.Now().Add(time.Hour)))
	say(false)
	c.peers.distrust(known())
	require.False(t, c.onRelays(a))
	again := someNode()
	again.ID = n.ID
	n = again
	say(true)
	require.True(t, c.onRelays(a), "with another key it is another node")
}

// A node says that it is on relays only while that holds, and no more once direct
// paths are allowed.
func TestNodeSaysRelaysOnly(t *testing.T) {
	t.Parallel()
	c, err := New(Config{ID: api.NewID(), Log: slog.New(slog.DiscardHandler), Relay: netip.MustParseAddrPort("127.0.0.1:9")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	allow := func(v bool) {
		m := derpmap.Build(derpmap.Config{BlockDirect: !v})
		require.NoError(t, c.receive(tailrpc.ServerMessage{RelayMap: &m}))
	}
	require.False(t, c.node().RelayOnly)
	allow(false)
	require.True(t, c.node().RelayOnly)
	require.Empty(t, c.node().Endpoints)
	c.mu.Lock()
	c.large++
	c.mu.Unlock()
	allow(true)
	require.False(t, c.node().RelayOnly, "new streams must be small")
	require.Empty(t, c.node().Endpoints, "the old stream's packets are large")
	c.closedLarge()
	require.False(t, c.node().RelayOnly)
	require.NotEmpty(t, c.node().Endpoints)
}

func TestTooBig(t *testing.T) {
	t.Parallel()
	local, remote := netip.MustParseAddrPort("[fd01::1]:22"), netip.MustParseAddrPort("[fd01::2]:50000")
	b := tooBig(local, remote)
	require.Equal(t, uint16(0xffff), sum(b, ipproto.ICMPv6))
	var p packet.Parsed
	p.Decode(b)
	require.Equal(t, ipproto.ICMPv6, p.IPProto)
	require.True(t, p.IsError())
	require.Equal(t, remote.Addr(), p.Src.Addr())
	require.Equal(t, local.Addr(), p.Dst.Addr())
	require.Equal(t, local.Addr().AsSlice(), b[56:72], "what is refused came from us")
	require.Equal(t, remote.Addr().AsSlice(), b[72:88])
	require.Equal(t, []byte{0, 22, 0xc3, 0x50}, b[88:92])
}

// The guard of a node that is never direct has nothing to do and ends at once.
func TestGuardOfABlockedNode(t *testing.T) {
	t.Parallel()
	c, _, _ := scripted(t)
	c.guard(context.Background())
}
