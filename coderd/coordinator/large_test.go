package coordinator_test

import (
	"io"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/derp/tailnet"
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
	n, b := w.packets()
	return (b - b0) / (n - n0)
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

// A node that keeps to relays by its own wish meets one that does not.
func TestLargePacketsMeetSmall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	agentID := api.NewID()
	agent := w.node(agentID, api.ID{})
	echo(t, agent, 22)
	client := w.node(api.NewID(), agentID, func(c *tailnet.Config) { c.BlockDirect = true })
	s := dial(t, client, agent)
	// Large from the one, small from the other.
	require.Less(t, mean(t, w, s), 3000.0)
	require.NoError(t, s.Close())
}
