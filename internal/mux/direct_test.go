package mux_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/internal/mux"
)

// sockets are both ends of a TCP connection.
func sockets(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // it has done its work
	a, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	b, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	near, ok := a.(*net.TCPConn)
	require.True(t, ok)
	far, ok = b.(*net.TCPConn)
	require.True(t, ok)
	return near, far
}

// What comes in short and in long pieces reaches a socket whole and in order, also one
// that takes little at a time.
func TestWriteToSocket(t *testing.T) {
	t.Parallel()
	near, far := sockets(t)
	require.NoError(t, near.SetWriteBuffer(4<<10))
	type result struct {
		n   int64
		err error
	}
	wrote := make(chan result, 1)
	s, _ := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		n, err := io.Copy(near, st)
		_ = near.CloseWrite()
		wrote <- result{n, err}
	}})
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	var sent bytes.Buffer
	st := open(t, s, "")
	done, begun := make(chan error, 1), make(chan struct{})
	pieces := make([][]byte, 3000)
	for i := range pieces {
		size := 1 + rnd.IntN(300)
		if i%50 == 0 {
			size = 1 + rnd.IntN(40<<10)
		}
		pieces[i] = make([]byte, size)
		for k := range pieces[i] {
			pieces[i][k] = byte(rnd.IntN(256)) //nolint:gosec // it is one
		}
		sent.Write(pieces[i])
	}
	go func() {
		for i, p := range pieces {
			if i == 100 {
				close(begun)
			}
			if _, err := st.Write(p); err != nil {
				done <- err
				return
			}
		}
		done <- st.CloseWrite()
	}()
	<-begun
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.True(t, bytes.Equal(sent.Bytes(), got), "%d bytes of %d", len(got), sent.Len())
	r := <-wrote
	require.NoError(t, r.err)
	require.EqualValues(t, sent.Len(), r.n)
}

// One piece after the other, each answered: a window that is given back by whoever
// writes never runs out.
func TestWriteToSocketInTurns(t *testing.T) {
	t.Parallel()
	near, far := sockets(t)
	s, _ := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		go func() { _, _ = io.Copy(st, near) }()
		_, _ = io.Copy(near, st)
		_ = near.Close()
	}})
	go func() { _, _ = io.Copy(far, far) }()
	st := open(t, s, "")
	p, got := bytes.Repeat([]byte("0123456789"), 100), make([]byte, 1000)
	for range 1000 { // some windows
		_, err := st.Write(p)
		require.NoError(t, err)
		_, err = io.ReadFull(st, got)
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
}

// What is wrong with the socket, and what ends the stream, comes out of WriteTo.
func TestWriteToSocketEnds(t *testing.T) {
	t.Parallel()
	near, far := sockets(t)
	ended := make(chan error, 1)
	handler := func(c *net.TCPConn) func(*mux.Stream) {
		return func(st *mux.Stream) {
			_, err := io.Copy(c, st)
			ended <- err
			st.Reset()
		}
	}
	s, _ := pair(t, mux.Options{Handler: handler(near)})
	st := open(t, s, "x")
	_, err := io.ReadFull(far, make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, far.SetLinger(0))
	require.NoError(t, far.Close())
	for err = nil; err == nil; { // until the reset of the socket is here
		_, err = st.Write([]byte("y"))
	}
	require.ErrorIs(t, err, mux.ErrReset)
	require.Error(t, <-ended)

	near, far = sockets(t)
	s, _ = pair(t, mux.Options{Handler: handler(near)})
	st = open(t, s, "x")
	_, err = io.ReadFull(far, make([]byte, 1))
	require.NoError(t, err)
	st.Reset()
	require.ErrorIs(t, <-ended, mux.ErrReset)

	near, far = sockets(t)
	s, other := pair(t, mux.Options{Handler: handler(near)})
	st = open(t, s, "x")
	_, err = io.ReadFull(far, make([]byte, 1))
	require.NoError(t, err)
	go func() {
		for {
			if _, err := st.Write([]byte("z")); err != nil {
				return
			}
		}
	}()
	_, err = io.ReadFull(far, make([]byte, 100)) // it flows
	require.NoError(t, err)
	require.NoError(t, other.Close())
	require.ErrorContains(t, <-ended, "stream connection ended")
}

// A deadline holds while pieces come and go.
func TestWriteToSocketDeadline(t *testing.T) {
	t.Parallel()
	near, far := sockets(t)
	ended := make(chan error, 1)
	s, _ := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		err := st.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, copied := io.Copy(near, st)
		ended <- errors.Join(err, copied)
		st.Reset()
	}})
	go func() { _, _ = io.Copy(io.Discard, far) }()
	st := open(t, s, "x")
	for {
		if _, err := st.Write([]byte("z")); err != nil {
			break
		}
	}
	require.ErrorContains(t, <-ended, "timeout")
}
