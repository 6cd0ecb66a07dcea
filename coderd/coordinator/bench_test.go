package coordinator_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/derp/tailnet"
)

// sink makes an agent that swallows what comes to port 9.
func sink(b *testing.B, w *world) *tailnet.Conn {
	agent := w.node(api.NewID(), api.ID{})
	ln, err := agent.Listen("tcp", 9)
	require.NoError(b, err)
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, nc)
				_, _ = nc.Write([]byte{1}) // all of it has arrived
				_ = nc.Close()
			}()
		}
	}()
	return agent
}

// BenchmarkThroughput sends 64 MiB through one stream, both ends and the relay
// in this process.
func BenchmarkThroughput(b *testing.B) {
	for _, path := range []string{"relayed", "direct"} {
		b.Run(path, func(b *testing.B) {
			w := newWorld(b, worldOptions{blockDirect: path == "relayed", stun: path == "direct"})
			agent := sink(b, w)
			client := w.node(api.NewID(), agent.ID())
			if path == "direct" {
				directPath(b, client, agent.ID())
			}
			const size = 64 << 20
			b.SetBytes(size)
			for b.Loop() {
				s, err := client.DialTCP(deadline(b, 60*time.Second), agent.ID(), 9)
				require.NoError(b, err)
				_, err = io.CopyN(s, zeros{}, size)
				require.NoError(b, err)
				require.NoError(b, s.CloseWrite())
				_, err = io.ReadFull(s, make([]byte, 1))
				require.NoError(b, err)
				_ = s.Close()
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// BenchmarkFirstByte is what a client pays from nothing to one byte there and
// back: New, coordinator, relay, handshakes.
func BenchmarkFirstByte(b *testing.B) {
	for _, path := range []string{"relayed", "direct"} {
		b.Run(path, func(b *testing.B) {
			w := newWorld(b, worldOptions{blockDirect: path == "relayed", stun: path == "direct"})
			agentID := api.NewID()
			agent := w.node(agentID, api.ID{})
			echo(b, agent, 7)
			require.True(b, w.coord.AwaitKnown(deadline(b, 10*time.Second), agent.Key()))
			for b.Loop() {
				id := api.NewID()
				c, err := tailnet.New(tailnet.Config{ID: id, Log: w.log, AccessURL: w.access, HTTPClient: w.client})
				require.NoError(b, err)
				ctx, cancel := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- c.Run(ctx, w.exchange(id, agentID)) }()
				s, err := c.DialTCP(deadline(b, 20*time.Second), agentID, 7)
				require.NoError(b, err)
				say(b, s, "x")
				b.StopTimer()
				cancel()
				require.NoError(b, <-done)
				require.NoError(b, c.Close())
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRoundTrip is one byte there and back on an open stream.
func BenchmarkRoundTrip(b *testing.B) {
	for _, path := range []string{"relayed", "direct"} {
		b.Run(path, func(b *testing.B) {
			w := newWorld(b, worldOptions{blockDirect: path == "relayed", stun: path == "direct"})
			agent, client := w.pair()
			s, err := client.DialTCP(deadline(b, 20*time.Second), agent.ID(), 22)
			require.NoError(b, err)
			say(b, s, "x")
			if path == "direct" {
				directPath(b, client, agent.ID())
			}
			buf := []byte{0}
			require.NoError(b, s.SetDeadline(time.Now().Add(10*time.Minute)))
			for b.Loop() {
				_, _ = s.Write(buf)
				if _, err := io.ReadFull(s, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
