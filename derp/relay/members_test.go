package relay_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/types/key"

	"coder.internal/derp/relay"
)

// never waits for what sends no signal.
func never(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 20*time.Second, 2*time.Millisecond, what)
}

// answering reads for a client as a node does, until it ends. Packets go to got.
func answering(t *testing.T, c *derphttp.Client, got func(derp.ReceivedPacket)) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := c.Recv()
			switch m := m.(type) {
			case derp.PingMessage:
				_ = c.SendPong(m)
			case derp.ReceivedPacket:
				if got != nil {
					got(m)
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return done
}

// A peer whose kernel still takes packets but which never answers is gone after
// GoneAfter; one that answers stays, however little it has to say.
func TestSilentPeerGoes(t *testing.T) {
	t.Parallel()
	r, url := running(t, relay.Config{Verify: everybody, PingAfter: 50 * time.Millisecond, GoneAfter: time.Second})
	kAlive := key.NewNode()
	alive := client(t, url, kAlive)
	connected(t, alive)
	ended := answering(t, alive, nil)
	frozen := client(t, url, key.NewNode())
	connected(t, frozen) // and never reads again
	require.Equal(t, 2, r.Connections())
	never(t, "the frozen one goes", func() bool { return r.Connections() == 1 })
	// Many times GoneAfter would be the better proof and the slower test.
	select {
	case <-ended:
		t.Fatal("the answering peer was cut")
	case <-time.After(2 * time.Second):
	}
	require.Equal(t, 1, r.Connections())
}

// The same behind a websocket, whose peer is asked in the relay's own protocol.
func TestSilentWebsocketGoes(t *testing.T) {
	t.Parallel()
	r, base := running(t, relay.Config{Verify: everybody, PingAfter: 50 * time.Millisecond, GoneAfter: 500 * time.Millisecond})
	never(t, "the relay runs", func() bool {
		ws, _, err := websocket.Dial(t.Context(), base+"/derp", &websocket.DialOptions{Subprotocols: []string{"derp"}})
		if err != nil {
			return false
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return true
	})
	// Its handshake never comes, which is as silent as it gets.
	never(t, "it goes", func() bool { return r.Connections() == 0 })
}

func TestForgottenKeyIsFound(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	r, url := running(t, relay.Config{Verify: everybody, AuditEvery: 20 * time.Millisecond, PingAfter: 20 * time.Millisecond,
		GoneAfter: time.Minute, Knows: func(string) bool { return !gone.Load() }})
	c := client(t, url, key.NewNode())
	connected(t, c)
	ended := answering(t, c, nil)
	gone.Store(true) // without a word to Evict
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection of a forgotten key lives on")
	}
	never(t, "it goes", func() bool { return r.Connections() == 0 })
}

func TestConnectionsOfOneKeyAreFew(t *testing.T) {
	t.Parallel()
	r, url := running(t, relay.Config{Verify: everybody})
	k := key.NewNode()
	for range 8 {
		connected(t, client(t, url, k))
	}
	c := client(t, url, k)
	never(t, "the ninth is cut", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := c.Connect(ctx); err != nil {
			return true
		}
		for {
			if _, err := c.Recv(); err != nil {
				return true
			}
		}
	})
	never(t, "the others stay", func() bool { return r.Connections() == 8 })
}

// Connections that say nothing hold no place for long, and a header that never
// ends holds none at all.
func TestHandshakeIsBounded(t *testing.T) {
	t.Parallel()
	r, base := running(t, relay.Config{Verify: everybody})
	connected(t, client(t, base, key.NewNode()))
	u, err := url.Parse(base)
	require.NoError(t, err)
	nc, err := net.Dial("tcp", u.Host)
	require.NoError(t, err)
	defer nc.Close()
	_, err = io.WriteString(nc, "GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: DERP\r\nDerp-Fast-Start: 1\r\n\r\n")
	require.NoError(t, err)
	// A first frame that claims to be huge is refused before it is read.
	frame := append([]byte{byte(derp.FrameClientInfo)}, binary.BigEndian.AppendUint32(nil, 1<<30)...)
	_, err = nc.Write(append(frame, make([]byte, 64)...))
	require.NoError(t, err)
	require.NoError(t, nc.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.Copy(io.Discard, nc)
	require.NoError(t, err, "the relay closes")
	never(t, "one stays", func() bool { return r.Connections() == 1 })
}

func TestWrongUpgrades(t *testing.T) {
	t.Parallel()
	r, base := running(t, relay.Config{Verify: everybody})
	connected(t, client(t, base, key.NewNode()))
	for upgrade, want := range map[string]int{"": 426, "h2c": 426, "websocket": 400} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/derp", nil)
		require.NoError(t, err)
		if upgrade != "" {
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", upgrade)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, upgrade)
	}
	require.Equal(t, 1, r.Connections())
}

// Two members flood a relay that has more to do than it can, one of them over
// many packets at once; a third pings. Both floods get their part, and no ping
// is late or lost.
func TestFairWhileSaturated(t *testing.T) {
	t.Parallel()
	var busy atomic.Bool
	r, url := running(t, relay.Config{Verify: everybody, Busy: busy.Load})
	sink := func() (key.NodePublic, *atomic.Int64) {
		k, n := key.NewNode(), new(atomic.Int64)
		c := client(t, url, k)
		connected(t, c)
		answering(t, c, func(p derp.ReceivedPacket) { n.Add(int64(len(p.Data))) })
		return k.Public(), n
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	defer wg.Wait()
	defer close(stop)
	flood := func() {
		to, _ := sink()
		c := client(t, url, key.NewNode())
		connected(t, c)
		answering(t, c, nil)
		blob := make([]byte, 32<<10)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = c.Send(to, blob)
				}
			}
		})
	}
	flood()
	flood()
	busy.Store(true)
	limit := func() float64 { return gather(t, r)["coder_derp_server_fair_bytes_per_second"] }
	never(t, "the floods are limited", func() bool { return limit() > 0 })

	ka, kb := key.NewNode(), key.NewNode()
	a, b := client(t, url, ka), client(t, url, kb)
	connected(t, a)
	connected(t, b)
	back := make(chan struct{}, 1)
	answering(t, a, func(derp.ReceivedPacket) { back <- struct{}{} })
	answering(t, b, func(p derp.ReceivedPacket) { _ = b.Send(p.Source, p.Data) })
	var took []time.Duration
	for i := range 200 {
		began := time.Now()
		require.NoError(t, a.Send(kb.Public(), []byte("ping")))
		select {
		case <-back:
			took = append(took, time.Since(began))
		case <-time.After(10 * time.Second):
			t.Fatalf("ping %d was lost", i)
		}
	}
	slices.Sort(took) // a single one may have waited for a busy machine
	require.Less(t, took[len(took)*9/10], time.Second)
	busy.Store(false)
	never(t, "no limit once there is room", func() bool { return limit() == 0 })
}

// gather collects what an operator would see; labels are left out.
func gather(t *testing.T, r *relay.Relay) map[string]float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	require.NoError(t, reg.Register(r))
	fams, err := reg.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range fams {
		for _, m := range f.Metric {
			out[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r, url := running(t, relay.Config{Verify: everybody, STUNAddr: "127.0.0.1:0"})
	ka, kb := key.NewNode(), key.NewNode()
	a, b := client(t, url, ka), client(t, url, kb)
	connected(t, a)
	connected(t, b)
	require.NoError(t, a.Send(kb.Public(), []byte("sealed")))
	_, err := b.Recv()
	require.NoError(t, err)
	got := gather(t, r)
	require.EqualValues(t, 2, got["coder_derp_server_connections"])
	require.EqualValues(t, 2, got["coder_derp_server_clients_local"])
	require.EqualValues(t, 1, got["coder_derp_server_packets_received_total"])
	require.EqualValues(t, 1, got["coder_derp_server_packets_received_kind_total"])
	require.Contains(t, got, "coder_derp_server_packets_dropped_total")
	require.Contains(t, got, "coder_derp_server_packets_dropped_reason_total")
	require.Contains(t, got, "coder_derp_server_stun_answered_total")
	for name := range got {
		require.True(t, strings.HasPrefix(name, "coder_derp_server_"), name)
	}
}
