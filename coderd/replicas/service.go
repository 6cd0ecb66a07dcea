// Package replicas owns who is alive among the server processes of a deployment, and
// whether this one should be sent requests.
//
// It never moves packets or nodes, and never decides by a wall clock: those who need to
// know are told by Changed, Gone and Rejoined.
//
// A replica has a row of its own in Postgres from its start on. It is
//
//	living   its beat changes every 5 s
//	stopped  stopped_at is set: it has said goodbye, or another one has seen its beat
//	         stand still for 15 s in which that other one could write its own
//
// and a row is deleted an hour after it stopped. One that was found stopped while it
// was only paused, or cut off, revives its row; one whose row was swept makes it
// again; one whose id is beaten by somebody else takes a new id. Who watches measures
// with its own monotonic clock, so that neither a wrong clock nor a stalled or
// read-only database ends anybody.
//
// Readiness is starting, ready, or draining, in this order, and ready is taken back
// while the database does not answer.
package replicas

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/database"
	"coder.internal/database/pubsub"
	"coder.internal/internal/clock"
)

const (
	// beatEvery is the pause between beats, and deadAfter how long one may stand still.
	beatEvery = 5 * time.Second
	deadAfter = 15 * time.Second
	// lateAfter is the pause between two rounds after which what was seen before says
	// nothing any more: this process or the database stood still.
	lateAfter = 2 * beatEvery
	// roundTimeout bounds a round, and the pause after one that failed.
	roundTimeout = 5 * time.Second
	retryAfter   = time.Second
	// hintPause is the least time between two reads that hints ask for.
	hintPause = 50 * time.Millisecond
	// keepStopped is how long a stopped replica stays in the list.
	keepStopped  = time.Hour
	sweepRounds  = 60 // between two sweeps
	stopTimeout  = 2 * time.Second
	maxErrorText = 500 // bytes of what a replica says about the others
	// samples is of how many measurements the shortest counts: a busy moment is no distance.
	samples = 5
)

// Topic is that of hints that the set of replicas has changed.
const Topic = "replicas"

// Replica is one server process that lives.
type Replica struct {
	ID                   api.ID
	Hostname, Version    string
	RelayURL             string // where others reach its relay; empty for none
	RelayKey             string // "nodekey:…" of its relay
	RegionID             int
	CreatedAt, UpdatedAt time.Time
	DatabaseLatency      time.Duration
	Error                string // what it finds wrong with its way to the others
	Latencies            map[api.ID]time.Duration
}

// Link is the state of the way from this relay to that of another replica.
type Link struct {
	ID    api.ID
	Up    bool
	Error string // the last one
}

// Options of New.
type Options struct {
	DB     *database.DB
	PubSub *pubsub.PubSub
	Log    *slog.Logger
	Clock  clock.Clock
	// Self is what the others are told: id, host name, version, relay, region.
	Self Replica
	// MeshKey proves what a relay URL leads to; see MeshKey. It may be empty without one.
	MeshKey api.Secret
	// Client asks relay URLs; nil without one. It must not follow redirects.
	Client *http.Client

	// The functions below may be nil. Changed hears of every change of the set of those
	// that live, and Rejoined that this replica was counted as gone: what it keeps in the
	// database is to be written again, as that of self. Both must not block.
	Changed  func(others []Replica)
	Rejoined func(self api.ID)
	// Gone hears of each replica that stopped or was lost, again after an error, and
	// once more after each start of this one: it must be idempotent.
	Gone func(ctx context.Context, ids []api.ID) error
	// Links are the states of the mesh.
	Links func() []Link
}

// Service watches. Use New, then Run.
type Service struct {
	opts  Options
	log   *slog.Logger
	ready chan struct{} // closed after the first round
	gone  *goneQueue
	look  chan struct{} // holds one: ask the relay URLs now

	readiness readiness

	// What follows belongs to the goroutine of Run.
	registered bool
	beat       int64
	rounds     int
	lastRound  time.Time // the end of the last one that went well
	seen       map[api.ID]*seen
	broken     bool                   // the last round failed
	pings      [samples]time.Duration // of the database, the last ones

	mu     sync.Mutex // guards what follows
	self   Replica
	others []Replica
	alive  int // of those, the ones that gave a sign of life while this one watched
}

// New returns a Service. It starts nothing.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.PubSub == nil || o.Log == nil || o.Clock == nil || o.Self.ID.IsZero() || o.Self.Version == "" {
		return nil, errors.New("replicas: Options needs DB, PubSub, Log, Clock, Self.ID and Self.Version")
	}
	if o.Self.RelayURL != "" && (o.MeshKey == "" || o.Client == nil) {
		return nil, errors.New("replicas: a relay URL needs MeshKey and Client")
	}
	s := &Service{opts: o, log: o.Log.With("component", "replicas"), ready: make(chan struct{}), look: make(chan struct{}, 1),
		seen: map[api.ID]*seen{}, self: o.Self}
	s.gone = newGoneQueue()
	s.readiness.init(o.Clock)
	return s, nil
}

// Ready returns a channel that is closed once this replica is registered and knows
// the others.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Self is this replica; its id changes when somebody else has it.
func (s *Service) Self() Replica {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.self
}

// Others returns the replicas that live, without this one, by age.
func (s *Service) Others() []Replica {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.others)
}

// Links returns the state of each link of the mesh.
func (s *Service) Links() []Link {
	if s.opts.Links == nil {
		return nil
	}
	return s.opts.Links()
}

// Run registers, beats and watches until ctx ends, then marks this replica as
// stopped and returns nil. A database that is away only delays it.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { s.tellGone(inner) })
	if s.opts.Self.RelayURL != "" {
		wg.Go(func() { s.watchRelays(inner) })
	}
	s.watch(ctx)
	s.stop(ctx)
	return nil
}

// watch makes a round every 5 s and looks at each hint.
func (s *Service) watch(ctx context.Context) {
	hints := s.opts.PubSub.Subscribe(Topic)
	defer hints.Close()
	timer := s.opts.Clock.NewTimer(0, "replicas", "round")
	defer timer.Stop()
	var once sync.Once
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			pause := beatEvery
			if err := s.round(ctx); err != nil {
				s.failed(ctx, err)
				pause = retryAfter
			} else {
				s.worked()
				once.Do(func() { close(s.ready) })
			}
			timer.Reset(pause, "replicas", "round")
		case <-hints.C():
			if err := s.glance(ctx); err != nil {
				s.failed(ctx, err)
			}
			s.rest(ctx, hintPause)
		}
	}
}

// failed logs the first of a row of errors.
func (s *Service) failed(ctx context.Context, err error) {
	if ctx.Err() != nil || s.broken {
		return
	}
	s.broken = true
	s.log.Warn("the list of replicas cannot be kept, trying again", "error", err)
}

func (s *Service) worked() {
	if s.broken {
		s.log.Info("the list of replicas is kept again")
	}
	s.broken = false
}

func (s *Service) rest(ctx context.Context, d time.Duration) {
	timer := s.opts.Clock.NewTimer(d, "replicas", "rest")
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// stop says goodbye, so that the others need not wait for the beat.
func (s *Service) stop(ctx context.Context) {
	if !s.registered {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	id := s.Self().ID
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		if _, err := q.StopReplica(ctx, id); err != nil {
			return fmt.Errorf("mark replica as stopped: %w", err)
		}
		return s.opts.PubSub.Publish(ctx, q, Topic)
	})
	if err != nil { // the others notice it in 15 s
		s.log.Warn("this replica could not say that it stops", "error", err, "replica_id", id)
	}
}
