// Package streams joins streams of replicas with what runs in the workspace: the
// ports and sockets of apps, and the agent's own services.
//
// It owns the connections to replicas that carry streams while they are open, and
// decides what a stream may reach: loopback TCP ports, unix sockets that belong to
// the user of the workspace, and the services that the agent gives it. Nothing else.
// It never authenticates: a replica is who answers at the deployment's URL, and who
// comes through the tunnel was let in by the control plane. It never connects
// unasked, and not again: whoever needs a connection asks for it.
//
// A connection goes: asked for → dialled → serving → ended, by either side.
package streams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/internal/mux"
)

const (
	// connectTimeout bounds the way to a replica, dialTimeout that to an app.
	connectTimeout = 10 * time.Second
	dialTimeout    = 10 * time.Second
	// maxTunnels bounds the connections that come through the tunnel.
	maxTunnels = 64
	// patience bounds what says where a stream goes.
	patience = 10 * time.Second
)

// Options of Streams. Log is required.
type Options struct {
	Log *slog.Logger
	// Connect makes a connection to a replica that carries streams, and Wanted
	// hears that one asks for it. Without them there is only the tunnel.
	Connect func(context.Context) (net.Conn, error)
	Wanted  <-chan struct{}
	// TunnelPortsOnly leaves those who come through the tunnel the agent's own
	// services alone: people may come that way, and forwarding is forbidden.
	TunnelPortsOnly bool
}

// Streams are those of one agent.
type Streams struct {
	o     Options
	log   *slog.Logger
	slots chan struct{} // one a stream

	mu    sync.Mutex
	ports map[int]*listener
}

// New returns Streams; it starts nothing.
func New(o Options) (*Streams, error) {
	if o.Log == nil || (o.Connect == nil) != (o.Wanted == nil) {
		return nil, errors.New("streams options: Log is required, and Connect and Wanted need each other")
	}
	return &Streams{o: o, log: o.Log.With("component", "streams"), slots: make(chan struct{}, agentrpc.MaxStreams),
		ports: map[int]*listener{}}, nil
}

// Port returns the listener of the streams to a port of the agent. Its user must
// close it.
func (s *Streams) Port(port int) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &listener{queue: make(chan net.Conn), done: make(chan struct{})}
	s.ports[port] = l
	return l
}

// Run makes connections that replicas ask for, and serves them until ctx ends. It
// returns after the last stream.
func (s *Streams) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.o.Wanted: // nil waits for ever
		}
		cctx, cancel := context.WithTimeout(ctx, connectTimeout)
		conn, err := s.o.Connect(cctx)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				s.log.Info("no stream connection to the server; the tunnel is used", "error", err)
			}
			continue
		}
		wg.Go(func() { s.serve(ctx, conn, false) })
	}
}

// Serve takes connections of the tunnel until ctx ends or the listener fails, and
// returns after the last stream on them.
func (s *Streams) Serve(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	slots := make(chan struct{}, maxTunnels)
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if conn != nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept stream connection: %w", err)
		}
		select {
		case slots <- struct{}{}:
			wg.Go(func() {
				defer func() { <-slots }()
				s.serve(ctx, conn, true)
			})
		default:
			s.log.Warn("stream connection refused", "limit", maxTunnels)
			_ = conn.Close()
		}
	}
}

func (s *Streams) serve(ctx context.Context, conn net.Conn, tunnel bool) {
	session := mux.New(conn, mux.Options{MaxStreams: agentrpc.MaxStreams, Handler: func(st *mux.Stream) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			s.stream(ctx, st, tunnel)
		default:
			st.Reset()
		}
	}})
	s.log.Debug("stream connection began", "tunnel", tunnel)
	err := session.Run(ctx)
	s.log.Debug("stream connection ended", "tunnel", tunnel, "error", err)
}

// stream is the life of one stream.
func (s *Streams) stream(ctx context.Context, st *mux.Stream, tunnel bool) {
	_ = st.SetDeadline(time.Now().Add(patience))
	target, err := agentrpc.ReadTarget(st)
	if err != nil {
		s.log.Debug("stream refused", "error", err)
		st.Reset()
		return
	}
	_ = st.SetDeadline(time.Time{})
	if target.Network == "port" {
		s.own(st, target.Address)
		return
	}
	app, refusal := s.dial(ctx, target, tunnel)
	if refusal != nil {
		s.log.Debug("stream refused", "network", target.Network, "address", target.Address, "error", refusal)
		_ = agentrpc.WriteAnswer(st, refusal)
		return
	}
	if agentrpc.WriteAnswer(st, nil) != nil {
		_ = app.Close()
		return
	}
	join(ctx, st, app)
}

// own hands a stream to a service of the agent, and returns when that closed it.
func (s *Streams) own(st *mux.Stream, address string) {
	port, err := strconv.Atoi(address)
	s.mu.Lock()
	l := s.ports[port]
	s.mu.Unlock()
	if err != nil || l == nil || l.closed() {
		_ = agentrpc.WriteAnswer(st, &api.Error{Code: api.CodeForbidden, Message: "The agent has no such service for streams."})
		return
	}
	c := &owned{Stream: st, closed: make(chan struct{})}
	if agentrpc.WriteAnswer(st, nil) == nil && l.deliver(c) {
		<-c.closed
		return
	}
	st.Reset()
}

func (s *Streams) dial(ctx context.Context, target agentrpc.StreamTarget, tunnel bool) (net.Conn, *api.Error) {
	if tunnel && s.o.TunnelPortsOnly {
		return nil, &api.Error{Code: api.CodeForbidden, Message: "This agent forbids port forwarding, and its apps are reached by its own connection to the server alone."}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	switch target.Network {
	case "tcp":
		return dialTCP(ctx, target.Address)
	case "unix":
		return dialUnix(ctx, target.Address)
	}
	return nil, api.Invalid("network", "use tcp or unix.")
}
