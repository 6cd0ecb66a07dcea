package pipe_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/pipe"
)

// gated lets one write pass for each token, and remembers their sizes.
type gated struct {
	net.Conn
	pass  chan struct{}
	begun chan int

	mu  sync.Mutex
	got bytes.Buffer
}

func (g *gated) Write(p []byte) (int, error) {
	g.begun <- len(p)
	<-g.pass
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.got.Write(p)
}

func newGated(t *testing.T) *gated {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	return &gated{Conn: near, pass: make(chan struct{}, 16), begun: make(chan int, 16)}
}

// TestBatchJoins: what comes while a write is under way is one write.
func TestBatchJoins(t *testing.T) {
	t.Parallel()
	g := newGated(t)
	b := pipe.NewBatch(g, new(pipe.Buffers))
	for _, s := range []string{"one ", "two ", "three ", "four"} {
		n, err := io.WriteString(b, s)
		require.NoError(t, err)
		require.Equal(t, len(s), n)
		if s == "one " {
			require.Equal(t, 4, <-g.begun)
		}
	}
	g.pass <- struct{}{}
	require.Equal(t, len("two three four"), <-g.begun)
	g.pass <- struct{}{}
	require.NoError(t, b.Close())
	require.Equal(t, "one two three four", g.got.String())
	_, err := b.Write([]byte("late"))
	require.ErrorIs(t, err, net.ErrClosed)
}

// TestBatchIsBounded: a writer waits for the connection, and Close sends the rest.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	g := newGated(t)
	b := pipe.NewBatch(g, new(pipe.Buffers))
	much := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	wrote := make(chan error, 1)
	go func() {
		_, err := b.Write(much)
		wrote <- err
	}()
	for sum := 0; sum < len(much); {
		n := <-g.begun
		require.LessOrEqual(t, n, 128<<10)
		sum += n
		if sum < len(much)-2*(128<<10) {
			select {
			case <-wrote:
				t.Fatal("the write ended although the connection does not take more")
			default:
			}
		}
		g.pass <- struct{}{}
	}
	require.NoError(t, <-wrote)
	require.NoError(t, b.Close())
	require.True(t, bytes.Equal(much, g.got.Bytes()))
	require.NoError(t, b.Close())
}

// TestBatchFails: a broken connection ends a write that waits, and later ones.
func TestBatchFails(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe() // nobody reads
	b := pipe.NewBatch(near, new(pipe.Buffers))
	wrote := make(chan error, 1)
	go func() {
		_, err := b.Write(make([]byte, 1<<20))
		wrote <- err
	}()
	require.NoError(t, far.Close())
	require.ErrorIs(t, <-wrote, io.ErrClosedPipe)
	_, err := b.Write([]byte("x"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.NoError(t, b.Close())
}

// TestBatchCloseDoesNotWaitForEver: the other side takes nothing.
func TestBatchCloseDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	b := pipe.NewBatch(near, new(pipe.Buffers))
	_, err := b.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, b.Close())
	_, err = far.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// TestBatchUnused: without a write there is nothing to wait for.
func TestBatchUnused(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	require.NoError(t, pipe.NewBatch(near, new(pipe.Buffers)).Close())
}
