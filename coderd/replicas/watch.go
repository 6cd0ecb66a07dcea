package replicas

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// seen is what a watcher knows of another replica.
type seen struct {
	beat    int64
	since   time.Time // when the beat was first seen, by the clock of this process
	sign    bool      // it came, or its beat changed, while this one watched
	stopped bool
}

// forgive starts the silence of everybody anew: it could not be watched.
func (s *Service) forgive(now time.Time) {
	for _, o := range s.seen {
		o.since = now
	}
}

// observe takes in the rows and tells of what has changed.
func (s *Service) observe(rows []database.Replica, now time.Time) {
	first := s.lastRound.IsZero()
	self := s.Self().ID
	present := map[api.ID]bool{}
	var living []Replica
	alive := 0
	for _, row := range rows {
		if row.ID == self {
			continue
		}
		present[row.ID] = true
		o := s.seen[row.ID]
		if o == nil {
			o = &seen{beat: row.Beat, since: now, sign: !first}
			s.seen[row.ID] = o
		}
		if o.beat != row.Beat {
			o.beat, o.since, o.sign = row.Beat, now, true
		}
		if row.StoppedAt != nil {
			s.lost(row.ID, o)
			continue
		}
		if o.stopped {
			o.stopped, o.since = false, now
			s.gone.cancel(row.ID)
		}
		living = append(living, fromRow(row))
		if o.sign {
			alive++
		}
	}
	for id, o := range s.seen {
		if !present[id] {
			s.lost(id, o)
			delete(s.seen, id)
		}
	}
	s.publish(living, alive)
}

// lost notes a replica that stopped, for Gone.
func (s *Service) lost(id api.ID, o *seen) {
	if !o.stopped {
		o.stopped = true
		s.gone.add(id)
	}
}

// publish sets what Others returns and tells Changed.
func (s *Service) publish(living []Replica, alive int) {
	slices.SortFunc(living, func(a, b Replica) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	s.mu.Lock()
	same := slices.EqualFunc(s.others, living, func(a, b Replica) bool {
		return a.ID == b.ID && a.RelayURL == b.RelayURL && a.RelayKey == b.RelayKey && a.RegionID == b.RegionID
	})
	s.others, s.alive = living, alive
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.look <- struct{}{}:
	default: // it is asked for already
	}
	if s.opts.Changed != nil {
		s.opts.Changed(slices.Clone(living))
	}
}

// mark writes down who has been silent for too long. Who cannot write marks nobody.
func (s *Service) mark(ctx context.Context, rows []database.Replica, now time.Time) error {
	self, marked := s.Self().ID, 0
	for _, row := range rows {
		o := s.seen[row.ID]
		if row.ID == self || o == nil || o.stopped || now.Sub(o.since) < deadAfter {
			continue
		}
		var n int64
		err := s.opts.DB.InTx(ctx, func(q *database.Queries) (err error) {
			if n, err = q.MarkReplicaGone(ctx, database.MarkReplicaGoneParams{ID: row.ID, Beat: o.beat}); err != nil || n == 0 {
				return err
			}
			return s.opts.PubSub.Publish(ctx, q, Topic)
		})
		if err != nil {
			return fmt.Errorf("mark replica as gone: %w", err)
		}
		if n == 1 {
			marked++
			s.log.Warn("a replica gave no sign of life and counts as gone", "other_replica_id", row.ID, "hostname", row.Hostname)
		}
	}
	if marked == 0 {
		return nil
	}
	rows, err := s.opts.DB.ListReplicas(ctx)
	if err != nil {
		return fmt.Errorf("list replicas: %w", err)
	}
	s.observe(rows, now)
	return nil
}

func fromRow(row database.Replica) Replica {
	out := Replica{ID: row.ID, Hostname: row.Hostname, Version: row.Version, RelayURL: row.RelayUrl, RelayKey: row.RelayKey,
		RegionID: int(row.RegionID), CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, Error: row.Error,
		DatabaseLatency: time.Duration(row.DatabaseLatencyUs) * time.Microsecond, Latencies: map[api.ID]time.Duration{}}
	for id, us := range decodeLatencies(row.Latencies) {
		if parsed, err := api.ParseID(id); err == nil { // another release may write other things
			out.Latencies[parsed] = time.Duration(us) * time.Microsecond
		}
	}
	return out
}

func decodeLatencies(raw json.RawMessage) map[string]int64 {
	out := map[string]int64{}
	if json.Unmarshal(raw, &out) != nil {
		return map[string]int64{} // another release's
	}
	return out
}

// goneQueue holds the replicas that Gone has not heard of yet.
type goneQueue struct {
	wake chan struct{} // holds one

	mu  sync.Mutex // guards ids
	ids map[api.ID]struct{}
}

func newGoneQueue() *goneQueue {
	return &goneQueue{wake: make(chan struct{}, 1), ids: map[api.ID]struct{}{}}
}

func (g *goneQueue) add(id api.ID) {
	g.mu.Lock()
	g.ids[id] = struct{}{}
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// cancel forgets one that came back.
func (g *goneQueue) cancel(id api.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.ids, id)
}

func (g *goneQueue) list() []api.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []api.ID
	for id := range g.ids {
		out = append(out, id)
	}
	return out
}

// tellGone calls Gone until it has heard of everybody.
func (s *Service) tellGone(ctx context.Context) {
	if s.opts.Gone == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.gone.wake:
		}
		for ids := s.gone.list(); len(ids) > 0; ids = s.gone.list() {
			if err := s.opts.Gone(ctx, ids); err != nil {
				if ctx.Err() != nil {
					return
				}
				s.log.Warn("what lost replicas left behind is not cleared yet, trying again", "error", err)
				s.rest(ctx, retryAfter)
				continue
			}
			for _, id := range ids {
				s.gone.cancel(id)
			}
		}
	}
}
