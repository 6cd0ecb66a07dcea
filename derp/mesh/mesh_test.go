package mesh_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/derp/mesh"
	"coder.internal/derp/relay"
	"coder.internal/internal/clock"
)

func TestPacketsCross(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	verify := relay.Config{Verify: func(context.Context, string) bool { asked.Add(1); return true }}
	all := []*replica{newReplica(t, options{relay: verify}), newReplica(t, options{relay: verify}), newReplica(t, options{relay: verify})}
	early := newNode(t, all[0], key.NewNode()) // is told when the links come up
	joined(t, all...)
	nodes := []*node{early}
	for _, r := range all {
		nodes = append(nodes, newNode(t, r, key.NewNode()))
	}
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b {
				reaches(t, a, b)
			}
		}
	}
	require.EqualValues(t, len(nodes), asked.Load(), "nobody verifies replicas")
	for i, r := range all {
		require.Equal(t, map[int]int{0: 2, 1: 1, 2: 1}[i], r.relay.Connections(), "replicas are no members")
		require.EqualValues(t, 2, gather(t, r.relay)["coder_derp_server_mesh_connections"])
		require.EqualValues(t, 2, gather(t, r.mesh)["coder_derp_mesh_links_up"])
		soon(t, "every link has been answered", func() bool {
			n := 0
			for _, l := range r.mesh.Status() {
				require.Empty(t, l.Error)
				if l.Trip > 0 {
					n++
				}
			}
			return n == 2
		})
	}
	// The large ones, too.
	passes(t, nodes[1], nodes[3], strings.Repeat("x", 60<<10))
}

func TestOwnCAAndPrefix(t *testing.T) {
	t.Parallel()
	b := newReplica(t, options{tls: true, prefix: "/some/pre"})
	a := newReplica(t, options{roots: &tls.Config{RootCAs: b.roots}})
	stranger := newReplica(t, options{})
	joined(t, a, b)
	na, nb := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode())
	reaches(t, na, nb)
	reaches(t, nb, na)
	stranger.mesh.Set([]mesh.Peer{b.peer("b")})
	soon(t, "the certificate is refused", func() bool {
		all := stranger.mesh.Status()
		return len(all) == 1 && strings.Contains(all[0].Error, "unknown authority")
	})
}

// A replica dies; its node connects to another one and is reached there.
func TestReplicaDies(t *testing.T) {
	t.Parallel()
	a, b, c := newReplica(t, options{}), newReplica(t, options{}), newReplica(t, options{})
	joined(t, a, b, c)
	k := key.NewNode()
	na, nb := newNode(t, a, key.NewNode()), newNode(t, b, k)
	reaches(t, na, nb)
	began := time.Now()
	b.kill()
	<-nb.done
	moved := newNode(t, c, k)
	reaches(t, na, moved)
	reaches(t, moved, na)
	t.Logf("packets flow again after %s", time.Since(began))
	soon(t, "the link says so", func() bool {
		for _, l := range a.mesh.Status() {
			if l.Peer.ID == "1" {
				return l.Up.IsZero() && l.Error != "" && l.Nodes == 0
			}
		}
		return false
	})
}

func TestRefusalsAreNamed(t *testing.T) {
	t.Parallel()
	a, b := newReplica(t, options{}), newReplica(t, options{})
	foreign := newReplica(t, options{key: api.Secret(strings.Repeat("b2", 32))})
	good := a.peer("x")
	for name, c := range map[string]struct {
		peer mesh.Peer
		want string
	}{
		"another deployment": {foreign.peer("x"), "refuses the mesh key: this relay has another mesh key"},
		"another replica":    {mesh.Peer{ID: "x", URL: b.url, Key: good.Key}, "another relay answers at"},
		"no relay":           {mesh.Peer{ID: "x", URL: b.url + "/nowhere", Key: good.Key}, "no relay at"},
		"nobody":             {mesh.Peer{ID: "x", URL: "http://127.0.0.1:1", Key: good.Key}, "connect"},
		"bad url":            {mesh.Peer{ID: "x", URL: "ftp://x", Key: good.Key}, "no http or https URL"},
		"bad key":            {mesh.Peer{ID: "x", URL: b.url, Key: "nodekey:zz"}, "no key of a relay"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplica(t, options{})
			r.mesh.Set([]mesh.Peer{c.peer})
			soon(t, c.want, func() bool {
				all := r.mesh.Status()
				return len(all) == 1 && strings.Contains(all[0].Error, c.want)
			})
			require.Zero(t, r.link(t).Up)
			require.NotContains(t, r.link(t).Error, meshKey.Reveal())
		})
	}
}

// silent is a server that accepts and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() }) // and its backlog with it
	return "http://" + ln.Addr().String()
}

// A replica that hangs costs the others nothing, whether it hangs from the start
// or in the middle of a flood to it.
func TestFrozenPeer(t *testing.T) {
	t.Parallel()
	a, b, c := newReplica(t, options{}), newReplica(t, options{}), newReplica(t, options{})
	w := newWire(t, b)
	frozen := b.peer("frozen")
	frozen.URL = w.url
	a.mesh.Set([]mesh.Peer{{ID: "silent", URL: silent(t), Key: b.relay.PublicKey()}, frozen, c.peer("c")})
	c.mesh.Set([]mesh.Peer{a.peer("a")})
	soon(t, "the others are linked", func() bool { return a.up() == 2 && c.up() == 1 })
	na, nb, nc := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode()), newNode(t, c, key.NewNode())
	reaches(t, na, nb)
	w.freeze()
	flood := make([]byte, 32<<10)
	for range 2000 { // 64 MB, far more than every buffer on the way
		require.NoError(t, na.c.Send(nb.key, flood))
	}
	reaches(t, na, nc) // behind the flood, on the same connection
	reaches(t, nc, na)
	soon(t, "what finds no room is counted", func() bool { return gather(t, a.mesh)["coder_derp_mesh_packets_lost"] > 0 })
	soon(t, "the frozen link is given up", func() bool {
		for _, l := range a.mesh.Status() {
			if l.Peer.ID == "frozen" {
				return l.Up.IsZero() && l.Nodes == 0
			}
		}
		return false
	})
	reaches(t, na, nc)
}

func TestSetCloses(t *testing.T) {
	t.Parallel()
	a, b, c := newReplica(t, options{}), newReplica(t, options{}), newReplica(t, options{})
	joined(t, a, b, c)
	na, nb, nc := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode()), newNode(t, c, key.NewNode())
	reaches(t, na, nb)
	reaches(t, na, nc)
	kept := a.mesh.Status()[1]
	require.Equal(t, "2", kept.Peer.ID)
	a.mesh.Set([]mesh.Peer{kept.Peer, kept.Peer})
	soon(t, "it is gone from the list", func() bool { return len(a.mesh.Status()) == 1 })
	soon(t, "its connection is closed", func() bool { return gather(t, b.relay)["coder_derp_server_mesh_connections"] == 1 })
	require.Equal(t, kept.Up, a.link(t).Up, "the other was not touched")
	// What is sent to its nodes now is not forwarded any more. The second packet
	// is read after the first.
	passes(t, na, nc, "before")
	before := gather(t, a.relay)["coder_derp_server_packets_forwarded_out_total"]
	require.NoError(t, na.c.Send(nb.key, []byte("x")))
	passes(t, na, nc, "after")
	require.EqualValues(t, 1, gather(t, a.relay)["coder_derp_server_packets_forwarded_out_total"]-before)
	require.EqualValues(t, 1, gather(t, a.mesh)["coder_derp_mesh_nodes"])
	require.Empty(t, nb.got)
	// A replica that has started anew is another one.
	again := kept.Peer
	again.ID = "3"
	a.mesh.Set([]mesh.Peer{again})
	soon(t, "the new one is linked", func() bool { return a.up() == 1 && a.link(t).Peer.ID == "3" })
	reaches(t, na, nc)
	a.mesh.Set(nil)
	soon(t, "none", func() bool { return len(a.mesh.Status()) == 0 })
}

// A link that breaks is dialled again soon, later each time and never much later;
// what comes back is told anew.
func TestRedials(t *testing.T) {
	t.Parallel()
	mock := quartz.NewMock(t)
	trap := mock.Trap().NewTimer("mesh", "redial")
	defer trap.Close()
	var jitter atomic.Int64
	a := newReplica(t, options{clock: mock, jitter: func() float64 { return float64(jitter.Load()) / 2 }})
	b := newReplica(t, options{})
	w := newWire(t, b)
	na, nb := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode())
	peer := b.peer("b")
	peer.URL = w.url
	a.mesh.Set([]mesh.Peer{peer})
	b.mesh.Set([]mesh.Peer{a.peer("a")})
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for i, want := range []int{50, 100, 300, 600, 800, 1600, 2000, 2000} {
		soon(t, "up", func() bool { return a.up() == 1 })
		require.Equal(t, i+1, w.dialled())
		reaches(t, na, nb)
		jitter.Store(int64(i/2) % 2)
		w.cut()
		call := trap.MustWait(ctx)
		require.Equal(t, time.Duration(want)*time.Millisecond, call.Duration)
		require.Zero(t, a.up())
		require.NotEmpty(t, a.link(t).Error)
		call.MustRelease(ctx)
		mock.Advance(call.Duration).MustWait(ctx)
	}
	soon(t, "up", func() bool { return a.up() == 1 })
	for i := range 6 {
		mock.Advance(2 * time.Second).MustWait(ctx)
		newNode(t, b, key.NewNode()) // which the link hears of: its peer is not silent
		soon(t, "the link hears of it", func() bool { return a.link(t).Nodes == i+2 })
	}
	w.cut()
	call := trap.MustWait(ctx)
	require.LessOrEqual(t, call.Duration, 100*time.Millisecond, "it was up for a while")
	call.MustRelease(ctx)
}

// Many peers change at once, from many sides; the last word counts.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	a := newReplica(t, options{})
	var peers []mesh.Peer
	for i := range 6 {
		peers = append(peers, newReplica(t, options{}).peer(fmt.Sprint(i)))
	}
	for i := range 10 {
		peers = append(peers, mesh.Peer{ID: fmt.Sprint("dead", i), URL: silent(t), Key: peers[0].Key})
	}
	var wg sync.WaitGroup
	for seed := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(seed), 8))
			for range 50 {
				some := append([]mesh.Peer(nil), peers...)
				rnd.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
				a.mesh.Set(some[:rnd.IntN(len(some)+1)])
				_ = a.mesh.Status()
			}
		})
	}
	wg.Wait()
	a.mesh.Set(peers[:6])
	soon(t, "the living are linked", func() bool { return a.up() == 6 && len(a.mesh.Status()) == 6 })
}

// Links that have nothing to say stay, whatever the relay thinks of its members.
func TestIdleLinksStay(t *testing.T) {
	t.Parallel()
	cfg := relay.Config{MaxConns: 1, PingAfter: 100 * time.Millisecond, GoneAfter: time.Second, AuditEvery: 50 * time.Millisecond,
		Knows: func(string) bool { return false }, Busy: func() bool { return true }}
	a, b := newReplica(t, options{relay: cfg}), newReplica(t, options{relay: cfg})
	k := key.NewNode()
	newNode(t, a, k) // its relay is full now, and will not know it
	joined(t, a, b)
	was := a.link(t).Up
	select {
	case <-time.After(2500 * time.Millisecond): // twice and a half as long as members may be silent
	case <-t.Context().Done():
	}
	require.Equal(t, was, a.link(t).Up)
	require.EqualValues(t, 1, gather(t, a.relay)["coder_derp_server_mesh_connections"])
	require.EqualValues(t, 1, gather(t, b.relay)["coder_derp_server_mesh_connections"])
	require.Zero(t, gather(t, a.relay)["coder_derp_server_silent_total"])
}

// A node moves and leaves a dead connection behind, which must not swallow what
// is sent to it.
func TestMovedNodeIsFound(t *testing.T) {
	t.Parallel()
	a, b, c := newReplica(t, options{}), newReplica(t, options{}), newReplica(t, options{})
	joined(t, a, b, c)
	k := key.NewNode()
	here := newNode(t, a, key.NewNode())
	far := newNode(t, c, key.NewNode())
	w := newWire(t, a)
	dead := deadNode(t, w, k)
	soon(t, "it is at the first replica", func() bool { return a.relay.Connections() == 2 })
	w.freeze()
	moved := newNode(t, b, k)
	reaches(t, moved, here)
	reaches(t, far, moved) // at two places now, as the third one sees it
	reaches(t, here, moved)
	soon(t, "the old connection is ended", func() bool { return a.relay.Connections() == 1 })
	_ = dead
}

// Members that come in by the door of replicas stay outside.
func TestStrangersAtTheDoor(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	r := newReplica(t, options{relay: relay.Config{Verify: func(context.Context, string) bool { asked.Add(1); return false }}})
	wrong := api.Secret(strings.Repeat("c3", 32))
	_, err := knock(t, r, "", wrong) // as before there were doors
	require.Error(t, err)
	require.EqualValues(t, 1, asked.Load())
	_, err = knock(t, r, proof(t, r, wrong), wrong)
	require.ErrorContains(t, err, "403")
	_, err = knock(t, r, proof(t, r, meshKey), wrong) // overheard
	require.Error(t, err)
	require.EqualValues(t, 2, asked.Load())
	open := newReplica(t, options{})
	conn, err := knock(t, open, proof(t, open, meshKey), wrong)
	if err == nil { // a member, which has no business here
		_, err = conn.Recv()
	}
	require.Error(t, err)
	soon(t, "nobody is left", func() bool { return gather(t, open.relay)["coder_derp_server_mesh_connections"] == 0 })
	require.Zero(t, open.relay.Connections())
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	r := newReplica(t, options{})
	log := slog.New(slog.DiscardHandler)
	bad := strings.Repeat("xy", 32)
	for name, cfg := range map[string]mesh.Config{
		"nothing": {},
		"key":     {Relay: r.relay, Log: log, Clock: clock.Real(), MeshKey: api.Secret(bad)},
		"zero":    {Relay: r.relay, Log: log, Clock: clock.Real(), MeshKey: api.Secret(strings.Repeat("0", 64))},
		"none":    {Relay: r.relay, Log: log, Clock: clock.Real()},
	} {
		_, err := mesh.New(cfg)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "xyxy", name)
	}
}

// What comes over a link is in order for each pair of nodes.
func TestOrder(t *testing.T) {
	t.Parallel()
	a, b := newReplica(t, options{}), newReplica(t, options{})
	joined(t, a, b)
	na, nb := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode())
	reaches(t, na, nb)
	passes(t, na, nb, "the last that may come twice")
	for i := range uint32(500) {
		require.NoError(t, na.c.Send(nb.key, binary.BigEndian.AppendUint32(nil, i)))
		if i%16 == 15 { // the receiver's queue in the relay is short
			for j := range uint32(16) {
				select {
				case p := <-nb.got:
					require.Equal(t, i-15+j, binary.BigEndian.Uint32(p.Data))
				case <-time.After(patient):
					t.Fatal("lost")
				}
			}
		}
	}
}

// Floods over a link are limited where they come from, and those who ask little
// are served at once, over the same link and at the same relays.
func TestFairOverALink(t *testing.T) {
	t.Parallel()
	var busy atomic.Bool
	a, b := newReplica(t, options{relay: relay.Config{Busy: busy.Load}}), newReplica(t, options{})
	joined(t, a, b)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	defer wg.Wait()
	defer close(stop)
	for range 2 {
		from, to := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode())
		reaches(t, from, to)
		wg.Go(func() {
			blob := make([]byte, 32<<10)
			for {
				select {
				case <-stop:
					return
				default:
					_ = from.c.Send(to.key, blob)
				}
			}
		})
	}
	busy.Store(true)
	limit := func() float64 { return gather(t, a.relay)["coder_derp_server_fair_bytes_per_second"] }
	soon(t, "the floods are limited", func() bool { return limit() > 0 })
	na, nb := newNode(t, a, key.NewNode()), newNode(t, b, key.NewNode())
	reaches(t, na, nb)
	reaches(t, nb, na)
	for i := range 100 {
		passes(t, na, nb, fmt.Sprint("there ", i))
		passes(t, nb, na, fmt.Sprint("back ", i))
	}
	busy.Store(false)
	soon(t, "no limit once there is room", func() bool { return limit() == 0 })
}
