package devurl_test

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/termrpc"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
	"coder.internal/internal/wsconn"
)

const patience = 30 * time.Second

// plane is a server with the route, whose rights and agents are the test's.
type plane struct {
	t     *testing.T
	url   string
	clock *quartz.Mock
	stop  func()
	agent chan net.Conn // the agent's end of each connection

	mu      sync.Mutex
	session error // of the caller
	right   error
	away    bool // the agent is
}

func (p *plane) set(f func()) { p.mu.Lock(); defer p.mu.Unlock(); f() }

func (p *plane) AdmitTerminal(ctx context.Context, id api.ID) error { return p.MayUseTerminal(ctx, id) }
func (p *plane) OpenTerminal(context.Context, api.ID, api.ID) (func(string), error) {
	return func(string) {}, nil
}
func (p *plane) MayUseTerminal(context.Context, api.ID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.right
}

// AppCommand knows one app.
func (p *plane) AppCommand(_ context.Context, _ api.ID, slug string) (string, error) {
	if slug != "top" {
		return "", api.NotFound("App")
	}
	return "htop", nil
}

func (p *plane) DialAgent(ctx context.Context, _ api.ID, port uint16) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away || port != termrpc.Port {
		return nil, errors.New("no agent")
	}
	near, far := net.Pipe()
	p.agent <- far
	return near, ctx.Err()
}

func newPlane(t *testing.T) *plane {
	t.Helper()
	p := &plane{t: t, clock: quartz.NewMock(t), agent: make(chan net.Conn, 8)}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := devurl.New(devurl.Options{Log: log, Clock: p.clock, Resolver: p, Dialer: p})
	require.NoError(t, err)
	guard := func(r *http.Request) (context.Context, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return r.Context(), p.session
	}
	router := chi.NewRouter()
	a := httpapi.New(router, httpapi.Options{Version: "v1", Log: log, Session: guard, Agent: guard, Daemon: guard})
	a.Handle(httpapi.Route{Method: http.MethodGet, Path: "/{workspaceagent}/pty", Rule: rbac.Needs(rbac.SSH, rbac.TypeWorkspace)}, s.Terminal(a))
	srv := httptest.NewServer(router)
	t.Cleanup(srv.Close)
	p.url = srv.URL
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	p.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(p.stop)
	return p
}

func (p *plane) dial(q url.Values, header http.Header) (*wsconn.Conn, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	return wsconn.Dial(ctx, p.url+"/"+api.NewID().String()+"/pty?"+q.Encode(), wsconn.DialOptions{Header: header})
}

// open returns the browser's and the agent's end.
func (p *plane) open() (*wsconn.Conn, net.Conn, termrpc.Init) {
	p.t.Helper()
	id := api.NewID()
	ws, err := p.dial(url.Values{"reconnect": {id.String()}, "width": {"120"}, "height": {"40"}, "command": {"htop"}}, nil)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = ws.CloseNow() })
	agent := <-p.agent
	p.t.Cleanup(func() { _ = agent.Close() })
	kind, payload, _, err := termrpc.ReadFrame(agent, nil, 1<<20)
	require.NoError(p.t, err)
	require.Equal(p.t, termrpc.KindInit, kind)
	var init termrpc.Init
	require.NoError(p.t, json.Unmarshal(payload, &init))
	require.Equal(p.t, termrpc.Init{ID: id, Width: 120, Height: 40, Command: "htop"}, init)
	return ws, agent, init
}

// closed reads the browser's end to its close.
func closed(t *testing.T, ws *wsconn.Conn) *wsconn.CloseError {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, err := ws.ReadRaw(ctx)
		if err == nil {
			continue
		}
		var ce *wsconn.CloseError
		require.ErrorAs(t, err, &ce)
		return ce
	}
}

func TestBytesBothWays(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	ws, agent, _ := p.open()
	require.NoError(t, ws.Write(t.Context(), termrpc.Input{Ack: 3})) // the server's alone
	require.NoError(t, ws.WriteRaw(t.Context(), []byte(`{"data":"ls\r"}`)))
	require.NoError(t, ws.Write(t.Context(), termrpc.Input{Width: 80, Height: 24}))
	for _, want := range []string{`{"data":"ls\r"}`, `{"height":24,"width":80}`} {
		kind, got, _, err := termrpc.ReadFrame(agent, nil, 1<<20)
		require.NoError(t, err)
		require.Equal(t, termrpc.KindInput, kind)
		require.JSONEq(t, want, string(got))
	}
	require.NoError(t, termrpc.WriteFrame(agent, termrpc.KindAlive, nil))
	require.NoError(t, termrpc.WriteFrame(agent, termrpc.KindOutput, []byte("\x1bc\xff\x00out")))
	got, err := ws.ReadRaw(t.Context())
	require.NoError(t, err)
	require.Equal(t, "\x1bc\xff\x00out", string(got))
	require.NoError(t, termrpc.WriteFrame(agent, termrpc.KindEnd, []byte(`{"exit_code":3}`)))
	ce := closed(t, ws)
	require.Equal(t, wsconn.CodeNormal, ce.Code)
	require.Contains(t, ce.Reason, "exit code 3")
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do     func(p *plane, ws *wsconn.Conn, agent net.Conn)
		code   wsconn.Code
		reason string
	}{
		"agent refuses": {func(_ *plane, _ *wsconn.Conn, agent net.Conn) {
			end, _ := json.Marshal(termrpc.End{Error: "no\x1b]0;x\x07" + strings.Repeat("é", 100)})
			_ = termrpc.WriteFrame(agent, termrpc.KindEnd, end)
		}, wsconn.CodePolicy, "no ]0;x é"},
		"agent breaks":       {func(_ *plane, _ *wsconn.Conn, agent net.Conn) { _ = agent.Close() }, wsconn.CodeTryLater, "broke"},
		"agent floods":       {func(_ *plane, _ *wsconn.Conn, agent net.Conn) { _, _ = agent.Write([]byte("\x03\xff\xff\xff\xff")) }, wsconn.CodeTryLater, "broke"},
		"agent speaks other": {func(_ *plane, _ *wsconn.Conn, agent net.Conn) { _ = termrpc.WriteFrame(agent, 9, nil) }, wsconn.CodeInternal, "update"},
		"browser is wrong":   {func(_ *plane, ws *wsconn.Conn, _ net.Conn) { _ = ws.WriteRaw(context.Background(), []byte("ls")) }, wsconn.CodeProtocol, "JSON"},
		"server stops":       {func(p *plane, _ *wsconn.Conn, _ net.Conn) { go p.stop() }, wsconn.CodeGoingAway, "stopping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t)
			ws, agent, _ := p.open()
			c.do(p, ws, agent)
			ce := closed(t, ws)
			require.Equal(t, c.code, ce.Code)
			require.Contains(t, ce.Reason, c.reason)
			_ = agent.SetReadDeadline(time.Now().Add(patience))
			_, _, _, err := termrpc.ReadFrame(agent, nil, 1<<20)
			require.Error(t, err)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// TestRevoked: streams end with the session or the right, and not with a database
// that is away.
func TestRevoked(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(p *plane){
		"session": func(p *plane) { p.session = rbac.ErrUnauthenticated },
		"right":   func(p *plane) { p.right = api.NotFound("Agent") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t)
			trap := p.clock.Trap().NewTicker("devurl", "recheck")
			defer trap.Close()
			alive := p.clock.Trap().NewTicker("devurl", "alive")
			defer alive.Close()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			ws, agent, _ := p.open()
			trap.MustWait(ctx).MustRelease(ctx)
			alive.MustWait(ctx).MustRelease(ctx)
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				for {
					if _, _, _, err := termrpc.ReadFrame(agent, nil, 1<<20); err != nil {
						return
					}
				}
			}()
			p.set(func() { p.right = errors.New("the database is away") })
			for range 3 {
				p.clock.Advance(10 * time.Second).MustWait(ctx)
			}
			require.NoError(t, ws.WriteRaw(ctx, []byte(`{}`)))
			p.set(func() { p.right = nil; take(p) })
			for range 3 {
				p.clock.Advance(10 * time.Second).MustWait(ctx)
			}
			ce := closed(t, ws)
			require.Equal(t, wsconn.CodePolicy, ce.Code)
			require.Contains(t, ce.Reason, "no longer")
			<-drained
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	id := api.NewID().String()
	status := func(q url.Values, header http.Header) int {
		_, err := p.dial(q, header)
		var se *wsconn.StatusError
		require.ErrorAs(t, err, &se)
		return se.StatusCode
	}
	for _, q := range []url.Values{{}, {"reconnect": {"x"}}, {"reconnect": {id}, "width": {"-1"}}, {"reconnect": {id}, "height": {"70000"}},
		{"reconnect": {id}, "command": {"a\x00"}}, {"reconnect": {id}, "command": {strings.Repeat("x", 33<<10)}}} {
		require.Equal(t, http.StatusBadRequest, status(q, nil), "%v", q)
	}
	require.Equal(t, http.StatusForbidden, status(url.Values{"reconnect": {id}}, http.Header{"Origin": {"https://evil.example"}}))
	p.set(func() { p.right = api.NotFound("Agent") })
	require.Equal(t, http.StatusNotFound, status(url.Values{}, nil), "the right comes first")
	p.set(func() { p.right, p.away = nil, true })
	ws, err := p.dial(url.Values{"reconnect": {id}}, nil)
	require.NoError(t, err)
	ce := closed(t, ws)
	require.Equal(t, wsconn.CodeTryLater, ce.Code)
	require.Contains(t, ce.Reason, "does not answer")
	p.stop()
	require.Equal(t, http.StatusServiceUnavailable, status(url.Values{"reconnect": {id}}, nil))
}

// An app runs its own command, and none of the caller's.
func TestTerminalOfAnApp(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	q := url.Values{"reconnect": {api.NewID().String()}, "app": {"top"}}
	ws, err := p.dial(q, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ws.CloseNow() })
	agent := <-p.agent
	t.Cleanup(func() { _ = agent.Close() })
	_, payload, _, err := termrpc.ReadFrame(agent, nil, 1<<20)
	require.NoError(t, err)
	var init termrpc.Init
	require.NoError(t, json.Unmarshal(payload, &init))
	require.Equal(t, "htop", init.Command)
	for name, value := range map[string]string{"command": "bash", "container": "box", "container_user": "root", "app": "other"} {
		bad := url.Values{"reconnect": {api.NewID().String()}, "app": {"top"}}
		bad.Set(name, value)
		_, err := p.dial(bad, nil)
		var status *wsconn.StatusError
		require.ErrorAs(t, err, &status)
		require.Equal(t, map[bool]int{true: http.StatusNotFound, false: http.StatusBadRequest}[name == "app"], status.StatusCode, name)
	}
}
