package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/dbtest"
	"coder.internal/database/pubsub"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// start runs a PubSub until the test ends.
func start(t *testing.T, db *database.DB) *pubsub.PubSub {
	t.Helper()
	p := pubsub.New(db, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	await(t, p.Ready())
	return p
}

func await(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("no signal within 20 s")
	}
}

// settled makes a subscription whose first hint, that of connecting, is gone.
func settled(t *testing.T, p *pubsub.PubSub, db *database.DB, topic string) *pubsub.Subscription {
	t.Helper()
	s := p.Subscribe(topic)
	t.Cleanup(s.Close)
	barrier(t, p, db)
	select {
	case <-s.C():
	default:
	}
	return s
}

// barrier returns when all that was published before has been handed out.
func barrier(t *testing.T, p *pubsub.PubSub, db *database.DB) {
	t.Helper()
	for range 2 { // the first may be answered by the hint of connecting
		s := p.Subscribe("barrier")
		require.NoError(t, p.Publish(t.Context(), db.Queries, "barrier"))
		await(t, s.C())
		s.Close()
	}
}

func TestHintsFollowTheTransaction(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	here, there := start(t, db), start(t, db)
	topic := pubsub.TopicWorkspace(api.NewID())
	sub, same := settled(t, there, db, topic), settled(t, there, db, topic)
	other := settled(t, there, db, pubsub.TopicJobs())

	undo := errors.New("undo")
	err := db.InTx(t.Context(), func(q *database.Queries) error {
		return errors.Join(here.Publish(t.Context(), q, topic), undo)
	})
	require.ErrorIs(t, err, undo)
	barrier(t, there, db)
	require.Empty(t, sub.C(), "rolled back")

	for range 3 { // three hints become one
		require.NoError(t, db.InTx(t.Context(), func(q *database.Queries) error {
			return here.Publish(t.Context(), q, topic)
		}))
	}
	barrier(t, there, db)
	require.Len(t, sub.C(), 1)
	require.Len(t, same.C(), 1)
	require.Empty(t, other.C())
}

func TestReconnectHintsEverybody(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	p := start(t, db)
	sub := settled(t, p, db, pubsub.TopicKeys())
	closed := settled(t, p, db, pubsub.TopicKeys())
	closed.Close()
	closed.Close()

	var n int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `select count(pg_terminate_backend(pid))
		from pg_stat_activity where datname = current_database() and query = 'listen coder_events'`).Scan(&n))
	require.Equal(t, 1, n)
	await(t, sub.C())
	require.NoError(t, p.Publish(t.Context(), db.Queries, pubsub.TopicKeys()))
	await(t, sub.C())
	require.Empty(t, closed.C())
}

func TestTopics(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	p := pubsub.New(db, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, p.Publish(t.Context(), db.Queries, ""), "1 to 200 bytes")
	require.ErrorContains(t, p.Publish(t.Context(), db.Queries, strings.Repeat("x", 201)), "this one 201")
	id := api.NewID()
	topics := map[string]bool{pubsub.TopicJobs(): true, pubsub.TopicKeys(): true, pubsub.TopicJob(id): true,
		pubsub.TopicAgent(id): true, pubsub.TopicWorkspace(id): true}
	require.Len(t, topics, 5)
}
