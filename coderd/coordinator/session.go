package coordinator

import (
	"context"
	"errors"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// session is one open connection. What it has to send is kept as state, not as
// a queue: of each peer only the newest counts, so a slow reader costs no more
// memory than its peers do, and never holds others up.
type session struct {
	ws   *wsconn.Conn
	self api.ID

	number   uint64 // counts sessions, from 1
	replaced bool   // by a newer session of the same agent; Coordinator.mu guards it

	mu      sync.Mutex
	first   bool // Self has not been sent
	rmap    *tailrpc.RelayMap
	peers   map[api.ID]*tailrpc.Node // nil: gone; departed: gone for good
	moving  bool
	streams bool // are to be asked for
	ended   bool
	code    wsconn.Code
	reason  string
	waiting chan struct{} // holds one: there is something to do
}

func newSession(ws *wsconn.Conn, self api.ID, m tailrpc.RelayMap) *session {
	s := &session{
		ws: ws, self: self, first: true, rmap: &m,
		peers: map[api.ID]*tailrpc.Node{}, waiting: make(chan struct{}, 1),
	}
	s.wake()
	return s
}

func (s *session) wake() {
	select {
	case s.waiting <- struct{}{}:
	default:
	}
}

func (s *session) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.wake()
}

// departed stands for a peer that does not come back.
var departed = &tailrpc.Node{}

func (s *session) upsert(n *tailrpc.Node)      { s.change(func() { s.peers[n.ID] = n }) }
func (s *session) gone(id api.ID)              { s.change(func() { s.peers[id] = nil }) }
func (s *session) left(id api.ID)              { s.change(func() { s.peers[id] = departed }) }
func (s *session) relayMap(m tailrpc.RelayMap) { s.change(func() { s.rmap = &m }) }
func (s *session) move()                       { s.change(func() { s.moving = true }) }
func (s *session) askStreams()                 { s.change(func() { s.streams = true }) }
func (s *session) end(c wsconn.Code, re string) {
	s.change(func() { s.ended, s.code, s.reason = true, c, re })
}

// dropped reports whether the session was told to end.
func (s *session) dropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// maxBatch keeps a message of nodes with all their endpoints below the limit.
const maxBatch = 128

// next takes what is to be sent now.
func (s *session) next() (m tailrpc.ServerMessage, some, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return m, false, true
	}
	if s.first {
		m.Self, s.first, some = s.self, false, true
	}
	if s.rmap != nil {
		m.RelayMap, s.rmap, some = s.rmap, nil, true
	}
	if s.streams {
		m.Streams, s.streams, some = true, false, true
	}
	for id, n := range s.peers {
		if len(m.Upsert)+len(m.Gone) >= maxBatch {
			break
		}
		some = true
		delete(s.peers, id)
		switch n {
		case departed:
			m.Gone, m.Left = append(m.Gone, id), append(m.Left, id)
		case nil:
			m.Gone = append(m.Gone, id)
		default:
			m.Upsert = append(m.Upsert, *n)
		}
	}
	if len(s.peers) == 0 && s.moving {
		m.Move, s.moving, some = true, false, true
	}
	return m, some, false
}

// write sends until the session ends or a write fails.
func (s *session) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.waiting:
		}
		for {
			m, some, ended := s.next()
			if ended {
				return s.ws.Close(s.code, s.reason)
			}
			if !some {
				break
			}
			if err := s.ws.Write(ctx, m); err != nil {
				return err
			}
		}
	}
}

// run serves the connection: each message goes to handle, each answered ping to
// alive. It returns why it ended, nil for the peer's goodbye.
func (s *session) run(ctx context.Context, ping time.Duration, alive func(), handle func(tailrpc.ClientMessage) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = s.ws.CloseNow() }()
	defer cancel()
	var pingErr error
	wg.Go(func() {
		_ = s.write(ctx)
		_ = s.ws.CloseNow()
	})
	pinging := make(chan struct{})
	wg.Go(func() {
		defer close(pinging)
		pingErr = s.ws.Ping(ctx, ping, pingMisses, alive)
	})
	err := s.read(ctx, handle)
	cancel()
	<-pinging
	if pingErr != nil {
		return pingErr
	}
	return err
}

func (s *session) read(ctx context.Context, handle func(tailrpc.ClientMessage) error) error {
	for {
		var m tailrpc.ClientMessage
		if err := s.ws.Read(ctx, &m); err != nil {
			var ce *wsconn.CloseError
			if errors.As(err, &ce) && ce.Code == wsconn.CodeNormal {
				return nil
			}
			return err
		}
		if err := handle(m); err != nil {
			_ = s.ws.Close(wsconn.CodePolicy, err.Error())
			return err
		}
	}
}
