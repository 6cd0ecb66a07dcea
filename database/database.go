package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	defaultMaxOpen  = 10
	callTimeout     = 10 * time.Second
	callMax         = 30 * time.Second
	pingTimeout     = 2 * time.Second
	connectTimeout  = 5 * time.Second
	connectEach     = 3 * time.Second // of several hosts
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

	state      *condition
	hosts      *hosts
	where      string // host and port, of all hosts
	maxWaiting int64
	waiting    atomic.Int64 // callers without a connection
	refused    atomic.Int64 // callers who found too many of those
	modeGiven  bool         // whether the URL says how statements are sent
	pooled     atomic.Bool  // whether a pooler was found; see pooler.go
	lastReset  atomic.Int64 // time since Open, in nanoseconds
}

// Open connects to the server that url names (postgres://… or key=value form)
// and checks its version. Of several hosts only one that takes writes is used, unless
// target_session_attrs says otherwise. It blocks for 10 s at most, or until ctx
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
	db := newDB(opts.Log.With("component", "database"), cfg)
	db.modeGiven = strings.Contains(url, "default_query_exec_mode")
	if db.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := db.checkServer(ctx); err != nil {
		db.pool.Close()
		return nil, err
	}
	return db, nil
}

// newDB makes a DB and hooks it into the configuration of its pool.
func newDB(log *slog.Logger, cfg *pgxpool.Config) *DB {
	db := &DB{log: log, hosts: &hosts{}, where: hostOf(cfg.ConnConfig), state: &condition{log: log, opened: time.Now()},
		maxWaiting: max(waitersMin, waitersEach*int64(cfg.MaxConns))}
	db.lastReset.Store(-int64(resetPause))
	db.Queries = New(pooled{db})
	cfg.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		db.hosts.prepare(c)
		if db.pooled.Load() {
			c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		}
		return nil
	}
	cfg.AfterConnect = db.begin
	// The pool's own ping would tell nobody of its failure.
	cfg.ShouldPing = func(ctx context.Context, p pgxpool.ShouldPingParams) bool {
		db.alive(ctx, p)
		return false
	}
	cfg.PrepareConn = func(_ context.Context, c *pgx.Conn) (bool, error) {
		return !c.IsClosed() && !db.outdated(c), nil
	}
	cfg.BeforeClose = func(c *pgx.Conn) {
		if s := socketOf(c); s != nil {
			s.end()
		}
	}
	return db
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
	conn, err := db.acquire(ctx)
	if err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	defer conn.Release()
	start := db.state.elapsed()
	if err := db.failed(start, conn.Ping(ctx)); err != nil {
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
	patience := connectTimeout
	if several(cfg.ConnConfig) {
		patience = connectEach
		if cfg.ConnConfig.ValidateConnect == nil && !strings.Contains(url, "target_session_attrs") {
			cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
	if cfg.ConnConfig.ConnectTimeout == 0 || cfg.ConnConfig.ConnectTimeout > patience {
		cfg.ConnConfig.ConnectTimeout = patience
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

// suspect is called with every outage. When it says that other connections are
// probably dead or lead to a server that was demoted, it drops the idle ones, and
// those in use when they are given back, so that the next callers do not each wait
// for a timeout.
func (db *DB) suspect(err *OutageError) {
	dead := isTimeout(err) && err.Reason == Away
	switch sqlState(err) {
	case "25006", "57P01", "57P02", "57P03": // read only; shutting down; crashed; starting
		dead = true
	}
	if !dead || isUnconnected(err) || errors.Is(err, errCrowded) {
		return
	}
	last, now := db.lastReset.Load(), db.state.elapsed()
	if now-time.Duration(last) < resetPause || !db.lastReset.CompareAndSwap(last, int64(now)) {
		return
	}
	db.pool.Reset()
	db.log.Info("idle connections dropped after a failed call", "error", err)
}
