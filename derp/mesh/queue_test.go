package mesh

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"tailscale.com/types/key"
)

func nobody(n byte) key.NodePublic {
	var raw [32]byte
	raw[0] = n + 1
	var k key.NodePublic
	b := []byte("nodekey:")
	for _, x := range raw {
		b = append(b, "0123456789abcdef"[x>>4], "0123456789abcdef"[x&15])
	}
	if err := k.UnmarshalText(b); err != nil {
		panic(err)
	}
	return k
}

// A flood delays others by its turn and no more, and loses its own oldest.
func TestQueueTakesTurns(t *testing.T) {
	t.Parallel()
	q := newQueue()
	flood, light, dst := nobody(1), nobody(2), nobody(3)
	for i := range 100 {
		q.push(flood, dst, append([]byte{byte(i)}, make([]byte, 8<<10-1)...))
	}
	require.EqualValues(t, 100-maxLane/(8<<10), q.lost.Load())
	q.push(light, dst, []byte("ping"))
	q.push(light, nobody(4), []byte("pong"))
	var from []key.NodePublic
	next := byte(100 - maxLane/(8<<10))
	for {
		p, b, ok := q.pop()
		if !ok {
			break
		}
		from = append(from, p.src)
		if p.src == flood {
			require.Equal(t, next, b[0], "in order, without the oldest")
			next++
		}
	}
	require.Equal(t, []key.NodePublic{flood, flood, light, light, flood}, from[:5])
	require.Len(t, from, 2+maxLane/(8<<10))
	require.EqualValues(t, 100, next)
	require.Zero(t, q.bytes)
	require.Empty(t, q.lanes)
	require.Nil(t, q.head)
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	q := newQueue()
	b := make([]byte, 64<<10)
	n := 0
	for i := range byte(100) {
		for range 4 {
			q.push(nobody(i), nobody(200), b)
			n++
		}
	}
	require.LessOrEqual(t, q.bytes, maxQueue)
	require.EqualValues(t, n-maxQueue/len(b), q.lost.Load())
	q.reset(true)
	require.EqualValues(t, n, q.lost.Load())
	q.push(nobody(1), nobody(2), b)
	require.EqualValues(t, n+1, q.lost.Load())
	_, _, ok := q.pop()
	require.False(t, ok)
	q.reset(false)
	q.push(nobody(1), nobody(2), b)
	_, _, ok = q.pop()
	require.True(t, ok)
}

// Who waits for room gets it when the link moves, or when the link ends.
func TestQueueWaits(t *testing.T) {
	t.Parallel()
	q := newQueue()
	a, b := nobody(1), nobody(2)
	fill := func() {
		for range maxLane / (64 << 10) {
			q.push(a, b, make([]byte, 64<<10))
		}
	}
	fill()
	require.False(t, q.stuck)
	q.push(a, b, make([]byte, 64<<10))
	require.True(t, q.stuck, "the link did not move within patience")
	require.EqualValues(t, 1, q.lost.Load())
	q.push(a, b, make([]byte, 64<<10))
	require.EqualValues(t, 2, q.lost.Load())
	require.Nil(t, q.room, "nobody waits for a link that does not move")
	q.moved()
	require.False(t, q.stuck)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { q.push(a, b, make([]byte, 64<<10)) })
	}
	q.reset(true)
	wg.Wait()
	require.Zero(t, q.bytes)
}

// Packets that come and go in any order are all there, and the lanes are used
// again.
func TestQueueKeepsAll(t *testing.T) {
	t.Parallel()
	q := newQueue()
	sent, got := 0, 0
	for round := range 500 {
		for i := range round % 7 {
			q.push(nobody(byte(i%3)), nobody(9), []byte{byte(sent)})
			sent++
		}
		for range round % 5 {
			if _, _, ok := q.pop(); ok {
				got++
			}
		}
	}
	for {
		if _, _, ok := q.pop(); !ok {
			break
		}
		got++
	}
	require.Equal(t, sent, got)
	require.Zero(t, q.lost.Load())
	require.LessOrEqual(t, len(q.spare), 3)
}
