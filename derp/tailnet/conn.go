package tailnet

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tailscale.com/types/key"
	"tailscale.com/types/logger"
	"tailscale.com/wgengine"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
)

// Conn is one node of the network. Its methods may be called concurrently.
type Conn struct {
	cfg    Config
	log    *slog.Logger
	logf   logger.Logf
	addr   netip.Addr
	priv   key.NodePrivate
	eng    *engine
	peers  *peers
	wanted *wanted
	relays *relays

	// awaitStale waits for the moment at which a session has named all its peers.
	awaitStale func(context.Context) error
	publish    chan struct{} // our node or wishes changed; holds one
	check      chan struct{} // the coordinator may be out of reach; holds one

	mu        sync.Mutex
	closed    bool
	running   bool
	listeners map[uint16]*listener
	streams   map[*stream]struct{}
	endpoints []string
	// streamPort is where direct TCP connections are taken, 0 for nowhere.
	streamPort uint16
	linkAt     time.Time // when the coordinator last gave a sign
	lastErr    error     // why the coordinator was last out of reach; nil while connected
	direct     bool      // direct connections are allowed
	relayed    bool      // and not used yet, because streams with large packets are open
	large      int       // how many streams began while direct ones were forbidden
}

// New creates a node with a key of its own that exists only in memory. The
// packet engine starts to run, so a Conn must be closed; nothing is sent before
// Run. It takes some milliseconds.
func New(cfg Config) (*Conn, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	log := cfg.Log.With("component", "tailnet")
	c := &Conn{
		cfg: cfg, log: log, logf: logf(log), addr: tailrpc.AddressOf(cfg.ID), priv: key.NewNode(),
		peers: newPeers(), wanted: &wanted{uses: map[api.ID]*use{}},
		awaitStale: func(ctx context.Context) error { return sleep(ctx, staleAfter) },
		publish:    make(chan struct{}, 1), check: make(chan struct{}, 1), direct: !cfg.BlockDirect,
		listeners: map[uint16]*listener{}, streams: map[*stream]struct{}{},
	}
	eng, err := newEngine(c.logf)
	if err != nil {
		return nil, err
	}
	c.eng = eng
	c.relays = newRelays(c)
	eng.ns.GetTCPHandlerForFlow = c.tcpFlow
	eng.ns.GetUDPHandlerForFlow = c.udpFlow
	c.peers.attach(eng.wg)
	eng.relayed = c.onRelays
	eng.wg.SetStatusCallback(c.onStatus)
	eng.mc.SetOnlyTCP443(cfg.BlockDirect)
	eng.direct.Store(!cfg.BlockDirect)
	if err := eng.start(c.logf, c.priv, tailrpc.PrefixOf(cfg.ID), cfg.Inbound); err != nil {
		eng.close(c.logf)
		return nil, err
	}
	c.firstEndpoints()
	return c, nil
}

// ID returns the id the node was made with.
func (c *Conn) ID() api.ID { return c.cfg.ID }

// Addr returns the node's one address.
func (c *Conn) Addr() netip.Addr { return c.addr }

// Key returns the node's public key in text form.
func (c *Conn) Key() string { return c.priv.Public().String() }

// Close ends every stream and listener and frees the engine. It takes a few
// seconds at most. Run must have been told to end, or be about to.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	var ls []*listener
	for _, l := range c.listeners {
		ls = append(ls, l)
	}
	var ss []*stream
	for s := range c.streams {
		ss = append(ss, s)
	}
	c.mu.Unlock()
	for _, l := range ls {
		_ = l.Close()
	}
	// Streams go before the engine: it queues a farewell for each that is still
	// open, into a queue that nobody empties any more.
	for _, s := range ss {
		_ = s.Close()
	}
	c.relays.close()
	c.eng.close(c.logf)
	return nil
}

// firstEndpoints guesses our addresses from the interfaces, so that nodes of
// one network meet directly without waiting for the first network check.
func (c *Conn) firstEndpoints() {
	if c.cfg.BlockDirect {
		return
	}
	eps := localEndpoints(c.eng.mc.LocalPort())
	c.mu.Lock()
	if c.endpoints == nil {
		c.endpoints = eps
	}
	c.mu.Unlock()
}

// onStatus hears from the engine which addresses it has found.
func (c *Conn) onStatus(st *wgengine.Status, err error) {
	if err != nil || st == nil {
		return
	}
	var eps []string
	for _, e := range st.LocalAddrs {
		if s := e.Addr.String(); !slices.Contains(eps, s) && len(eps) < tailrpc.MaxEndpoints {
			eps = append(eps, s)
		}
	}
	if len(eps) == 0 {
		return // nothing found yet is no reason to forget
	}
	c.mu.Lock()
	changed := !slices.Equal(eps, c.endpoints)
	c.endpoints = eps
	c.mu.Unlock()
	if changed {
		c.republish()
	}
}

// republish asks the exchange to send our state soon. It never blocks.
func (c *Conn) republish() {
	select {
	case c.publish <- struct{}{}:
	default:
	}
}

// node describes us to the others.
func (c *Conn) node() tailrpc.Node {
	streams := c.streamEndpoints()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := tailrpc.Node{
		ID: c.cfg.ID, Key: c.priv.Public().String(), DiscoKey: c.eng.mc.DiscoPublicKey().String(),
		Addresses: []string{tailrpc.PrefixOf(c.cfg.ID).String()}, HomeRelay: c.relays.home(), AsOf: time.Now().UTC(),
	}
	n.RelayOnly = !c.direct && !c.relayed
	n.StreamKey = c.cfg.StreamKey
	if c.direct {
		n.Endpoints, n.StreamEndpoints = slices.Clone(c.endpoints), streams
	}
	return n
}

// setDirect follows the relay map. Our own Config may only forbid more. See
// mtu.go for why allowing may have to wait.
func (c *Conn) setDirect(allowed bool) {
	allowed = allowed && !c.cfg.BlockDirect
	// New streams follow at once, before the old ones are counted.
	c.eng.direct.Store(allowed)
	c.mu.Lock()
	wait := allowed && c.large > 0
	changed := c.direct != (allowed && !wait)
	said := c.relayed != wait
	c.direct, c.relayed = allowed && !wait, wait
	c.mu.Unlock()
	if changed {
		c.applyDirect(allowed && !wait)
	} else if said {
		c.republish()
	}
}

func (c *Conn) applyDirect(allowed bool) {
	c.eng.mc.SetOnlyTCP443(!allowed)
	c.eng.mc.ReSTUN("direct-allowed-changed")
	c.republish()
}

// closedLarge notes the end of a stream with large packets.
func (c *Conn) closedLarge() {
	c.mu.Lock()
	c.large--
	now := c.relayed && c.large == 0 && !c.closed
	if now {
		c.direct, c.relayed = true, false
	}
	c.mu.Unlock()
	if now {
		c.applyDirect(true)
	}
}

func (c *Conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *Conn) setLink(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = err
}

// why adds the coordinator's state to an error of waiting, since that is mostly
// the cause.
func (c *Conn) why(ctx context.Context, what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastErr != nil {
		return fmt.Errorf("%s: %w (the coordinator is out of reach: %w)", what, ctx.Err(), c.lastErr)
	}
	return fmt.Errorf("%s: %w", what, ctx.Err())
}
