// Package rendezvous connects the coordinators of all replicas through the database.
//
// It owns the table network_nodes: one row for each node whose websocket some replica
// serves. What its own coordinator says goes into rows of this replica, what others
// wrote goes to its coordinator. It never decides who may connect, and sees no traffic.
//
// A row has three states. Its replica writes it while the websocket lives; anybody lets
// it fade when the replica is lost, and ends it when it has faded for long enough.
//
//	live ──websocket breaks, replica is lost──▶ fading ──too long──▶ gone ──minutes──▶ deleted
//	  ▲──────────────comes back───────────────────┘                   ▲
//	live ──goodbye, revoked, dropped──────────────────────────────────┘
//
// The newest websocket of a node has the row: each gets a number from one sequence when
// it is first written, and no older one writes over a newer. Everything else that must
// be unique is decided by the same statement, so that replicas cannot disagree.
//
// Nothing depends on clocks of others, nor on hints. A reader asks for what the snapshot
// of its last reading did not see, so that late commits are not missed; after any error
// it reads everything, and writes everything of its own, because a server that failed
// over has lost what was not on its disk.
package rendezvous

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/coordinator"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

const (
	// topic hints that rows were written. topicAgain is never published: its one hint
	// is that of a new connection for hints.
	topic      = "network"
	topicAgain = "network_again"

	callTimeout = 5 * time.Second
	defaultPoll = 3 * time.Second
	// readPause is the least time between two readings; it is longer where a reading
	// takes more than a tenth of it.
	readPause = 20 * time.Millisecond
	readShare = 10
	// staleAfter is how old the last reading may be before nobody is forgotten any more,
	// and rereadAfter before everything is read anew.
	staleAfter  = 10 * time.Second
	rereadAfter = time.Minute
	// cleanEvery is how long rows stay that are gone, at least. It is more than
	// rereadAfter, so that every reader has seen them or reads everything.
	cleanEvery = 150 * time.Second

	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
	// stopTime bounds the last words.
	stopTime = 3 * time.Second
)

// Options of New. Rand and PollInterval may be zero.
type Options struct {
	DB      *database.DB
	PubSub  *pubsub.PubSub
	Log     *slog.Logger
	Clock   clock.Clock
	Replica api.ID // of this process alone, and never again
	// Coordinator is joined with the others.
	Coordinator *coordinator.Coordinator
	Rand        func() float64 // in [0,1)
	// PollInterval is how often rows are read without a hint; 0 means 3 s.
	PollInterval time.Duration
}

// Service connects one coordinator with those of the other replicas.
type Service struct {
	opts  Options
	db    *database.DB
	log   *slog.Logger
	coord *coordinator.Coordinator
	queue *queue

	ready  chan struct{}
	readAt atomic.Pointer[time.Time] // of the last reading; nil before the first
	work   counters

	// All below belongs to Run.
	snapshot string // of the last reading, "" when everything must be read
	round    uint64 // of whole readings
	old      string // a snapshot of cleanEvery ago
	again    bool   // everything of our own is to be written
	wanted   bool   // there may be something to read
	readFrom time.Time
	tryFrom  time.Time     // after a failure
	pause    time.Duration // the next one
	failing  bool
}

// counters are what Work returns.
type counters struct{ flushes, states, reads, rows atomic.Int64 }

// Work is how much was exchanged with the database so far.
type Work struct {
	Flushes, States int64 // statements that wrote, and what they wrote
	Reads, Rows     int64
}

// New returns a Service that does nothing before Run, and joins the coordinator to it.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.PubSub == nil || o.Log == nil || o.Clock == nil || o.Coordinator == nil || o.Replica.IsZero() {
		return nil, errors.New("rendezvous: Options has a field that is not set")
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.PollInterval == 0 {
		o.PollInterval = defaultPoll
	}
	s := &Service{opts: o, db: o.DB, log: o.Log.With("component", "rendezvous"), coord: o.Coordinator,
		queue: newQueue(), ready: make(chan struct{}), wanted: true, pause: firstPause}
	o.Coordinator.Join(&exchange{s})
	return s, nil
}

// Ready is closed once all nodes of the other replicas are known.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Work returns what was exchanged with the database so far.
func (s *Service) Work() Work {
	return Work{Flushes: s.work.flushes.Load(), States: s.work.states.Load(), Reads: s.work.reads.Load(), Rows: s.work.rows.Load()}
}

// ReplicaGone lets the nodes of replicas that are no more begin to fade. It does not
// block, and may be repeated.
func (s *Service) ReplicaGone(_ context.Context, ids []api.ID) { s.queue.fade(ids) }

// exchange is the coordinator's side.
type exchange struct{ s *Service }

// Say implements coordinator.Exchange.
func (x *exchange) Say(st coordinator.State) { x.s.queue.say(st) }

// End implements coordinator.Exchange.
func (x *exchange) End(id coordinator.NodeID, connection int64, departed bool) {
	x.s.queue.end(ending{id, connection, departed})
}

// Fresh implements coordinator.Exchange.
func (x *exchange) Fresh() bool {
	at := x.s.readAt.Load()
	return at != nil && x.s.opts.Clock.Since(*at) < staleAfter
}

// Run exchanges until ctx ends, and then writes what its coordinator has said by then:
// the coordinator must have ended before. It returns nil. While the database does not
// answer, it tries again with a jittered pause that grows to 3 s.
func (s *Service) Run(ctx context.Context) error {
	hints, again := s.opts.PubSub.Subscribe(topic), s.opts.PubSub.Subscribe(topicAgain)
	defer hints.Close()
	defer again.Close()
	poll := s.opts.Clock.NewTicker(s.opts.PollInterval, "rendezvous", "poll")
	defer poll.Stop()
	clean := s.opts.Clock.NewTicker(cleanEvery, "rendezvous", "clean")
	defer clean.Stop()
	timer := s.opts.Clock.NewTimer(time.Hour, "rendezvous", "wait")
	defer timer.Stop()
	cleaning := false
	for ctx.Err() == nil {
		wait := s.step(ctx, &cleaning)
		if wait <= 0 {
			continue
		}
		timer.Reset(wait, "rendezvous", "wait")
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.queue.wake:
		case <-hints.C():
			s.wanted = true
		case <-again.C():
			s.snapshot, s.again, s.wanted = "", true, true
		case <-poll.C:
			s.wanted = true
		case <-clean.C:
			cleaning = true
		}
	}
	s.stop(ctx)
	return nil
}

// idle is a wait that only something new ends.
const idle = time.Hour

// step does what is due, and returns how long nothing is.
func (s *Service) step(ctx context.Context, cleaning *bool) time.Duration {
	now := s.opts.Clock.Now()
	if s.failing && now.Before(s.tryFrom) {
		return s.tryFrom.Sub(now)
	}
	if err := s.due(ctx, now, cleaning); err != nil {
		if ctx.Err() != nil {
			return idle
		}
		return s.failed(err)
	}
	if s.failing {
		s.log.Info("nodes are exchanged with the other replicas again")
	}
	s.failing, s.pause = false, firstPause
	if !s.queue.empty() {
		return 0
	}
	if s.wanted {
		return max(s.readFrom.Sub(s.opts.Clock.Now()), 0)
	}
	return idle
}

func (s *Service) due(ctx context.Context, now time.Time, cleaning *bool) error {
	if s.wanted && !now.Before(s.readFrom) {
		if err := s.read(ctx); err != nil {
			return err
		}
	}
	if s.again {
		s.coord.SayAll()
		s.again = false
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if *cleaning {
		*cleaning = false
		return s.clean(ctx)
	}
	return nil
}

// failed makes the next try a whole one.
func (s *Service) failed(err error) time.Duration {
	if !s.failing {
		s.log.Warn("nodes are not exchanged with the other replicas, trying again", "error", err)
	}
	s.snapshot, s.old, s.again, s.wanted, s.failing = "", "", true, true, true
	now := s.opts.Clock.Now()
	wait := s.pause/2 + time.Duration(s.opts.Rand()*float64(s.pause/2))
	s.pause = min(2*s.pause, lastPause)
	s.tryFrom, s.readFrom = now.Add(wait), now
	return wait
}

// stop writes what is left, and lets what is still here fade.
func (s *Service) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	s.queue.fade([]api.ID{s.opts.Replica})
	for !s.queue.empty() {
		if err := s.flush(ctx); err != nil {
			s.log.Warn("the other replicas were not told of the last nodes here", "error", err)
			return
		}
	}
}
