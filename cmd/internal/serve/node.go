package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/coordinator"
	"coder.internal/derp/tailnet"
)

// ownNode is the server's place in the network: how it reaches agents for people
// with nothing but a browser. The node is made when it is first needed, and again
// when it breaks.
type ownNode struct {
	log         *slog.Logger
	coordinator *coordinator.Coordinator
	accessURL   *url.URL
	relay       netip.AddrPort // invalid where there is none of our own
	blockDirect bool

	wanted chan struct{} // holds one: the node is needed

	mu    sync.Mutex
	conn  *tailnet.Conn
	ready chan struct{} // closed once conn is set; renewed when it is gone
}

func newOwnNode(s *Server, p *slices) *ownNode {
	n := &ownNode{log: s.log.With("component", "node"), coordinator: p.coordinator, accessURL: s.accessURL,
		blockDirect: s.cfg.BlockDirect, wanted: make(chan struct{}, 1), ready: make(chan struct{})}
	if p.relay != nil {
		n.relay = p.relay.LoopbackAddr()
	}
	return n
}

// nodePause is how long a broken node is left alone.
const nodePause = time.Second

// Run waits until the node is needed, and keeps it until ctx ends.
func (n *ownNode) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wanted:
		}
		err := n.live(ctx)
		if ctx.Err() != nil {
			return nil
		}
		n.log.Error("own network node ended, making another when it is needed", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(nodePause):
		}
	}
}

// live is one node from its making to its end.
func (n *ownNode) live(ctx context.Context) error {
	id := api.NewID()
	conn, err := tailnet.New(tailnet.Config{ID: id, Log: n.log, AccessURL: n.accessURL, Relay: n.relay, BlockDirect: n.blockDirect})
	if err != nil {
		return fmt.Errorf("make network node: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	dial, wait := n.coordinator.Local(ctx, id)
	n.mu.Lock()
	n.conn = conn
	close(n.ready)
	n.mu.Unlock()
	err = conn.Run(ctx, dial)
	n.mu.Lock()
	n.conn, n.ready = nil, make(chan struct{})
	n.mu.Unlock()
	cancel()
	wait()
	return errors.Join(err, conn.Close())
}

// DialAgent implements devurl.Dialer.
func (n *ownNode) DialAgent(ctx context.Context, agentID api.ID, port uint16) (net.Conn, error) {
	for {
		n.mu.Lock()
		conn, ready := n.conn, n.ready
		n.mu.Unlock()
		if conn != nil {
			return conn.DialTCP(ctx, agentID, port)
		}
		select {
		case n.wanted <- struct{}{}:
		default: // Run knows already
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, fmt.Errorf("own network node is not up: %w", ctx.Err())
		}
	}
}
