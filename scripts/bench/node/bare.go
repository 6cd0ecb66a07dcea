package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"go4.org/netipx"
	"tailscale.com/control/controlknobs"
	"tailscale.com/envknob"
	"tailscale.com/health"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/net/dns"
	"tailscale.com/net/netns"
	"tailscale.com/net/tsdial"
	"tailscale.com/net/tstun"
	"tailscale.com/proxymap"
	"tailscale.com/tailcfg"
	"tailscale.com/types/ipproto"
	"tailscale.com/types/key"
	"tailscale.com/types/netmap"
	"tailscale.com/types/views"
	"tailscale.com/util/eventbus"
	"tailscale.com/util/usermetric"
	"tailscale.com/wgengine"
	"tailscale.com/wgengine/filter"
	"tailscale.com/wgengine/magicsock"
	"tailscale.com/wgengine/netstack"
	"tailscale.com/wgengine/router"
	"tailscale.com/wgengine/wgcfg"

	"coder.internal/scripts/bench/proc"
)

// Addresses of a bare pair, whatever its keys.
var (
	bareFar  = netip.MustParseAddr("fd00:be::1")
	bareNear = netip.MustParseAddr("fd00:be::2")
)

// bare is upstream's engine with upstream's settings and one peer.
type bare struct {
	bus      *eventbus.Bus
	health   *health.Tracker
	dialer   *tsdial.Dialer
	wg       wgengine.Engine
	mc       *magicsock.Conn
	tun      *tstun.Wrapper
	dns      *dns.Manager
	ns       *netstack.Impl
	priv     key.NodePrivate
	own, far netip.Addr
	block    bool

	mu     sync.RWMutex
	peer   tailcfg.NodeView
	lastID tailcfg.NodeID
}

func silent(string, ...any) {}

func newBare(ctx context.Context, relay string, block, inbound bool) (_ *bare, err error) {
	at, err := netip.ParseAddrPort(relay)
	if err != nil {
		return nil, fmt.Errorf("-relay: %w", err)
	}
	envknob.Setenv("TS_DEBUG_USE_DERP_HTTP", "true")
	netns.SetEnabled(false)
	b := &bare{bus: eventbus.New(), priv: key.NewNode(), own: bareNear, far: bareFar, block: block, lastID: 1}
	if inbound {
		b.own, b.far = b.far, b.own
	}
	b.health = health.NewTracker(b.bus)
	b.dialer = &tsdial.Dialer{Logf: silent}
	b.dialer.SetBus(b.bus)
	b.wg, err = wgengine.NewUserspaceEngine(silent, wgengine.Config{
		HealthTracker: b.health, Metrics: new(usermetric.Registry), Dialer: b.dialer,
		ControlKnobs: new(controlknobs.Knobs), EventBus: b.bus, SetSubsystem: b.keep,
	})
	if err != nil {
		return nil, fmt.Errorf("create packet engine: %w", err)
	}
	b.ns, err = netstack.Create(silent, b.tun, b.wg, b.mc, b.dialer, b.dns, new(proxymap.Mapper))
	if err != nil {
		return nil, fmt.Errorf("create network stack: %w", err)
	}
	b.ns.ProcessLocalIPs = true
	b.ns.GetTCPHandlerForFlow = func(_, dst netip.AddrPort) (func(net.Conn), bool) {
		return serve, inbound && dst.Port() == servicePort
	}
	b.attach()
	b.mc.SetOnlyTCP443(block)
	if err := b.start(at); err != nil {
		return nil, err
	}
	return b, b.awaitRelay(ctx)
}

// keep picks the parts that the engine made for itself.
func (b *bare) keep(part any) {
	switch p := part.(type) {
	case *magicsock.Conn:
		b.mc = p
	case *tstun.Wrapper:
		b.tun = p
	case *dns.Manager:
		b.dns = p
	}
}

// attach answers the engine's questions about its one peer.
func (b *bare) attach() {
	known := func() (tailcfg.NodeView, bool) {
		b.mu.RLock()
		defer b.mu.RUnlock()
		return b.peer, b.peer.Valid()
	}
	b.wg.SetPeerConfigFunc(func(k key.NodePublic) ([]netip.Prefix, bool) {
		p, ok := known()
		return []netip.Prefix{netip.PrefixFrom(b.far, 128)}, ok && p.Key() == k
	})
	b.wg.SetPeerByIPPacketFunc(func(a netip.Addr) (k key.NodePublic, _ bool) {
		if p, ok := known(); ok && a == b.far {
			return p.Key(), true
		}
		return k, false
	})
	b.wg.SetPeerForIPFunc(func(a netip.Addr) (wgengine.PeerForIP, bool) {
		p, ok := known()
		return wgengine.PeerForIP{Node: p, Route: netip.PrefixFrom(b.far, 128)}, ok && a == b.far
	})
}

func (b *bare) start(relay netip.AddrPort) error {
	if err := b.ns.Start(nil); err != nil {
		return fmt.Errorf("start network stack: %w", err)
	}
	b.tun.Start()
	prefixes := []netip.Prefix{netip.PrefixFrom(b.own, 128)}
	self := (&tailcfg.Node{ID: 1, Key: b.priv.Public(), Addresses: prefixes, AllowedIPs: prefixes,
		Hostinfo: (&tailcfg.Hostinfo{}).View()}).View()
	var set netipx.IPSetBuilder
	set.AddPrefix(prefixes[0])
	local, err := set.IPSet()
	if err != nil {
		return err
	}
	f := filter.New([]filter.Match{{IPProto: views.SliceOf([]ipproto.Proto{ipproto.TCP}),
		Srcs: []netip.Prefix{netip.PrefixFrom(b.far, 128)},
		Dsts: []filter.NetPortRange{{Net: prefixes[0], Ports: filter.PortRange{First: 1, Last: 65535}}},
	}}, nil, local, new(netipx.IPSet), nil, silent)
	b.wg.SetFilter(f)
	b.mc.SetFilter(f)
	b.wg.SetSelfNode(self)
	b.ns.UpdateNetstackIPs(&netmap.NetworkMap{SelfNode: self})
	b.mc.SetNetworkMap(self, nil)
	if err := b.wg.Reconfig(&wgcfg.Config{PrivateKey: b.priv, Addresses: prefixes},
		&router.Config{LocalAddrs: prefixes}, &dns.Config{}); err != nil {
		return fmt.Errorf("configure packet engine: %w", err)
	}
	b.mc.SetDERPMap(&tailcfg.DERPMap{OmitDefaultRegions: true, Regions: map[int]*tailcfg.DERPRegion{1: {
		RegionID: 1, RegionCode: "bench", RegionName: "bench",
		Nodes: []*tailcfg.DERPNode{{Name: "1a", RegionID: 1, HostName: relay.Addr().String(), DERPPort: int(relay.Port()),
			STUNPort: -1, IPv4: relay.Addr().String(), IPv6: "none"}},
	}}})
	b.mc.ForceSetNearestDERP(1)
	return nil
}

// awaitRelay waits until the relay has spoken to us.
func (b *bare) awaitRelay(ctx context.Context) error {
	return proc.Until(ctx, "the relay", 5*time.Millisecond, pathWithin, func() (bool, error) {
		return !b.health.GetDERPRegionReceivedTime(1).IsZero(), nil
	})
}

func (b *bare) card() card {
	c := card{Key: b.priv.Public().String(), Disco: b.mc.DiscoPublicKey().String()}
	if !b.block {
		c.Endpoints = []string{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), b.mc.LocalPort()).String()}
	}
	return c
}

// meet replaces the peer.
func (b *bare) meet(c card) error {
	var k key.NodePublic
	var d key.DiscoPublic
	if err := errors.Join(k.UnmarshalText([]byte(c.Key)), d.UnmarshalText([]byte(c.Disco))); err != nil {
		return fmt.Errorf("keys of the other node: %w", err)
	}
	var eps []netip.AddrPort
	for _, s := range c.Endpoints {
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			return fmt.Errorf("address of the other node: %w", err)
		}
		eps = append(eps, ap)
	}
	prefixes := []netip.Prefix{netip.PrefixFrom(b.far, 128)}
	b.mu.Lock()
	old := b.peer
	b.lastID++
	b.peer = (&tailcfg.Node{ID: b.lastID, Key: k, DiscoKey: d, Addresses: prefixes, AllowedIPs: prefixes, Endpoints: eps,
		HomeDERP: 1, Created: time.Unix(1, 0), Hostinfo: (&tailcfg.Hostinfo{}).View()}).View()
	now := b.peer
	b.mu.Unlock()
	if old.Valid() {
		b.mc.RemovePeer(old.ID())
		b.wg.SyncDevicePeer(old.Key())
	}
	b.mc.UpsertPeer(now)
	b.wg.SyncDevicePeer(k)
	return nil
}

func (b *bare) path(ctx context.Context) (bool, error) {
	ch := make(chan *ipnstate.PingResult, 1)
	b.wg.Ping(b.far, tailcfg.PingDisco, 0, func(r *ipnstate.PingResult) {
		select {
		case ch <- r:
		default:
		}
	})
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	select {
	case r := <-ch:
		if r.Err != "" {
			return false, errors.New(r.Err)
		}
		return r.Endpoint != "", nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (b *bare) dial(ctx context.Context) (net.Conn, error) {
	return b.ns.DialContextTCP(ctx, netip.AddrPortFrom(b.far, servicePort))
}

// close frees nothing: the process ends, and upstream's own way may wait for
// itself.
func (b *bare) close() {}
