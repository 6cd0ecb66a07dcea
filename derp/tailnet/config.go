package tailnet

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"

	"coder.internal/api"
	"coder.internal/internal/wsconn"
)

// Config describes a node. ID and Log are required.
type Config struct {
	ID  api.ID // the agent's id, or a random one that a client keeps while it lives
	Log *slog.Logger

	// Inbound lets peers open connections to Listeners. Agents set it; clients
	// and servers do not, and accept nothing.
	Inbound bool

	// AccessURL is the base of relays that the map names without a URL. A path
	// in it is kept.
	AccessURL *url.URL
	// HTTPClient dials relays: private CA, proxy, client certificate. Nil means
	// http.DefaultClient. Its transport is used in HTTP/1.1; a timeout of its
	// own is ignored.
	HTTPClient *http.Client
	// Header is sent to relays with every dial.
	Header http.Header
	// Relay is a plain-HTTP address of the embedded relay in this very process,
	// which stands for the relays without a URL. Only the server sets it.
	Relay netip.AddrPort

	// BlockDirect keeps this node on relays; the relay map can demand it too.
	BlockDirect bool
	// ForceWebSockets never tries the relay's own upgrade first.
	ForceWebSockets bool

	// Streams, where not nil, hears that the server asks for a connection that carries
	// streams. It must not block.
	Streams func()

	// StreamKey is the public key that this node shows in direct TCP connections; nil
	// for a node that has none.
	StreamKey []byte
	// Changed, where not nil, hears each time that peers or the relay map may have changed,
	// with the peers that do not come back. It must not block for long.
	Changed func(left []api.ID)

	// Jitter returns a number in [0,1); nil means a random one.
	Jitter func() float64
}

// Exchange dials the coordinator. It must return soon after ctx ends. An error
// that wraps ErrRefused ends Run; any other is tried again.
type Exchange func(ctx context.Context) (*wsconn.Conn, error)

// ErrRefused marks an Exchange error that dialling again cannot mend, such as a
// right that is missing.
var ErrRefused = errors.New("the server refuses this node")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the network node is closed")

func (c *Config) fill() error {
	if c.ID.IsZero() || c.Log == nil {
		return errors.New("tailnet: ID and Log are required")
	}
	if c.HTTPClient == nil {
		c.HTTPClient = http.DefaultClient
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return nil
}
