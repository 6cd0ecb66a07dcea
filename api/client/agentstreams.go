package client

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// Streams makes a connection to a replica that carries streams, see
// agentrpc.PathStreams. ctx bounds the way there only. The caller closes it.
func (c *AgentClient) Streams(ctx context.Context) (net.Conn, error) {
	var under net.Conn
	// The connection outlives ctx, which would end it with the request.
	rctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	rctx = httptrace.WithClientTrace(rctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { under = i.Conn }})
	req, err := http.NewRequestWithContext(rctx, http.MethodGet, strings.TrimRight(c.URL, "/")+agentrpc.PathStreams, nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ask for streams: %w", err)
	}
	req.Header.Set(api.SessionTokenHeader, c.Token.Reveal())
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", agentrpc.StreamsProtocol)
	resp, err := c.http().Do(req)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ask for streams: %w", err)
	}
	body, ok := resp.Body.(io.ReadWriteCloser)
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		err = agentError(resp, io.LimitReader(resp.Body, maxErrorBody))
	case !ok || under == nil || !strings.EqualFold(resp.Header.Get("Upgrade"), agentrpc.StreamsProtocol):
		err = fmt.Errorf("ask for streams: the upgrade to %q is not the one wanted", resp.Header.Get("Upgrade"))
	case !stop():
		err = fmt.Errorf("ask for streams: %w", ctx.Err())
	}
	if err != nil {
		_ = resp.Body.Close()
		cancel()
		return nil, err
	}
	return &upgraded{Conn: under, body: body, cancel: cancel}, nil
}

// maxErrorBody bounds what is read of a refusal.
const maxErrorBody = 64 << 10

// upgraded reads what the answer's header may have brought along first.
type upgraded struct {
	net.Conn
	body   io.ReadWriteCloser
	cancel context.CancelFunc
}

func (u *upgraded) Read(p []byte) (int, error)  { return u.body.Read(p) }
func (u *upgraded) Write(p []byte) (int, error) { return u.body.Write(p) }

func (u *upgraded) Close() error {
	defer u.cancel()
	return u.body.Close()
}
