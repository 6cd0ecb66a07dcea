package network_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/network"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
	"coder.internal/internal/wsconn"
)

// An agent whose deployment blocked direct paths at its start offers addresses once
// the relay map allows them.
func TestDirectAgainAfterItWasBlocked(t *testing.T) {
	t.Parallel()
	offered := make(chan []string, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != agentrpc.PathCoordinate {
			http.NotFound(w, r)
			return
		}
		ws, err := wsconn.Accept(w, r, wsconn.AcceptOptions{ReadLimit: tailrpc.MaxMessage})
		if err != nil {
			return
		}
		defer ws.CloseNow() //nolint:errcheck // the test is over
		for _, blocked := range []bool{true, false} {
			m := derpmap.Build(derpmap.Config{BlockDirect: blocked})
			if ws.Write(r.Context(), tailrpc.ServerMessage{RelayMap: &m}) != nil {
				return
			}
			for {
				var got tailrpc.ClientMessage
				if ws.Read(r.Context(), &got) != nil {
					return
				}
				if got.Node == nil {
					continue
				}
				offered <- got.Node.Endpoints
				if blocked || len(got.Node.Endpoints) > 0 {
					break
				}
			}
		}
		var last tailrpc.ClientMessage
		for ws.Read(r.Context(), &last) == nil {
		}
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	n, err := network.New(agentrpc.Manifest{AgentID: api.NewID(), BlockDirect: true},
		network.Options{URL: u, HTTP: srv.Client(), Log: slog.New(slog.DiscardHandler), Direct: true})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	next := func() []string {
		select {
		case eps := <-offered:
			return eps
		case <-ctx.Done():
			t.Fatal("the agent says nothing more")
			return nil
		}
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	require.Empty(t, next(), "blocked")
	for len(next()) == 0 {
	}
	cancel()
	require.NoError(t, <-done)
}
