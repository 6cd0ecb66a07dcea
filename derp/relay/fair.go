package relay

import (
	"context"
	"math"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// The relay has no figure for its capacity: it depends on the machine and on
// what else runs there. So nobody is limited while work does not wait for the
// processor. When it does, the members that always have more to send get the
// same rate each: what passed in the last period without the light members'
// part, divided, and a tenth more so that the sum can grow again. Light members
// are never limited. A single heavy one is not either: there is nobody to share
// with.

const (
	fairEvery = 100 * time.Millisecond
	// heavyFrom is what a member sends in a period before it can count as heavy.
	heavyFrom = 64 << 10
	// leastRate in bytes per second is never denied to anybody.
	leastRate = 1 << 20
	growth    = 1.1
	// relax is how fast limits rise once the processor is free.
	relax = 1.5
	// longestPause bounds one wait, so that a change of the limit counts soon.
	longestPause = 50 * time.Millisecond
	// restAfter is how many periods without a full socket end the division: a relay
	// that does nothing costs nothing.
	restAfter = 20
)

// stir wakes the division when a member may be a heavy one.
type stir struct {
	full atomic.Bool   // a socket was, since it was last looked at
	kick chan struct{} // holds one
}

func (s *stir) note() {
	if s == nil || s.full.Load() || s.full.Swap(true) {
		return
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// share is one member's use of the relay.
type share struct {
	stir         *stir        // of the relay; nil is none
	used, waited atomic.Int64 // bytes since the last period; of them read from a full socket

	mu     sync.Mutex // guards all below
	rate   float64    // bytes per second; 0 is unlimited
	tokens float64
	filled time.Time
}

// pay accounts n bytes and waits while the member is above its rate.
func (s *share) pay(n int, full bool, closed <-chan struct{}) {
	s.used.Add(int64(n))
	if full {
		s.waited.Add(int64(n))
		s.stir.note()
	}
	for {
		pause := s.take(&n, time.Now())
		if pause <= 0 {
			return
		}
		t := time.NewTimer(min(pause, longestPause))
		select {
		case <-t.C:
		case <-closed:
			t.Stop()
			return
		}
	}
}

// take books *n bytes once and says how long the debt lasts at the rate of now.
func (s *share) take(n *int, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rate == 0 {
		return 0
	}
	burst := s.rate * fairEvery.Seconds()
	s.tokens = min(burst, s.tokens+s.rate*now.Sub(s.filled).Seconds())
	s.filled = now
	s.tokens -= float64(*n)
	*n = 0
	if s.tokens >= 0 {
		return 0
	}
	return time.Duration(-s.tokens / s.rate * float64(time.Second))
}

func (s *share) limit(rate float64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rate == 0 {
		s.tokens, s.filled = 0, now
	}
	s.rate = rate
}

// divide is one period's decision: rates of heavy members, 0 for no limit. used
// and heavy are per member; before is the limit of the last period, 0 for none.
func divide(used []int64, heavy []bool, busy bool, before float64, period time.Duration) float64 {
	var light, all, most float64
	n := 0
	for i, u := range used {
		all += float64(u)
		most = max(most, float64(u))
		if heavy[i] {
			n++
		} else {
			light += float64(u)
		}
	}
	if busy && n > 1 {
		return max(leastRate, (all-light)/float64(n)*growth/period.Seconds())
	}
	if before == 0 || before*relax > 2*max(most/period.Seconds(), leastRate) && !busy {
		return 0
	}
	return before * relax
}

// fairness divides the relay until ctx ends, while there is somebody who could be
// limited.
func (r *Relay) fairness(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.members.stir.kick:
			r.divideOn(ctx)
		}
	}
}

// divideOn divides until no socket has been full for a while and nobody is limited.
func (r *Relay) divideOn(ctx context.Context) {
	t := time.NewTicker(fairEvery)
	defer t.Stop()
	_ = r.cfg.Busy() // what was before the first period does not count
	var limit float64
	fresh := false // the accounts are of one period only
	for rest := 0; rest < restAfter || limit > 0; rest++ {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if r.members.stir.full.Swap(false) {
				rest = 0
			}
			busy := r.cfg.Busy()
			if !busy && limit == 0 {
				fresh = false
				continue
			}
			if !fresh {
				r.members.reset()
				fresh = true
				continue
			}
			limit = r.settle(now, busy, limit)
			r.limit.Store(int64(limit))
		}
	}
}

// settle takes a period's accounts and sets the next one's limit.
func (r *Relay) settle(now time.Time, busy bool, before float64) float64 {
	all := r.members.shares()
	used, heavy := make([]int64, len(all)), make([]bool, len(all))
	for i, s := range all {
		used[i] = s.used.Swap(0)
		heavy[i] = s.waited.Swap(0)*2 > used[i] && used[i] >= heavyFrom
	}
	limit := divide(used, heavy, busy, before, fairEvery)
	for i, s := range all {
		if heavy[i] {
			s.limit(limit, now)
		} else {
			s.limit(0, now)
		}
	}
	return limit
}

// Waiting for the processor longer than busyFrom is seen by people; below, it is
// the noise of any machine. A period needs fewestWaits to say anything.
const (
	busyFrom    = time.Millisecond
	fewestWaits = 100
	busyPart    = 0.1 // of the waits
)

// processorBusy returns a function that says whether goroutines had to wait for
// a processor since it was last called.
func processorBusy() func() bool {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	var last []uint64
	return func() bool {
		metrics.Read(sample)
		h := sample[0].Value.Float64Histogram()
		var all, late uint64
		for i, c := range h.Counts {
			if last != nil {
				c -= last[i]
			}
			all += c
			if lo := h.Buckets[i]; !math.IsInf(lo, -1) && lo >= busyFrom.Seconds() {
				late += c
			}
		}
		last = append(last[:0], h.Counts...)
		return all >= fewestWaits && float64(late) > busyPart*float64(all)
	}
}
