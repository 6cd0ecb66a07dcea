package devurl

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
)

const (
	// freshFor is how long a decision counts. Those of open streams are made again
	// as often, so that a right that is lost is lost within two seconds.
	freshFor = time.Second
	// soonFor is how long one counts that leads nowhere yet: who has just started a
	// workspace is not told that it is stopped.
	soonFor = 100 * time.Millisecond
	// staleFor is how long open streams live on a decision that cannot be made again
	// because the database does not answer.
	staleFor = 30 * time.Second
	// keepFor is how long an unused decision is kept, so that an opening is recorded
	// once and not for each request.
	keepFor       = 10 * time.Minute
	decideTimeout = 5 * time.Second
	maxDecisions  = 50_000
)

// gate holds the decisions about who may go where.
type gate struct {
	apps  Apps
	clock quartz.Clock
	log   *slog.Logger

	running sync.WaitGroup // decisions under way that requests asked for

	mu     sync.Mutex // guards what follows and the fields of decisions
	all    map[gateKey]*decision
	uses   []Use // that Apps has not been told of
	closed bool
}

// gateKey is a visitor at a target, in the form that was asked for.
type gateKey struct {
	origin  string
	target  Target
	visitor [sha256.Size]byte
}

func keyOf(v Visit, who Visitor) gateKey {
	var space [512]byte
	shown := append(append(append(space[:0], who.Session...), 0), who.Token.Reveal()...)
	return gateKey{origin: v.Origin, target: v.Target, visitor: sha256.Sum256(shown)}
}

// decision is what Apps last said. It ends when it says something else.
type decision struct {
	key   gateKey
	visit Visit
	who   Visitor

	busy    chan struct{} // closed when the check under way is over; nil for none
	place   Place
	way     string    // the authority of place
	err     error     // of the last attempt
	made    time.Time // the last yes
	used    time.Time
	streams int
	noted   bool      // the opening is recorded
	counted time.Time // the last minute that is noted as use

	// ended is over when the streams must end, by end. It is no request's.
	ended context.Context
	end   context.CancelFunc
	// asking are the lines of quick questions, which ended breaks too.
	asking asking
}

func newGate(apps Apps, c quartz.Clock, log *slog.Logger) *gate {
	return &gate{apps: apps, clock: c, log: log, all: map[gateKey]*decision{}}
}

var errStopping = &api.Error{Code: api.CodeUnavailable, Message: "This server is stopping; try again."}

var errFull = &api.Error{Code: api.CodeUnavailable, Message: "This server has too many visitors at applications; try again later."}

// enter returns a decision that is fresh and says yes. leave must be called when the
// request is over; first is true once for each visit that is worth recording.
func (g *gate) enter(ctx context.Context, v Visit, who Visitor) (d *decision, first bool, err error) {
	key := keyOf(v, who)
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if g.closed {
			return nil, false, errStopping
		}
		if d = g.all[key]; d == nil {
			if len(g.all) >= maxDecisions && !g.evict() {
				return nil, false, errFull
			}
			d = &decision{key: key, visit: v, who: who}
			d.ended, d.end = context.WithCancel(context.Background())
			context.AfterFunc(d.ended, d.asking.end)
			g.all[key] = d
		}
		now := g.clock.Now()
		if !d.made.IsZero() && now.Sub(d.made) < d.lasts() {
			break
		}
		if err := g.await(ctx, d); err != nil {
			return nil, false, err
		}
	}
	d.used = g.clock.Now()
	d.streams++
	if d.place.State == StateReady {
		first, d.noted = !d.noted, true
	}
	g.count(d)
	return d, first, nil
}

// lasts is how long the last yes counts. mu is held.
func (d *decision) lasts() time.Duration {
	if d.place.State != StateReady {
		return soonFor
	}
	return freshFor
}

// await has a decision made and waits for it, without mu, which is held again when
// it returns. Its error is what the caller gets.
func (g *gate) await(ctx context.Context, d *decision) error {
	if d.busy == nil {
		d.busy = make(chan struct{})
		g.running.Add(1)
		go func() { // run waits for it at the end
			defer g.running.Done()
			g.decide(context.WithoutCancel(ctx), d)
		}()
	}
	busy := d.busy
	g.mu.Unlock()
	defer g.mu.Lock()
	select {
	case <-busy:
	case <-ctx.Done():
		return ctx.Err()
	}
	return d.answer(&g.mu)
}

// answer is the error of the last attempt.
func (d *decision) answer(mu *sync.Mutex) error {
	mu.Lock()
	defer mu.Unlock()
	return d.err
}

// leave ends one request.
func (g *gate) leave(d *decision) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d.streams--
	d.used = g.clock.Now()
	g.count(d)
}

// at is where a decision leads, and the authority of it.
func (g *gate) at(d *decision) (p Place, way string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return d.place, d.way
}

// decide asks once and ends the decision where the answer is another one.
func (g *gate) decide(ctx context.Context, d *decision) {
	ctx, cancel := context.WithTimeout(ctx, decideTimeout)
	place, err := g.apps.Place(ctx, d.visit, d.who)
	cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	close(d.busy)
	d.busy, d.err = nil, nil
	now := g.clock.Now()
	switch {
	case err == nil && (d.made.IsZero() || d.place.same(place)):
		if d.made.IsZero() {
			d.way = authority(place.AgentID, place.Address) // that of the same place is the same
		}
		d.made, d.place = now, place
		return
	case err == nil: // the next request makes another decision
	case api.CodeOf(err) == "":
		// Trouble is no answer. Streams go on for a while, and nobody new comes in.
		d.err = errors.Join(errTrouble, err)
		if !d.made.IsZero() && now.Sub(d.made) < staleFor {
			return
		}
	default:
		d.err = err
	}
	g.drop(d)
}

var errTrouble = &api.Error{Code: api.CodeUnavailable, Message: "The server cannot find out now who may go here; try again."}

// drop takes a decision out and ends its streams. mu is held.
func (g *gate) drop(d *decision) {
	if g.all[d.key] == d {
		delete(g.all, d.key)
	}
	d.end()
}

// evict makes room by dropping decisions that nobody uses. mu is held.
func (g *gate) evict() bool {
	before := len(g.all)
	for _, d := range g.all {
		if d.streams == 0 && d.busy == nil {
			g.drop(d)
		}
		if before-len(g.all) >= maxDecisions/10 {
			break
		}
	}
	return len(g.all) < before
}

// run makes the decisions of open streams again until ctx ends, then ends all.
func (g *gate) run(ctx context.Context) {
	tick := g.clock.NewTicker(freshFor, "devurl", "gate")
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			g.close()
			return
		case <-tick.C:
		}
		var wg sync.WaitGroup
		turns := make(chan struct{}, 8)
		for _, d := range g.due() {
			turns <- struct{}{}
			wg.Go(func() {
				g.decide(ctx, d)
				<-turns
			})
		}
		g.countOpen()
		g.report(ctx)
		wg.Wait()
	}
}

// close ends everything and waits for the decisions under way.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	for _, d := range g.all {
		g.drop(d)
	}
	g.mu.Unlock()
	g.running.Wait()
}

// due returns the decisions to be made again, and forgets those that nobody needs.
func (g *gate) due() []*decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []*decision
	now := g.clock.Now()
	for _, d := range g.all {
		switch {
		case d.busy != nil:
		case d.streams > 0 && now.Sub(d.made) >= freshFor/2:
			d.busy = make(chan struct{})
			out = append(out, d)
		case d.streams == 0 && now.Sub(d.used) > keepFor:
			g.drop(d)
		}
	}
	return out
}
