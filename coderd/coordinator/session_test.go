package coordinator

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/tailrpc"
	"coder.internal/internal/wsconn"
)

// A peer that does not read costs one state per peer, not one per change.
func TestOnlyTheNewestStateIsKept(t *testing.T) {
	t.Parallel()
	s := newSession(nil, api.NewID(), tailrpc.RelayMap{})
	a, b := api.NewID(), api.NewID()
	for i := range 1000 {
		s.upsert(&tailrpc.Node{ID: a, Key: fmt.Sprint(i)})
		s.upsert(&tailrpc.Node{ID: b, Key: fmt.Sprint(i)})
		s.relayMap(tailrpc.RelayMap{BlockDirect: i == 999})
	}
	s.gone(b)
	m, some, ended := s.next()
	require.True(t, some)
	require.False(t, ended)
	require.Equal(t, s.self, m.Self)
	require.True(t, m.RelayMap.BlockDirect)
	require.Equal(t, []tailrpc.Node{{ID: a, Key: "999"}}, m.Upsert)
	require.Equal(t, []api.ID{b}, m.Gone)
	_, some, _ = s.next()
	require.False(t, some)
}

func TestManyPeersGoInBatchesAndMoveComesLast(t *testing.T) {
	t.Parallel()
	s := newSession(nil, api.NewID(), tailrpc.RelayMap{})
	for range 2*maxBatch + 1 {
		s.upsert(&tailrpc.Node{ID: api.NewID()})
	}
	s.move()
	var sizes []int
	for {
		m, some, _ := s.next()
		if !some {
			break
		}
		sizes = append(sizes, len(m.Upsert))
		require.Equal(t, len(sizes) == 3, m.Move)
	}
	require.Equal(t, []int{maxBatch, maxBatch, 1}, sizes)
	s.end(wsconn.CodePolicy, "over")
	_, _, ended := s.next()
	require.True(t, ended)
}
