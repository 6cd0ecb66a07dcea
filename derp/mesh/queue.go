package mesh

import (
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/types/key"
)

const (
	// maxLane bounds in bytes what waits of one node for another.
	maxLane = 256 << 10
	// maxQueue bounds in bytes what waits for a link.
	maxQueue = 16 << 20
	// quantum is what a lane sends before it is the next one's turn, in bytes.
	quantum = 16 << 10
	// patience is how long a sender waits for room while the link moves. A burst
	// then slows down where it comes from, and loses nothing.
	patience = 2 * time.Millisecond
	// maxSpare is how many empty lanes are kept for those that come.
	maxSpare = 64
)

// pair is who sends to whom.
type pair struct{ src, dst key.NodePublic }

// lane is what waits of one pair, oldest first.
type lane struct {
	pair    pair
	packets [][]byte // those before first are gone
	first   int
	bytes   int
	credit  int
	next    *lane
}

// queue is what waits for a link. The pairs take turns, so that one that floods
// delays nobody but itself. A lane that is full loses its oldest packet.
type queue struct {
	ready chan struct{} // holds one: there is something to send
	lost  atomic.Int64  // packets

	mu     sync.Mutex // guards all below
	lanes  map[pair]*lane
	head   *lane // of those with packets; it is its turn
	tail   *lane
	spare  []*lane
	bytes  int
	room   chan struct{} // closed when a packet leaves; nil while nobody waits
	stuck  bool          // somebody waited in vain, and the link has not moved since
	closed bool
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1), lanes: map[pair]*lane{}} }

// push takes a packet. It blocks for patience at most, and not at all on a link
// that does not move.
func (q *queue) push(src, dst key.NodePublic, packet []byte) {
	p := pair{src, dst}
	q.mu.Lock()
	if q.full(p, len(packet)) && !q.stuck && !q.closed {
		q.waitLocked(p, len(packet))
	}
	defer q.mu.Unlock()
	if q.closed {
		q.lost.Add(1)
		return
	}
	l := q.lanes[p]
	for l != nil && l.bytes > 0 && l.bytes+len(packet) > maxLane {
		q.dropLocked(l)
	}
	if q.bytes+len(packet) > maxQueue {
		q.lost.Add(1)
		return
	}
	if l == nil {
		l = q.laneLocked(p)
	}
	l.put(packet)
	l.bytes += len(packet)
	q.bytes += len(packet)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) full(p pair, n int) bool {
	l := q.lanes[p]
	return q.bytes+n > maxQueue || l != nil && l.bytes+n > maxLane
}

// waitLocked unlocks while it waits.
func (q *queue) waitLocked(p pair, n int) {
	t := time.NewTimer(patience)
	defer t.Stop()
	for q.full(p, n) && !q.closed {
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		late := false
		select {
		case <-room:
		case <-t.C:
			late = true
		}
		q.mu.Lock()
		if late {
			q.stuck = true
			return
		}
	}
}

func (q *queue) laneLocked(p pair) *lane {
	var l *lane
	if n := len(q.spare); n > 0 {
		l, q.spare = q.spare[n-1], q.spare[:n-1]
	} else {
		l = &lane{}
	}
	l.pair, l.credit = p, quantum
	q.lanes[p] = l
	q.lastLocked(l)
	return l
}

// lastLocked lets a lane wait for its turn.
func (q *queue) lastLocked(l *lane) {
	l.next = nil
	if q.head == nil {
		q.head = l
	} else {
		q.tail.next = l
	}
	q.tail = l
}

// put appends a packet, in the room of those that are gone where there is some.
func (l *lane) put(b []byte) {
	if l.first > 0 && len(l.packets) == cap(l.packets) {
		n := copy(l.packets, l.packets[l.first:])
		clear(l.packets[n:])
		l.packets, l.first = l.packets[:n], 0
	}
	l.packets = append(l.packets, b)
}

func (l *lane) waiting() int { return len(l.packets) - l.first }

// dropLocked loses the oldest packet of a lane that goes on.
func (q *queue) dropLocked(l *lane) {
	q.takeLocked(l)
	q.lost.Add(1)
}

func (q *queue) takeLocked(l *lane) []byte {
	b := l.packets[l.first]
	l.packets[l.first] = nil
	l.first++
	l.bytes -= len(b)
	q.bytes -= len(b)
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	return b
}

// pop returns the next packet, or false where there is none.
func (q *queue) pop() (pair, []byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.head
	if l == nil {
		return pair{}, nil, false
	}
	p, b := l.pair, q.takeLocked(l)
	l.credit -= len(b)
	switch {
	case l.waiting() == 0:
		q.head = l.next
		delete(q.lanes, p)
		l.packets, l.first = l.packets[:0], 0
		if len(q.spare) < maxSpare {
			q.spare = append(q.spare, l)
		}
	case l.credit <= 0:
		l.credit = quantum
		q.head = l.next
		q.lastLocked(l)
	}
	return p, b, true
}

// moved says that the link took what it was given.
func (q *queue) moved() {
	q.mu.Lock()
	q.stuck = false
	q.mu.Unlock()
}

// reset drops what waits. A closed queue takes nothing until it is reset open.
func (q *queue) reset(closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lanes {
		q.lost.Add(int64(l.waiting()))
	}
	clear(q.lanes)
	q.head, q.tail, q.bytes, q.stuck, q.closed = nil, nil, 0, false, closed
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}
