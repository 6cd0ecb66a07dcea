package tailnet

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go4.org/netipx"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"tailscale.com/control/controlknobs"
	"tailscale.com/envknob"
	"tailscale.com/health"
	"tailscale.com/net/dns"
	"tailscale.com/net/netmon"
	"tailscale.com/net/netns"
	"tailscale.com/net/packet"
	"tailscale.com/net/tsdial"
	"tailscale.com/net/tstun"
	"tailscale.com/proxymap"
	"tailscale.com/tailcfg"
	"tailscale.com/types/ipproto"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
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

	"coder.internal/api/tailrpc"
)

// engine is the set of the library's parts that make one node.
type engine struct {
	bus    *eventbus.Bus
	health *health.Tracker
	dialer *tsdial.Dialer
	wg     wgengine.Engine
	mc     *magicsock.Conn
	tun    *tstun.Wrapper
	dns    *dns.Manager
	ns     *netstack.Impl
	mon    *netmon.Monitor

	direct atomic.Bool // direct connections are allowed
	// relayed says of a peer that our packets to it go through relays only, although
	// ours may be direct. Set before packets flow.
	relayed func(netip.Addr) bool
	in      meter
	out     meter
	mtuMu   sync.Mutex
	mtu     int // of the wire, as of mtuAt
	mtuAt   time.Time
}

// relayKnob makes the library dial relays in plain HTTP, which all our dials
// need since they end on loopback. The library has it per process only, and
// reads it without a lock, hence once.
var relayKnob = sync.OnceFunc(func() {
	const name = "TS_DEBUG_USE_DERP_HTTP"
	envknob.Setenv(name, "true")
	_ = os.Unsetenv(name) // what a workspace runs must not inherit it
	// Marking or binding sockets is for hosts with a TUN device. It would only
	// break containers.
	netns.SetEnabled(false)
})

func newEngine(logf logger.Logf) (_ *engine, err error) {
	relayKnob()
	e := &engine{bus: eventbus.New()}
	defer func() {
		if err != nil {
			e.close(logf)
		}
	}()
	e.health = health.NewTracker(e.bus)
	e.dialer = &tsdial.Dialer{Logf: logf}
	e.dialer.SetBus(e.bus)
	e.wg, err = wgengine.NewUserspaceEngine(logf, wgengine.Config{
		HealthTracker: e.health, Metrics: new(usermetric.Registry),
		Dialer: e.dialer, ControlKnobs: new(controlknobs.Knobs), EventBus: e.bus,
		SetSubsystem: e.keep,
	})
	if err != nil {
		return nil, fmt.Errorf("create packet engine: %w", err)
	}
	err = withLargeMTU(func() (err error) {
		e.ns, err = netstack.Create(logf, e.tun, e.wg, e.mc, e.dialer, e.dns, new(proxymap.Mapper))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create network stack: %w", err)
	}
	e.ns.ProcessLocalIPs = true
	before := e.tun.PreFilterPacketInboundFromWireGuard
	e.tun.PreFilterPacketInboundFromWireGuard = func(p *packet.Parsed, w *tstun.Wrapper) filter.Response {
		e.in.add(len(p.Buffer()))
		e.narrowIn(p)
		if before == nil {
			return filter.Accept
		}
		return before(p, w)
	}
	// The one hook that sees what our own streams send.
	e.tun.PreFilterPacketOutboundToWireGuardAppConnectorIntercept = e.narrowOut
	if err := e.tune(); err != nil {
		return nil, err
	}
	return e, nil
}

// keep picks the parts that the engine made for itself.
func (e *engine) keep(part any) {
	switch p := part.(type) {
	case *magicsock.Conn:
		e.mc = p
	case *tstun.Wrapper:
		e.tun = p
	case *dns.Manager:
		e.dns = p
	case *netmon.Monitor:
		e.mon = p
	}
}

const (
	// maxBuffer caps a stream's buffers. The library's own several MiB make
	// hundreds of MiB resident under load and are no faster below 100 ms.
	maxBuffer = 1 << 20
	// maxRTO keeps a stream from sleeping as long again as a relay was away.
	maxRTO = time.Second
	// maxRetries at maxRTO lets a stream live through an hour of silence, such
	// as of a laptop that sleeps.
	maxRetries = 3600
)

func (e *engine) tune() error {
	rto, retries := tcpip.TCPMaxRTOOption(maxRTO), tcpip.TCPMaxRetriesOption(maxRetries)
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&rto, &retries,
		&tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: maxBuffer, Max: maxBuffer},
		&tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: maxBuffer, Max: maxBuffer},
	} {
		if err := e.ns.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("set TCP option %T: %s", o, err)
		}
	}
	return nil
}

// start gives the node its identity and lets packets flow.
func (e *engine) start(logf logger.Logf, priv key.NodePrivate, self netip.Prefix, inbound bool) error {
	node := (&tailcfg.Node{
		ID: 1, Key: priv.Public(), Addresses: []netip.Prefix{self}, AllowedIPs: []netip.Prefix{self},
		Hostinfo: (&tailcfg.Hostinfo{}).View(),
	}).View()
	if err := e.ns.Start(nil); err != nil {
		return fmt.Errorf("start network stack: %w", err)
	}
	e.tun.Start()
	f, err := packetFilter(logf, self, inbound)
	if err != nil {
		return err
	}
	e.wg.SetFilter(f)
	e.mc.SetFilter(f)
	e.wg.SetSelfNode(node)
	e.ns.UpdateNetstackIPs(&netmap.NetworkMap{SelfNode: node})
	e.mc.SetNetworkMap(node, nil)
	prefixes := []netip.Prefix{self}
	err = e.wg.Reconfig(&wgcfg.Config{PrivateKey: priv, Addresses: prefixes},
		&router.Config{LocalAddrs: prefixes}, &dns.Config{})
	if err != nil {
		return fmt.Errorf("configure packet engine: %w", err)
	}
	return nil
}

// packetFilter lets peers open TCP to our one address, or nothing at all. That
// a packet's source is the peer it came from is checked before, by WireGuard's
// own routing, so the whole prefix may stand here.
func packetFilter(logf logger.Logf, self netip.Prefix, inbound bool) (*filter.Filter, error) {
	var b netipx.IPSetBuilder
	b.AddPrefix(self)
	local, err := b.IPSet()
	if err != nil {
		return nil, fmt.Errorf("packet filter: %w", err)
	}
	none := new(netipx.IPSet)
	if !inbound {
		return filter.NewShieldsUpFilter(local, none, nil, logf), nil
	}
	return filter.New([]filter.Match{{
		IPProto: views.SliceOf([]ipproto.Proto{ipproto.TCP}),
		Srcs:    []netip.Prefix{tailrpc.ULA()},
		Dsts:    []filter.NetPortRange{{Net: self, Ports: filter.PortRange{First: 1, Last: 65535}}},
	}}, nil, local, none, nil, logf), nil
}

// rebind opens the UDP sockets and relay connections again. The library leaves
// the relays alone where there is no default route to compare them with.
func (e *engine) rebind() {
	e.mc.Rebind()
	if st := e.mon.InterfaceState(); len(st.InterfaceIPs[st.DefaultRouteInterface]) == 0 {
		_ = e.mc.DebugBreakDERPConns() // never fails
	}
}

// closeTimeout bounds close: the library's can hang when its queue is full.
const closeTimeout = 3 * time.Second

// close frees the parts that exist. After closeTimeout it leaves the rest to a
// goroutine, which is the only way out of a library that waits for itself.
func (e *engine) close(logf logger.Logf) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if e.ns != nil {
			_ = e.ns.Close()
		}
		if e.wg != nil {
			e.wg.Close()
		}
		_ = e.dialer.Close()
		e.bus.Close()
	}()
	t := time.NewTimer(closeTimeout)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		logf("closing the packet engine takes too long; left behind")
	}
}

// logf turns the library's many lines into debug records.
func logf(log *slog.Logger) logger.Logf {
	return func(format string, args ...any) {
		if !log.Enabled(context.Background(), slog.LevelDebug) {
			return
		}
		if strings.HasPrefix(format, "[v2]") {
			return
		}
		log.Debug("packet engine", "text", strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}
