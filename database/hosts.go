package database

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// hosts remembers which host of the URL answered last, so that others do not cost
// each new connection their time-out. The order of the URL counts for the first
// connection only.
type hosts struct {
	mu   sync.Mutex
	best string // host and port of the last connection that was made
}

// several reports whether the URL names more than one host.
func several(cfg *pgx.ConnConfig) bool {
	return slices.ContainsFunc(cfg.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return hostPort(f.Host, f.Port) != hostPort(cfg.Host, cfg.Port)
	})
}

// prepare gives one connection that is to be made its order of hosts and its ways
// to dial.
func (h *hosts) prepare(cfg *pgx.ConnConfig) {
	h.order(cfg)
	l := &link{found: map[string]string{}, lookup: cfg.LookupFunc}
	cfg.LookupFunc, cfg.DialFunc = l.resolve, l.dial
	cfg.AfterConnect = func(_ context.Context, conn *pgconn.PgConn) error {
		l.up.Store(true)
		if s := rawSocket(conn.Conn()); s != nil {
			h.answered(cfg, l, s.addr)
		}
		return nil
	}
}

// order puts the host that answered last before the others.
func (h *hosts) order(cfg *pgx.ConnConfig) {
	h.mu.Lock()
	best := h.best
	h.mu.Unlock()
	if best == "" || best == hostPort(cfg.Host, cfg.Port) || !several(cfg) {
		return
	}
	all := append([]*pgconn.FallbackConfig{{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	slices.SortStableFunc(all, func(a, b *pgconn.FallbackConfig) int {
		return rank(best, a) - rank(best, b)
	})
	cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]
}

func rank(best string, f *pgconn.FallbackConfig) int {
	if hostPort(f.Host, f.Port) == best {
		return 0
	}
	return 1
}

// answered notes the host behind the address of a new connection.
func (h *hosts) answered(cfg *pgx.ConnConfig, l *link, addr string) {
	all := append([]*pgconn.FallbackConfig{{Host: cfg.Host, Port: cfg.Port}}, cfg.Fallbacks...)
	for _, f := range all {
		if _, own := pgconn.NetworkAddress(f.Host, f.Port); own == addr || l.isAt(f.Host, f.Port, addr) {
			h.mu.Lock()
			h.best = hostPort(f.Host, f.Port)
			h.mu.Unlock()
			return
		}
	}
}

// link is one connection on its way.
type link struct {
	lookup pgconn.LookupFunc
	up     atomic.Bool // whether it was made

	mu    sync.Mutex
	found map[string]string // address to host
}

func (l *link) resolve(ctx context.Context, host string) ([]string, error) {
	ips, err := l.lookup(ctx, host)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ip := range ips {
		l.found[ip] = host
	}
	return ips, err
}

func (l *link) isAt(host string, port uint16, addr string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ip, p, err := net.SplitHostPort(addr)
	return err == nil && (l.found[ip] == host && strings.HasSuffix(hostPort(host, port), ":"+p) || l.found[addr] == host)
}

// dial opens the connection, and later one for each request to cancel what runs
// on it.
func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	cancelling := l.up.Load()
	if cancelling {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, farewellLimit)
		defer cancel()
	}
	s, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if cancelling {
		s.end()
	}
	return s, nil
}
