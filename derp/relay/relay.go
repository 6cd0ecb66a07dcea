// Package relay is the embedded DERP server: it passes sealed packets between
// nodes that cannot reach each other.
//
// It owns the relay's key, admission, the division of the relay among its
// members, and an optional STUN responder. It never sees plain text and never
// decides who belongs to the deployment: Verify does, and everything but a clear
// yes is a no. A Relay is built, then running from Run until its ctx ends, then
// closed for good; before and after, its handler answers 503.
//
// A connection is pending until its key is admitted, which may take ten seconds,
// then open. An open one that was silent is asked for a sign of life after
// PingAfter and ended after GoneAfter; one whose key is forgotten is ended at
// once.
//
// Connections of other replicas (derp/mesh) prove the deployment's mesh key. They
// are no members: they have places of their own, nobody verifies, evicts or
// limits them, and they are as silent as they like while they answer.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/types/key"

	"coder.internal/api"
)

// DefaultMaxConns bounds the connections of one relay: about 100 kB each.
const DefaultMaxConns = 20_000

const (
	defaultPingAfter  = 10 * time.Second
	defaultGoneAfter  = 25 * time.Second
	defaultAuditEvery = 20 * time.Second
	// maxPending bounds the connections that have not been admitted yet. One
	// that is refused tries again; what floods here has no key of ours.
	maxPending = 4096
	// derpWriteTimeout ends a client that does not read.
	derpWriteTimeout = 2 * time.Second
)

// Config describes a relay.
type Config struct {
	// Key is this replica's own private key as "privkey:<hex>"; empty makes a
	// new one. No two replicas may share it.
	Key api.Secret
	// MeshKey is the deployment's, 64 hex digits; empty means no mesh.
	MeshKey api.Secret
	// Verify says whether a node key ("nodekey:…") belongs to the deployment.
	// It may wait a few seconds for a node that is just arriving; ctx bounds it.
	Verify func(ctx context.Context, key string) bool
	// Knows says without waiting whether a key that was admitted still belongs.
	// It is asked every AuditEvery; nil leaves that to Evict.
	Knows func(key string) bool
	Log   *slog.Logger
	// STUNAddr is the UDP address of our own STUN responder; empty for none.
	STUNAddr string
	MaxConns int // 0 means DefaultMaxConns
	// PingAfter of silence a client is asked for a sign of life, and after
	// GoneAfter it is gone. 0 means 10 s and 25 s.
	PingAfter, GoneAfter time.Duration
	AuditEvery           time.Duration // 0 means 20 s
	// Busy says whether the relay had more to do than it could since the last
	// call; nil means that goroutines waited for a processor.
	Busy func() bool
}

func (c *Config) fill() {
	if c.MaxConns == 0 {
		c.MaxConns = DefaultMaxConns
	}
	if c.PingAfter == 0 {
		c.PingAfter = defaultPingAfter
	}
	if c.GoneAfter == 0 {
		c.GoneAfter = defaultGoneAfter
	}
	if c.AuditEvery == 0 {
		c.AuditEvery = defaultAuditEvery
	}
	if c.Busy == nil {
		c.Busy = processorBusy()
	}
}

// Relay is one embedded DERP server.
type Relay struct {
	cfg    Config
	log    *slog.Logger
	server *derpserver.Server
	verify *verifier
	ln     net.Listener // loopback, plain: verification and the server's own node
	stun   *stunServer  // nil for none

	meshProof string     // what other replicas send in MeshHeader; empty lets none in
	doubts    chan *link // their nodes were seen at another replica

	members  *members
	limit    atomic.Int64 // bytes per second of each heavy member; 0 is none
	pending  atomic.Int64 // connections that are not admitted yet
	silenced atomic.Int64 // connections ended because their peer was silent
	refused  atomic.Int64 // connections and keys that were not let in

	mu      sync.Mutex
	running bool
	conns   int        // of members
	meshed  int        // of other replicas
	idle    *sync.Cond // both fell to zero
}

// New builds a relay and binds its listeners; nothing is served before Run. A
// Relay that will not Run must be Closed.
func New(cfg Config) (*Relay, error) {
	if cfg.Verify == nil || cfg.Log == nil {
		return nil, errors.New("relay: Verify and Log are required")
	}
	cfg.fill()
	priv, err := parseKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	r := &Relay{cfg: cfg, log: cfg.Log.With("component", "relay"), members: newMembers(), doubts: make(chan *link, maxDoubts)}
	r.idle = sync.NewCond(&r.mu)
	r.server = derpserver.New(priv, r.logf)
	mesh := cfg.MeshKey.Reveal()
	if mesh == "" {
		mesh = randomHex(32) // nobody else knows it, so nobody joins
	}
	if err := r.server.SetMeshKey(mesh); err != nil {
		return nil, errors.New("relay: the mesh key must be 64 hexadecimal digits")
	}
	if cfg.MeshKey != "" {
		r.meshProof = MeshProof(cfg.MeshKey, priv.Public())
	}
	r.server.SetTCPWriteTimeout(derpWriteTimeout)
	if err := r.bind(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Relay) bind() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the relay's own node: %w", err)
	}
	r.ln = ln
	r.verify = newVerifier(r.ask)
	r.server.SetVerifyClientURL("http://" + ln.Addr().String() + r.verify.path)
	r.server.SetVerifyClientURLFailOpen(false)
	if r.cfg.STUNAddr == "" {
		return nil
	}
	if r.stun, err = listenSTUN(r.cfg.STUNAddr); err != nil {
		_ = ln.Close()
	}
	return err
}

// parseKey never puts the key into an error.
func parseKey(s api.Secret) (key.NodePrivate, error) {
	if s == "" {
		return key.NewNode(), nil
	}
	var k key.NodePrivate
	if err := k.UnmarshalText([]byte(s.Reveal())); err != nil {
		return key.NodePrivate{}, errors.New("relay: the key must be \"privkey:\" and 64 hexadecimal digits")
	}
	return k, nil
}

// NewKey returns a fresh value for Config.Key.
func NewKey() (api.Secret, error) {
	b, err := key.NewNode().MarshalText()
	if err != nil {
		return "", fmt.Errorf("encode relay key: %w", err)
	}
	return api.Secret(b), nil
}

// Handler serves /derp (both "Upgrade: DERP" and websocket) and
// /derp/latency-check, under any prefix.
func (r *Relay) Handler() http.Handler { return http.HandlerFunc(r.serve) }

// LoopbackAddr is where the server's own node reaches the relay in plain HTTP.
// It is immune to TLS, balancers and prefixes.
func (r *Relay) LoopbackAddr() netip.AddrPort { return netip.MustParseAddrPort(r.ln.Addr().String()) }

// STUNAddr is the address of the STUN responder, invalid where there is none.
func (r *Relay) STUNAddr() netip.AddrPort {
	if r.stun == nil {
		return netip.AddrPort{}
	}
	return r.stun.addr()
}

// Connections returns how many connections are open now, without those of other
// replicas.
func (r *Relay) Connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns
}

// Run serves until ctx ends, then closes every connection and returns nil.
func (r *Relay) Run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle(r.verify.path, r.verify)
	mux.Handle("/derp", r.Handler())
	mux.Handle("/derp/", r.Handler())
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		// Questions that wait for a node to appear end with the relay.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}
	r.mu.Lock()
	r.running = true
	r.mu.Unlock()

	var wg sync.WaitGroup
	failed := make(chan error, 3)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() {
		if err := srv.Serve(r.ln); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve the relay's own listener: %w", err)
		}
	})
	if r.stun != nil {
		wg.Go(func() {
			if err := r.stun.serve(); err != nil {
				failed <- fmt.Errorf("serve STUN: %w", err)
			}
		})
	}
	wg.Go(func() { r.watch(ctx) })
	wg.Go(func() { r.fairness(ctx) })
	wg.Go(func() { r.doubt(ctx) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	r.Close()
	_ = srv.Close()
	wg.Wait()
	return err
}

// Close ends every connection and listener and waits for the connections. Run
// does it too; a Relay that never ran is freed by it.
func (r *Relay) Close() {
	r.mu.Lock()
	r.running = false
	r.mu.Unlock()
	_ = r.ln.Close()
	if r.stun != nil {
		_ = r.stun.close()
	}
	_ = r.server.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.conns+r.meshed > 0 {
		r.idle.Wait()
	}
}

// logf receives the library's lines. They name keys and addresses of peers,
// which an operator wants only while searching.
func (r *Relay) logf(format string, args ...any) {
	r.log.Debug("derp server", "text", strings.TrimSpace(fmt.Sprintf(format, args...)))
}
