//go:build linux

package matrix_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// What a client says with --verbose.
const (
	saysDirect  = "a direct stream is there"
	saysStalled = "the direct stream stands still"
)

// becomesDirect waits for one more direct connection than before.
func (s *stream) becomesDirect(before int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.says(saysDirect) > before }, servetest.Patience, 20*time.Millisecond)
}

// address is that of the site on its link.
func (s *site) address() string { return strings.TrimSuffix(s.gateway, "1") + "2" }

// TestDirectStreamLives takes away what a direct stream needs, in the middle of it.
func TestDirectStreamLives(t *testing.T) {
	t.Parallel()
	w, _, at := relayedWorld(t, "direct")
	if w == nil {
		return
	}
	a, c := w.pair(t, kind{})
	a.agent(t, "direct", at)
	s := startStream(t, c.person(t, at, "CODER_VERBOSE=true"), "demo.direct")
	s.becomesDirect(0)
	var unblock func()
	between := fmt.Sprintf("-p tcp -s %s -d %s", c.address(), a.address())
	s.event("UDP blocked", func() { unblock = w.block(t, "-p udp -j DROP") }, nil)
	require.Zero(t, s.says(saysStalled), "a direct stream needs no UDP")
	s.event("UDP opened", func() { unblock() }, nil)

	before := s.says(saysDirect)
	s.event("TCP swallowed", func() { unblock = w.block(t, between+" -j DROP") }, nil)
	require.Equal(t, 1, s.says(saysStalled))
	unblock()
	s.becomesDirect(before)

	before = s.says(saysDirect)
	s.event("TCP reset", func() { unblock = w.block(t, between+" -j REJECT --reject-with tcp-reset") }, nil)
	unblock()
	s.becomesDirect(before)

	s.event("server killed and restarted", func() { w.server.Kill(); w.server.Start() }, nil)
	before = s.says(saysDirect)
	s.event("agent's address changed", func() {
		a.ns.sh(t, fmt.Sprintf("ip addr flush dev eth0 scope global\nip addr add %s3/24 dev eth0\nip route add default via %s",
			strings.TrimSuffix(a.gateway, "1"), a.gateway))
	}, nil)
	s.becomesDirect(before)
	s.event("client's link cut", func() { unblock = w.block(t, "-i "+c.link+" -j DROP"); time.Sleep(20 * time.Second) },
		func() { unblock() })
	s.finish()
}
