package tailnet

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"tailscale.com/types/ipproto"
)

// syn is an IPv6 packet with a TCP SYN and these options, its checksum right.
func syn(options ...byte) []byte {
	p := make([]byte, 60, 60+len(options))
	p[0], p[6], p[7] = 6<<4, 6, 64
	binary.BigEndian.PutUint16(p[4:], uint16(20+len(options)))
	p[8], p[23], p[24], p[39] = 0xfd, 1, 0xfd, 2
	p[40+12], p[40+13] = byte((20+len(options))/4)<<4, 2
	p = append(p, options...)
	binary.BigEndian.PutUint16(p[56:], ^sum(p, ipproto.TCP))
	return p
}

func TestSegmentFitsTheWire(t *testing.T) {
	t.Parallel()
	require.Equal(t, uint16(1140), segmentFor(1280))
	require.Equal(t, uint16(1204), segmentFor(1359))
	require.Equal(t, segmentFor(leastMTU), segmentFor(0))
}

func TestLowerMSS(t *testing.T) {
	t.Parallel()
	p := syn(1, 1, 2, 4, 1220>>8, 1220&0xff, 0, 0)
	require.Equal(t, uint16(0xffff), sum(p, ipproto.TCP))
	lowerMSS(p, 1140)
	require.Equal(t, uint16(1140), binary.BigEndian.Uint16(p[64:]))
	require.Equal(t, uint16(0xffff), sum(p, ipproto.TCP))
	once := bytes.Clone(p)
	lowerMSS(p, 1200)
	require.Equal(t, once, p, "it is never raised")

	p = syn(2, 4, 1220>>8, 1220&0xff)
	binary.BigEndian.PutUint16(p[56:], 7) // the system makes the checksum later
	lowerMSS(p, 1140)
	require.Equal(t, uint16(1140), binary.BigEndian.Uint16(p[62:]))
	require.Equal(t, uint16(7), binary.BigEndian.Uint16(p[56:]))
}

func TestLowerMSSLeavesTheRest(t *testing.T) {
	t.Parallel()
	for name, p := range map[string][]byte{
		"short": make([]byte, 59), "no options": syn(), "other options": syn(3, 3, 7, 0), "end first": syn(0, 2, 4, 9),
		"length zero": syn(2, 0, 9, 9), "length over the end": syn(1, 1, 1, 2), "longer than it is": syn(8, 40, 0, 0),
	} {
		before := bytes.Clone(p)
		lowerMSS(p, 100)
		require.Equal(t, before, p, name)
	}
}

func FuzzLowerMSS(f *testing.F) {
	f.Add(syn(2, 4, 5, 5))
	f.Add(syn(1, 1, 1, 2))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := len(p)
		lowerMSS(p, 536)
		require.Len(t, p, n)
	})
}
