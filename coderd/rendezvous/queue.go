package rendezvous

import (
	"sync"

	"coder.internal/api"
	"coder.internal/coderd/coordinator"
)

const (
	// maxStates and maxWants bound what one statement writes.
	maxStates = 500
	maxWants  = 20_000
)

// ending is a node of another replica that is to end.
type ending struct {
	id         coordinator.NodeID
	connection int64
	departed   bool
}

// queue holds what is to be written: of each node only the newest state, so that it is
// no larger than the nodes are many.
type queue struct {
	wake chan struct{} // holds one: there is something

	mu      sync.Mutex
	states  map[coordinator.NodeID]coordinator.State
	writing map[coordinator.NodeID]bool
	ends    map[ending]bool
	fades   map[api.ID]bool
}

// batch is what one statement writes.
type batch struct {
	states []coordinator.State
	ends   []ending
	fades  []api.ID
}

func (b *batch) empty() bool { return len(b.states)+len(b.ends)+len(b.fades) == 0 }

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), states: map[coordinator.NodeID]coordinator.State{},
		writing: map[coordinator.NodeID]bool{}, ends: map[ending]bool{}, fades: map[api.ID]bool{}}
}

func (q *queue) change(f func()) {
	q.mu.Lock()
	f()
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.states)+len(q.ends)+len(q.fades) == 0
}

func (q *queue) say(st coordinator.State) {
	q.change(func() {
		if old, ok := q.states[st.NodeID]; ok {
			st.Brief = st.Brief && old.Brief
		}
		if st.Gone && st.Brief && st.Connection == 0 && !q.writing[st.NodeID] {
			delete(q.states, st.NodeID) // it came and went before anybody else knew
			return
		}
		q.states[st.NodeID] = st
	})
}

func (q *queue) end(e ending) { q.change(func() { q.ends[e] = true }) }

func (q *queue) fade(ids []api.ID) {
	q.change(func() {
		for _, id := range ids {
			q.fades[id] = true
		}
	})
}

// take removes a batch; done or putBack must follow.
func (q *queue) take() batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	var b batch
	wants := 0
	for id, st := range q.states {
		if len(b.states) == maxStates || wants > maxWants {
			break
		}
		wants += len(st.Wants)
		b.states = append(b.states, st)
		q.writing[id] = true
		delete(q.states, id)
	}
	for e := range q.ends {
		if len(b.ends) == maxStates {
			break
		}
		b.ends = append(b.ends, e)
		delete(q.ends, e)
	}
	for id := range q.fades {
		b.fades = append(b.fades, id)
	}
	clear(q.fades)
	return b
}

// done ends a batch that was written.
func (q *queue) done(b batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, st := range b.states {
		delete(q.writing, st.NodeID)
	}
}

// putBack takes again what was not written, where nothing newer is known.
func (q *queue) putBack(b batch) {
	q.change(func() {
		for _, st := range b.states {
			delete(q.writing, st.NodeID)
			q.again(st)
		}
		for _, e := range b.ends {
			q.ends[e] = true
		}
		for _, id := range b.fades {
			q.fades[id] = true
		}
	})
}

// again is putBack of one state; mu is held.
func (q *queue) again(st coordinator.State) {
	newer, ok := q.states[st.NodeID]
	if !ok {
		q.states[st.NodeID] = st
		return
	}
	if newer.Session == st.Session && newer.Connection == 0 {
		newer.Connection = st.Connection
	}
	newer.Brief = newer.Brief && st.Brief && st.Connection == 0
	q.states[st.NodeID] = newer
}

// retry is putBack of one state of a batch that was written.
func (q *queue) retry(st coordinator.State) { q.change(func() { q.again(st) }) }

// numbered gives what waits of a websocket its connection.
func (q *queue) numbered(st coordinator.State) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, ok := q.states[st.NodeID]
	if !ok {
		return
	}
	waiting.Brief = false
	if waiting.Session == st.Session && waiting.Connection == 0 {
		waiting.Connection = st.Connection
	}
	q.states[st.NodeID] = waiting
}

// drop forgets what waits of a websocket.
func (q *queue) drop(st coordinator.State) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.states[st.NodeID].Session == st.Session {
		delete(q.states, st.NodeID)
	}
}
