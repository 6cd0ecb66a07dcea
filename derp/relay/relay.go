// Package relay is the embedded DERP server: it passes sealed packets between
// nodes that cannot reach each other.
//
// It owns the relay's key, admission and an optional STUN responder. It never
// sees plain text and never decides who belongs to the deployment: Verify does,
// and everything but a clear yes is a no. A Relay is built, then running from
// Run until its ctx ends, then closed for good; before and after, its handler
// answers 503.
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
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/types/key"

	"coder.internal/api"
)

// DefaultMaxConns bounds the connections of one relay: about 100 kB each.
const DefaultMaxConns = 20_000

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
	Log    *slog.Logger
	// STUNAddr is the UDP address of our own STUN responder; empty for none.
	STUNAddr string
	MaxConns int // 0 means DefaultMaxConns
	// BytesPerSecond limits what each client may send; 0 means no limit.
	BytesPerSecond uint64
}

// Relay is one embedded DERP server.
type Relay struct {
	cfg    Config
	log    *slog.Logger
	server *derpserver.Server
	derp   http.Handler // both transports
	verify *verifier
	ln     net.Listener   // loopback, plain: verification and the server's own node
	stun   net.PacketConn // nil for none
	evict  chan key.NodePublic

	mu      sync.Mutex
	running bool
	conns   int
	idle    *sync.Cond // conns fell to zero
}

// New builds a relay and binds its listeners; nothing is served before Run. A
// Relay that will not Run must be Closed.
func New(cfg Config) (*Relay, error) {
	if cfg.Verify == nil || cfg.Log == nil {
		return nil, errors.New("relay: Verify and Log are required")
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = DefaultMaxConns
	}
	priv, err := parseKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	r := &Relay{cfg: cfg, log: cfg.Log.With("component", "relay"), evict: make(chan key.NodePublic, maxEvicting)}
	r.idle = sync.NewCond(&r.mu)
	r.server = derpserver.New(priv, r.logf)
	mesh := cfg.MeshKey.Reveal()
	if mesh == "" {
		mesh = randomHex(32) // nobody else knows it, so nobody joins
	}
	if err := r.server.SetMeshKey(mesh); err != nil {
		return nil, errors.New("relay: the mesh key must be 64 hexadecimal digits")
	}
	r.server.UpdateRateLimits(derpserver.RateConfig{PerClientRateLimitBytesPerSec: cfg.BytesPerSecond})
	r.derp = derpserver.AddWebSocketSupport(r.server, derpserver.Handler(r.server))
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
	r.verify = newVerifier(r.cfg.Verify)
	r.server.SetVerifyClientURL("http://" + ln.Addr().String() + r.verify.path)
	r.server.SetVerifyClientURLFailOpen(false)
	if r.cfg.STUNAddr == "" {
		return nil
	}
	if r.stun, err = net.ListenPacket("udp", r.cfg.STUNAddr); err != nil {
		_ = ln.Close()
		return fmt.Errorf("listen for STUN on %s: %w", r.cfg.STUNAddr, err)
	}
	return nil
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
	return netip.MustParseAddrPort(r.stun.LocalAddr().String())
}

func (r *Relay) serve(w http.ResponseWriter, req *http.Request) {
	if strings.HasSuffix(req.URL.Path, "/latency-check") || strings.HasSuffix(req.URL.Path, "/probe") {
		derpserver.ProbeHandler(w, req)
		return
	}
	if !r.enter() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "the relay takes no more connections now; try again", http.StatusServiceUnavailable)
		return
	}
	defer r.leave()
	r.derp.ServeHTTP(w, req)
}

func (r *Relay) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running || r.conns >= r.cfg.MaxConns {
		return false
	}
	r.conns++
	return true
}

func (r *Relay) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns--
	if r.conns == 0 {
		r.idle.Broadcast()
	}
}

// Connections returns how many connections are open now.
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
			if err := serveSTUN(r.stun); err != nil {
				failed <- fmt.Errorf("serve STUN: %w", err)
			}
		})
	}
	wg.Go(func() {
		if err := r.evictLoop(ctx); err != nil {
			failed <- err
		}
	})
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
		_ = r.stun.Close()
	}
	_ = r.server.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.conns > 0 {
		r.idle.Wait()
	}
}

// logf receives the library's lines. They name keys and addresses of peers,
// which an operator wants only while searching.
func (r *Relay) logf(format string, args ...any) {
	r.log.Debug("derp server", "text", strings.TrimSpace(fmt.Sprintf(format, args...)))
}
