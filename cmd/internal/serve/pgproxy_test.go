//go:build linux

package serve_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// Where a transaction can be held on its way; see pgProxy.
const (
	holdNothing = iota
	holdCommit  // the word "commit" does not reach Postgres
	holdAnswer  // Postgres has committed, and the server does not hear of it
	dropHints   // notifications get lost, as behind a pooler
)

// pgProxy stands between a server and its Postgres and can hold the end of
// transactions: a moment at which a server can die, made as long as a test wants.
// What it holds is lost when the server's connections end.
type pgProxy struct {
	upstream, network string
	listener          net.Listener
	connections       sync.WaitGroup

	mu   sync.Mutex
	hold int
	gone bool              // no connection is served
	open map[net.Conn]bool // nil once the proxy has ended
}

// startProxy returns a proxy for the database and the URL that leads through it.
func startProxy(t *testing.T, dsn string) (*pgProxy, string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	p := &pgProxy{open: map[net.Conn]bool{}}
	p.network, p.upstream = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	p.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var accepting sync.WaitGroup
	accepting.Go(p.accept)
	t.Cleanup(func() {
		_ = p.listener.Close()
		accepting.Wait()
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.open = nil
		p.mu.Unlock()
		p.connections.Wait()
	})
	u := url.URL{Scheme: "postgres", User: url.User(cfg.User), Host: p.listener.Addr().String(), Path: "/" + cfg.Database,
		RawQuery: "sslmode=disable"}
	if cfg.Password != "" {
		u.User = url.UserPassword(cfg.User, cfg.Password)
	}
	return p, u.String()
}

func (p *pgProxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.connections.Go(func() { p.serve(c) })
	}
}

// set says what is held from now on.
func (p *pgProxy) set(hold int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
}

func (p *pgProxy) holds(what int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hold == what
}

// away ends all connections and every new one at once, until it is over.
func (p *pgProxy) away(gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = gone
	for c := range p.open {
		_ = c.Close()
	}
}

// keep notes an open connection; false means that the proxy has ended, or is away.
func (p *pgProxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil || p.gone {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *pgProxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

// serve carries one connection until either side ends it.
func (p *pgProxy) serve(server net.Conn) {
	if !p.keep(server) {
		return
	}
	defer p.drop(server)
	db, err := net.Dial(p.network, p.upstream)
	if err != nil || !p.keep(db) {
		return
	}
	defer p.drop(db)
	var back sync.WaitGroup
	back.Go(func() {
		p.carry(server, bufio.NewReader(db), func(m []byte) bool {
			return m[0] == 'C' && bytes.HasPrefix(m[5:], []byte("COMMIT")) && p.holds(holdAnswer)
		}, func(m []byte) bool { return m[0] == 'A' && p.holds(dropHints) })
		_ = server.Close()
	})
	r := bufio.NewReader(server)
	if first, err := message(r, false); err == nil {
		if _, err = db.Write(first); err == nil {
			p.carry(db, r, func(m []byte) bool {
				return m[0] == 'Q' && bytes.Equal(bytes.ToLower(m[5:]), []byte("commit\x00")) && p.holds(holdCommit)
			}, func([]byte) bool { return false })
		}
	}
	_ = db.Close()
	back.Wait()
}

// carry passes messages on, up to the first that is held: it and what comes after
// it go nowhere. Those that are lost leave no other trace.
func (p *pgProxy) carry(to io.Writer, from *bufio.Reader, held, lost func([]byte) bool) {
	for stopped := false; ; {
		m, err := message(from, true)
		if err != nil {
			return
		}
		if stopped = stopped || held(m); stopped || lost(m) {
			continue
		}
		if _, err := to.Write(m); err != nil {
			return
		}
	}
}

// message reads one message of the protocol; the first of a client has no type.
func message(r *bufio.Reader, typed bool) ([]byte, error) {
	head := 4
	if typed {
		head = 5
	}
	b := make([]byte, head)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(b[head-4:]))
	if size < 4 || size > 64<<20 {
		return nil, io.ErrUnexpectedEOF
	}
	m := append(b, make([]byte, size-4)...)
	_, err := io.ReadFull(r, m[head:])
	return m, err
}
