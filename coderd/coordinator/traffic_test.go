package coordinator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTraffic: what went through the tunnel is counted at both ends, by each way;
// those who are connected answer, and the relays say how far they are.
func TestTraffic(t *testing.T) {
	t.Parallel()
	for name, blocked := range map[string]bool{"direct": false, "relayed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{blockDirect: blocked, stun: !blocked})
			agent, client := w.pair()
			ctx := deadline(t, 20*time.Second)
			require.Empty(t, agent.PingStreaming(ctx), "nobody is there")
			s, err := client.DialTCP(ctx, agent.ID(), 22)
			require.NoError(t, err)
			defer s.Close()
			before := agent.Traffic()
			const size = 500_000
			say(t, s, strings.Repeat("0123456789", size/10))
			for who, after := range map[string]struct{ received, sent, packets int64 }{
				"agent":  {agent.Traffic().ReceivedBytes - before.ReceivedBytes, agent.Traffic().SentBytes - before.SentBytes, agent.Traffic().ReceivedPackets},
				"client": {client.Traffic().ReceivedBytes, client.Traffic().SentBytes, client.Traffic().SentPackets},
			} {
				require.GreaterOrEqual(t, after.received, int64(size), who)
				require.GreaterOrEqual(t, after.sent, int64(size), who)
				require.Less(t, after.sent, int64(2*size), who)
				require.Positive(t, after.packets, who)
			}
			answers := agent.PingStreaming(ctx)
			require.Len(t, answers, 1)
			require.Positive(t, answers[0].Latency)
			if blocked {
				require.False(t, answers[0].Direct)
			}
			relays := agent.RelayLatencies(ctx)
			require.Len(t, relays, 1)
			require.Positive(t, relays[agent.HomeRelay()])
		})
	}
}
