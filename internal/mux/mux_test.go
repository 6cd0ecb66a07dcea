package mux_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"coder.internal/internal/mux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection over TCP; handler serves what the first session opens.
func pair(t testing.TB, o mux.Options) (opener, handler *mux.Session) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // it has done its work
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err := l.Accept()
	require.NoError(t, err)
	opener, handler = mux.New(near, mux.Options{}), mux.New(far, o)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for _, s := range []*mux.Session{opener, handler} {
		wg.Go(func() { _ = s.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return opener, handler
}

func open(t testing.TB, s *mux.Session, head string) *mux.Stream {
	t.Helper()
	st, err := s.Open([]byte(head))
	require.NoError(t, err)
	require.NoError(t, st.SetDeadline(time.Now().Add(time.Minute)))
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func echo(st *mux.Stream) {
	_, _ = io.Copy(st, st)
	_ = st.CloseWrite()
}

func TestStreamsAreApart(t *testing.T) {
	t.Parallel()
	s, _ := pair(t, mux.Options{Handler: echo})
	var wg sync.WaitGroup
	for i := range 50 {
		st := open(t, s, "head ")
		wg.Go(func() {
			sent := bytes.Repeat(fmt.Appendf(nil, "%06d ", i), 50_000+i)
			wg.Go(func() {
				_, err := st.Write(sent)
				require.NoError(t, errors.Join(err, st.CloseWrite()))
			})
			got, err := io.ReadAll(st)
			require.NoError(t, err)
			require.True(t, bytes.Equal(append([]byte("head "), sent...), got), "stream %d: %d bytes", i, len(got))
		})
	}
	wg.Wait()
}

// A stream that nobody reads holds up its own sender only.
func TestSlowStream(t *testing.T) {
	t.Parallel()
	s, _ := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		head := make([]byte, 4)
		_, _ = io.ReadFull(st, head)
		if string(head) == "pour" {
			_, _ = io.Copy(st, endless{})
			return
		}
		echo(st)
	}})
	var pouring []*mux.Stream
	for range 8 {
		st := open(t, s, "pour")
		_, err := io.ReadFull(st, make([]byte, 1000)) // it pours
		require.NoError(t, err)
		pouring = append(pouring, st)
	}
	st := open(t, s, "echo")
	sent := bytes.Repeat([]byte("x"), 8<<20)
	go func() { _, _ = st.Write(sent); _ = st.CloseWrite() }()
	got, err := io.ReadAll(st)
	require.NoError(t, err)
	require.Len(t, got, len(sent))
	for _, st := range pouring { // they go on where they were left
		_, err := io.CopyN(io.Discard, st, 1<<20)
		require.NoError(t, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestEnds(t *testing.T) {
	t.Parallel()
	left := make(chan error, 1)
	s, _ := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		head := make([]byte, 5)
		_, _ = io.ReadFull(st, head)
		switch string(head) {
		case "close":
			_, _ = st.Write([]byte("all of it"))
		case "reset":
			_, _ = st.Write([]byte("a part"))
			st.Reset()
		case "leave":
			_, err := io.Copy(st, endless{})
			left <- err
		}
	}})
	st := open(t, s, "close")
	got, err := io.ReadAll(st)
	require.NoError(t, err)
	require.Equal(t, "all of it", string(got))
	_, err = st.Write([]byte("x"))
	require.ErrorIs(t, err, mux.ErrReset)

	st = open(t, s, "reset")
	_, err = io.ReadAll(st)
	require.ErrorIs(t, err, mux.ErrReset)

	st = open(t, s, "leave")
	_, err = io.ReadFull(st, make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, st.Close())
	require.ErrorIs(t, <-left, mux.ErrReset)
	_, err = st.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
}

// With the connection all streams end, and not as if they were complete.
func TestConnectionBreaks(t *testing.T) {
	t.Parallel()
	s, far := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		_, _ = st.Write([]byte("x"))
		_, err := io.Copy(io.Discard, st)
		if err == nil {
			t.Error("the handler reads an end in good order")
		}
	}})
	st := open(t, s, "")
	_, err := io.ReadFull(st, make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, far.Close())
	_, err = io.ReadAll(st)
	require.ErrorContains(t, err, "stream connection ended")
	<-s.Done()
	_, err = s.Open(nil)
	require.ErrorIs(t, err, mux.ErrClosed)
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	s, _ := pair(t, mux.Options{Handler: func(st *mux.Stream) {
		buf := make([]byte, 1)
		for { // one byte at a time, when asked for
			if _, err := io.ReadFull(st, buf); err != nil || buf[0] == 'q' {
				return
			}
			_, _ = st.Write(buf)
		}
	}})
	st := open(t, s, "")
	require.NoError(t, st.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err := st.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, st.SetReadDeadline(time.Time{}))
	_, err = st.Write([]byte("a"))
	require.NoError(t, err)
	_, err = io.ReadFull(st, make([]byte, 1))
	require.NoError(t, err)

	// The other way: nobody reads what we send after q, until the window is full.
	s, _ = pair(t, mux.Options{Handler: func(st *mux.Stream) { <-t.Context().Done() }})
	st, err = s.Open(nil)
	require.NoError(t, err)
	require.NoError(t, st.SetWriteDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = st.Write(make([]byte, 1<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, st.SetWriteDeadline(time.Now().Add(-time.Second)))
	_, err = st.Write(nil)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s, far := pair(t, mux.Options{MaxStreams: 2, Handler: func(st *mux.Stream) {
		_, _ = st.Write([]byte("x"))
		<-hold
	}})
	a, b := open(t, s, ""), open(t, s, "")
	for _, st := range []*mux.Stream{a, b} {
		_, err := io.ReadFull(st, make([]byte, 1))
		require.NoError(t, err)
	}
	require.Equal(t, 2, far.Streams())
	_, err := open(t, s, "").Read(make([]byte, 1))
	require.ErrorIs(t, err, mux.ErrReset)
	close(hold)
	_, err = io.ReadAll(a)
	require.NoError(t, err)
	_, err = far.Open(nil)
	require.ErrorContains(t, err, "opens no streams")
	_, err = s.Open(make([]byte, 32<<10+1))
	require.Error(t, err)
}

// What arrives is a stranger's: nothing of it stops more than its own session.
func FuzzSession(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00\x02\x00\x00\x00\x01hi\x04\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("\x02\xff\xff\xff\x00\x00\x00\x01"))
	f.Add([]byte("\x03\xff\xff\xff\x00\x00\x00\x01\x07\x00\x00\x00\x00\x00\x00\x01\x06\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, p []byte) {
		near, far := net.Pipe()
		s := mux.New(far, mux.Options{MaxStreams: 4, Handler: func(st *mux.Stream) { _, _ = io.Copy(st, st) }})
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		go func() { _, _ = io.Copy(io.Discard, near) }()
		_, _ = near.Write(p)
		_ = near.Close()
		if err := <-done; err == nil {
			t.Error("it ended without a reason")
		}
		if n := s.Streams(); n != 0 {
			t.Errorf("%d streams are left", n)
		}
	})
}
