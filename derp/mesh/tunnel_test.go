package mesh_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// tunnelled is a network node whose coordinator is the test; its relay is at an
// address of the test's choice.
func tunnelled(t testing.TB, at netip.AddrPort, inbound bool) (*tailnet.Conn, chan *wsconn.Conn) {
	t.Helper()
	c, err := tailnet.New(tailnet.Config{ID: api.NewID(), Log: slog.New(slog.DiscardHandler), Inbound: inbound, BlockDirect: true, Relay: at})
	require.NoError(t, err)
	dials := make(chan *wsconn.Conn, 8)
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
	})
	return c, dials
}

// introduce tells two nodes of each other. Their sessions stay open.
func introduce(t testing.TB, a, b chan *wsconn.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	var ends [2]*wsconn.Conn
	var nodes [2]tailrpc.Node
	m := derpmap.Build(derpmap.Config{BlockDirect: true})
	for i, dials := range []chan *wsconn.Conn{a, b} {
		ends[i] = <-dials
		require.NoError(t, ends[i].Write(ctx, tailrpc.ServerMessage{RelayMap: &m}))
		for nodes[i].Key == "" {
			var got tailrpc.ClientMessage
			require.NoError(t, ends[i].Read(ctx, &got))
			if got.Node != nil {
				nodes[i] = *got.Node
			}
		}
	}
	require.NoError(t, ends[0].Write(ctx, tailrpc.ServerMessage{Upsert: nodes[1:]}))
	require.NoError(t, ends[1].Write(ctx, tailrpc.ServerMessage{Upsert: nodes[:1]}))
	for _, ws := range ends { // what they say of themselves later is taken and left
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				var m tailrpc.ClientMessage
				if ws.Read(context.Background(), &m) != nil {
					return
				}
			}
		}()
		t.Cleanup(func() { _ = ws.CloseNow(); <-done })
	}
}

// stream is a TCP connection between two nodes, in both of its ends.
func stream(t testing.TB, client, agent *tailnet.Conn) (near, far net.Conn) {
	t.Helper()
	ln, err := agent.Listen("tcp", 4)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	near, err = client.DialTCP(ctx, agent.ID(), 4)
	require.NoError(t, err)
	far, err = ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far
}

// A stream between nodes at two replicas survives that one of them dies: its node
// connects to a third, and not a byte is lost.
func TestStreamSurvivesReplica(t *testing.T) {
	t.Parallel()
	a, b, c := newReplica(t, options{}), newReplica(t, options{}), newReplica(t, options{})
	joined(t, a, b, c)
	door := newWire(t, b) // what a balancer is to the agent
	agent, agentDials := tunnelled(t, door.addr(), true)
	client, clientDials := tunnelled(t, a.relay.LoopbackAddr(), false)
	introduce(t, clientDials, agentDials)
	near, far := stream(t, client, agent)
	ask := func(i uint32) time.Duration {
		began := time.Now()
		for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
			require.NoError(t, ends[1].SetReadDeadline(time.Now().Add(patient)))
			_, err := ends[0].Write(binary.BigEndian.AppendUint32(nil, i))
			require.NoError(t, err)
			var got [4]byte
			_, err = io.ReadFull(ends[1], got[:])
			require.NoError(t, err)
			require.Equal(t, i, binary.BigEndian.Uint32(got[:]))
		}
		return time.Since(began)
	}
	for i := range uint32(20) {
		ask(i)
	}
	require.Equal(t, []int{1, 1, 0}, []int{a.relay.Connections(), b.relay.Connections(), c.relay.Connections()}, "each is at its own replica")
	door.lead(c)
	b.kill()
	t.Logf("the stream goes on after %s", ask(20))
	for i := range uint32(20) {
		ask(21 + i)
	}
	require.Equal(t, 1, c.relay.Connections())
}

func BenchmarkStream(b *testing.B) {
	places(b, func(b *testing.B, at, other *replica) {
		agent, agentDials := tunnelled(b, at.relay.LoopbackAddr(), true)
		client, clientDials := tunnelled(b, other.relay.LoopbackAddr(), false)
		introduce(b, clientDials, agentDials)
		near, far := stream(b, client, agent)
		b.Run("bytes", func(b *testing.B) {
			block := make([]byte, 1<<20)
			b.SetBytes(int64(len(block)))
			done := make(chan error, 1)
			go func() {
				_, err := io.CopyN(io.Discard, far, int64(b.N)<<20)
				done <- err
			}()
			for range b.N {
				_, err := near.Write(block)
				require.NoError(b, err)
			}
			require.NoError(b, <-done)
		})
		b.Run("trip", func(b *testing.B) {
			one := make([]byte, 1)
			for range b.N {
				for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
					_, err := ends[0].Write(one)
					require.NoError(b, err)
					_, err = io.ReadFull(ends[1], one)
					require.NoError(b, err)
				}
			}
		})
	})
}
