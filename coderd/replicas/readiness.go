package replicas

import (
	"context"
	"net/http"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/internal/clock"
)

const (
	// awayAfter is how long the database may be silent before a replica is not ready.
	awayAfter = 5 * time.Second
	// askAgain is the least time between two questions to the database for readiness.
	askAgain = time.Second
)

// readiness says whether to send requests here.
type readiness struct {
	clock clock.Clock
	turn  chan struct{} // held by the one who asks the database

	mu       sync.Mutex // guards what follows
	phase    string     // a cause of api, or empty: ready
	answer   time.Time  // of the database, the last one
	question time.Time  // to it, the end of the last one
}

func (r *readiness) init(c clock.Clock) {
	r.clock, r.turn, r.phase, r.answer = c, make(chan struct{}, 1), api.NotReadyStarting, c.Now()
}

// answered notes that the database did.
func (r *readiness) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = r.clock.Now()
}

func (r *readiness) enter(phase string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = phase
}

// SetReady says that this replica serves.
func (s *Service) SetReady() { s.readiness.enter("") }

// Drain says that this replica is about to stop, and gives balancers pause to see it
// while it still serves. Where no other replica gave a sign of life it does not wait.
func (s *Service) Drain(ctx context.Context, pause time.Duration) {
	s.readiness.enter(api.NotReadyDraining)
	s.mu.Lock()
	alive := s.alive
	s.mu.Unlock()
	if alive == 0 || pause <= 0 {
		return
	}
	s.log.Info("stopping: other replicas take over", "pause", pause, "others", alive)
	s.rest(ctx, pause)
}

// Readiness says whether a balancer should send requests here. It blocks for as long
// as a question to the database takes, two seconds at most.
func (s *Service) Readiness(ctx context.Context) api.Readiness {
	r := &s.readiness
	r.mu.Lock()
	phase := r.phase
	r.mu.Unlock()
	switch phase {
	case api.NotReadyStarting:
		return api.Readiness{Cause: phase, Message: "The server is starting."}
	case api.NotReadyDraining:
		return api.Readiness{Cause: phase, Message: "The server is stopping; other replicas take over."}
	}
	if s.databaseAway(ctx) {
		return api.Readiness{Cause: api.NotReadyDatabase, Message: "The database has not answered for 5 s or more; the log of the server has the reason."}
	}
	return api.Readiness{Ready: true, Message: "The server takes requests."}
}

// databaseAway asks the database where nobody has within the last second.
func (s *Service) databaseAway(ctx context.Context) bool {
	r := &s.readiness
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return true
	}
	defer func() { <-r.turn }()
	r.mu.Lock()
	now := r.clock.Now()
	ask := now.Sub(r.answer) >= askAgain && now.Sub(r.question) >= askAgain
	r.mu.Unlock()
	var err error
	if ask {
		err = s.opts.DB.Ping(context.WithoutCancel(ctx)) // for those who wait behind, too
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now = r.clock.Now()
	if ask {
		r.question = now
		if err == nil {
			r.answer = now
		}
	}
	return now.Sub(r.answer) >= awayAfter
}

// HandleReadyz answers GET /readyz: 200 or 503, with the cause.
func (s *Service) HandleReadyz(w http.ResponseWriter, req *http.Request) {
	out, status := s.Readiness(req.Context()), http.StatusOK
	if !out.Ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	httpapi.WriteJSON(w, status, out)
}
