// Package pubsub carries hints between replicas: "something about this topic
// has changed, read it again". It owns one LISTEN connection a replica, on one
// channel of Postgres, and hands each hint to the subscribers of its topic.
//
// It never carries data, never promises delivery, and never keeps a queue: a
// hint may be lost, repeated, late or out of order. Hints that wait for the same
// subscriber become one. Whoever subscribes must also poll.
//
// A PubSub has three states: not running, connecting, listening. Whenever it
// starts to listen, every subscription gets a hint, because some may have been
// missed.
package pubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"coder.internal/api"
	"coder.internal/database"
)

const (
	pingEvery   = 10 * time.Second
	pingTimeout = 5 * time.Second
	firstPause  = 100 * time.Millisecond
	lastPause   = 5 * time.Second
	stableAfter = 30 * time.Second
	topicLimit  = 200 // bytes; Postgres takes 7999
)

// TopicJobs tells that a provisioner job may be waiting for a daemon.
func TopicJobs() string { return "jobs" }

// TopicJob tells of a change of one provisioner job or its logs.
func TopicJob(id api.ID) string { return "job:" + id.String() }

// TopicCancel tells the daemon of one provisioner job that it is to end.
func TopicCancel(job api.ID) string { return "cancel:" + job.String() }

// TopicWorkspace tells of a change of a workspace, its builds or its agents.
func TopicWorkspace(id api.ID) string { return "workspace:" + id.String() }

// AnyWorkspace is the topic of all hints of TopicWorkspace. It is only subscribed to.
const AnyWorkspace = "workspace" + anyOf

// anyOf after the kind of a topic stands for every topic of that kind.
const anyOf = ":*"

// TopicAgent tells of a change of one agent: connection, lifecycle, logs.
func TopicAgent(id api.ID) string { return "agent:" + id.String() }

// TopicAgentMetadata tells that measured values of some agents have changed. One
// hint stands for all agents of a write: they measure every few seconds.
func TopicAgentMetadata() string { return "agent_metadata" }

// TopicKeys tells that signing keys have rotated.
func TopicKeys() string { return "keys" }

// PubSub gives out the hints of one database to one process.
type PubSub struct {
	db  *database.DB
	log *slog.Logger

	ready     chan struct{}
	readyOnce sync.Once

	mu     sync.Mutex // guards topics
	topics map[string]map[*Subscription]struct{}
}

// New returns a PubSub that does nothing before Run.
func New(db *database.DB, log *slog.Logger) *PubSub {
	return &PubSub{db: db, log: log.With("component", "pubsub"), ready: make(chan struct{}),
		topics: map[string]map[*Subscription]struct{}{}}
}

// Ready returns a channel that is closed once Run listens for the first time.
func (p *PubSub) Ready() <-chan struct{} { return p.ready }

// Publish sends a hint in the transaction of q: it goes out on commit or not at
// all. With the queries of the DB itself it goes out at once.
func (p *PubSub) Publish(ctx context.Context, q *database.Queries, topic string) error {
	if topic == "" || len(topic) > topicLimit {
		return fmt.Errorf("publish: a topic has 1 to %d bytes, this one %d", topicLimit, len(topic))
	}
	if err := q.Notify(ctx, topic); err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	return nil
}

// Subscription receives the hints of one topic until Close.
type Subscription struct {
	pubsub *PubSub
	topic  string
	c      chan struct{}
}

// Subscribe starts to collect hints of a topic; it does not need Run yet.
func (p *PubSub) Subscribe(topic string) *Subscription {
	s := &Subscription{pubsub: p, topic: topic, c: make(chan struct{}, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.topics[topic] == nil {
		p.topics[topic] = map[*Subscription]struct{}{}
	}
	p.topics[topic][s] = struct{}{}
	return s
}

// C holds at most one hint; those that come before it is taken are the same
// one. It is never closed.
func (s *Subscription) C() <-chan struct{} { return s.c }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	p := s.pubsub
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.topics[s.topic], s)
	if len(p.topics[s.topic]) == 0 {
		delete(p.topics, s.topic)
	}
}

// Run listens until ctx ends, and then returns nil. It reconnects after every
// failure, with a jittered pause that grows to 5 s and starts over only after
// 30 s of service. A silent connection is noticed within 15 s.
func (p *PubSub) Run(ctx context.Context) error {
	pause := firstPause
	for {
		began := time.Now()
		err := p.listen(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) >= stableAfter {
			pause = firstPause
		}
		wait := pause/2 + rand.N(pause/2)
		p.log.Warn("connection for hints lost, connecting again", "error", err, "pause", wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		pause = min(2*pause, lastPause)
	}
}

// listen is the life of one connection.
func (p *PubSub) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, p.db.Pool().Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // nothing depends on a good end
	}()
	if err := within(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "listen coder_events")
		return err
	}); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p.readyOnce.Do(func() { close(p.ready) })
	p.hintAll()
	for {
		topic, err := p.next(ctx, conn)
		if err != nil {
			return err
		}
		p.hint(topic)
	}
}

// next waits for a notification. Nothing for 10 s makes it ask whether the
// other side is still there.
func (p *PubSub) next(ctx context.Context, conn *pgx.Conn) (string, error) {
	for {
		waitCtx, cancel := context.WithTimeout(ctx, pingEvery)
		n, err := conn.WaitForNotification(waitCtx)
		cancel()
		if err == nil {
			return n.Payload, nil
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || conn.IsClosed() {
			return "", fmt.Errorf("wait for a notification: %w", err)
		}
		if err := within(ctx, conn.Ping); err != nil {
			return "", fmt.Errorf("ping: %w", err)
		}
	}
}

func within(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return call(ctx)
}

func (p *PubSub) hint(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.topics[topic] {
		s.hint()
	}
	if kind, _, one := strings.Cut(topic, ":"); one {
		for s := range p.topics[kind+anyOf] {
			s.hint()
		}
	}
}

func (p *PubSub) hintAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, subs := range p.topics {
		for s := range subs {
			s.hint()
		}
	}
}

// hint never blocks: a full channel already says "read again".
func (s *Subscription) hint() {
	select {
	case s.c <- struct{}{}:
	default:
	}
}
