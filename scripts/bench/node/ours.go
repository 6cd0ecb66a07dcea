package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"coder.internal/agent/network"
	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// ours is a node as agents and clients have it.
type ours struct {
	conn     *tailnet.Conn
	agent    api.ID // far's
	exchange tailnet.Exchange
	meeting  func(agent api.ID) tailnet.Exchange // near's way to the exchange
	cancel   context.CancelFunc
	ended    chan error
}

func newOurs(ctx context.Context, block, inbound bool) (*ours, error) {
	u, err := url.Parse(os.Getenv("BENCH_URL"))
	if err != nil {
		return nil, fmt.Errorf("BENCH_URL: %w", err)
	}
	o := &ours{ended: make(chan error, 1)}
	cfg := tailnet.Config{ID: api.NewID(), Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: logLevel()})), Inbound: inbound, AccessURL: u, BlockDirect: block}
	if inbound {
		token := api.Secret(os.Getenv("BENCH_AGENT_TOKEN"))
		m, err := (&client.AgentClient{URL: u.String(), Token: token}).Manifest(ctx)
		if err != nil {
			return nil, err
		}
		cfg.ID = m.AgentID
		o.exchange = network.Options{URL: u, Token: token, HTTP: http.DefaultClient}.Exchange
	} else {
		c := client.New(u, client.WithToken(api.Secret(os.Getenv("BENCH_TOKEN"))))
		o.meeting = func(agent api.ID) tailnet.Exchange {
			return func(ctx context.Context) (*wsconn.Conn, error) { return c.Coordinate(ctx, agent, cfg.ID) }
		}
	}
	if o.conn, err = tailnet.New(cfg); err != nil {
		return nil, err
	}
	if !inbound {
		return o, nil
	}
	l, err := o.conn.Listen("tcp", servicePort)
	if err != nil {
		return nil, errors.Join(err, o.conn.Close())
	}
	go accept(l)
	o.join(o.exchange)
	return o, nil
}

// accept serves until the listener closes.
func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go serve(c)
	}
}

func (o *ours) join(x tailnet.Exchange) {
	ctx, cancel := context.WithCancel(context.Background()) // ends in close
	o.cancel = cancel
	go func() { o.ended <- o.conn.Run(ctx, x) }()
}

func (o *ours) card() card { return card{ID: o.conn.ID().String()} }

// meet tells near which agent to ask for; far hears of near from the server.
func (o *ours) meet(c card) error {
	if o.meeting == nil {
		return nil
	}
	id, err := api.ParseID(c.ID)
	if err != nil {
		return fmt.Errorf("id of the far node: %w", err)
	}
	o.agent = id
	o.join(o.meeting(id))
	return nil
}

func (o *ours) path(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := o.conn.Ping(ctx, o.agent)
	return r.Direct, err
}

func (o *ours) dial(ctx context.Context) (net.Conn, error) {
	return o.conn.DialTCP(ctx, o.agent, servicePort)
}

func (o *ours) close() {
	if o.cancel != nil {
		o.cancel()
		<-o.ended
	}
	_ = o.conn.Close()
}

// logLevel is warning, or all with BENCH_VERBOSE.
func logLevel() slog.Level {
	if os.Getenv("BENCH_VERBOSE") != "" {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}
