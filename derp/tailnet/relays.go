package tailnet

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

// relays is the current relay map, its loopback relays and our home in it. The
// home is chosen here and never by the engine: the engine cannot measure relays
// that it only knows through loopback.
type relays struct {
	c      *Conn
	client *http.Client

	setting sync.Mutex // one change at a time

	mu     sync.Mutex
	closed bool
	m      *tailrpc.RelayMap
	homeID int
	loops  map[int]*loopback
	// ctx is the component's own: loopback relays and measurements outlive the
	// message that started them and end with close.
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newRelays(c *Conn) *relays {
	r := &relays{c: c, client: upgradeClient(c.cfg.HTTPClient), loops: map[int]*loopback{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

func (r *relays) home() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.homeID
}

func (r *relays) current() (tailrpc.RelayMap, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		return tailrpc.RelayMap{}, false
	}
	return *r.m, true
}

func (r *relays) region(id int) tailrpc.Region {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		return tailrpc.Region{}
	}
	return r.m.Regions[id]
}

// close ends the loopback relays and waits for them.
func (r *relays) close() {
	r.mu.Lock()
	r.closed = true
	for _, l := range r.loops {
		_ = l.ln.Close()
	}
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
}

// set takes over a map: loopback relays for its regions, then the engine, then
// the home.
func (r *relays) set(m tailrpc.RelayMap) error {
	r.setting.Lock()
	defer r.setting.Unlock()
	if r.c.cfg.BlockDirect {
		m.BlockDirect = true
	}
	if r.c.cfg.ForceWebSockets {
		m.ForceWS = true
	}
	via, err := r.open(m)
	if err != nil {
		return err
	}
	dm, err := derpmap.ToTailcfg(m, via)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.m = &m
	home := r.homeID
	r.mu.Unlock()
	ids := slices.Sorted(maps.Keys(dm.Regions))
	if len(ids) == 0 {
		return fmt.Errorf("relay map has no region")
	}
	if !slices.Contains(ids, home) {
		home = ids[0]
	}
	r.c.eng.mc.SetDERPMap(dm)
	r.setHome(home)
	if len(ids) > 1 {
		r.measure(m, ids)
	}
	return nil
}

// setHome moves us to a region, also when the engine has just forgotten it.
func (r *relays) setHome(id int) {
	r.c.eng.mc.ForceSetNearestDERP(id)
	r.mu.Lock()
	changed := r.homeID != id
	r.homeID = id
	r.mu.Unlock()
	if changed {
		r.c.republish()
	}
}

// open makes sure of a way to every region of m and closes the others.
func (r *relays) open(m tailrpc.RelayMap) (map[int]derpmap.Via, error) {
	via := map[int]derpmap.Via{}
	keep := map[int]*loopback{}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	for id, reg := range m.Regions {
		if r.c.cfg.Relay.IsValid() && isOwn(reg) {
			via[id] = derpmap.Via{Addr: r.c.cfg.Relay, Host: r.c.cfg.Relay.Addr().String()}
			continue
		}
		urls, err := derpmap.RelayURLs(reg, r.c.cfg.AccessURL)
		if err != nil {
			return nil, err
		}
		l := r.loops[id]
		if l == nil || !sameURLs(l.up.urls, urls) {
			if l, err = r.start(id, urls); err != nil {
				return nil, err
			}
		}
		l.up.setForceWS(m.ForceWS)
		keep[id] = l
		via[id] = derpmap.Via{Addr: l.addr(), Host: l.host}
	}
	for id, l := range r.loops {
		if keep[id] != l {
			_ = l.ln.Close()
		}
	}
	r.loops = keep
	return via, nil
}

func isOwn(reg tailrpc.Region) bool {
	return slices.ContainsFunc(reg.Nodes, func(n tailrpc.RelayNode) bool { return n.URL == "" })
}

func sameURLs(a, b []*url.URL) bool {
	return slices.EqualFunc(a, b, func(x, y *url.URL) bool { return x.String() == y.String() })
}

// start opens a loopback relay; mu is held.
func (r *relays) start(id int, urls []*url.URL) (*loopback, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for relay region %d: %w", id, err)
	}
	up := &upstream{urls: urls, client: r.client, header: r.c.cfg.Header, keepAlive: relayKeepAlive}
	l := newLoopback(ln, up, r.c.log.With("relay_region", id))
	r.wg.Go(func() { l.serve(r.ctx) })
	return l, nil
}

const measureTimeout = 3 * time.Second

// measure asks every region how far it is and moves home to the nearest.
func (r *relays) measure(m tailrpc.RelayMap, ids []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.wg.Go(func() {
		ctx, cancel := context.WithTimeout(r.ctx, measureTimeout)
		defer cancel()
		best := r.nearest(ctx, m, ids)
		r.setting.Lock()
		defer r.setting.Unlock()
		if cur, ok := r.current(); ok && best != 0 && cur.Regions[best].ID == best {
			r.setHome(best)
		}
	})
}

// nearest returns the region that answered a small request first, 0 for none.
func (r *relays) nearest(ctx context.Context, m tailrpc.RelayMap, ids []int) int {
	answers := make(chan int, len(ids))
	var wg sync.WaitGroup
	for _, id := range ids {
		urls, err := derpmap.RelayURLs(m.Regions[id], r.accessURL())
		if err != nil {
			continue
		}
		wg.Go(func() {
			// The second request of a connection is the one worth measuring;
			// all regions set out together, so the first to end it is nearest.
			for range 2 {
				if !r.probe(ctx, urls[0]) {
					return
				}
			}
			answers <- id
		})
	}
	wg.Wait()
	close(answers)
	return <-answers
}

// accessURL is the base of relays without a URL; for the server itself that is
// its own listener.
func (r *relays) accessURL() *url.URL {
	if r.c.cfg.Relay.IsValid() {
		return &url.URL{Scheme: "http", Host: r.c.cfg.Relay.String()}
	}
	return r.c.cfg.AccessURL
}

func (r *relays) probe(ctx context.Context, u *url.URL) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("latency-check").String(), nil)
	if err != nil {
		return false
	}
	addHeader(req.Header, r.c.cfg.Header)
	resp, err := r.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// addrPort parses what a TCP listener of ours says of itself.
func addrPort(a net.Addr) netip.AddrPort {
	return netip.MustParseAddrPort(strings.TrimSpace(a.String()))
}
