package tailnet

import (
	be "encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// sum is the one's complement sum of a header, which a right checksum makes ffff.
func sum(b []byte) uint16 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(be.BigEndian.Uint16(b[i:]))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// syn is a TCP header with options, padded to whole words, and a right checksum.
func syn(options ...byte) []byte {
	for len(options)%4 != 0 {
		options = append(options, 0)
	}
	h := make([]byte, 20, 20+len(options))
	h[3], h[7], h[13] = 22, 9, 2
	h = append(h, options...)
	h[12] = byte(len(h)/4) << 4
	be.BigEndian.PutUint16(h[16:], ^sum(h))
	return h
}

func TestLowerSegment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []byte
		at      int // of the size, 0 where nothing changes
	}{
		"large":          {[]byte{2, 4, 0x3e, 0x44}, 22},
		"behind another": {[]byte{1, 4, 2, 2, 4, 0xff, 0xff}, 25},
		"odd":            {[]byte{3, 3, 7, 2, 4, 0x3e, 0x44}, 25},
		"small":          {[]byte{2, 4, 4, 0xc4}, 0},
		"none":           {nil, 0},
		"after the end":  {[]byte{0, 2, 4, 0xff, 0xff}, 0},
		"too short":      {[]byte{2, 3, 0xff}, 0},
		"no length":      {[]byte{5, 0, 2, 4, 0xff, 0xff}, 0},
		"too long":       {[]byte{5, 200, 2, 4, 0xff, 0xff}, 0},
		"cut":            {[]byte{1, 1, 1, 2}, 0},
	} {
		h := syn(c.options...)
		before := string(h)
		lowerSegment(h)
		require.Equal(t, uint16(0xffff), sum(h), "%s: the checksum is right", name)
		if c.at == 0 {
			require.Equal(t, before, string(h), name)
			continue
		}
		require.EqualValues(t, smallSegment, be.BigEndian.Uint16(h[c.at:]), name)
	}
}

func FuzzLowerSegment(f *testing.F) {
	f.Add(syn(2, 4, 0x3e, 0x44))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := len(b)
		lowerSegment(b)
		require.Len(t, b, n)
	})
}
