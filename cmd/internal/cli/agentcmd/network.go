package agentcmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"coder.internal/agent"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/tailnet"
	"coder.internal/internal/wsconn"
)

// dialer makes network nodes of the agent.
type dialer struct {
	url    *url.URL
	token  api.Secret
	header http.Header
	http   *http.Client
	log    *slog.Logger
	direct bool
	// streams holds one: the server asks for a connection that carries streams.
	streams chan struct{}
}

// streamsWanted never blocks: a question that waits stands for all.
func (d *dialer) streamsWanted() {
	select {
	case d.streams <- struct{}{}:
	default:
	}
}

// network leaves it to the relay map, which a server that was started again sends
// anew, whether the deployment blocks direct paths: the node would keep for ever what
// the manifest says of that.
func (d *dialer) network(m agentrpc.Manifest) (agent.Network, error) {
	conn, err := tailnet.New(tailnet.Config{ID: m.AgentID, Log: d.log, Inbound: true, AccessURL: d.url,
		HTTPClient: d.http, Header: d.header, BlockDirect: !d.direct, Streams: d.streamsWanted})
	if err != nil {
		return nil, fmt.Errorf("open network node: %w", err)
	}
	return &node{conn: conn, dialer: d}, nil
}

// node is one network node; the agent makes another when Run returns.
type node struct {
	conn   *tailnet.Conn
	dialer *dialer
}

// Listen implements agent.Network.
func (n *node) Listen(port uint16) (net.Listener, error) { return n.conn.Listen("tcp", port) }

// Traffic implements agent.Network.
func (n *node) Traffic() (received, sent agentrpc.Traffic) {
	t := n.conn.Traffic()
	return agentrpc.Traffic{Packets: t.ReceivedPackets, Bytes: t.ReceivedBytes}, agentrpc.Traffic{Packets: t.SentPackets, Bytes: t.SentBytes}
}

// Peers implements agent.Network.
func (n *node) Peers(ctx context.Context) []agent.PeerAnswer {
	var out []agent.PeerAnswer
	for _, p := range n.conn.PingStreaming(ctx) {
		out = append(out, agent.PeerAnswer(p))
	}
	return out
}

// Relays implements agent.Network.
func (n *node) Relays(ctx context.Context) (map[string]float64, int) {
	out := map[string]float64{}
	for id, d := range n.conn.RelayLatencies(ctx) {
		out[strconv.Itoa(id)] = float64(d) / float64(time.Millisecond)
	}
	return out, n.conn.HomeRelay()
}

// Run implements agent.Network. A refusal is tried again like anything else: the
// token may become valid, and the agent never gives up.
func (n *node) Run(ctx context.Context) error {
	err := n.conn.Run(ctx, n.dialer.exchange)
	return errors.Join(err, n.conn.Close())
}

func (d *dialer) exchange(ctx context.Context) (*wsconn.Conn, error) {
	h := d.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set(api.SessionTokenHeader, d.token.Reveal())
	return wsconn.Dial(ctx, d.url.JoinPath(agentrpc.PathCoordinate).String(),
		wsconn.DialOptions{HTTPClient: d.http, Header: h, ReadLimit: tailrpc.MaxMessage})
}
