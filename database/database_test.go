package database_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func exec(t *testing.T, db *database.DB, sql string, args ...any) {
	t.Helper()
	_, err := db.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := closed.Addr().String()
	require.NoError(t, closed.Close())
	good, err := url.Parse(dbtest.URL(t))
	require.NoError(t, err)
	missing := *good
	missing.Path = "/no_such_database"

	for name, c := range map[string]struct{ url, want string }{
		"nobody there":  {"postgres://u:s3cret@" + addr + "/d?sslmode=disable", "cannot reach postgres at " + addr + ": connect: connection refused"},
		"no socket":     {"postgres://u:s3cret@/d?host=/nonexistent", "cannot reach postgres at /nonexistent: connect: no such file or directory"},
		"no database":   {missing.String(), `database "no_such_database" does not exist`},
		"bad port":      {"postgres://u:s3cret@127.0.0.1:port/d", "want postgres://user:password@host:5432/database"},
		"torn password": {"postgres://u:s3%zzcret@127.0.0.1/d", "want postgres://user:password@host:5432/database"},
		"not a URL":     {"s3cret", "want postgres://user:password@host:5432/database"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := database.Open(t.Context(), c.url, database.Options{Log: quiet()})
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "s3")
			require.NotContains(t, err.Error(), "\n")
		})
	}
	_, err = database.Open(t.Context(), good.String(), database.Options{})
	require.ErrorContains(t, err, "no logger")
	_, err = database.Open(t.Context(), good.String(), database.Options{Log: quiet(), MaxOpen: -1})
	require.ErrorContains(t, err, "1 to 10000")
}

func TestSessionLimits(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	for setting, want := range map[string]string{"statement_timeout": "30s", "lock_timeout": "10s",
		"idle_in_transaction_session_timeout": "30s", "TimeZone": "UTC"} {
		var got string
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&got))
		require.Equal(t, want, got, setting)
	}
}

func TestInTxCommitsOrNot(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	count := func() (n int) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select count(*) from leases").Scan(&n))
		return n
	}
	take := func(q *database.Queries, name string) error {
		_, err := q.AcquireLease(t.Context(), database.AcquireLeaseParams{Name: name, Holder: api.NewID(), Seconds: 60})
		return err
	}
	undo, runs := errors.New("undo"), 0
	require.ErrorIs(t, db.InTx(t.Context(), func(q *database.Queries) error {
		runs++
		return errors.Join(take(q, "a"), undo)
	}), undo)
	require.Zero(t, count())
	require.Equal(t, 1, runs, "only conflicts are tried again")
	require.PanicsWithValue(t, "boom", func() {
		_ = db.InTx(t.Context(), func(q *database.Queries) error {
			require.NoError(t, take(q, "a"))
			panic("boom")
		})
	})
	require.Zero(t, count())
	require.NoError(t, db.InTx(t.Context(), func(q *database.Queries) error { return take(q, "a") }))
	require.Equal(t, 1, count())
	require.True(t, database.IsNotFound(take(db.Queries, "a")), "the lease is held")
	require.Zero(t, db.Pool().Stat().AcquiredConns())
}

// Two transactions lock two rows in opposite order; Postgres ends one of them,
// and InTx runs it again.
func TestInTxRetriesDeadlocks(t *testing.T) {
	t.Parallel()
	quick, err := url.Parse(dbtest.URL(t))
	require.NoError(t, err)
	quick.RawQuery += "&deadlock_timeout=20ms"
	db := dbtest.Open(t, quick.String())
	for _, name := range []string{"a", "b"} {
		_, err := db.AcquireLease(t.Context(), database.AcquireLeaseParams{Name: name, Holder: api.NewID(), Seconds: 60})
		require.NoError(t, err)
	}
	var both sync.WaitGroup // each holds its first lock
	both.Add(2)
	runs := make(chan int, 2)
	lock := func(first, second string) error {
		n := 0
		err := db.InTx(t.Context(), func(q *database.Queries) error {
			n++
			for i, name := range []string{first, second} {
				if _, err := q.ReleaseLease(t.Context(), database.ReleaseLeaseParams{Name: name, Term: 1, Holder: holderOf(t, db, name)}); err != nil {
					return err
				}
				if i == 0 && n == 1 {
					both.Done()
					both.Wait()
				}
			}
			return nil
		})
		runs <- n
		return err
	}
	ends := make(chan error, 2)
	go func() { ends <- lock("a", "b") }()
	go func() { ends <- lock("b", "a") }()
	require.NoError(t, <-ends)
	require.NoError(t, <-ends)
	require.Equal(t, 3, <-runs+<-runs, "one of the two ran twice")
}

func holderOf(t *testing.T, db *database.DB, name string) api.ID {
	var id api.ID
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select holder from leases where name = $1", name).Scan(&id))
	return id
}

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	exec(t, db, `create table parent (id int primary key, n int constraint positive check (n > 0));
		create table child (parent int constraint of_parent references parent (id))`)
	exec(t, db, "insert into parent values (1, 1)")
	try := func(sql string) error {
		_, err := db.Pool().Exec(t.Context(), sql)
		return errors.Join(errors.New("context"), err)
	}
	unique := try("insert into parent values (1, 1)")
	require.True(t, database.IsUniqueViolation(unique))
	require.True(t, database.IsUniqueViolation(unique, "other", "parent_pkey"))
	require.False(t, database.IsUniqueViolation(unique, "other"))
	require.False(t, database.IsCheckViolation(unique))
	require.True(t, database.IsCheckViolation(try("insert into parent values (2, 0)"), "positive"))
	require.True(t, database.IsForeignKeyViolation(try("insert into child values (9)"), "of_parent"))
	require.False(t, database.IsUniqueViolation(nil))
	require.False(t, database.IsNotFound(unique))
}

// The driver must carry our ids in every form that queries use.
func TestIDs(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	id, other := api.NewID(), api.NewID()
	var back api.ID
	var none, some *api.ID
	var list []api.ID
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select $1::uuid, null::uuid, $2::uuid, $3::uuid[]",
		id, &other, []api.ID{id, other}).Scan(&back, &none, &some, &list))
	require.Equal(t, id, back)
	require.Nil(t, none)
	require.Equal(t, &other, some)
	require.Equal(t, []api.ID{id, other}, list)
	var isNull bool
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select $1::uuid is null", none).Scan(&isNull))
	require.True(t, isNull)
}

// gate is a TCP relay to the test's Postgres that can stop passing bytes, like
// a server whose machine hangs.
type gate struct {
	addr        string
	accepted    atomic.Int64
	stall       chan struct{}
	cutAtCommit atomic.Bool // the word "commit" passes, and nothing comes back
	cut         func()      // ends every connection and waits
}

func newGate(t *testing.T, server *pgx.ConnConfig) *gate {
	t.Helper()
	network, addr := pgconn.NetworkAddress(server.Host, server.Port)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{addr: l.Addr().String(), stall: make(chan struct{})}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	g.cut = func() { cancel(); _ = l.Close(); wg.Wait() }
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			g.accepted.Add(1)
			out, err := net.Dial(network, addr)
			if err != nil {
				_ = in.Close()
				return
			}
			context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })
			wg.Go(func() { g.copy(ctx, out, in) })
			wg.Go(func() { g.copy(ctx, in, out) })
		}
	})
	return g
}

func (g *gate) copy(ctx context.Context, to, from net.Conn) {
	defer to.Close() //nolint:errcheck // a test relay
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		select {
		case <-g.stall:
			<-ctx.Done()
			return
		default:
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
			if g.cutAtCommit.Load() && bytes.Contains(buf[:n], []byte("commit")) {
				_ = from.Close()
			}
		}
		if err != nil {
			return
		}
	}
}

// A server that hangs costs each caller its own deadline, and no connection to
// it stays in the pool.
func TestStalledServer(t *testing.T) {
	t.Parallel()
	direct, err := pgx.ParseConfig(dbtest.URL(t))
	require.NoError(t, err)
	g := newGate(t, direct)
	through := url.URL{Scheme: "postgres", Host: g.addr, Path: direct.Database, RawQuery: "sslmode=disable",
		User: url.UserPassword(direct.User, direct.Password)}
	db := dbtest.Open(t, through.String())
	t.Cleanup(g.cut)
	var idle []*pgxpool.Conn
	for range 3 {
		conn, err := db.Pool().Acquire(t.Context())
		require.NoError(t, err)
		idle = append(idle, conn)
	}
	for _, conn := range idle {
		conn.Release()
	}
	require.EqualValues(t, 3, db.Pool().Stat().IdleConns())

	close(g.stall)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = db.AcquireLease(ctx, database.AcquireLeaseParams{Name: "x", Holder: api.NewID(), Seconds: 1})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Zero(t, db.Pool().Stat().IdleConns())
}

func TestMigrateTwoAtOnce(t *testing.T) {
	t.Parallel()
	at := dbtest.EmptyURL(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		db := dbtest.Open(t, at)
		go func() { errs <- db.Migrate(t.Context()) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	db := dbtest.Open(t, at)
	began := time.Now()
	require.NoError(t, db.Migrate(t.Context()))
	t.Logf("nothing to migrate: %v", time.Since(began))
	var n, distinct int
	require.NoError(t, db.Pool().QueryRow(t.Context(), "select count(*), count(distinct version) from schema_migrations").Scan(&n, &distinct))
	require.Positive(t, n)
	require.Equal(t, n, distinct)
}

func TestMigrateOfAnotherRelease(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	db, err := database.Open(t.Context(), dbtest.URL(t), database.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	defer db.Close()
	exec(t, db, "insert into schema_migrations (version, name) values (999999, 'from_the_future')")
	require.NoError(t, db.Migrate(t.Context()))
	require.Contains(t, log.String(), "the database is of a newer release")
	exec(t, db, "update schema_migrations set name = 'foreign' where version = 1")
	require.ErrorContains(t, db.Migrate(t.Context()), `migration 1 of the database is "foreign"`)
}

// A migration that fails leaves nothing of itself, keeps those before it, and
// is tried again by the next release of it.
func TestMigrateFailure(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.EmptyURL(t))
	files := fstest.MapFS{
		"migrations/000001_one.up.sql":   {Data: []byte("create table one ();")},
		"migrations/000002_two.up.sql":   {Data: []byte("create table two (); create table one ();")},
		"migrations/000003_three.up.sql": {Data: []byte("create table three ();")},
	}
	err := database.MigrateFiles(t.Context(), db, files)
	require.ErrorContains(t, err, `migration 000002_two: ERROR: relation "one" already exists`)
	var tables []string
	list := func() []string {
		require.NoError(t, db.Pool().QueryRow(t.Context(), `select array_agg(tablename::text order by tablename)
			from pg_tables where schemaname = 'public'`).Scan(&tables))
		return tables
	}
	require.Equal(t, []string{"one", "schema_migrations"}, list())
	files["migrations/000002_two.up.sql"].Data = []byte("create table two ();")
	require.NoError(t, database.MigrateFiles(t.Context(), db, files))
	require.Equal(t, []string{"one", "schema_migrations", "three", "two"}, list())
}
