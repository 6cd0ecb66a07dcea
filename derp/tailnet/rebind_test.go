package tailnet

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/derp/derpmap"
)

// said keeps what a node logs and tells of each line.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *said) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), what)
}

func (s *said) await(t *testing.T, what string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for s.count(what) < n {
		select {
		case <-s.more:
		case <-ctx.Done():
			require.FailNow(t, "not seen", "%q", what)
		}
	}
}

// Without a STUN server in reach, as on a machine that is offline, a node keeps
// its sockets and its relay: new ones lose what is on its way to the old.
func TestKeepsItsSocketsWithoutSTUN(t *testing.T) {
	t.Parallel()
	for name, stun := range map[string][]string{
		"none": nil, "name": {"stun.invalid:3478"}, "several": {"a.invalid:1", "b.invalid:1", "c.invalid:1", "d.invalid:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &said{more: make(chan struct{}, 1)}
			c, err := New(Config{
				ID: api.NewID(), Log: slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Inbound: true, Relay: netip.MustParseAddrPort("127.0.0.1:9"),
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, c.Close()) })
			require.NoError(t, c.relays.set(derpmap.Build(derpmap.Config{STUNAddresses: stun})))
			const report, rebinding = "report: udp=", "Rebinding"
			c.eng.mc.ReSTUN("first")
			s.await(t, report, 1)
			c.eng.mc.ReSTUN("second")
			s.await(t, report, 2)
			require.Zero(t, s.count(rebinding))
		})
	}
}
