// Package agentconn opens streams to services inside workspace agents, for what ends
// at this replica: web apps and terminals in a browser.
//
// It owns the connections that carry streams while they are open. There are two
// kinds, with the same streams on them (agentrpc.StreamTarget): one that the agent
// itself holds to this replica, which costs a tenth, and one through the tunnel,
// which always works. It never decides who may reach an agent: its callers do. It
// knows no database, and so runs in replicas and in proxies. What an agent sends is
// foreign: it is bounded, and read by nobody but the stream's owner.
//
// A way to an agent goes:
//
//	none ──first stream──▶ asked for ──the agent comes──▶ held ──idle, agent or right gone──▶ none
//	                          └──it does not come soon──▶ tunnel ──the agent comes──▶ held
package agentconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/internal/mux"
)

// Dialer opens streams to services inside a workspace agent.
type Dialer interface {
	// DialAgent connects to network ("tcp") address ("127.0.0.1:8080" or "unix:/path")
	// as the agent sees it. It takes 15 s at most. A refusal of the agent is an
	// *api.Error: CodeConflict where nothing listens there, CodeForbidden for what
	// streams may not reach, CodeInvalid for an address that is none. An agent out of
	// reach is CodeUnavailable. Connections are *mux.Stream: they have CloseWrite and
	// Reset, and one that breaks does not read as if it had ended.
	DialAgent(ctx context.Context, agent api.ID, network, address string) (net.Conn, error)
}

// Tunnel reaches ports of agents over the network. It waits as long as ctx does.
type Tunnel interface {
	DialAgent(ctx context.Context, agent api.ID, port uint16) (net.Conn, error)
}

const (
	// dialTimeout bounds DialAgent.
	dialTimeout = 15 * time.Second
	// askPatience is what a first stream waits for the agent's own connection before
	// it takes the tunnel, and askAgain the pause between two questions.
	askPatience = 150 * time.Millisecond
	askAgain    = 10 * time.Second
	// answerTimeout is what a connection that an agent holds gets to show that it
	// passes bytes both ways; some middleboxes swallow all that follows an upgrade.
	answerTimeout = 5 * time.Second
	// idleTimeout ends a connection that carries nothing.
	idleTimeout = 10 * time.Minute
	sweepEvery  = time.Minute
	// maxHeld bounds the connections that one agent holds here; the oldest goes.
	maxHeld = 4
)

// Options of Streams. All are required.
type Options struct {
	Log    *slog.Logger
	Clock  quartz.Clock
	Tunnel Tunnel
	// Ask asks an agent for a connection of its own; false where that is not
	// connected here.
	Ask func(agent api.ID) bool
}

// Streams is a Dialer.
type Streams struct {
	o   Options
	log *slog.Logger

	mu      sync.Mutex
	stopped context.Context // set by Run, ended by stop
	stop    context.CancelFunc
	agents  map[api.ID]*agent
	links   sync.WaitGroup
}

// agent is what is known of the ways to one.
type agent struct {
	held    []*link // the newest is the last one
	tunnel  *link
	asked   time.Time
	came    chan struct{} // closed when a held link comes; renewed after
	dialing chan struct{} // holds one: the turn of who dials the tunnel
}

// link is one connection that carries streams.
type link struct {
	session *mux.Session
	used    time.Time
}

// New returns Streams; it starts nothing.
func New(o Options) (*Streams, error) {
	if o.Log == nil || o.Clock == nil || o.Tunnel == nil || o.Ask == nil {
		return nil, errors.New("agentconn: Log, Clock, Tunnel and Ask are required")
	}
	s := &Streams{o: o, log: o.Log.With("component", "agentconn"), agents: map[api.ID]*agent{}}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Run ends connections that carry nothing for long. When ctx ends it ends all, and
// returns after the last one.
func (s *Streams) Run(ctx context.Context) error {
	tick := s.o.Clock.NewTicker(sweepEvery, "agentconn", "sweep")
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sweep()
			continue
		case <-ctx.Done():
		}
		s.mu.Lock()
		s.stop()
		s.mu.Unlock()
		s.links.Wait()
		return nil
	}
}

// ServeAgent serves a connection that an agent holds, until it breaks, is idle for
// long, or ctx ends. The caller has authenticated agentID, and ends ctx when that
// is no longer good.
func (s *Streams) ServeAgent(ctx context.Context, conn net.Conn, agentID api.ID) error {
	l := &link{session: mux.New(conn, mux.Options{MaxStreams: agentrpc.MaxStreams}), used: s.o.Clock.Now()}
	if !s.begin(agentID, func(*agent) {}) {
		_ = conn.Close()
		return errors.New("this replica is stopping")
	}
	noted := make(chan struct{})
	go func() {
		defer close(noted)
		s.noteHeld(agentID, l)
	}()
	err := s.run(ctx, agentID, l)
	<-noted
	return err
}

// noteHeld lets streams use a link once the agent has answered on it.
func (s *Streams) noteHeld(id api.ID, l *link) {
	limit := s.o.Clock.NewTimer(answerTimeout, "agentconn", "answer")
	defer limit.Stop()
	select {
	case <-limit.C:
		s.log.Info("nothing comes back on an agent's stream connection; the tunnel is used", "agent_id", id.String())
		_ = l.session.Close()
		return
	case <-l.session.Done():
		return
	case <-l.session.Answered():
	}
	limit.Stop()
	s.log.Debug("agent holds a stream connection", "agent_id", id.String())
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(id)
	if len(a.held) == maxHeld {
		_ = a.held[0].session.Close()
		a.held = a.held[1:]
	}
	a.held = append(a.held, l)
	close(a.came)
	a.came = make(chan struct{})
}

// begin notes a new link; false when it is too late for one.
func (s *Streams) begin(id api.ID, note func(*agent)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped.Err() != nil {
		return false
	}
	s.links.Add(1)
	note(s.of(id))
	return true
}

// of returns the record of an agent. mu is held.
func (s *Streams) of(id api.ID) *agent {
	a := s.agents[id]
	if a == nil {
		a = &agent{came: make(chan struct{}), dialing: make(chan struct{}, 1)}
		s.agents[id] = a
	}
	return a
}

// run is the life of a link that began.
func (s *Streams) run(ctx context.Context, id api.ID, l *link) error {
	defer s.links.Done()
	stop := context.AfterFunc(s.stopped, func() { _ = l.session.Close() })
	defer stop()
	err := l.session.Run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(id)
	s.log.Debug("stream connection ended", "agent_id", id.String(), "tunnel", a.tunnel == l, "streams", l.session.Opened(), "error", err)
	for i, h := range a.held {
		if h == l {
			a.held = append(a.held[:i:i], a.held[i+1:]...)
			a.asked = time.Time{} // it may be asked for again at once
		}
	}
	if a.tunnel == l {
		a.tunnel = nil
	}
	s.forget(id, a)
	return err
}

// forget drops the record of an agent without links. mu is held.
func (s *Streams) forget(id api.ID, a *agent) {
	if len(a.held) == 0 && a.tunnel == nil && s.o.Clock.Since(a.asked) > askAgain && len(a.dialing) == 0 {
		delete(s.agents, id)
	}
}

// sweep closes what carries nothing for long.
func (s *Streams) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock.Now()
	for id, a := range s.agents {
		for _, l := range append(a.held[:len(a.held):len(a.held)], a.tunnel) {
			switch {
			case l == nil:
			case l.session.Streams() > 0:
				l.used = now
			case now.Sub(l.used) >= idleTimeout:
				_ = l.session.Close()
			}
		}
		s.forget(id, a)
	}
}

// DialAgent implements Dialer.
func (s *Streams) DialAgent(ctx context.Context, agentID api.ID, network, address string) (net.Conn, error) {
	head, err := agentrpc.ParseTarget(network, address).Head()
	if err != nil {
		return nil, err
	}
	dctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for again := true; ; again = false {
		session, err := s.session(dctx, agentID)
		if err != nil {
			return nil, unreachable(ctx, agentID, err)
		}
		st, err := open(dctx, session, head)
		switch {
		case err == nil:
			return st, nil
		case api.CodeOf(err) != "":
			return nil, err
		case !again || dctx.Err() != nil:
			return nil, unreachable(ctx, agentID, err)
		}
		// The connection broke under it, and nothing was said on the stream yet.
	}
}

// unreachable keeps the caller's own end apart from an agent that is away.
func unreachable(ctx context.Context, id api.ID, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("dial agent %s: %w", id, ctx.Err())
	}
	if errors.Is(err, mux.ErrCrowded) {
		return &api.Error{Code: api.CodeUnavailable, Message: "Too many connections to this workspace are open; close some of them."}
	}
	return &api.Error{Code: api.CodeUnavailable, Message: "The workspace's agent does not answer. It may be stopped, or starting."}
}

// open opens a stream and waits for the agent's answer.
func open(ctx context.Context, session *mux.Session, head []byte) (*mux.Stream, error) {
	st, err := session.Open(head)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, st.Reset)
	err = agentrpc.ReadAnswer(st)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		st.Reset()
		return nil, err
	}
	return st, nil
}

// session returns the best connection to an agent there is, and makes one where
// there is none.
func (s *Streams) session(ctx context.Context, id api.ID) (*mux.Session, error) {
	if session := s.best(ctx, id); session != nil {
		return session, nil
	}
	return s.tunnelTo(ctx, id)
}

// best returns the connection that the agent holds, having asked for it and waited
// a moment where there is none.
func (s *Streams) best(ctx context.Context, id api.ID) *mux.Session {
	s.mu.Lock()
	a := s.of(id)
	if l := a.newest(); l != nil {
		l.used = s.o.Clock.Now()
		s.mu.Unlock()
		return l.session
	}
	now, came := s.o.Clock.Now(), a.came
	since := now.Sub(a.asked)
	ask := since > askAgain
	if ask {
		a.asked = now
	}
	s.mu.Unlock()
	switch {
	case !ask && since >= askPatience:
		return nil
	case ask && !s.o.Ask(id):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.of(id).asked = time.Time{} // once it is connected it can be asked
		return nil
	}
	wait := s.o.Clock.NewTimer(askPatience, "agentconn", "ask")
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-s.stopped.Done():
	case <-wait.C:
	case <-came:
		s.mu.Lock()
		defer s.mu.Unlock()
		if l := s.of(id).newest(); l != nil {
			return l.session
		}
	}
	return nil
}

// newest returns the link that came last, if any. Those that have ended are dropped,
// and the agent may be asked again.
func (a *agent) newest() *link {
	for n := len(a.held); n > 0; n-- {
		l := a.held[n-1]
		select {
		case <-l.session.Done():
			a.held, a.asked = a.held[:n-1], time.Time{}
		default:
			return l
		}
	}
	return nil
}

// tunnelTo returns the connection through the tunnel. One at a time dials it.
func (s *Streams) tunnelTo(ctx context.Context, id api.ID) (*mux.Session, error) {
	s.mu.Lock()
	a := s.of(id)
	s.mu.Unlock()
	select {
	case a.dialing <- struct{}{}:
		defer func() { <-a.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	// Meanwhile another may have dialled, or the agent have come.
	l := a.newest()
	if l == nil && a.tunnel != nil {
		select {
		case <-a.tunnel.session.Done():
			a.tunnel = nil
		default:
			l = a.tunnel
			l.used = s.o.Clock.Now()
		}
	}
	s.mu.Unlock()
	if l != nil {
		return l.session, nil
	}
	conn, err := s.o.Tunnel.DialAgent(ctx, id, agentrpc.PortStreams)
	if err != nil {
		return nil, err
	}
	l = &link{session: mux.New(conn, mux.Options{MaxStreams: agentrpc.MaxStreams}), used: s.o.Clock.Now()}
	if !s.begin(id, func(a *agent) { a.tunnel = l }) {
		_ = conn.Close()
		return nil, errors.New("this replica is stopping")
	}
	go func() { _ = s.run(s.stopped, id, l) }()
	return l.session, nil
}

// Ports returns the ports that agents serve in the tunnel, over the same
// connections where there are some. Agents of earlier releases have none.
func (s *Streams) Ports() Ports { return Ports{s} }

// Ports implements Tunnel.
type Ports struct{ s *Streams }

// DialAgent connects to a port of an agent. It waits for an agent as long as ctx does.
func (p Ports) DialAgent(ctx context.Context, agentID api.ID, port uint16) (net.Conn, error) {
	if session := p.s.best(ctx, agentID); session != nil {
		head, err := agentrpc.StreamTarget{Network: "port", Address: strconv.Itoa(int(port))}.Head()
		if err != nil {
			return nil, err
		}
		if st, err := open(ctx, session, head); err == nil {
			return st, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.s.o.Tunnel.DialAgent(ctx, agentID, port)
}
