package resume_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"coder.internal/internal/resume"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// world is a server that TCP connections of loopback carry sessions to.
type world struct {
	t      *testing.T
	server *resume.Server
	ln     net.Listener
	owner  atomic.Value // string, of new carriers
	wg     sync.WaitGroup
	served chan error // why each carrier has ended

	mu    sync.Mutex
	conns map[*wire]bool // open at the client
	made  int
	fast  func() error // whether the fast way works
	news  chan struct{}
}

// wire is a client's end that can be cut, or fall silent.
type wire struct {
	net.Conn
	w    *world
	fast bool
	mute atomic.Bool
	gone chan struct{}
	once sync.Once
}

func (c *wire) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.mute.Load() {
		<-c.gone
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *wire) Write(p []byte) (int, error) {
	if c.mute.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *wire) Close() error {
	c.once.Do(func() { close(c.gone) })
	c.w.mu.Lock()
	delete(c.w.conns, c)
	c.w.mu.Unlock()
	return c.Conn.Close()
}

func newWorld(t *testing.T, o resume.Options) *world {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &world{t: t, ln: ln, server: resume.NewServer(ln.Addr(), o), conns: map[*wire]bool{}, fast: func() error { return nil },
		news: make(chan struct{}), served: make(chan error, 10_000)}
	w.owner.Store("ann")
	w.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			owner := w.owner.Load().(string)
			w.wg.Go(func() { w.served <- w.server.Serve(context.Background(), conn, owner, conn.RemoteAddr()) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		_ = w.server.Close()
		w.wg.Wait()
	})
	return w
}

func (w *world) dial(fast bool) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		w.mu.Lock()
		works := w.fast
		w.mu.Unlock()
		if fast {
			if err := works(); err != nil {
				return nil, err
			}
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.ln.Addr().String())
		if err != nil {
			return nil, err
		}
		c := &wire{Conn: conn, w: w, fast: fast, gone: make(chan struct{})}
		w.mu.Lock()
		w.conns[c] = true
		w.made++
		close(w.news)
		w.news = make(chan struct{})
		w.mu.Unlock()
		return c, nil
	}
}

func (w *world) open() *resume.Client {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	c, err := resume.Open(ctx, w.ln.Addr(), w.ln.Addr(), resume.Ways{Fast: w.dial(true), Sure: w.dial(false), Log: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (w *world) accept() net.Conn {
	w.t.Helper()
	s, err := w.server.Accept()
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

// each calls f for the open carriers of a kind, and returns how many there were.
func (w *world) each(fast bool, f func(*wire)) int {
	w.mu.Lock()
	var all []*wire
	for c := range w.conns {
		if c.fast == fast {
			all = append(all, c)
		}
	}
	w.mu.Unlock()
	for _, c := range all {
		f(c)
	}
	return len(all)
}

// carried waits until there is a carrier.
func (w *world) carried() {
	for {
		w.mu.Lock()
		n, news := len(w.conns), w.news
		w.mu.Unlock()
		if n > 0 {
			return
		}
		<-news
	}
}

func (w *world) block(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fast = func() error { return err }
}

var errBlocked = errors.New("blocked")

// echo sends back what comes, until the end.
func echo(conn net.Conn) {
	_, _ = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
}

// exchange sends n random bytes to an echo and compares what comes back. step is
// called after each megabyte or so that has come back.
func exchange(t *testing.T, c *resume.Client, n int, step func()) {
	t.Helper()
	sent, got := sha256.New(), sha256.New()
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		buf := make([]byte, 200<<10)
		for left := n; left > 0; {
			p := buf[:min(left, 1+r.IntN(len(buf)))]
			for i := 0; i < len(p); i += 8 {
				v := r.Uint64()
				for j := i; j < min(i+8, len(p)); j++ {
					p[j] = byte(v)
					v >>= 8
				}
			}
			_, _ = sent.Write(p)
			if _, err := c.Write(p); err != nil {
				t.Errorf("write: %v", err)
				break
			}
			left -= len(p)
		}
		_ = c.CloseWrite()
	})
	total, next := 0, 0
	buf := make([]byte, 100<<10)
	for {
		m, err := c.Read(buf)
		_, _ = got.Write(buf[:m])
		total += m
		if next += m; step != nil && next > 200<<10 {
			next = 0
			step()
		}
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	wg.Wait()
	require.Equal(t, n, total)
	require.Equal(t, sent.Sum(nil), got.Sum(nil))
}

func TestBytesAndEndBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	w.wg.Go(func() { echo(s) })
	exchange(t, c, 20<<20, nil)
	require.NoError(t, c.Close())
	require.NoError(t, s.Close())
	require.Eventually(t, func() bool { return w.server.Len() == 0 }, patience, time.Millisecond)
}

func TestTwoHundredCuts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	w.wg.Go(func() { echo(s) })
	cuts := 0
	exchange(t, c, 64<<20, func() {
		if cuts == 200 {
			return
		}
		cuts++
		w.carried()
		for _, fast := range []bool{true, false} {
			w.each(fast, func(c *wire) { _ = c.Close() })
		}
	})
	require.Equal(t, 200, cuts)
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Greater(t, w.made, 200)
	t.Logf("%d carriers cut, %d made", cuts, w.made)
}

func TestSilentCarrierIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	w.wg.Go(func() { echo(s) })
	ask := func(text string) {
		_, err := io.WriteString(c, text)
		require.NoError(t, err)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
		back := make([]byte, len(text))
		_, err = io.ReadFull(c, back)
		require.NoError(t, err)
		require.Equal(t, text, string(back))
	}
	ask("before")
	w.block(errBlocked)
	require.Positive(t, w.each(true, func(c *wire) { c.mute.Store(true) }))
	ask("after")
	require.Zero(t, w.each(true, func(*wire) {}), "the silent carrier is given up")
	w.block(nil)
	require.Eventually(t, func() bool { return w.each(true, func(*wire) {}) > 0 }, patience, 10*time.Millisecond, "it goes back to the fast way")
	ask("again")
}

func TestWithoutTheFastWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	w.block(errBlocked)
	c := w.open()
	s := w.accept()
	w.wg.Go(func() { echo(s) })
	exchange(t, c, 5<<20, nil)
}

func TestForeignSessionIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	_, err := s.Write([]byte("for ann"))
	require.NoError(t, err)
	w.owner.Store("eve")
	w.each(true, func(c *wire) { _ = c.Close() })
	// The client's next carriers are eve's now: the session is not hers.
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadAll(c)
	require.ErrorIs(t, err, resume.ErrLost)
	require.Equal(t, 1, w.server.Len(), "ann's session is still there")
}

func TestOwnerLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	w.server.Drop(func(owner string) bool { return owner == "ann" })
	_, err := s.Read(make([]byte, 1))
	require.ErrorIs(t, err, resume.ErrLost)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, resume.ErrLost)
	require.Zero(t, w.server.Len())
}

func TestOwnerMayNot(t *testing.T) {
	t.Parallel()
	var banned atomic.Bool
	w := newWorld(t, resume.Options{May: func(string) bool { return !banned.Load() }})
	c := w.open()
	s := w.accept()
	w.wg.Go(func() { echo(s) })
	banned.Store(true)
	w.server.Cut()
	require.Error(t, <-w.served)
	require.Error(t, <-w.served, "the next is refused too")
	require.Equal(t, 1, w.server.Len(), "the session waits")
	banned.Store(false)
	exchange(t, c, 1<<20, nil)
}

func TestSessionWaitsNotForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{Keep: 50 * time.Millisecond, Max: 1})
	c := w.open()
	s := w.accept()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := resume.Open(ctx, w.ln.Addr(), w.ln.Addr(), resume.Ways{Fast: w.dial(true), Sure: w.dial(false), Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "too many sessions")
	c.Fail(errors.New("gone"))
	_, err = s.Read(make([]byte, 1))
	require.ErrorIs(t, err, resume.ErrLost)
	_, err = c.Write([]byte("x"))
	require.ErrorContains(t, err, "gone")
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	// Nobody reads at the other side: what is under way is bounded.
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
	n, err := io.CopyN(c, zeros{}, 100<<20)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Less(t, n, int64(10<<20))
	require.NoError(t, c.SetWriteDeadline(time.Time{}))
	got := make(chan int64)
	w.wg.Go(func() {
		n, _ := io.Copy(io.Discard, struct{ io.Reader }{s})
		got <- n
	})
	require.NoError(t, c.CloseWrite())
	require.GreaterOrEqual(t, <-got, n)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLastBytesOutliveClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	c := w.open()
	s := w.accept()
	w.block(errBlocked)
	w.each(true, func(c *wire) { _ = c.Close() })
	_, err := s.Write([]byte("last words"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "last words", string(b))
}

func TestBadGreetings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, resume.Options{})
	for _, text := range []string{"", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"} {
		conn, err := net.Dial("tcp", w.ln.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		require.Error(t, <-w.served)
		_ = conn.Close()
	}
	require.Zero(t, w.server.Len())
}
