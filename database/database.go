package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	defaultMaxOpen  = 10
	callTimeout     = 10 * time.Second
	callMax         = 30 * time.Second
	pingTimeout     = 2 * time.Second
	connectTimeout  = 5 * time.Second
	resetPause      = time.Second
	minServerMajor  = 13
	sessionSettings = `set statement_timeout = '30s';
set lock_timeout = '10s';
set idle_in_transaction_session_timeout = '30s';
set timezone = 'UTC';
set random_page_cost = 1.1`
)

// Options of Open. Log is required.
type Options struct {
	// MaxOpen is the largest number of connections in the pool; 0 means 10.
	MaxOpen int
	Log     *slog.Logger
}

// DB is a pool of connections with the generated queries on top. The queries
// of DB run outside a transaction, each on a connection of its own.
// A DB is safe for concurrent use.
type DB struct {
	*Queries
	pool *pgxpool.Pool
	log  *slog.Logger

	opened    time.Time
	lastReset atomic.Int64 // time since opened, in nanoseconds
}

// Open connects to the server that url names (postgres://… or key=value form)
// and checks its version. It blocks for at most 5 s per host, or until ctx
// ends. When nothing answers it returns an *UnreachableError.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	if opts.Log == nil {
		return nil, errors.New("open database: no logger given")
	}
	if opts.MaxOpen < 0 || opts.MaxOpen > 10_000 {
		return nil, fmt.Errorf("open database: at most %d connections asked for, allowed are 1 to 10000", opts.MaxOpen)
	}
	cfg, err := poolConfig(url, opts)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{pool: pool, log: opts.Log.With("component", "database"), opened: time.Now()}
	db.lastReset.Store(-int64(resetPause))
	db.Queries = New(&bounded{run: pool, suspect: db.suspect})
	if err := db.checkServer(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for running calls and closes every connection.
func (db *DB) Close() { db.pool.Close() }

// Pool gives the pool itself, for LISTEN, COPY and metrics. Calls made on it
// have no default deadline.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Ping reports whether the server answers. It blocks for at most 2 s.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := db.pool.Ping(ctx); err != nil {
		db.suspect(err)
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// poolConfig turns the URL into a pool configuration with our limits.
func poolConfig(url string, opts Options) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's text may quote a part of the password: a stray '/' or '#'
		// in it shifts what counts as the host. So the cause is left out.
		return nil, errors.New("the postgres url is not valid: want postgres://user:password@host:5432/database, " +
			"special characters of the password percent-encoded, options such as sslmode after a '?'")
	}
	cfg.MaxConns = defaultMaxOpen
	if opts.MaxOpen > 0 {
		cfg.MaxConns = int32(opts.MaxOpen) //nolint:gosec // bounded by Open
	}
	cfg.MaxConnLifetime = 30 * time.Minute
	cfg.MaxConnLifetimeJitter = 5 * time.Minute
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.PingTimeout = pingTimeout
	if cfg.ConnConfig.ConnectTimeout == 0 || cfg.ConnConfig.ConnectTimeout > connectTimeout {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	cfg.ConnConfig.DialFunc = dial
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		useIDs(conn.TypeMap())
		useRawJSON(conn.TypeMap())
		useArrays(conn.TypeMap())
		// As statements and not as startup parameters: poolers refuse those.
		_, err := conn.PgConn().Exec(ctx, sessionSettings).ReadAll()
		return err
	}
	return cfg, nil
}

// checkServer makes the first connection and refuses servers that are too old.
func (db *DB) checkServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return unreachable(db.pool.Config().ConnConfig, err)
	}
	defer conn.Release()
	version := conn.Conn().PgConn().ParameterStatus("server_version")
	if !supported(version) {
		return fmt.Errorf("the server at %s is PostgreSQL %s; version %d or newer is needed",
			hostOf(db.pool.Config().ConnConfig), version, minServerMajor)
	}
	return nil
}

// supported reads the leading number of a server_version such as "15.18 (…)",
// "18beta1" or "9.6.24".
func supported(version string) bool {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	major, err := strconv.Atoi(version[:end])
	return err == nil && major >= minServerMajor
}

// suspect is called with every failed call. When the failure says that other
// connections are probably dead or lead to a server that was demoted, it drops
// the idle ones, so that the next callers do not each wait for a timeout.
func (db *DB) suspect(err error) {
	var timeout net.Error
	dead := errors.As(err, &timeout) && timeout.Timeout()
	switch sqlState(err) {
	case "25006", "57P01", "57P02", "57P03": // read only; shutting down; crashed; starting
		dead = true
	}
	last := db.lastReset.Load()
	now := time.Since(db.opened)
	if !dead || now-time.Duration(last) < resetPause || !db.lastReset.CompareAndSwap(last, int64(now)) {
		return
	}
	db.pool.Reset()
	db.log.Warn("idle connections dropped after a failed call", "error", err)
}
