package mesh_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/types/key"

	"coder.internal/api"
	"coder.internal/derp/mesh"
	"coder.internal/derp/relay"
	"coder.internal/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var meshKey = api.Secret(strings.Repeat("a1", 32))

const patient = 20 * time.Second

// replica is a relay behind real HTTP, and its mesh.
type replica struct {
	relay *relay.Relay
	mesh  *mesh.Mesh
	url   string
	srv   *httptest.Server
	roots *x509.CertPool // nil in plain HTTP
	kill  func()         // ends all of it at once; may be called again
}

type options struct {
	key    api.Secret
	relay  relay.Config
	clock  quartz.Clock
	jitter func() float64
	tls    bool
	roots  *tls.Config
	prefix string
}

func newReplica(t testing.TB, o options) *replica {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if o.key == "" {
		o.key = meshKey
	}
	if o.clock == nil {
		o.clock = clock.Real()
	}
	o.relay.Log, o.relay.MeshKey = log, o.key
	if o.relay.Verify == nil {
		o.relay.Verify = func(context.Context, string) bool { return true }
	}
	r := &replica{}
	var err error
	r.relay, err = relay.New(o.relay)
	require.NoError(t, err)
	r.mesh, err = mesh.New(mesh.Config{Relay: r.relay, MeshKey: o.key, Log: log, Clock: o.clock, Jitter: o.jitter, TLS: o.roots})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	wg.Go(func() { failed <- r.relay.Run(ctx) })
	wg.Go(func() { failed <- r.mesh.Run(ctx) })
	mux := http.NewServeMux()
	mux.Handle(o.prefix+"/derp", r.relay.Handler())
	r.srv = httptest.NewUnstartedServer(mux)
	r.srv.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	if o.tls {
		r.srv.StartTLS()
		r.roots = x509.NewCertPool()
		r.roots.AddCert(r.srv.Certificate())
	} else {
		r.srv.Start()
	}
	r.url = r.srv.URL + o.prefix
	r.kill = sync.OnceFunc(func() {
		cancel()
		_ = r.srv.Listener.Close()
		wg.Wait()
		r.srv.Close()
		require.NoError(t, <-failed)
		require.NoError(t, <-failed)
	})
	t.Cleanup(r.kill)
	// Handlers answer 503 until the relay runs.
	soon(t, "the relay runs", func() bool {
		resp, err := r.srv.Client().Get(r.url + "/derp")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusUpgradeRequired
	})
	return r
}

func (r *replica) peer(id string) mesh.Peer {
	return mesh.Peer{ID: id, URL: r.url, Key: r.relay.PublicKey()}
}

// joined makes replicas know each other and waits until all links are up.
func joined(t testing.TB, all ...*replica) {
	t.Helper()
	for i, r := range all {
		var peers []mesh.Peer
		for j, o := range all {
			if i != j {
				peers = append(peers, o.peer(fmt.Sprint(j)))
			}
		}
		r.mesh.Set(peers)
	}
	for i, r := range all {
		soon(t, fmt.Sprintf("links of %d", i), func() bool { return r.up() == len(all)-1 })
	}
}

func (r *replica) up() int {
	n := 0
	for _, l := range r.mesh.Status() {
		if !l.Up.IsZero() {
			n++
		}
	}
	return n
}

// link is the status of the one link there is.
func (r *replica) link(t testing.TB) mesh.Link {
	t.Helper()
	all := r.mesh.Status()
	require.Len(t, all, 1)
	return all[0]
}

// soon waits for what sends no signal.
func soon(t testing.TB, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, patient, 2*time.Millisecond, what)
}

// node is a member of a relay.
type node struct {
	key  key.NodePublic
	c    *derphttp.Client
	got  chan derp.ReceivedPacket
	done chan struct{}
}

func newNode(t testing.TB, at *replica, k key.NodePrivate) *node {
	t.Helper()
	n, err := tryNode(t, at, k)
	require.NoError(t, err)
	return n
}

func tryNode(t testing.TB, at *replica, k key.NodePrivate) (*node, error) {
	t.Helper()
	c, err := derphttp.NewClient(k, "http://"+at.relay.LoopbackAddr().String()+"/derp", func(string, ...any) {}, netmon.NewStatic())
	if err != nil {
		return nil, err
	}
	c.SetCanAckPings(true)
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := c.Connect(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	if _, err := c.Recv(); err != nil { // the greeting, which only members get
		_ = c.Close()
		return nil, err
	}
	n := &node{key: k.Public(), c: c, got: make(chan derp.ReceivedPacket, 64), done: make(chan struct{})}
	go n.read()
	t.Cleanup(n.close)
	return n, nil
}

// read answers pings and keeps packets, as long as somebody takes them.
func (n *node) read() {
	defer close(n.done)
	for {
		m, _, err := n.c.RecvDetail()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case derp.PingMessage:
			_ = n.c.SendPong(m)
		case derp.ReceivedPacket:
			m.Data = append([]byte(nil), m.Data...)
			select {
			case n.got <- m:
			default:
			}
		}
	}
}

func (n *node) close() {
	_ = n.c.Close()
	<-n.done
}

// reaches sends until the other has it: who has just moved is not known yet.
func reaches(t testing.TB, from, to *node) time.Duration {
	t.Helper()
	began := time.Now()
	text := fmt.Sprint("from ", from.key, " ", began.UnixNano())
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patient)
	for {
		if err := from.c.Send(to.key, []byte(text)); err != nil {
			t.Fatalf("send: %v", err)
		}
		for wait := true; wait; {
			select {
			case p := <-to.got:
				if string(p.Data) == text {
					require.Equal(t, from.key, p.Source)
					return time.Since(began)
				}
			case <-tick.C:
				wait = false
			case <-late:
				t.Fatal("no packet got through")
			}
		}
	}
}

// passes sends one packet and waits until it is there. What was sent before it,
// from the same node to the same one, is there or lost by then.
func passes(t testing.TB, from, to *node, text string) {
	t.Helper()
	require.NoError(t, from.c.Send(to.key, []byte(text)))
	late := time.After(patient)
	for {
		select {
		case p := <-to.got:
			if string(p.Data) == text {
				return
			}
		case <-late:
			t.Fatalf("a packet of %d bytes was lost", len(text))
		}
	}
}

// gather collects a collector's figures without their labels.
func gather(t testing.TB, c prometheus.Collector) map[string]float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	require.NoError(t, reg.Register(c))
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

// wire passes TCP on to a server until it is frozen or cut.
type wire struct {
	url string
	ln  net.Listener

	mu     sync.Mutex // guards all below
	to     string
	frozen chan struct{} // closed once nothing passes
	conns  map[net.Conn]bool
	ended  bool
	dials  int
	wg     sync.WaitGroup
}

func newWire(t testing.TB, to *replica) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{url: "http://" + ln.Addr().String(), to: to.srv.Listener.Addr().String(), ln: ln,
		frozen: make(chan struct{}), conns: map[net.Conn]bool{}}
	w.wg.Go(w.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		w.freeze()
		w.mu.Lock()
		w.ended = true
		w.mu.Unlock()
		w.cut()
		w.wg.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		a, err := w.ln.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", w.target())
		if err != nil {
			_ = a.Close()
			continue
		}
		w.mu.Lock()
		w.conns[a], w.conns[b] = true, true
		w.dials++
		ended := w.ended
		w.mu.Unlock()
		if ended { // cut has passed already
			_ = a.Close()
			_ = b.Close()
			return
		}
		w.wg.Go(func() { w.pass(a, b) })
		w.wg.Go(func() { w.pass(b, a) })
	}
}

// pass copies; a frozen wire stops reading, and closes nothing.
func (w *wire) pass(dst, src net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		select {
		case <-w.frozen:
			return
		default:
		}
		if err == nil {
			_, err = dst.Write(buf[:n])
		}
		if err != nil {
			_ = dst.Close()
			_ = src.Close()
			return
		}
	}
}

func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.frozen:
	default:
		close(w.frozen)
	}
}

// cut breaks what is open now.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
}

// lead sends the connections that come from now on to another replica.
func (w *wire) lead(to *replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to.srv.Listener.Addr().String()
}

func (w *wire) target() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to
}

func (w *wire) addr() netip.AddrPort { return netip.MustParseAddrPort(w.ln.Addr().String()) }

func (w *wire) dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials
}
