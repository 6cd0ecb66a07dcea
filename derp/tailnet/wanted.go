package tailnet

import (
	"maps"
	"slices"
	"sync"
	"time"

	"coder.internal/api"
)

// idleAfter is how long an agent stays subscribed after its last use. It costs
// a few kilobytes and saves a handshake.
const idleAfter = 15 * time.Minute

// wanted is the set of agents that this node uses. Only the coordinator of a
// server or proxy looks at it; a client's one agent is fixed by its route.
type wanted struct {
	mu   sync.Mutex
	uses map[api.ID]*use
}

type use struct {
	open int // dials under way and streams
	last time.Time
}

// acquire notes one more use and reports whether the set grew.
func (w *wanted) acquire(id api.ID) (grew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.uses[id]
	if u == nil {
		u = &use{}
		w.uses[id] = u
		grew = true
	}
	u.open++
	return grew
}

func (w *wanted) release(id api.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u := w.uses[id]; u != nil {
		u.open--
		u.last = time.Now()
	}
}

// sweep forgets what has been idle and returns it.
func (w *wanted) sweep(now time.Time) (idle []api.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, u := range w.uses {
		if u.open == 0 && now.Sub(u.last) > idleAfter {
			delete(w.uses, id)
			idle = append(idle, id)
		}
	}
	return idle
}

func (w *wanted) ids() []api.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(maps.Keys(w.uses), func(a, b api.ID) int { return slices.Compare(a[:], b[:]) })
}
