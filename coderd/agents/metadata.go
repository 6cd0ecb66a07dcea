package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/httpmw"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

const (
	// metadataInterval is the least time between two writes of measured values,
	// for all agents of this replica together.
	metadataInterval = 2 * time.Second
	metadataTimeout  = 10 * time.Second // of one write
	maxMetadataRows  = 50_000           // gathered for one write
	maxMetadataBytes = 32 << 20
)

var errStopping = &api.Error{Code: api.CodeUnavailable, Message: "This server is stopping. Ask again, another one will answer."}

var errMetadataFull = &api.Error{Code: api.CodeUnavailable, Message: "More values are reported than can be stored. Report again later."}

type metadataKey struct {
	agent api.ID
	key   string
}

// metadataValue has all of its fields in JSON: an absent one would become null.
type metadataValue struct {
	AgentID     api.ID    `json:"agent_id"`
	Key         string    `json:"key"`
	Value       string    `json:"value"`
	Error       string    `json:"error"`
	CollectedAt time.Time `json:"collected_at"`
}

// metadataWriter stores measured values of many agents with one statement at a
// time. A report is answered when its write is committed, so that what an agent
// does not repeat is never lost; a newer value of an item replaces an older one
// that still waits.
type metadataWriter struct {
	clock clock.Clock
	store func(ctx context.Context, rows []metadataValue) error
	wake  chan struct{} // something waits; holds one

	mu      sync.Mutex
	stopped bool
	rows    map[metadataKey]metadataValue
	bytes   int
	waiters []chan error // each holds one
}

func newMetadataWriter(c clock.Clock, store func(context.Context, []metadataValue) error) *metadataWriter {
	return &metadataWriter{clock: c, store: store, wake: make(chan struct{}, 1), rows: map[metadataKey]metadataValue{}}
}

// put blocks until the values are stored or ctx ends.
func (m *metadataWriter) put(ctx context.Context, values []metadataValue) error {
	done, err := m.add(values)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		return err
	}
}

func (m *metadataWriter) add(values []metadataValue) (<-chan error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil, errStopping
	}
	if len(m.rows)+len(values) > maxMetadataRows || m.bytes > maxMetadataBytes {
		return nil, errMetadataFull
	}
	for _, v := range values {
		m.rows[metadataKey{v.AgentID, v.Key}] = v
		m.bytes += len(v.Key) + len(v.Value) + len(v.Error)
	}
	done := make(chan error, 1)
	m.waiters = append(m.waiters, done)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return done, nil
}

// run writes until ctx ends; then it writes what waits once more and refuses
// whatever comes later.
func (m *metadataWriter) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-m.wake:
		}
		m.flush(ctx)
		pause := m.clock.NewTimer(metadataInterval, "metadata")
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	m.mu.Lock()
	m.stopped = true
	m.mu.Unlock()
	m.flush(ctx)
}

// flush also works when ctx has ended: those who reported wait for it.
func (m *metadataWriter) flush(ctx context.Context) {
	m.mu.Lock()
	rows := make([]metadataValue, 0, len(m.rows))
	for _, v := range m.rows {
		rows = append(rows, v)
	}
	waiters := m.waiters
	m.rows, m.bytes, m.waiters = map[metadataKey]metadataValue{}, 0, nil
	m.mu.Unlock()
	if len(rows) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), metadataTimeout)
	defer cancel()
	err := m.store(ctx, rows)
	for _, w := range waiters {
		w <- err
	}
}

// storeMetadata writes rows and tells all who watch.
func (s *Service) storeMetadata(ctx context.Context, rows []metadataValue) error {
	j, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	return s.db.InTx(ctx, func(q *database.Queries) error {
		if _, err := q.SetAgentMetadata(ctx, j); err != nil {
			return fmt.Errorf("store metadata: %w", err)
		}
		return s.opts.PubSub.Publish(ctx, q, pubsub.TopicAgentMetadata())
	})
}

// HandleMetadata answers POST /workspaceagents/me/metadata once the values are
// stored. Values over the limit are cut; keys that the template does not declare
// are dropped.
func (s *Service) HandleMetadata(ctx context.Context, in *BodyInput[agentrpc.Metadata]) (*httpapi.Empty, error) {
	a := httpmw.AgentFrom(ctx)
	values := make([]metadataValue, len(in.Body.Values))
	for i, v := range in.Body.Values {
		if y := v.CollectedAt.Year(); y < 1 || y > 9999 {
			return nil, api.Invalid("collected_at", "the time is out of range")
		}
		values[i] = metadataValue{AgentID: a.ID, Key: cut(clean(v.Key), maxName), CollectedAt: v.CollectedAt,
			Value: cut(clean(v.Value), agentrpc.MaxMetadataValue), Error: cut(clean(v.Error), agentrpc.MaxMetadataValue)}
	}
	if len(values) == 0 {
		return &httpapi.Empty{}, nil
	}
	return &httpapi.Empty{}, s.metadata.put(ctx, values)
}
