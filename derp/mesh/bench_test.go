package mesh_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/types/key"
)

// places are the two ways between two nodes: one relay, or a link between two.
func places(b *testing.B, run func(b *testing.B, at, other *replica)) {
	b.Run("one relay", func(b *testing.B) {
		r := newReplica(b, options{})
		run(b, r, r)
	})
	b.Run("two relays", func(b *testing.B) {
		r, s := newReplica(b, options{}), newReplica(b, options{})
		joined(b, r, s)
		run(b, r, s)
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	places(b, func(b *testing.B, at, other *replica) {
		x, y := newNode(b, at, key.NewNode()), newNode(b, other, key.NewNode())
		reaches(b, x, y)
		reaches(b, y, x)
		drain(x, y)
		packet := make([]byte, 100)
		b.ResetTimer()
		for range b.N {
			require.NoError(b, x.c.Send(y.key, packet))
			<-y.got
			require.NoError(b, y.c.Send(x.key, packet))
			<-x.got
		}
	})
}

// A window of packets is under way at any time, as the node's TCP would have it.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{1400, 32 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			places(b, func(b *testing.B, at, other *replica) {
				x, y := newNode(b, at, key.NewNode()), newNode(b, other, key.NewNode())
				reaches(b, x, y)
				drain(x, y)
				packet := make([]byte, size)
				b.SetBytes(int64(size))
				b.ResetTimer()
				const window = 24
				lost := 0
				for sent, got := 0, 0; got < b.N; {
					for sent < b.N && sent-got < window {
						require.NoError(b, x.c.Send(y.key, packet))
						sent++
					}
					select {
					case <-y.got:
						got++
					case <-time.After(time.Second): // the rest of the window was dropped
						lost += sent - got
						got = sent
					}
				}
				b.ReportMetric(float64(lost), "lost")
			})
		})
	}
}

// drain empties what repeated attempts have left.
func drain(nodes ...*node) {
	for _, n := range nodes {
		for {
			select {
			case <-n.got:
				continue
			case <-time.After(20 * time.Millisecond):
			}
			break
		}
	}
}
