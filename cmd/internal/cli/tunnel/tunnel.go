// Package tunnel holds the network node of one command: it joins the exchange
// for one agent, dials the agent's ports, and speaks SSH to it.
//
// A Tunnel is open (the engine exists), then joined to one agent, then closed.
// Its goroutine ends inside Close. It never decides whether an agent is ready;
// see package target.
package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/derp/direct"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/resume"
	"coder.internal/internal/wsconn"
)

// Tunnel reaches one agent.
type Tunnel struct {
	c        *client.Client
	node     *tailnet.Conn
	agent    api.ID
	log      *slog.Logger
	identity *direct.Identity // nil where direct streams are not allowed
	packets  bool             // forgoes direct streams

	mu      sync.Mutex
	streams []*resume.Client
	over    bool

	cancel context.CancelFunc
	ended  chan struct{} // closed once the exchange is over for good
	closed chan struct{} // closed after that, once our goroutine has ended
	err    error         // why; read after ended is closed
	once   sync.Once
}

// Open makes the node. It needs no agent yet, so that it can happen while the
// agent is looked up. A nil log is one on standard error with --verbose, or
// none. The Tunnel must be closed.
func Open(env *cli.Env, c *client.Client, log *slog.Logger) (*Tunnel, error) {
	switch {
	case log != nil:
	case env.Global.Verbose:
		log = slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	default:
		log = slog.New(slog.DiscardHandler)
	}
	t := &Tunnel{c: c, log: log, packets: env.Global.DisableDirect}
	conf := tailnet.Config{
		ID: api.NewID(), Log: log, AccessURL: c.URL(), HTTPClient: c.HTTPClient(), Header: c.ExtraHeader(),
		BlockDirect: env.Global.DisableDirect, Changed: t.changed,
	}
	var err error
	if !t.packets {
		if t.identity, err = direct.NewIdentity(); err != nil {
			return nil, fmt.Errorf("open network node: %w", err)
		}
		conf.StreamKey = t.identity.Public()
	}
	if t.node, err = tailnet.New(conf); err != nil {
		return nil, fmt.Errorf("open network node: %w", err)
	}
	return t, nil
}

// Join starts the exchange for an agent. It does not wait for anything and may
// be called once. The exchange goes on until Close, not until ctx ends, so that
// a session can end in order. When the server refuses us all streams end: the
// agent has been told to forget us, and they would only wait for it in vain.
func (t *Tunnel) Join(ctx context.Context, agent api.ID) {
	t.agent = agent
	ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	t.ended, t.closed = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(t.closed)
		t.err = t.node.Run(ctx, func(ctx context.Context) (*wsconn.Conn, error) {
			ws, err := t.c.Coordinate(ctx, agent, t.node.ID())
			switch api.CodeOf(err) {
			case api.CodeUnauthenticated, api.CodeForbidden, api.CodeNotFound:
				return nil, fmt.Errorf("%w: %w", tailnet.ErrRefused, err)
			}
			return ws, err
		})
		close(t.ended)
		t.endStreams(true)
		if t.err != nil {
			_ = t.node.Close()
		}
	}()
}

// reasonTimeout is how long a stream may end before the server's word on why.
const reasonTimeout = 2 * time.Second

// AwaitReason is Reason for a stream that broke: the agent may have been told before
// us, so it waits a moment for the server's word.
func (t *Tunnel) AwaitReason(err error) error {
	wait := time.NewTimer(reasonTimeout)
	defer wait.Stop()
	select {
	case <-t.ended:
	case <-wait.C:
	}
	return t.Reason(err)
}

// Reason returns why the server has ended the exchange for good, where it has,
// and else err.
func (t *Tunnel) Reason(err error) error {
	select {
	case <-t.ended:
		var ae *api.Error
		if errors.As(t.err, &ae) {
			return ae
		}
		return errors.Join(t.err, err)
	default:
		return err
	}
}

// bind returns a context that also ends when the exchange does.
func (t *Tunnel) bind(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-t.ended:
			cancel()
		case <-stop:
		}
	})
	return ctx, func() { close(stop); wg.Wait(); cancel() }
}

// cause prefers the reason for which the server refused us.
func (t *Tunnel) cause(ctx context.Context, err error) error {
	if cerr := ctx.Err(); cerr != nil {
		if errors.Is(err, cerr) {
			return err
		}
		return errors.Join(err, cerr)
	}
	return t.Reason(err)
}

// Dial connects to a port of the agent. It waits as long as ctx allows until
// the agent can be reached.
func (t *Tunnel) Dial(ctx context.Context, port uint16) (tailnet.Stream, error) {
	bound, release := t.bind(ctx)
	defer release()
	s, err := t.node.DialTCP(bound, t.agent, port)
	if err != nil {
		return nil, t.cause(ctx, err)
	}
	return s, nil
}

// Ping asks the agent for one answer.
func (t *Tunnel) Ping(ctx context.Context) (tailnet.PingResult, error) {
	bound, release := t.bind(ctx)
	defer release()
	r, err := t.node.Ping(bound, t.agent)
	if err != nil {
		return r, t.cause(ctx, err)
	}
	return r, nil
}

// AwaitReachable waits until the agent has answered.
func (t *Tunnel) AwaitReachable(ctx context.Context) error {
	bound, release := t.bind(ctx)
	defer release()
	if err := t.node.AwaitReachable(bound, t.agent); err != nil {
		return t.cause(ctx, err)
	}
	return nil
}

// Close ends every stream and the exchange.
func (t *Tunnel) Close() error {
	var err error
	t.once.Do(func() {
		if t.cancel != nil {
			t.cancel()
		}
		for _, s := range t.endStreams(true) {
			_ = s.Close()
		}
		err = t.node.Close()
		if t.closed != nil {
			<-t.closed
		}
	})
	return err
}
