package coordinator_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// packets returns what has passed the relay: how many packets, and their bytes.
func (w *world) packets() (n, size float64) {
	reg := prometheus.NewRegistry()
	require.NoError(w.t, reg.Register(w.relay.Load()))
	fams, err := reg.Gather()
	require.NoError(w.t, err)
	for _, f := range fams {
		switch f.GetName() {
		case "coder_derp_server_packets_received_total":
			n = f.Metric[0].GetCounter().GetValue()
		case "coder_derp_server_bytes_received_total":
			size = f.Metric[0].GetCounter().GetValue()
		}
	}
	return n, size
}

// mean sends a MiB there and back and returns the mean size of the packets that
// the relay saw. Acknowledgements, which are small, are among them.
func mean(t *testing.T, w *world, s tailnet.Stream) float64 {
	t.Helper()
	n0, b0 := w.packets()
	swap(t, s)
	n, b := w.packets()
	return (b - b0) / (n - n0)
}

// swap sends a MiB there and back.
func swap(t *testing.T, s tailnet.Stream) {
	t.Helper()
	const size = 1 << 20
	require.NoError(t, s.SetDeadline(time.Now().Add(20*time.Second)))
	sent := make(chan error, 1)
	go func() {
		_, err := io.CopyN(s, zeros{}, size)
		sent <- err
	}()
	_, err := io.CopyN(io.Discard, s, size)
	require.NoError(t, err)
	require.NoError(t, <-sent)
}

func dial(t *testing.T, client, agent *tailnet.Conn) tailnet.Stream {
	t.Helper()
	s, err := client.DialTCP(deadline(t, 20*time.Second), agent.ID(), 22)
	require.NoError(t, err)
	return s
}

// Where every path is a relay, packets are large. When direct is allowed again,
// a stream with large packets keeps to the relay until it ends, new streams have
// small ones at once, and then the path is direct.
func TestLargePacketsOnRelaysOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{blockDirect: true})
	agent, client := w.pair()
	s := dial(t, client, agent)
	require.Greater(t, mean(t, w, s), 3000.0)

	w.direct.Store(true)
	w.coord.RelayMapChanged()
	allowed := func(c *tailnet.Conn) func() bool {
		return func() bool { m, ok := c.RelayMap(); return ok && !m.BlockDirect }
	}
	require.Eventually(t, allowed(agent), 10*time.Second, time.Millisecond)
	require.Eventually(t, allowed(client), 10*time.Second, time.Millisecond)
	say(t, s, "goes on")
	require.Greater(t, mean(t, w, s), 3000.0)
	young := dial(t, client, agent)
	require.Less(t, mean(t, w, young), 1500.0, "of a new stream")
	for range 5 {
		r, err := client.Ping(deadline(t, 10*time.Second), agent.ID())
		require.NoError(t, err)
		require.False(t, r.Direct, "a stream with large packets is open")
	}
	require.NoError(t, s.Close())
	// The change may cost the relay's connection, and one ping with it.
	require.Eventually(t, func() bool {
		r, err := client.Ping(deadline(t, 500*time.Millisecond), agent.ID())
		return err == nil && r.Direct
	}, 20*time.Second, time.Millisecond)
	say(t, young, "direct now")
	require.NoError(t, young.Close())
}

func blockDirect(c *tailnet.Config) { c.BlockDirect = true }

// A node that keeps to relays by its own wish says so, and gets large packets from
// one that does not, whose other peers get small ones directly.
func TestLargePacketsForOnePeer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{stun: true})
	agentID := api.NewID()
	agent := w.node(agentID, api.ID{})
	echo(t, agent, 22)
	client := w.node(api.NewID(), agentID, blockDirect)
	other := w.node(api.NewID(), agentID)
	s, o := dial(t, client, agent), dial(t, other, agent)
	directPath(t, other, agentID)
	require.Greater(t, mean(t, w, s), 3000.0)
	require.Less(t, received(t, other, o), 1500.0)
	require.Greater(t, mean(t, w, s), 3000.0)
	directPath(t, other, agentID)
	require.NoError(t, s.Close())
	require.NoError(t, o.Close())
}

// received echoes a MiB and returns the mean size of the packets that the node got.
func received(t *testing.T, c *tailnet.Conn, s tailnet.Stream) float64 {
	t.Helper()
	before := c.Traffic()
	swap(t, s)
	after := c.Traffic()
	return float64(after.ReceivedBytes-before.ReceivedBytes) / float64(after.ReceivedPackets-before.ReceivedPackets)
}

// speaking is the exchange of a client whose words about itself are changed.
func (w *world) speaking(id, of api.ID, change func(*tailrpc.Node)) tailnet.Exchange {
	return func(ctx context.Context) (*wsconn.Conn, error) {
		ws, err := w.exchange(id, of)(ctx)
		if err != nil {
			return nil, err
		}
		near, far := wsconn.Pipe()
		background(w.t, func(ctx context.Context) error {
			for {
				var m tailrpc.ServerMessage
				if ws.Read(ctx, &m) != nil || far.Write(ctx, m) != nil {
					return far.CloseNow()
				}
			}
		})
		background(w.t, func(ctx context.Context) error {
			for {
				var m tailrpc.ClientMessage
				if far.Read(ctx, &m) != nil {
					return ws.CloseNow()
				}
				if m.Node != nil {
					change(m.Node)
				}
				if ws.Write(ctx, m) != nil {
					return ws.CloseNow()
				}
			}
		})
		return near, nil
	}
}

// speaker makes a client whose words about itself are changed.
func (w *world) speaker(of api.ID, block bool, change func(*tailrpc.Node)) *tailnet.Conn {
	id := api.NewID()
	c, err := tailnet.New(tailnet.Config{ID: id, Log: w.log, AccessURL: w.access, HTTPClient: w.client, BlockDirect: block})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, c.Close()) })
	background(w.t, func(ctx context.Context) error { return c.Run(ctx, w.speaking(id, of, change)) })
	return c
}

// A node of an older release keeps to relays without saying so: large packets from
// it, small ones to it.
func TestLargePacketsFromAnOlderNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	agentID := api.NewID()
	agent := w.node(agentID, api.ID{})
	echo(t, agent, 22)
	client := w.speaker(agentID, true, func(n *tailrpc.Node) { n.RelayOnly = false })
	s := dial(t, client, agent)
	require.Less(t, received(t, client, s), 1500.0)
	require.NoError(t, s.Close())
}

// A node says that it keeps to relays and does not: its packets become small, and
// nothing of its stream is lost.
func TestLargePacketsForALiar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{stun: true})
	agentID := api.NewID()
	agent := w.node(agentID, api.ID{})
	echo(t, agent, 22)
	client := w.speaker(agentID, false, func(n *tailrpc.Node) { n.RelayOnly = true })
	s := dial(t, client, agent)
	directPath(t, client, agentID)
	for ctx := deadline(t, 20*time.Second); received(t, client, s) >= 1500; {
		require.NoError(t, ctx.Err(), "packets stay large")
	}
	young := dial(t, client, agent)
	require.Less(t, received(t, client, young), 1500.0, "of a new stream")
	require.NoError(t, young.Close())
	require.NoError(t, s.Close())
}
