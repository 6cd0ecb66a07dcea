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
// missed. While it listens it may be deaf: a pooler that lends connections for one
// transaction passes no notifications on. It finds that out by a notification to
// itself by way of another connection.
package pubsub

import (
	"context"
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

// A silent connection is given up after pingEvery and pingTimeout, an attempt to
// connect after 3 to 5 s a host, and the next one comes after lastPause: so hints
// come again within 5 s after Postgres is back.
const (
	pingEvery   = 3 * time.Second
	pingTimeout = 2 * time.Second
	firstPause  = 100 * time.Millisecond
	lastPause   = time.Second
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

	echo string // topic of what it sends to itself

	mu      sync.Mutex // guards what follows
	topics  map[string]map[*Subscription]struct{}
	trouble error // why no hints come; nil when they do
}

// New returns a PubSub that does nothing before Run.
func New(db *database.DB, log *slog.Logger) *PubSub {
	return &PubSub{db: db, log: log.With("component", "pubsub"), ready: make(chan struct{}),
		echo: "echo:" + api.NewID().String(), topics: map[string]map[*Subscription]struct{}{}}
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
// failure, with a jittered pause that grows to 1 s and starts over only after
// 30 s of service. A silent connection is noticed within 5 s.
func (p *PubSub) Run(ctx context.Context) error {
	pause := firstPause
	for {
		began := time.Now()
		err := p.listen(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if p.set(err) == nil {
			p.log.Warn("connection for hints lost, connecting again until it is back", "error", err)
		}
		if time.Since(began) >= stableAfter {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
		pause = min(2*pause, lastPause)
	}
}

// Trouble returns why hints do not come, nil when they do. Whoever polls goes on
// all the same.
func (p *PubSub) Trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// set notes why hints do not come and returns what was noted before.
func (p *PubSub) set(trouble error) (before error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.trouble = p.trouble, trouble
	return before
}

// well notes that hints come.
func (p *PubSub) well() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trouble != nil {
		p.log.Info("hints come again")
	}
	p.trouble = nil
}

// listen is the life of one connection.
func (p *PubSub) listen(ctx context.Context) error {
	conn, err := p.db.Connect(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // nothing depends on a good end
	}()
	if err := within(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "listen coder_events", pgx.QueryExecModeSimpleProtocol)
		return err
	}); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p.readyOnce.Do(func() { close(p.ready) })
	p.hintAll()
	ear := ear{p: p}
	ear.call(ctx)
	for {
		topic, err := ear.next(ctx, conn)
		if err != nil {
			return err
		}
		if topic != p.echo {
			p.hint(topic)
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
