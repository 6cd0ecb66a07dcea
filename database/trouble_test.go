package database_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/local"
)

// patience bounds each wait; nothing waits that long when all is well.
const patience = time.Minute

// eventually waits for what sends no signal.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// ownPostgres starts a Postgres that the test may kill.
func ownPostgres(t *testing.T) (*local.Server, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "coder-pg-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	pg, err := local.New(local.Config{Dir: dir, Volatile: true, Log: quiet()})
	require.NoError(t, err)
	at, err := pg.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pg.Stop(context.Background())) })
	return pg, at
}

// kill ends the Postgres that runs and waits for that.
func kill(t *testing.T, pg *local.Server, sig syscall.Signal) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pg.DataDir(), "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, sig))
	<-pg.Wait()
}

func open(t *testing.T, at string, maxOpen int) (*database.DB, *logText) {
	t.Helper()
	log := &logText{}
	db, err := database.Open(t.Context(), at, database.Options{MaxOpen: maxOpen, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db, log
}

type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// take is a change.
func take(ctx context.Context, q *database.Queries, name string) error {
	_, err := q.AcquireLease(ctx, database.AcquireLeaseParams{Name: name, Holder: api.NewID(), Seconds: 60})
	return err
}

func read(ctx context.Context, db *database.DB) error {
	_, err := db.ListDaemonVersions(ctx, 1)
	return err
}

func reason(t *testing.T, err error) string {
	t.Helper()
	var o *database.OutageError
	require.ErrorAs(t, err, &o)
	return o.Reason
}

// A Postgres that is restarted in either way is waited for, and the same DB goes on.
func TestRestart(t *testing.T) {
	t.Parallel()
	pg, at := ownPostgres(t)
	db, log := open(t, at, 4)
	require.NoError(t, db.Migrate(t.Context()))
	for i, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} { // fast, immediate
		require.NoError(t, read(t.Context(), db))
		kill(t, pg, sig)
		done := make(chan error, 2)
		go func() { done <- read(t.Context(), db) }()
		go func() {
			done <- db.InTx(t.Context(), func(q *database.Queries) error { return take(t.Context(), q, fmt.Sprint("l", i)) })
		}()
		eventually(t, "it is known that nothing answers", func() bool { return !db.Condition().Reachable })
		ok, since, cause := db.Reachable()
		require.False(t, ok)
		require.False(t, since.IsZero())
		require.ErrorContains(t, cause, "cannot reach postgres")
		require.Equal(t, database.Away, db.Condition().Reason)
		_, err := pg.Start(t.Context())
		require.NoError(t, err)
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.True(t, db.Condition().Reachable)
		require.True(t, db.Condition().Writable)
	}
	require.Equal(t, 2, strings.Count(log.String(), "postgres is in trouble"), log)
	require.Equal(t, 2, strings.Count(log.String(), "postgres is well again"), log)
}

// While nothing answers for long, callers get an error that says so.
func TestAway(t *testing.T) {
	t.Parallel()
	pg, at := ownPostgres(t)
	db, _ := open(t, at, 4)
	kill(t, pg, syscall.SIGQUIT)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.Equal(t, database.Away, reason(t, db.InTx(ctx, func(q *database.Queries) error { return take(ctx, q, "x") })))
	require.Equal(t, database.Away, reason(t, db.Ping(t.Context())))
	ended, end := context.WithCancel(t.Context())
	end()
	require.False(t, database.IsOutage(read(ended, db)), "a caller who left is no outage")
}

// With two hosts the one that takes writes is used, also when that changes: an old
// primary that comes back read-only is left at once.
func TestReadOnlyPrimary(t *testing.T) {
	t.Parallel()
	_, one := ownPostgres(t)
	_, two := ownPostgres(t)
	for _, at := range []string{one, two} {
		db, _ := open(t, at, 1)
		require.NoError(t, db.Migrate(t.Context()))
	}
	both := twoHosts(t, one, two)
	db, _ := open(t, both, 4)
	admin, err := pgx.Connect(t.Context(), one)
	require.NoError(t, err)
	defer admin.Close(context.Background()) //nolint:errcheck // the test is over
	where := func() (at string) {
		require.NoError(t, db.InTx(t.Context(), func(q *database.Queries) error { return take(t.Context(), q, api.NewID().String()) }))
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select current_setting('unix_socket_directories')").Scan(&at))
		return at
	}
	require.Contains(t, one, url.QueryEscape(where()))
	for _, sql := range []string{"alter system set default_transaction_read_only = on", "select pg_reload_conf()"} {
		_, err := admin.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	eventually(t, "the old primary is read-only", func() bool {
		_, err := admin.Exec(t.Context(), "create temp table t ()")
		var pg *pgconn.PgError
		return errors.As(err, &pg) && pg.Code == "25006"
	})
	require.Contains(t, two, url.QueryEscape(where()), "the change went to the other one, without an error")
	require.True(t, db.Condition().Writable)
}

// twoHosts joins two URLs of sockets.
func twoHosts(t *testing.T, one, two string) string {
	t.Helper()
	a, err := url.Parse(one)
	require.NoError(t, err)
	b, err := url.Parse(two)
	require.NoError(t, err)
	q := a.Query()
	q.Set("host", a.Query().Get("host")+","+b.Query().Get("host"))
	q.Set("port", "5432,5432")
	a.RawQuery = q.Encode()
	return a.String()
}

// A frozen first host of two costs some seconds once, not with each connection.
func TestFrozenHost(t *testing.T) {
	t.Parallel()
	direct, err := pgx.ParseConfig(dbtest.URL(t))
	require.NoError(t, err)
	one, two := newGate(t, direct), newGate(t, direct)
	t.Cleanup(one.cut)
	t.Cleanup(two.cut)
	through := url.URL{Scheme: "postgres", Host: one.addr + "," + two.addr, Path: direct.Database, RawQuery: "sslmode=disable",
		User: url.UserPassword(direct.User, direct.Password)}
	db, _ := open(t, through.String(), 4)
	require.NoError(t, read(t.Context(), db))
	require.Zero(t, two.accepted.Load())
	close(one.stall)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.Error(t, read(ctx, db))
	require.NoError(t, read(t.Context(), db), "by way of the other host")
	require.Positive(t, two.accepted.Load())
	before := one.accepted.Load()
	db.Pool().Reset()
	require.NoError(t, read(t.Context(), db))
	conn, err := db.Connect(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.Equal(t, before, one.accepted.Load(), "the host that answered comes first now")
}

// Connections that are killed all the time cost reads nothing, and changes that were
// acknowledged are there, once.
func TestKilledConnections(t *testing.T) {
	t.Parallel()
	at := dbtest.URL(t)
	db, _ := open(t, at, 8)
	killer := dbtest.Open(t, at)
	stop, end := context.WithCancel(t.Context())
	var acknowledged, uncertain atomic.Int64
	var workers sync.WaitGroup
	var did [4]atomic.Int64 // calls of each worker
	fail := make(chan error, 8)
	for i := range 2 {
		workers.Go(func() {
			for ; stop.Err() == nil; did[i].Add(1) {
				if err := read(t.Context(), db); err != nil {
					fail <- fmt.Errorf("read: %w", err)
					return
				}
			}
		})
		workers.Go(func() {
			for ; stop.Err() == nil; did[2+i].Add(1) {
				name := api.NewID().String()
				err := db.InTx(t.Context(), func(q *database.Queries) error { return take(t.Context(), q, name) })
				var o *database.OutageError
				switch {
				case err == nil:
					acknowledged.Add(1)
				case errors.As(err, &o) && o.Uncertain:
					uncertain.Add(1)
				default:
					fail <- fmt.Errorf("change: %w", err)
					return
				}
			}
		})
	}
	for range 12 {
		_, err := killer.Pool().Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`)
		require.NoError(t, err)
		// Each gets through before the next blow: one call may not be hit for ever.
		for i := range did {
			before := did[i].Load()
			eventually(t, "calls go on", func() bool { return did[i].Load() > before+1 || len(fail) > 0 })
		}
	}
	end()
	workers.Wait()
	close(fail)
	require.NoError(t, <-fail)
	var n int64
	require.NoError(t, killer.Pool().QueryRow(t.Context(), "select count(*) from leases").Scan(&n))
	require.GreaterOrEqual(t, n, acknowledged.Load())
	require.LessOrEqual(t, n, acknowledged.Load()+uncertain.Load())
	t.Logf("%d acknowledged, %d uncertain", acknowledged.Load(), uncertain.Load())
}

// A pool whose connections were all killed while they were idle costs nobody an error,
// not even a change that must not run twice.
func TestKilledWhileIdle(t *testing.T) {
	t.Parallel()
	at := dbtest.URL(t)
	db, killer := dbtest.Open(t, at), dbtest.Open(t, at)
	require.NoError(t, read(t.Context(), db))
	_, err := killer.Pool().Exec(t.Context(), `select pg_terminate_backend(pid, 10000) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	require.NoError(t, err)
	require.NoError(t, take(t.Context(), db.Queries, "a"))
}

// A disk that is full is said, and over when something is stored.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	db, log := open(t, dbtest.URL(t), 2)
	exec(t, db, `create function no_room() returns trigger language plpgsql as $$ begin
		raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
		create trigger no_room before insert or update on leases execute function no_room()`)
	err := db.InTx(t.Context(), func(q *database.Queries) error { return take(t.Context(), q, "a") })
	require.Equal(t, database.Full, reason(t, err))
	require.NoError(t, read(t.Context(), db))
	c := db.Condition()
	require.True(t, c.Reachable)
	require.False(t, c.Writable)
	require.Equal(t, database.Full, c.Reason)
	exec(t, db, "drop trigger no_room on leases")
	require.NoError(t, take(t.Context(), db.Queries, "a"))
	require.True(t, db.Condition().Writable)
	require.Contains(t, log.String(), "reason=full")
}

// Where max_connections is reached a caller waits for a place.
func TestCrowded(t *testing.T) {
	t.Parallel()
	_, at := ownPostgres(t)
	admin, err := pgx.Connect(t.Context(), at)
	require.NoError(t, err)
	defer admin.Close(context.Background()) //nolint:errcheck // the test is over
	_, err = admin.Exec(t.Context(), "create role few login connection limit 1; grant all on schema public to few")
	require.NoError(t, err)
	u, err := url.Parse(at)
	require.NoError(t, err)
	u.User = url.User("few")
	db, _ := open(t, u.String(), 2)
	other, err := db.Pool().Acquire(t.Context()) // the only place
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.Equal(t, database.Busy, reason(t, db.InTx(ctx, func(*database.Queries) error { return nil })))
	require.True(t, db.Condition().Reachable)
	done := make(chan error, 1)
	go func() { done <- db.InTx(t.Context(), func(*database.Queries) error { return nil }) }()
	other.Release()
	require.NoError(t, <-done)
}

// Callers wait for a connection in bounded number; one too many is told at once.
func TestWaitersAreBounded(t *testing.T) {
	t.Parallel()
	db, _ := open(t, dbtest.URL(t), 1)
	only, err := db.Pool().Acquire(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience) // calls are bounded by 30 s
	defer cancel()
	var waiters sync.WaitGroup
	var failed atomic.Int64
	for range database.WaitersMin {
		waiters.Go(func() {
			if read(ctx, db) != nil {
				failed.Add(1)
			}
		})
	}
	eventually(t, "all wait", func() bool { return db.Load().Waiting == database.WaitersMin })
	require.Equal(t, database.Busy, reason(t, read(t.Context(), db)))
	require.EqualValues(t, 1, db.Load().Refused)
	only.Release()
	waiters.Wait()
	require.Zero(t, failed.Load())
	require.Zero(t, db.Load().Waiting)
}

// A commit whose answer is lost may have happened: it is not repeated, and said.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	direct, err := pgx.ParseConfig(dbtest.URL(t))
	require.NoError(t, err)
	g := newGate(t, direct)
	through := url.URL{Scheme: "postgres", Host: g.addr, Path: direct.Database, RawQuery: "sslmode=disable",
		User: url.UserPassword(direct.User, direct.Password)}
	db, _ := open(t, through.String(), 2)
	runs := 0
	err = db.InTx(t.Context(), func(q *database.Queries) error {
		runs++
		err := take(t.Context(), q, "a")
		g.cutAtCommit.Store(true)
		return err
	})
	g.cut()
	var o *database.OutageError
	require.ErrorAs(t, err, &o)
	require.True(t, o.Uncertain, "%v", err)
	require.Equal(t, 1, runs)
}
