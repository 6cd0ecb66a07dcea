package mesh

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tailscale.com/derp"
	"tailscale.com/types/key"

	"coder.internal/derp/relay"
)

const (
	// dialTimeout bounds everything until the peer has let us in.
	dialTimeout = 5 * time.Second
	// maxAnswer bounds in bytes what a peer says until then.
	maxAnswer = 64 << 10
	// maxReason bounds what of a refusal is passed on.
	maxReason = 300
)

// conn is a connection that the peer has admitted.
type conn struct {
	net.Conn
	client *derp.Client // reads; nobody writes with it any more
}

// dial connects to a peer's relay. The key of the peer is known beforehand, so
// that nobody else can read what proves the mesh key, whoever answers.
func (m *Mesh) dial(ctx context.Context, p Peer) (*conn, error) {
	var want key.NodePublic
	if err := want.UnmarshalText([]byte(p.Key)); err != nil || want.IsZero() {
		return nil, fmt.Errorf("%q is no key of a relay", p.Key)
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no http or https URL", p.URL)
	}
	if u.Path == "" {
		u.Path = "/" // or what is joined has no slash before it
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, fmt.Errorf("no answer from %s within %s", u.Host, dialTimeout))
	defer cancel()
	c, err := m.enter(ctx, u, want)
	if err != nil && context.Cause(ctx) != nil {
		return nil, context.Cause(ctx)
	}
	return c, err
}

// enter connects, asks for the relay's protocol and waits to be let in.
func (m *Mesh) enter(ctx context.Context, u *url.URL, want key.NodePublic) (*conn, error) {
	nc, err := m.connect(ctx, u)
	if err != nil {
		return nil, err
	}
	abort := context.AfterFunc(ctx, func() { _ = nc.Close() })
	rest := &capped{Reader: nc, left: maxAnswer}
	brw := bufio.NewReadWriter(bufio.NewReaderSize(rest, 32<<10), bufio.NewWriter(nc))
	client, err := m.greet(u, nc, brw, want)
	if !abort() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	rest.left = -1
	return &conn{Conn: nc, client: client}, nil
}

func (m *Mesh) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	nc, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if u.Scheme == "http" {
		return nc, nil
	}
	conf := &tls.Config{}
	if m.cfg.TLS != nil {
		conf = m.cfg.TLS.Clone()
	}
	conf.ServerName, conf.NextProtos = u.Hostname(), []string{"http/1.1"}
	tc := tls.Client(nc, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("start TLS with %s: %w", u.Host, err)
	}
	return tc, nil
}

// greet speaks HTTP, then the relay's protocol until it has admitted us.
func (m *Mesh) greet(u *url.URL, nc net.Conn, brw *bufio.ReadWriter, want key.NodePublic) (*derp.Client, error) {
	req := &http.Request{Method: http.MethodGet, URL: u.JoinPath("derp"), Host: u.Host, Header: http.Header{
		"Upgrade": {"DERP"}, "Connection": {"Upgrade"}, relay.MeshHeader: {relay.MeshProof(m.cfg.MeshKey, want)}}}
	if err := req.Write(brw); err != nil {
		return nil, fmt.Errorf("ask %s for the relay's protocol: %w", u.Host, err)
	}
	if err := brw.Flush(); err != nil {
		return nil, fmt.Errorf("ask %s for the relay's protocol: %w", u.Host, err)
	}
	resp, err := http.ReadResponse(brw.Reader, req)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	if err := judge(u, resp, want); err != nil {
		return nil, err
	}
	// Its key of the connection is nobody's node, and new each time: the peer
	// may not have noticed yet that the one before is gone.
	client, err := derp.NewClient(key.NewNode(), nc, brw, discard, derp.MeshKey(m.key), derp.ServerPublicKey(want), derp.CanAckPings(true))
	if err != nil {
		return nil, fmt.Errorf("greet the relay at %s: %w", u.Host, err)
	}
	msg, err := client.Recv()
	if err != nil {
		return nil, fmt.Errorf("the relay at %s did not let us in: %w", u.Host, err)
	}
	if _, ok := msg.(derp.ServerInfoMessage); !ok {
		return nil, fmt.Errorf("the relay at %s began with %T", u.Host, msg)
	}
	return client, nil
}

// judge says what is wrong with an answer.
func judge(u *url.URL, resp *http.Response, want key.NodePublic) error {
	if got := resp.Header.Get("Derp-Public-Key"); got != "" && got != want.UntypedHexString() {
		return fmt.Errorf("another relay answers at %s; it is the address of a balancer or of another replica, or the replica has just started anew", u.Redacted())
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxReason))
	reason := strings.Join(strings.Fields(strings.ToValidUTF8(string(b), "")), " ")
	if resp.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%s refuses the mesh key: %s", u.Redacted(), reason)
	}
	return fmt.Errorf("no relay at %s: it answers %s: %s", u.Redacted(), resp.Status, reason)
}

func discard(string, ...any) {}

var errLong = errors.New("the answer is too long")

// capped ends a reader after so many bytes; below zero is no end. It is set by
// the goroutine that reads.
type capped struct {
	io.Reader
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return c.Reader.Read(p)
	}
	if c.left == 0 {
		return 0, errLong
	}
	n, err := c.Reader.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
