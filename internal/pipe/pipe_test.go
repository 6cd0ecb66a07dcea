package pipe_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/pipe"
)

// tcpPair returns both ends of a TCP connection on loopback.
func tcpPair(t *testing.T) (*net.TCPConn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	far, err := ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near.(*net.TCPConn), far.(*net.TCPConn)
}

type result struct {
	n   pipe.Counts
	err error
}

func join(ctx context.Context, a, b io.ReadWriteCloser) chan result {
	ch := make(chan result, 1)
	go func() {
		n, err := pipe.Join(ctx, a, b)
		ch <- result{n, err}
	}()
	return ch
}

func TestHalfCloseKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	left, a := tcpPair(t)
	b, right := tcpPair(t)
	got := join(t.Context(), a, b)

	question := strings.Repeat("q", 100_000)
	go func() {
		_, _ = io.WriteString(left, question)
		_ = left.CloseWrite()
	}()
	asked, err := io.ReadAll(right)
	require.NoError(t, err)
	require.Equal(t, question, string(asked))
	// The question has ended; the answer must still pass.
	_, err = io.WriteString(right, "answer")
	require.NoError(t, err)
	require.NoError(t, right.Close())
	answer, err := io.ReadAll(left)
	require.NoError(t, err)
	require.Equal(t, "answer", string(answer))
	r := <-got
	require.NoError(t, r.err)
	require.Equal(t, pipe.Counts{AToB: 100_000, BToA: 6}, r.n)
}

func TestStreamWithoutHalfCloseIsClosed(t *testing.T) {
	t.Parallel()
	left, a := net.Pipe()
	b, right := net.Pipe()
	got := join(t.Context(), a, b)
	require.NoError(t, left.Close())
	_, err := right.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, (<-got).err)
}

func TestContextEndsJoin(t *testing.T) {
	t.Parallel()
	_, a := tcpPair(t)
	b, _ := tcpPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	got := join(ctx, a, b)
	cancel()
	select {
	case r := <-got:
		require.ErrorIs(t, r.err, context.Canceled)
	case <-time.After(10 * time.Second):
		t.Fatal("join outlived its context")
	}
}
