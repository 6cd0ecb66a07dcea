package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/derp/derpserver"
	"tailscale.com/types/key"

	"coder.internal/scripts/bench/proc"
)

// A bare pair measures what goes directly and what goes through the relay, and one
// far node serves both.
func TestBarePair(t *testing.T) {
	t.Parallel()
	s := derpserver.New(key.NewNode(), silent)
	relay := httptest.NewServer(derpserver.Handler(s))
	t.Cleanup(func() { relay.CloseClientConnections(); _ = s.Close(); relay.Close() })
	port, err := proc.FreePort()
	require.NoError(t, err)
	p := pair{engine: "bare", relay: relay.Listener.Addr().String(), size: 1 << 20,
		control: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	ctx, cancel := context.WithCancel(t.Context())
	far := p
	ended := make(chan error, 1)
	go func() { ended <- far.far(ctx) }()
	require.NoError(t, proc.Until(t.Context(), "the far node", 10*time.Millisecond, 30*time.Second, func() (bool, error) {
		c, err := net.Dial("tcp", p.control)
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	}))
	for _, relayed := range []bool{false, true} {
		near := p
		var out bytes.Buffer
		near.relayed, near.block, near.out = relayed, relayed, &out
		require.NoError(t, near.near(t.Context()), "relayed: %t", relayed)
		var r result
		require.NoError(t, json.Unmarshal(out.Bytes(), &r))
		require.Positive(t, r.RTT)
		require.Positive(t, r.Down.Rate)
		require.Positive(t, r.Up.Rate)
	}
	cancel()
	require.NoError(t, <-ended)
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"say far, near, fleet, ":    nil,
		"is not one of far, near, ": {"nearer"},
		"give bare or ours":         {"far", "-engine", "other"},
		"-relay: ":                  {"near", "-relay", "nowhere"},
	} {
		var out, errs bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out, &errs), want)
	}
}
