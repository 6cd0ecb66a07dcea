package devurl_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/devurl"
	"coder.internal/internal/mux"
)

const appHost = "8080--ws--alice.apps.test"

// town is a proxy, one workspace, and a web server in it. Streams go to it through a
// real stream connection.
type town struct {
	*testing.T
	url   string
	clock *quartz.Mock
	stop  func()
	gone  api.ID // an agent that answers nothing
	asked chan api.ID

	session *mux.Session

	mu     sync.Mutex
	place  devurl.Place
	no     error
	places int
	uses   []devurl.Use
	full   error // what Used says
	told   chan []devurl.Use
}

func (w *town) Place(context.Context, devurl.Visit, devurl.Visitor) (devurl.Place, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.places++
	return w.place, w.no
}

func (w *town) set(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }

func (w *town) Redeem(context.Context, string, string, string) (string, time.Duration, error) {
	return "", 0, errors.New("none")
}
func (w *town) Opened(context.Context, devurl.Visit, devurl.Place, devurl.From) {}
func (w *town) Used(_ context.Context, uses []devurl.Use) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told <- uses
	if w.full != nil {
		return w.full
	}
	w.uses = append(w.uses, uses...)
	return nil
}
func (w *town) Ports(context.Context, devurl.Visit, devurl.Visitor) ([]int, error) {
	return nil, nil
}

func (w *town) DialAgent(ctx context.Context, agent api.ID, _, address string) (net.Conn, error) {
	if agent == w.gone {
		w.asked <- agent
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.session.Open([]byte(address + "\n"))
}

func newTown(t *testing.T, app http.Handler) *town {
	t.Helper()
	w := &town{T: t, clock: quartz.NewMock(t), gone: api.NewID(), asked: make(chan api.ID, 8), told: make(chan []devurl.Use, 1024)}
	backend := httptest.NewServer(app)
	t.Cleanup(backend.Close)
	w.carry(backend.Listener.Addr().String())
	w.place = devurl.Place{WorkspaceID: api.NewID(), AgentID: api.NewID(), State: devurl.StateReady, Address: "127.0.0.1:8080", UserID: api.NewID()}
	wildcard, err := devurl.ParseWildcard("*.apps.test")
	require.NoError(t, err)
	p, err := devurl.NewProxy(devurl.ProxyOptions{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: w.clock, Apps: w, Streams: w,
		Sites: devurl.Sites{Access: &url.URL{Scheme: "http", Host: "coder.test"}, Wildcard: wildcard}})
	require.NoError(t, err)
	front := httptest.NewServer(p)
	w.url = front.URL
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	trap := w.clock.Trap().NewTicker("devurl", "gate")
	go func() { defer close(done); _ = p.Run(ctx) }()
	trap.MustWait(t.Context()).MustRelease(t.Context())
	trap.Close()
	w.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(func() { w.stop(); front.Close() })
	return w
}

// carry makes the stream connection; its far end connects each stream to address.
func (w *town) carry(address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w, err)
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(w, err)
	far, err := l.Accept()
	require.NoError(w, err)
	w.session = mux.New(near, mux.Options{})
	agent := mux.New(far, mux.Options{Handler: func(st *mux.Stream) {
		one := make([]byte, 1)
		for one[0] != '\n' {
			if _, err := io.ReadFull(st, one); err != nil {
				return
			}
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			st.Reset()
			return
		}
		defer conn.Close()
		var up sync.WaitGroup
		up.Go(func() {
			if _, err := st.ReadFrom(conn); err != nil {
				st.Reset()
			}
			_ = st.CloseWrite()
		})
		if _, err := st.WriteTo(conn); err != nil {
			_ = conn.Close()
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		go func() {
			<-st.Gone()
			_ = conn.Close()
		}()
		up.Wait()
	}})
	var wg sync.WaitGroup
	for _, s := range []*mux.Session{w.session, agent} {
		wg.Go(func() { _ = s.Run(context.Background()) })
	}
	w.Cleanup(func() { _ = w.session.Close(); wg.Wait() })
}

// do sends a request as a program does.
func (w *town) do(method, path string, header ...string) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, nil)
	require.NoError(w, err)
	req.Host = appHost
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(w, err)
	w.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (w *town) text(res *http.Response) string {
	w.Helper()
	text, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	return string(text)
}

// Connections are kept between requests, and one that the application closed is not
// used.
func TestLinesAreKept(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.RemoteAddr]++
		if r.URL.Path == "/last" {
			rw.Header().Set("Connection", "close")
		}
		_, _ = fmt.Fprint(rw, r.URL.Path)
	}))
	for i := range 40 {
		path := fmt.Sprintf("/%d", i)
		require.Equal(t, path, w.text(w.do(http.MethodGet, path)))
		require.Equal(t, int64(len(path)), w.do(http.MethodHead, path).ContentLength)
	}
	require.Len(t, seen, 1)
	require.Equal(t, "/last", w.text(w.do(http.MethodGet, "/last")))
	require.Equal(t, "/next", w.text(w.do(http.MethodGet, "/next")))
	require.Len(t, seen, 2)
	require.Equal(t, 1, w.session.Streams(), "what is not kept is closed")
	w.stop()
	require.Zero(t, w.session.Streams(), "what is kept ends with the proxy")
}

// An application that says something unasked does not answer the next request with
// it, and one that breaks does not look as if it had ended.
func TestLinesThatBreak(t *testing.T) {
	t.Parallel()
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		conn, brw, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		const ok = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
		_, _ = io.WriteString(conn, map[string]string{
			"/more":     ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
			"/short":    "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\ncut off",
			"/long":     "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n",
			"/noise":    "220 mail.example ESMTP\r\n",
			"/switched": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
			"/interim":  strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20) + ok,
			"/early":    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok,
			"/close":    "HTTP/1.0 200 OK\r\n\r\nall of it",
			"/fine":     ok,
		}[r.URL.Path])
		if r.URL.Path != "/short" && r.URL.Path != "/close" {
			_, _ = brw.ReadByte() // until the proxy is done with it
		}
	}))
	require.Equal(t, "good", w.text(w.do(http.MethodGet, "/more")))
	require.Equal(t, "good", w.text(w.do(http.MethodGet, "/fine")))
	_, err := io.ReadAll(w.do(http.MethodGet, "/short").Body)
	require.Error(t, err)
	for _, path := range []string{"/long", "/noise", "/switched", "/interim"} {
		require.Equal(t, http.StatusBadGateway, w.do(http.MethodGet, path).StatusCode, path)
	}
	require.Equal(t, "good", w.text(w.do(http.MethodGet, "/early")))
	require.Equal(t, "all of it", w.text(w.do(http.MethodGet, "/close")))
}

// What an application has said is passed on, also where nothing follows for long.
func TestAnswersAreNotHeldUp(t *testing.T) {
	t.Parallel()
	step := make(chan struct{})
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(rw)
		if r.URL.Path == "/length" {
			rw.Header().Set("Content-Length", "2")
		}
		_ = rc.Flush()
		for range 2 {
			<-step
			_, _ = io.WriteString(rw, "x")
			_ = rc.Flush()
		}
		if r.URL.Path == "/trailer" {
			rw.Header().Set(http.TrailerPrefix+"Sum", "42")
		}
	}))
	for _, path := range []string{"/length", "/chunks", "/trailer"} {
		res := w.do(http.MethodGet, path) // its head is here
		one := make([]byte, 1)
		for range 2 {
			step <- struct{}{}
			_, err := io.ReadFull(res.Body, one)
			require.NoError(t, err)
		}
		require.Empty(t, w.text(res))
		if path == "/trailer" {
			require.Equal(t, "42", res.Trailer.Get("Sum"))
		}
	}
}

// A request that was on its way to an agent that is replaced goes to the new one.
func TestPlaceChangesUnderARequest(t *testing.T) {
	t.Parallel()
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "here") }))
	var here api.ID
	w.set(func() { here, w.place.AgentID = w.place.AgentID, w.gone })
	got := make(chan string, 1)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/", nil)
		req.Host = appHost
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			got <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		got <- string(text)
	}()
	<-w.asked
	w.set(func() { w.place.AgentID = here })
	w.clock.Advance(time.Second).MustWait(t.Context())
	require.Equal(t, "here", <-got)
}

// upgrade opens an echo and returns its connection, with what came after the head.
func (w *town) upgrade() (net.Conn, *bufio.Reader) {
	w.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(w, err)
	w.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: "+appHost+"\r\nConnection: Upgrade\r\nUpgrade: Echo\r\n\r\nfirst\n")
	require.NoError(w, err)
	br := bufio.NewReader(conn)
	res, err := http.ReadResponse(br, nil)
	require.NoError(w, err)
	require.Equal(w, http.StatusSwitchingProtocols, res.StatusCode)
	require.Equal(w, "echo", res.Header.Get("Upgrade"))
	require.Empty(w, res.Header.Get("Set-Cookie"))
	return conn, br
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := newTown(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		conn, brw, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nSet-Cookie: coder_session_token=evil\r\n\r\nhello\n")
		_, _ = io.Copy(conn, brw) // until the browser ends its half
		_, _ = io.WriteString(conn, "bye\n")
	}))
	read := func(br *bufio.Reader, want string) {
		t.Helper()
		line, err := br.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want+"\n", line)
	}
	conn, br := w.upgrade()
	read(br, "hello")
	read(br, "first")
	long := strings.Repeat("x", 1<<20)
	go func() { _, _ = io.WriteString(conn, long+"\n") }()
	read(br, long)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	read(br, "bye")
	_, err := br.ReadByte()
	require.ErrorIs(t, err, io.EOF)

	// It ends with the right to it, and with the proxy.
	_, br = w.upgrade()
	read(br, "hello")
	read(br, "first")
	w.set(func() { w.no = api.NotFound("Workspace") })
	w.clock.Advance(time.Second).MustWait(t.Context())
	_, err = io.ReadAll(br)
	if err == nil {
		_, err = br.ReadByte()
	}
	require.Error(t, err)
	w.set(func() { w.no = nil })
	_, br = w.upgrade()
	read(br, "hello")
	w.stop()
	_, _ = io.ReadAll(br)
	require.Zero(t, w.session.Streams())
}
