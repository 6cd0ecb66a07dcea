// Package devurl connects browsers with what runs in workspaces: terminals so far.
//
// It owns the streams between browsers and agents while they are open. It knows no
// database and no policy: a Resolver says who may do what, a Dialer reaches agents.
// So it can run in replicas and in proxies. It never looks into what people type or
// see, and never trusts what an agent sends beyond its size.
//
// A stream goes: admitted → websocket accepted → agent reached → open → closed, with
// the reason in the websocket's close. It ends within 60 s after the right to it, or
// the session behind it, has ended.
package devurl

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
)

const (
	// dialTimeout bounds the way to an agent, which may be just coming back.
	dialTimeout  = 15 * time.Second
	pingInterval = 10 * time.Second
	pingMisses   = 2
	// maxStreams bounds the streams of one process.
	maxStreams = 10_000
)

// Resolver decides about streams. The caller is in ctx. Errors that are a no, and
// not just trouble, have a code (*api.Error).
type Resolver interface {
	// AdmitTerminal says whether the caller may open a terminal now.
	AdmitTerminal(ctx context.Context, agentID api.ID) error
	// OpenTerminal records that the caller opens a terminal; closed records its end.
	OpenTerminal(ctx context.Context, agentID, terminal api.ID) (closed func(reason string), err error)
	// AppCommand returns the command of an app that is one, for who may open a terminal.
	AppCommand(ctx context.Context, agentID api.ID, slug string) (string, error)
	// MayUseTerminal says whether one that is open may stay so.
	MayUseTerminal(ctx context.Context, agentID api.ID) error
}

// Dialer reaches ports of agents. It waits for an agent as long as ctx does.
type Dialer interface {
	DialAgent(ctx context.Context, agentID api.ID, port uint16) (net.Conn, error)
}

// Options of a Service. All are required.
type Options struct {
	Log      *slog.Logger
	Clock    quartz.Clock
	Resolver Resolver
	Dialer   Dialer
}

// Service is the streams of one process.
type Service struct {
	opts  Options
	log   *slog.Logger
	slots chan struct{}
	stop  chan struct{} // closed when all streams must end

	mu      sync.Mutex
	stopped bool
	streams sync.WaitGroup
}

// New returns a Service; it starts nothing.
func New(o Options) (*Service, error) {
	if o.Log == nil || o.Clock == nil || o.Resolver == nil || o.Dialer == nil {
		return nil, errors.New("devurl: Log, Clock, Resolver and Dialer are required")
	}
	return &Service{opts: o, log: o.Log.With("component", "devurl"), slots: make(chan struct{}, maxStreams),
		stop: make(chan struct{})}, nil
}

// Run blocks until ctx ends, then closes all streams, telling their browsers to
// come back elsewhere, and returns after the last one.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	close(s.stop)
	s.streams.Wait()
	return nil
}

// begin takes a slot for a stream; done gives it back.
func (s *Service) begin() (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "This server is stopping; try again."}
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "This server has too many terminals open; try again later."}
	}
	s.streams.Add(1)
	return func() { <-s.slots; s.streams.Done() }, nil
}
