package replicas

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

// round gives a sign of life and looks at those of the others.
func (s *Service) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	began := s.opts.Clock.Now()
	if err := s.opts.DB.Ping(ctx); err != nil {
		return err
	}
	s.pinged(s.opts.Clock.Since(began))
	if err := s.live(ctx); err != nil {
		return err
	}
	s.readiness.answered()
	rows, err := s.opts.DB.ListReplicas(ctx)
	if err != nil {
		return fmt.Errorf("list replicas: %w", err)
	}
	now := s.opts.Clock.Now()
	if s.lastRound.IsZero() || now.Sub(s.lastRound) > lateAfter {
		s.forgive(now)
	}
	s.observe(rows, now)
	err = s.mark(ctx, rows, now)
	s.lastRound = now
	if s.rounds%sweepRounds == 0 && err == nil {
		_, err = s.opts.DB.DeleteOldReplicas(ctx, keepStopped.Seconds())
	}
	s.rounds++
	return err
}

// glance only looks: a hint says that somebody came or went.
func (s *Service) glance(ctx context.Context) error {
	if !s.registered {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	rows, err := s.opts.DB.ListReplicas(ctx)
	if err != nil {
		return fmt.Errorf("list replicas: %w", err)
	}
	s.observe(rows, s.opts.Clock.Now())
	return nil
}

// pinged takes in how long the database took for an empty question.
func (s *Service) pinged(took time.Duration) {
	s.pings[s.rounds%samples] = max(took, 1)
	shortest := took
	for _, d := range s.pings {
		if d > 0 {
			shortest = min(shortest, d)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.self.DatabaseLatency = shortest
}

// live registers this replica, or beats. The number only grows, so that a beat whose
// answer was lost, or which the database lost, is followed by one that counts.
func (s *Service) live(ctx context.Context) error {
	if !s.registered {
		return s.register(ctx)
	}
	s.beat++
	self := s.Self()
	n, err := s.opts.DB.BeatReplica(ctx, database.BeatReplicaParams{ID: self.ID, Beat: s.beat,
		DatabaseLatencyUs: micros(self.DatabaseLatency), Error: self.Error, Latencies: encodeLatencies(self.Latencies)})
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	if n == 0 {
		return s.rejoin(ctx)
	}
	return nil
}

// register makes the row, under another id where this one is taken.
func (s *Service) register(ctx context.Context) error {
	for {
		self := s.Self()
		var n int64
		err := s.opts.DB.InTx(ctx, func(q *database.Queries) (err error) {
			if n, err = s.insert(ctx, q, self); err != nil || n == 0 {
				return err
			}
			return s.opts.PubSub.Publish(ctx, q, Topic)
		})
		if err != nil {
			return err
		}
		if n == 1 {
			s.registered = true
			s.log.Info("replica registered", "replica_id", self.ID, "hostname", self.Hostname, "relay_url", self.RelayURL)
			return nil
		}
		s.rename()
	}
}

func (s *Service) insert(ctx context.Context, q *database.Queries, self Replica) (int64, error) {
	n, err := q.InsertReplica(ctx, database.InsertReplicaParams{ID: self.ID, Beat: s.beat, Hostname: self.Hostname, Version: self.Version,
		RelayUrl: self.RelayURL, RelayKey: self.RelayKey, RegionID: int32(self.RegionID), //nolint:gosec // an option of at most 65535
		DatabaseLatencyUs: micros(self.DatabaseLatency), Error: self.Error, Latencies: encodeLatencies(self.Latencies)})
	if err != nil {
		return 0, fmt.Errorf("register replica: %w", err)
	}
	return n, nil
}

// rename takes a new id: whoever has the old one keeps it.
func (s *Service) rename() {
	s.mu.Lock()
	old := s.self.ID
	s.self.ID = api.NewID()
	fresh := s.self.ID
	s.mu.Unlock()
	s.log.Error("another process has the id of this replica, taking a new one; was this machine copied while it ran?",
		"replica_id", old, "new_replica_id", fresh)
}

// rejoin comes after a beat that found no row to change.
func (s *Service) rejoin(ctx context.Context) error {
	self := s.Self()
	var n int64
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) (err error) {
		n, err = q.ReviveReplica(ctx, database.ReviveReplicaParams{ID: self.ID, Beat: s.beat})
		if err != nil {
			return fmt.Errorf("revive replica: %w", err)
		}
		if n == 0 {
			if n, err = s.insert(ctx, q, self); err != nil || n == 0 {
				return err
			}
		}
		return s.opts.PubSub.Publish(ctx, q, Topic)
	})
	if err != nil {
		return err
	}
	if n == 1 {
		s.log.Warn("this replica was counted as gone and is back", "replica_id", self.ID)
	} else {
		s.rename()
		if err := s.register(ctx); err != nil {
			s.registered = false // the next round does it
			return err
		}
	}
	if s.opts.Rejoined != nil {
		s.opts.Rejoined(s.Self().ID)
	}
	return nil
}

// micros fits a duration into the column.
func micros(d time.Duration) int32 {
	return int32(min(max(d.Microseconds(), 0), math.MaxInt32)) //nolint:gosec // bounded
}

func encodeLatencies(in map[api.ID]time.Duration) json.RawMessage {
	out := map[string]int32{}
	for id, d := range in {
		out[id.String()] = micros(d)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return json.RawMessage("{}") // never: strings and numbers
	}
	return b
}
