package tailnet

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// greeting is what a fakeRelay says first.
const greeting = "G"

// fakeRelay upgrades, greets as relays do, and echoes. refuse, reset, mute and
// swallow are what middleboxes do to upgrades: answer with an error, reset the
// connection, never answer, promise and then pass nothing on.
type fakeRelay struct {
	refuse, reset, mute, swallow atomic.Bool

	pings    atomic.Int64 // control frames that came in; see cut
	upgrades atomic.Int64
	sockets  atomic.Int64
	header   atomic.Pointer[http.Header]
}

func (f *fakeRelay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := r.Header.Clone()
	f.header.Store(&h)
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		f.sockets.Add(1)
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"derp"},
			OnPingReceived: func(context.Context, []byte) bool { f.pings.Add(1); return true }})
		if err != nil {
			return
		}
		nc := websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
		_, _ = io.WriteString(nc, greeting)
		_, _ = io.Copy(nc, nc)
		return
	}
	f.upgrades.Add(1)
	if f.mute.Load() {
		<-r.Context().Done()
		return
	}
	if f.reset.Load() {
		panic(http.ErrAbortHandler)
	}
	if f.refuse.Load() {
		http.Error(w, "no", http.StatusUpgradeRequired)
		return
	}
	nc, brw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n")
	if f.swallow.Load() {
		_, _ = io.Copy(io.Discard, brw)
		return
	}
	_, _ = io.WriteString(nc, greeting)
	_, _ = io.Copy(nc, brw)
}

// inFront starts a loopback relay in front of URLs.
func inFront(t *testing.T, urls ...string) *loopback {
	t.Helper()
	up := &upstream{keepAlive: time.Hour, client: upgradeClient(http.DefaultClient), header: http.Header{"X-Corp": {"yes"}}}
	for _, s := range urls {
		u, err := url.Parse(s)
		require.NoError(t, err)
		up.urls = append(up.urls, u)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newLoopback(ln, up, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { l.serve(ctx); close(done) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("loopback relay does not end")
		}
	})
	return l
}

// knock sends the engine's request and returns the answer's status and the
// stream behind it.
func knock(t *testing.T, l *loopback, host string) (int, net.Conn, *bufio.Reader) {
	t.Helper()
	nc, err := net.Dial("tcp", l.addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(nc, "GET /derp HTTP/1.1\r\nHost: "+host+"\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n")
	require.NoError(t, err)
	br := bufio.NewReader(nc)
	resp, err := http.ReadResponse(br, nil)
	require.NoError(t, err)
	return resp.StatusCode, nc, br
}

func echoes(t *testing.T, nc net.Conn, br *bufio.Reader) {
	t.Helper()
	_, err := io.WriteString(nc, "packet")
	require.NoError(t, err)
	got := make([]byte, 7)
	_, err = io.ReadFull(br, got)
	require.NoError(t, err)
	require.Equal(t, greeting+"packet", string(got))
}

func TestLoopbackUpgrades(t *testing.T) {
	t.Parallel()
	f := &fakeRelay{}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	l := inFront(t, srv.URL+"/prefix/derp")
	status, nc, br := knock(t, l, l.host)
	require.Equal(t, http.StatusSwitchingProtocols, status)
	echoes(t, nc, br)
	require.Equal(t, "yes", f.header.Load().Get("X-Corp"))
	require.Zero(t, f.sockets.Load())
}

func TestLoopbackRemembersWhatWorks(t *testing.T) {
	t.Parallel()
	f := &fakeRelay{}
	f.refuse.Store(true)
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	l := inFront(t, srv.URL+"/derp")
	for range 3 {
		status, nc, br := knock(t, l, l.host)
		require.Equal(t, http.StatusSwitchingProtocols, status)
		echoes(t, nc, br)
	}
	require.Equal(t, int64(1), f.upgrades.Load())
	require.Equal(t, int64(3), f.sockets.Load())
	require.Equal(t, "yes", f.header.Load().Get("X-Corp"))
}

func TestUpgradesThatFail(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*fakeRelay){
		"reset":   func(f *fakeRelay) { f.reset.Store(true) },
		"mute":    func(f *fakeRelay) { f.mute.Store(true) },
		"swallow": func(f *fakeRelay) { f.swallow.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeRelay{}
			set(f)
			srv := httptest.NewUnstartedServer(f)
			srv.Config.ErrorLog = nil
			srv.Start()
			t.Cleanup(srv.Close)
			l := inFront(t, srv.URL+"/derp")
			began := time.Now()
			for range 2 {
				status, nc, br := knock(t, l, l.host)
				require.Equal(t, http.StatusSwitchingProtocols, status)
				echoes(t, nc, br)
			}
			require.Less(t, time.Since(began), 5*time.Second)
			require.Equal(t, int64(1), f.upgrades.Load())
			require.Equal(t, int64(2), f.sockets.Load())
		})
	}
}

func TestRelayWebsocketIsKeptAlive(t *testing.T) {
	t.Parallel()
	f := &fakeRelay{}
	f.refuse.Store(true)
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	l := inFront(t, srv.URL+"/derp")
	l.up.keepAlive = 500 * time.Millisecond
	status, nc, br := knock(t, l, l.host)
	require.Equal(t, http.StatusSwitchingProtocols, status)
	require.Eventually(t, func() bool { return f.pings.Load() >= 2 }, 10*time.Second, time.Millisecond)
	echoes(t, nc, br)
}

func TestLoopbackRefusesOtherUsers(t *testing.T) {
	t.Parallel()
	f := &fakeRelay{}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	l := inFront(t, srv.URL+"/derp")
	status, _, _ := knock(t, l, "127.0.0.1")
	require.Equal(t, http.StatusForbidden, status)
	require.Zero(t, f.upgrades.Load())
}

func TestLoopbackTriesTheNextRelay(t *testing.T) {
	t.Parallel()
	f := &fakeRelay{}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	l := inFront(t, dead.URL+"/derp", srv.URL+"/derp")
	status, nc, br := knock(t, l, l.host)
	require.Equal(t, http.StatusSwitchingProtocols, status)
	echoes(t, nc, br)
}

func TestLoopbackWithoutRelay(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	status, _, _ := knock(t, inFront(t, dead.URL+"/derp"), "x")
	require.Equal(t, http.StatusForbidden, status)
	l := inFront(t, dead.URL+"/derp")
	status, _, _ = knock(t, l, l.host)
	require.Equal(t, http.StatusBadGateway, status)
}

func TestHeaderDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked.Store(r.Header.Get("X-Corp") != "")
	}))
	t.Cleanup(other.Close)
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(srv.Close)
	l := inFront(t, srv.URL+"/derp")
	status, _, _ := knock(t, l, l.host)
	require.Equal(t, http.StatusBadGateway, status)
	require.False(t, leaked.Load())
}
