package tailnet

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/ipn/ipnstate"

	"coder.internal/derp/derpmap"
)

// Traffic counts what went through the tunnel since the node was made.
type Traffic struct {
	ReceivedPackets, ReceivedBytes int64
	SentPackets, SentBytes         int64
}

// meter counts packets in one direction.
type meter struct{ packets, bytes atomic.Int64 }

func (m *meter) add(n int) {
	m.packets.Add(1)
	m.bytes.Add(int64(n))
}

// Traffic returns the counts as they are now.
func (c *Conn) Traffic() Traffic {
	in, out := &c.eng.in, &c.eng.out
	return Traffic{ReceivedPackets: in.packets.Load(), ReceivedBytes: in.bytes.Load(),
		SentPackets: out.packets.Load(), SentBytes: out.bytes.Load()}
}

// PeerAnswer is the answer of one peer to a ping.
type PeerAnswer struct {
	Latency time.Duration
	Direct  bool
}

// PingStreaming asks every peer that has streams with us once, and returns those
// that answered before ctx ended.
func (c *Conn) PingStreaming(ctx context.Context) []PeerAnswer {
	peers := c.streaming()
	answers := make(chan *ipnstate.PingResult, len(peers))
	for _, p := range peers {
		one := make(chan *ipnstate.PingResult, 1)
		c.sendPing(p.addr, one)
		go func() {
			select {
			case <-ctx.Done():
				answers <- nil
			case r := <-one:
				answers <- r
			}
		}()
	}
	var out []PeerAnswer
	for range peers {
		if r := <-answers; r != nil && r.Err == "" {
			out = append(out, PeerAnswer{Latency: time.Duration(r.LatencySeconds * float64(time.Second)), Direct: r.Endpoint != ""})
		}
	}
	return out
}

// RelayLatencies measures how far each relay region is, in the time that ctx
// allows. Regions that do not answer are left out.
func (c *Conn) RelayLatencies(ctx context.Context) map[int]time.Duration {
	m, ok := c.relays.current()
	if !ok {
		return nil
	}
	out := map[int]time.Duration{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for id, region := range m.Regions {
		urls, err := derpmap.RelayURLs(region, c.relays.accessURL())
		if err != nil {
			continue
		}
		wg.Go(func() {
			// The first request of a connection opens it.
			if !c.relays.probe(ctx, urls[0]) {
				return
			}
			began := time.Now()
			if !c.relays.probe(ctx, urls[0]) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[id] = time.Since(began)
		})
	}
	wg.Wait()
	return out
}
