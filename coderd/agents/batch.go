package agents

import (
	"context"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
)

var errStopping = &api.Error{Code: api.CodeUnavailable, Message: "This server is stopping. Ask again, another one will answer."}

// batch stores what many agents report with one statement at a time. A report is
// answered when its write is committed, so that what an agent does not repeat is
// never lost.
type batch[K comparable, V any] struct {
	clock    clock.Clock
	name     string        // of its timer
	interval time.Duration // least time between two writes
	timeout  time.Duration // of one write
	maxRows  int           // gathered for one write
	maxBytes int
	full     error // what is over the limits is told
	key      func(V) K
	size     func(V) int
	// merge makes one of a value that waits and a newer one of the same key; an
	// error refuses the newer one.
	merge func(old, newer V) (V, error)
	store func(ctx context.Context, rows []V) error
	wake  chan struct{} // something waits; holds one

	mu      sync.Mutex
	stopped bool
	rows    map[K]V
	bytes   int
	waiters []chan error // each holds one
}

// put blocks until the values are stored or ctx ends.
func (m *batch[K, V]) put(ctx context.Context, values []V) error {
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

func (m *batch[K, V]) add(values []V) (<-chan error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil, errStopping
	}
	if len(m.rows)+len(values) > m.maxRows || m.bytes > m.maxBytes {
		return nil, m.full
	}
	for _, v := range values {
		k := m.key(v)
		if old, waits := m.rows[k]; waits {
			var err error
			if v, err = m.merge(old, v); err != nil {
				return nil, err
			}
		}
		m.rows[k] = v
		m.bytes += m.size(v)
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
func (m *batch[K, V]) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-m.wake:
		}
		m.flush(ctx)
		pause := m.clock.NewTimer(m.interval, m.name)
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
func (m *batch[K, V]) flush(ctx context.Context) {
	m.mu.Lock()
	rows := make([]V, 0, len(m.rows))
	for _, v := range m.rows {
		rows = append(rows, v)
	}
	waiters := m.waiters
	m.rows, m.bytes, m.waiters = map[K]V{}, 0, nil
	m.mu.Unlock()
	if len(rows) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.timeout)
	defer cancel()
	err := m.store(ctx, rows)
	for _, w := range waiters {
		w <- err
	}
}
