package replicas

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/database"
)

const (
	// checkEvery is the pause between two looks at the relay URLs of the others.
	checkEvery = 15 * time.Second
	maxChecks  = 8 // at once
	// startPatience is how long the own relay URL may be unreachable at the start.
	startPatience = 15 * time.Second
	startPause    = 250 * time.Millisecond
	// ownTries is how often it has to lead here in a row: a balancer's address would
	// now and then.
	ownTries = 3
)

// VerifyRelay asks the own relay URL who is there, and returns nil once that is this
// process. It waits for 15 s where nobody answers. The error is one sentence
// about the URL, with the cure.
func (s *Service) VerifyRelay(ctx context.Context) error {
	base := s.opts.Self.RelayURL
	if base == "" {
		return nil
	}
	began := s.opts.Clock.Now()
	for {
		other, err := s.askOften(ctx, base)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && other.IsZero():
			return s.stopPredecessors(ctx)
		case err == nil:
			return fmt.Errorf("%s leads to another server of this deployment (%s): is it the balancer's address? Set the address that leads to this server alone", base, other)
		case errors.Is(err, errForeign):
			return fmt.Errorf("%s leads to a server that does not belong to this deployment: set the address at which the other replicas reach this one", base)
		case s.opts.Clock.Since(began) >= startPatience:
			return fmt.Errorf("%s cannot be reached from this server: %w; set the address at which the other replicas reach this one", base, err)
		}
		s.rest(ctx, startPause)
	}
}

// askOften returns the id of another replica where one answers, or none.
func (s *Service) askOften(ctx context.Context, base string) (api.ID, error) {
	for range ownTries {
		id, err := s.ask(ctx, base, true)
		if err != nil {
			return api.ID{}, err
		}
		if id != s.Self().ID {
			return id, nil
		}
	}
	return api.ID{}, nil
}

// stopPredecessors ends the wait for those that were at this address and cannot be
// any more, after a crash. An error costs the others 15 s.
func (s *Service) stopPredecessors(ctx context.Context) error {
	self := s.Self()
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		n, err := q.StopPredecessors(ctx, database.StopPredecessorsParams{Hostname: self.Hostname, RelayUrl: self.RelayURL, ID: self.ID})
		if err != nil || n == 0 {
			return err
		}
		return s.opts.PubSub.Publish(ctx, q, Topic)
	})
	if err != nil {
		s.log.Warn("replicas that were here before are not marked as stopped", "error", err)
	}
	return nil
}

// watchRelays asks the relays of the others every 15 s, and when one comes.
func (s *Service) watchRelays(ctx context.Context) {
	timer := s.opts.Clock.NewTimer(checkEvery, "replicas", "relays")
	defer timer.Stop()
	defer s.opts.Client.CloseIdleConnections()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.look:
		}
		s.checkRelays(ctx)
		timer.Reset(checkEvery, "replicas", "relays")
	}
}

// checkRelays measures the way to each of the others, for the next beat.
func (s *Service) checkRelays(ctx context.Context) {
	others := s.Others()
	latencies, problems := map[api.ID]time.Duration{}, make([]string, len(others))
	var mu sync.Mutex // guards latencies
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxChecks)
	for i, o := range others {
		if o.RelayURL == "" {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			took, err := s.measure(ctx, o)
			if err != nil {
				problems[i] = fmt.Sprintf("cannot reach %s at %s: %s", o.Hostname, o.RelayURL, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			latencies[o.ID] = took
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return
	}
	var found []string
	for _, p := range problems {
		if p != "" {
			found = append(found, p)
		}
	}
	s.setRelays(latencies, clip(strings.Join(found, "; ")))
}

func (s *Service) setRelays(latencies map[api.ID]time.Duration, problem string) {
	s.mu.Lock()
	before := s.self.Error
	s.self.Latencies, s.self.Error = latencies, problem
	s.mu.Unlock()
	switch {
	case problem != "" && before == "":
		s.log.Warn("the relays of other replicas cannot all be reached", "error", problem)
	case problem == "" && before != "":
		s.log.Info("the relays of all replicas can be reached again")
	}
}

// measure is how long a replica takes to answer on a connection that is open.
func (s *Service) measure(ctx context.Context, o Replica) (time.Duration, error) {
	var shortest time.Duration
	for i := range samples { // the first one connects
		began := s.opts.Clock.Now()
		id, err := s.ask(ctx, o.RelayURL, false)
		if err != nil {
			return 0, err
		}
		if id != o.ID {
			return 0, fmt.Errorf("another replica answers (%s)", id)
		}
		if took := s.opts.Clock.Since(began); i <= 1 || took < shortest {
			shortest = took
		}
	}
	return shortest, nil
}

// clip keeps text within what the others are told.
func clip(text string) string {
	if len(text) <= maxErrorText {
		return text
	}
	return strings.ToValidUTF8(text[:maxErrorText], "") + "…"
}
