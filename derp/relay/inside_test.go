package relay

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"tailscale.com/derp"
	"tailscale.com/net/stun"
)

// sink is a connection that keeps what is written.
type sink struct {
	net.Conn
	got []byte
}

func (s *sink) Write(p []byte) (int, error)      { s.got = append(s.got, p...); return len(p), nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// Pings at any moment never land inside a frame, however frames are cut.
func TestPingFallsBetweenFrames(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := &sink{}
		l := newLink(s, nil, time.Now(), func(*link) {})
		var stream []byte
		var sizes []int
		for range 20 {
			n := rnd.IntN(50)
			sizes = append(sizes, n)
			stream = append(stream, byte(derp.FrameRecvPacket))
			stream = binary.BigEndian.AppendUint32(stream, uint32(n))
			stream = append(stream, make([]byte, n)...)
		}
		for len(stream) > 0 {
			n := min(len(stream), 1+rnd.IntN(40))
			_, err := l.Write(stream[:n])
			require.NoError(t, err)
			stream = stream[n:]
			l.ping(time.Now())
		}
		var frames []int
		pings := 0
		for p := s.got; len(p) > 0; {
			n := int(binary.BigEndian.Uint32(p[1:]))
			switch derp.FrameType(p[0]) {
			case derp.FramePing:
				require.Equal(t, 8, n)
				pings++
			case derp.FrameRecvPacket:
				frames = append(frames, n)
			default:
				t.Fatalf("frame type %d", p[0])
			}
			p = p[5+n:]
		}
		require.Equal(t, sizes, frames)
		require.Positive(t, pings, "the last one is after the last frame")
	}
}

func TestDivide(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for name, c := range map[string]struct {
		used   []int64
		heavy  []bool
		busy   bool
		before float64
		want   float64
	}{
		"idle":                     {want: 0},
		"room":                     {used: []int64{90 * mb, 10 * mb}, heavy: []bool{true, true}, want: 0},
		"alone":                    {used: []int64{90 * mb, 10}, heavy: []bool{true, false}, busy: true, want: 0},
		"two share":                {used: []int64{90 * mb, 10 * mb}, heavy: []bool{true, true}, busy: true, want: 550 * mb},
		"light ones are served":    {used: []int64{90 * mb, 10 * mb, 20 * mb}, heavy: []bool{true, true, false}, busy: true, want: 550 * mb},
		"never below the least":    {used: []int64{100, 100}, heavy: []bool{true, true}, busy: true, want: mb},
		"room again: rises":        {used: []int64{10 * mb, 10 * mb}, heavy: []bool{true, true}, before: 100 * mb, want: 150 * mb},
		"room again: then no more": {used: []int64{10 * mb, 10 * mb}, heavy: []bool{true, true}, before: 150 * mb, want: 0},
	} {
		got := divide(c.used, c.heavy, c.busy, c.before, fairEvery)
		require.InDelta(t, c.want, got, 1, name)
	}
}

func TestShareWaits(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var s share
	n := 1 << 30
	require.Zero(t, s.take(&n, now), "no limit")
	s.limit(1000, now)
	n = 500
	require.Equal(t, 500*time.Millisecond, s.take(&n, now))
	require.Zero(t, n, "booked once")
	require.Equal(t, 100*time.Millisecond, s.take(&n, now.Add(400*time.Millisecond)))
	require.Zero(t, s.take(&n, now.Add(time.Second)))
}

func TestSTUNLimits(t *testing.T) {
	t.Parallel()
	s, err := listenSTUN("127.0.0.1:0")
	require.NoError(t, err)
	defer s.close()
	now := time.Unix(1000, 0)
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for range stunPerSource {
		require.True(t, s.allow(one, now))
	}
	require.False(t, s.allow(one, now))
	require.False(t, s.allow(netip.MustParseAddr("::ffff:192.0.2.1"), now), "the same source")
	for range stunPerSource {
		require.True(t, s.allow(other, now))
	}
	require.False(t, s.allow(netip.MustParseAddr("2001:db8::2"), now), "the same network")
	require.True(t, s.allow(one, now.Add(time.Second)))
	n := 0
	for i := range 65536 {
		if s.allow(netip.AddrFrom4([4]byte{10, byte(i >> 12), byte(i >> 4), byte(i)}), now.Add(2*time.Second)) {
			n++
		}
	}
	require.Equal(t, stunPerSecond, n)
}

func TestSTUNAnswers(t *testing.T) {
	t.Parallel()
	s, err := listenSTUN("127.0.0.1:0")
	require.NoError(t, err)
	defer s.close()
	now := time.Now()
	for from, want := range map[string]string{
		"192.0.2.1:1000": "192.0.2.1:1000", "[::ffff:192.0.2.2]:7": "192.0.2.2:7",
		"[2001:db8::1]:65535": "[2001:db8::1]:65535", "[fe80::1%eth0]:9": "[fe80::1]:9",
	} {
		tx := stun.NewTxID()
		a := s.answer(stun.Request(tx), netip.MustParseAddrPort(from), now)
		require.LessOrEqual(t, len(a), len(stun.Request(tx))+4, "no amplifier")
		got, addr, err := stun.ParseResponse(a)
		require.NoError(t, err)
		require.Equal(t, tx, got)
		require.Equal(t, want, addr.String())
	}
	for _, bad := range [][]byte{nil, {0}, make([]byte, maxSTUN), stun.Response(stun.NewTxID(), netip.MustParseAddrPort("1.2.3.4:5"))} {
		require.Nil(t, s.answer(bad, netip.MustParseAddrPort("192.0.2.9:1"), now))
	}
	require.EqualValues(t, 4, s.answered.Load())
	require.EqualValues(t, 4, s.ignored.Load())
}
