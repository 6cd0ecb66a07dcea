package streams_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"coder.internal/agent/streams"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/internal/mux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica opens streams on a connection that comes through the tunnel.
func replica(t *testing.T, o streams.Options, prepare ...func(*streams.Streams)) *mux.Session {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := streams.New(o)
	require.NoError(t, err)
	for _, p := range prepare {
		p(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(ctx, l) })
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	session := mux.New(conn, mux.Options{})
	wg.Go(func() { _ = session.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return session
}

func open(t *testing.T, s *mux.Session, network, address string) (*mux.Stream, error) {
	t.Helper()
	head, err := agentrpc.ParseTarget(network, address).Head()
	require.NoError(t, err)
	st, err := s.Open(head)
	require.NoError(t, err)
	t.Cleanup(func() { _ = st.Close() })
	require.NoError(t, st.SetDeadline(time.Now().Add(time.Minute)))
	return st, agentrpc.ReadAnswer(st)
}

// listen starts an app that answers with what it got once that has ended.
func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				p, _ := io.ReadAll(c)
				_, _ = c.Write(append([]byte("got "), p...))
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l
}

func talk(t *testing.T, st *mux.Stream) {
	t.Helper()
	_, err := st.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, st.CloseWrite())
	p, err := io.ReadAll(st)
	require.NoError(t, err)
	require.Equal(t, "got hello", string(p))
}

func TestReaches(t *testing.T) {
	t.Parallel()
	s := replica(t, streams.Options{})
	app := listen(t, "tcp", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(app.Addr().String())
	require.NoError(t, err)
	other := listen(t, "tcp", "127.0.0.2:0")
	dir, err := os.MkdirTemp("", "s") // t.TempDir is too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "app.sock")
	listen(t, "unix", socket)
	for _, address := range []string{app.Addr().String(), "localhost:" + port, other.Addr().String(), "unix:" + socket} {
		st, err := open(t, s, "tcp", address)
		require.NoError(t, err, address)
		talk(t, st)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	foreign := filepath.Join(dir, "foreign.sock")
	listen(t, "unix", foreign)
	if os.Getuid() == 0 { // others cannot make one
		require.NoError(t, os.Lchown(foreign, 1, 1))
	} else {
		foreign = filepath.Join(dir, "file")
	}
	closed, err := net.Listen("tcp", "127.0.0.3:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for address, code := range map[string]api.Code{
		closed.Addr().String():  api.CodeConflict, // it was free a moment ago, and nobody else takes this host
		"unix:" + dir + "/none": api.CodeConflict,
		"unix:" + dir + "/file": api.CodeForbidden,
		"unix:" + foreign:       api.CodeForbidden,
		"unix:" + dir + "/../x": api.CodeInvalid,
		"unix:app.sock":         api.CodeInvalid,
		"10.0.0.1:" + port:      api.CodeForbidden,
		"0.0.0.0:" + port:       api.CodeForbidden,
		"example.com:80":        api.CodeForbidden,
		"[::ffff:10.0.0.1]:80":  api.CodeForbidden,
		"[fe80::1%lo]:80":       api.CodeForbidden,
		"127.1:" + port:         api.CodeForbidden,
		"127.0.0.1":             api.CodeInvalid,
		"127.0.0.1:0":           api.CodeInvalid,
		"127.0.0.1:0" + port:    api.CodeInvalid,
		"127.0.0.1:+" + port:    api.CodeInvalid,
		"127.0.0.1:http":        api.CodeInvalid,
		"127.0.0.1:70000":       api.CodeInvalid,
	} {
		_, err := open(t, s, "tcp", address)
		require.Equal(t, code, api.CodeOf(err), "%s: %v", address, err)
	}
	for _, network := range []string{"udp", "port", ""} {
		_, err := open(t, s, network, "22")
		require.NotEmpty(t, api.CodeOf(err), "%s: %v", network, err)
	}
}

// Where forwarding is forbidden, the tunnel leads to the agent's services alone.
func TestTunnelPortsOnly(t *testing.T) {
	t.Parallel()
	var l net.Listener
	s := replica(t, streams.Options{TunnelPortsOnly: true}, func(s *streams.Streams) { l = s.Port(2) })
	app := listen(t, "tcp", "127.0.0.1:0")
	_, err := open(t, s, "tcp", app.Addr().String())
	require.Equal(t, api.CodeForbidden, api.CodeOf(err), "%v", err)
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			_ = c.Close()
		}
		done <- err
	}()
	st, err := open(t, s, "port", "2")
	require.NoError(t, err)
	_, err = st.Write([]byte("hi"))
	require.NoError(t, err)
	require.NoError(t, st.CloseWrite())
	p, err := io.ReadAll(st)
	require.NoError(t, err)
	require.Equal(t, "hi", string(p))
	require.NoError(t, <-done)
	require.NoError(t, l.Close())
	_, err = open(t, s, "port", "2")
	require.Error(t, err, "nobody takes it any more")
}

// What breaks on one side is broken on the other, and does not read as an end.
func TestBreaks(t *testing.T) {
	t.Parallel()
	s := replica(t, streams.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	st, err := open(t, s, "tcp", l.Addr().String())
	require.NoError(t, err)
	app, err := l.Accept()
	require.NoError(t, err)
	_, err = app.Write([]byte("half"))
	require.NoError(t, err)
	_, err = io.ReadFull(st, make([]byte, 4))
	require.NoError(t, err)
	require.NoError(t, app.(*net.TCPConn).SetLinger(0))
	require.NoError(t, app.Close())
	_, err = st.Read(make([]byte, 1))
	require.ErrorIs(t, err, mux.ErrReset)

	// The other way, with an app that would wait for ever.
	st, err = open(t, s, "tcp", l.Addr().String())
	require.NoError(t, err)
	app, err = l.Accept()
	require.NoError(t, err)
	defer app.Close()
	require.NoError(t, st.CloseWrite())
	_, err = app.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "a half that ends is passed on as one")
	require.NoError(t, st.Close())
	require.NoError(t, app.SetDeadline(time.Now().Add(time.Minute)))
	for err = nil; err == nil; {
		_, err = app.Write([]byte("x")) // until the agent's end says that it is gone
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

// A connection is made when it is asked for, and again after it broke.
func TestRun(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	wanted := make(chan struct{}, 1)
	s, err := streams.New(streams.Options{Log: slog.New(slog.DiscardHandler), Wanted: wanted, Connect: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	app := listen(t, "tcp", "127.0.0.1:0")
	for range 2 {
		wanted <- struct{}{}
		conn, err := l.Accept()
		require.NoError(t, err)
		session := mux.New(conn, mux.Options{})
		ended := make(chan struct{})
		go func() { defer close(ended); _ = session.Run(ctx) }()
		st, err := open(t, session, "tcp", app.Addr().String())
		require.NoError(t, err)
		talk(t, st)
		require.NoError(t, session.Close())
		<-ended
	}
	cancel()
	require.NoError(t, <-done)
}
