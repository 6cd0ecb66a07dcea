package replicas_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/replicas"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const patience = 30 * time.Second

// world is replicas on one database, whose hints are all lost and whose clocks only
// move by hand.
type world struct {
	t  *testing.T
	db *database.DB
}

type replica struct {
	*replicas.Service
	t     *testing.T
	clock *quartz.Mock

	mu       sync.Mutex
	sets     [][]api.ID // that Changed heard of
	rejoined []api.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, db: dbtest.New(t)}
}

func (w *world) replica(name string, change ...func(*replicas.Options)) *replica {
	w.t.Helper()
	r := &replica{t: w.t, clock: quartz.NewMock(w.t)}
	o := replicas.Options{DB: w.db, PubSub: pubsub.New(w.db, slog.New(slog.DiscardHandler)), Log: slog.New(slog.DiscardHandler), Clock: r.clock,
		Self: replicas.Replica{ID: api.NewID(), Hostname: name, Version: "v1.0.0", RegionID: 999},
		Changed: func(others []replicas.Replica) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sets = append(r.sets, ids(others))
		},
		Rejoined: func(id api.ID) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.rejoined = append(r.rejoined, id)
		}}
	for _, c := range change {
		c(&o)
	}
	var err error
	r.Service, err = replicas.New(o)
	require.NoError(w.t, err)
	return r
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.db.Pool().Exec(w.t.Context(), sql, args...)
	require.NoError(w.t, err)
}

func (r *replica) id() api.ID { return r.Self().ID }

func (r *replica) round() {
	r.t.Helper()
	require.NoError(r.t, r.Round(r.t.Context()))
}

// rounds moves the clocks of all by 5 s, n times, and lets each make its round.
func rounds(n int, all ...*replica) {
	for range n {
		for _, r := range all {
			r.t.Helper()
			r.clock.Advance(5 * time.Second)
			r.round()
		}
	}
}

func ids(rs []replicas.Replica) []api.ID {
	out := []api.ID{}
	for _, r := range rs {
		out = append(out, r.ID)
	}
	return out
}

func TestSilentReplicaIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.replica("a"), w.replica("b"), w.replica("c")
	for _, r := range []*replica{a, b, c, a, b} {
		r.round()
	}
	require.Equal(t, []api.ID{b.id(), c.id()}, ids(a.Others()))
	require.Equal(t, []api.ID{a.id(), c.id()}, ids(b.Others()))
	require.Equal(t, []api.ID{a.id(), b.id()}, ids(c.Others()))

	rounds(2, a, b, c)
	rounds(2, a, b)
	require.Len(t, a.Others(), 2, "10 s are not enough")
	rounds(2, a, b)
	require.Equal(t, []api.ID{b.id()}, ids(a.Others()))
	require.Equal(t, []api.ID{a.id()}, ids(b.Others()))
	require.Equal(t, []api.ID{c.id()}, a.Pending())
	require.Equal(t, []api.ID{c.id()}, b.Pending())
	require.Equal(t, [][]api.ID{{b.id(), c.id()}, {b.id()}}, a.sets)

	late := w.replica("late")
	late.round()
	require.Equal(t, []api.ID{a.id(), b.id()}, ids(late.Others()))
	require.Equal(t, []api.ID{c.id()}, late.Pending(), "who comes later hears of it, too")

	// It was only paused.
	c.round()
	require.Equal(t, []api.ID{c.id()}, c.rejoined)
	rounds(1, a)
	require.Equal(t, []api.ID{b.id(), c.id(), late.id()}, ids(a.Others()))
	require.Empty(t, a.Pending(), "it is back before anybody was told")
}

func TestSweptRowComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica("a"), w.replica("b")
	a.round()
	b.round()
	a.round()
	w.exec("delete from replicas where id = $1", b.id())
	rounds(1, a)
	require.Empty(t, a.Others())
	require.Equal(t, []api.ID{b.id()}, a.Pending())
	id := b.id()
	rounds(1, b, a)
	require.Equal(t, id, b.id())
	require.Equal(t, []api.ID{id}, b.rejoined)
	require.Equal(t, []api.ID{id}, ids(a.Others()))
}

func TestOldRowsAreDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica("a"), w.replica("b")
	a.round()
	b.round()
	w.exec("update replicas set stopped_at = now() - interval '59 minutes' where id = $1", a.id())
	w.replica("c").round()
	rows, err := w.db.ListReplicas(t.Context())
	require.NoError(t, err)
	require.Len(t, rows, 3)
	w.exec("update replicas set stopped_at = now() - interval '61 minutes' where id = $1", a.id())
	w.replica("d").round()
	rows, err = w.db.ListReplicas(t.Context())
	require.NoError(t, err)
	require.Len(t, rows, 3)
}

// While nobody can beat, or only this one cannot, nobody is counted as gone.
func TestDatabaseTroubleKillsNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ breaks, heals string }{
		"away": {"alter table replicas rename to elsewhere", "alter table elsewhere rename to replicas"},
		"read-only": {`create function refuse() returns trigger language plpgsql as $$ begin raise 'read-only'; end $$;
			create trigger refuse before insert or update on replicas for each row execute function refuse()`, "drop trigger refuse on replicas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, b := w.replica("a"), w.replica("b")
			a.round()
			b.round()
			rounds(2, a, b)
			w.exec(c.breaks)
			for range 20 {
				a.clock.Advance(5 * time.Second)
				require.Error(t, a.Round(t.Context()))
			}
			w.exec(c.heals)
			rounds(3, a) // b is slow to come back
			require.Equal(t, []api.ID{b.id()}, ids(a.Others()))
			require.Empty(t, a.Pending())
			rounds(3, a)
			require.Empty(t, a.Others(), "it did not come back")
			b.round()
			require.Equal(t, []api.ID{a.id()}, ids(b.Others()))
		})
	}
}

// A process that was stopped for a minute does not take that for the silence of others.
func TestPauseKillsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica("a"), w.replica("b")
	a.round()
	b.round()
	rounds(1, a, b)
	a.clock.Advance(time.Minute)
	rounds(3, a)
	require.Equal(t, []api.ID{b.id()}, ids(a.Others()))
}

func TestWrongClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, c := w.replica("a"), w.replica("b"), w.replica("c")
	b.clock.Set(b.clock.Now().Add(time.Hour))
	c.clock.Set(c.clock.Now().Add(1000 * time.Hour))
	for _, r := range []*replica{a, b, c} {
		r.round()
	}
	rounds(10, a, b, c)
	// The database's clock jumps.
	w.exec("update replicas set updated_at = updated_at - interval '2 hours', created_at = created_at + interval '1 hour'")
	rounds(3, a, b, c)
	for _, r := range []*replica{a, b, c} {
		require.Len(t, r.Others(), 2)
		require.Empty(t, r.Pending())
		require.Empty(t, r.rejoined)
	}
}

func TestSameIDTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.replica("a")
	a.round()
	id := a.id()
	b := w.replica("b", func(o *replicas.Options) { o.Self.ID = id })
	b.round()
	require.NotEqual(t, id, b.id())
	require.Equal(t, []api.ID{id}, ids(b.Others()))

	// A copy of the running process beats the row.
	w.exec("update replicas set beat = beat + 100 where id = $1", id)
	rounds(1, a)
	require.NotEqual(t, id, a.id())
	require.Equal(t, []api.ID{a.id()}, a.rejoined)
	rounds(1, b)
	require.ElementsMatch(t, []api.ID{id, a.id()}, ids(b.Others()))
	rounds(2, a, b)
	require.Len(t, a.rejoined, 1)
}

// A beat whose answer was lost is not taken for one of somebody else.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.replica("a")
	a.round()
	id := a.id()
	w.exec(`alter table replicas rename to elsewhere`)
	require.Error(t, a.Round(t.Context()))
	w.exec(`alter table elsewhere rename to replicas`)
	w.exec("update replicas set beat = beat + 1") // it was committed after all
	a.round()
	w.exec("update replicas set beat = beat - 2") // the database lost its last moment
	a.round()
	require.Equal(t, id, a.id())
	require.Empty(t, a.rejoined)
}

// With Run, hints and real time: a replica that comes and goes is noticed, and Gone
// hears of it until it has done its work.
func TestRun(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	hints := pubsub.New(db, slog.New(slog.DiscardHandler))
	running := func(run func(context.Context) error) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- run(ctx) }()
		return sync.OnceFunc(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(running(hints.Run))
	changed, gone, calls := make(chan []api.ID, 10), make(chan []api.ID, 10), 0
	options := func(name string) replicas.Options {
		return replicas.Options{DB: db, PubSub: hints, Log: slog.New(slog.DiscardHandler), Clock: clock.Real(),
			Self: replicas.Replica{ID: api.NewID(), Hostname: name, Version: "v1.0.0"}}
	}
	o := options("a")
	o.Changed = func(others []replicas.Replica) { changed <- ids(others) }
	o.Gone = func(_ context.Context, ids []api.ID) error {
		if calls++; calls == 1 {
			return errors.New("not yet")
		}
		gone <- ids
		return nil
	}
	a, err := replicas.New(o)
	require.NoError(t, err)
	t.Cleanup(running(a.Run))
	receive(t, a.Ready())
	b, err := replicas.New(options("b"))
	require.NoError(t, err)
	stop := running(b.Run)
	t.Cleanup(stop)
	require.Equal(t, []api.ID{b.Self().ID}, receive(t, changed))
	stop()
	require.Empty(t, receive(t, changed))
	require.Equal(t, []api.ID{b.Self().ID}, receive(t, gone))
	row, err := db.ListReplicas(t.Context())
	require.NoError(t, err)
	require.NotNil(t, row[1].StoppedAt)
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}
