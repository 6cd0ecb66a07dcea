//go:build linux

package serve_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/term/screen"
	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/api/termrpc"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/internal/wsconn"
)

// browser is somebody's terminal in a page.
type browser struct {
	t  *testing.T
	ws *wsconn.Conn

	mu     sync.Mutex
	screen *screen.Screen
	err    error
	done   chan struct{}
}

func openTerminal(t *testing.T, c *client.Client, agent api.ID, init termrpc.Init) *browser {
	t.Helper()
	init.Width, init.Height = 80, 24
	ctx, cancel := context.WithTimeout(t.Context(), servetest.Patience)
	defer cancel()
	ws, err := c.Terminal(ctx, agent, init)
	require.NoError(t, err)
	b := &browser{t: t, ws: ws, done: make(chan struct{}),
		screen: screen.New(screen.Options{Cols: 80, Rows: 24, History: 10_000, HistoryBytes: 8 << 20})}
	go func() {
		defer close(b.done)
		for {
			p, err := ws.ReadRaw(context.WithoutCancel(t.Context()))
			b.mu.Lock()
			b.err = err
			_, _ = b.screen.Write(p)
			b.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(b.leave)
	return b
}

func (b *browser) leave() {
	_ = b.ws.CloseNow()
	<-b.done
}

func (b *browser) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimRight(strings.Join(b.screen.Text(), "\n"), "\n")
}

func (b *browser) keys(text string) {
	b.t.Helper()
	require.NoError(b.t, b.ws.Write(b.t.Context(), termrpc.Input{Data: text}))
}

func (b *browser) sees(text string) {
	b.t.Helper()
	servetest.Eventually(b.t, "the terminal shows "+text, func() bool { return strings.Contains(b.text(), text) })
}

func agentOf(t *testing.T, c *servetest.CLI) api.ID {
	t.Helper()
	for _, r := range workspace(t, c, "demo").LatestBuild.Resources {
		for _, a := range r.Agents {
			return a.ID
		}
	}
	t.Fatal("the workspace has no agent")
	return api.ID{}
}

// counter says its process id, how many lines it has read, and the line.
const counter = `n=0; while read -r line; do n=$((n+1)); echo "<$$ $n $line>"; done`

// TestTerminalOutlivesServer: the server is killed; with the next one the same
// process and the same screen are there.
func TestTerminalOutlivesServer(t *testing.T) {
	t.Parallel()
	s, c := demo(t, servetest.Options{})
	agent, people := agentOf(t, c), c.Client()
	init := termrpc.Init{ID: api.NewID(), Command: counter}
	b := openTerminal(t, people, agent, init)
	b.keys("one\r")
	b.sees(" 1 one>")
	before := b.text()
	pid, _, _ := strings.Cut(before[strings.Index(before, "<")+1:], " ")
	s.Kill()
	<-b.done
	s.Start()
	start := time.Now()
	b = openTerminal(t, people, agent, init)
	b.sees(before)
	t.Logf("back %s after the server was ready", time.Since(start))
	require.Equal(t, before, b.text())
	b.keys("two\r")
	b.sees("<" + pid + " 2 two>")
	b.leave()

	// In good order the browser is told to come back.
	b = openTerminal(t, people, agent, init)
	b.sees(" 2 two>")
	s.Stop()
	<-b.done
	var ce *wsconn.CloseError
	require.ErrorAs(t, b.err, &ce)
	require.Equal(t, wsconn.CodeGoingAway, ce.Code)
	s.Start()
	b = openTerminal(t, people, agent, init)
	b.keys("\x04")
	<-b.done
	require.ErrorAs(t, b.err, &ce)
	require.Equal(t, "The terminal has ended with exit code 0.", ce.Reason)
}

func TestTerminalIsNotForOthers(t *testing.T) {
	t.Parallel()
	s, c := demo(t, servetest.Options{})
	agent := agentOf(t, c)
	other := s.User(t, c, "eve").Client()
	_, err := other.Terminal(t.Context(), agent, termrpc.Init{ID: api.NewID()})
	require.Equal(t, api.CodeNotFound, api.CodeOf(err), "%v", err)
	c.OK("stop", "demo", "-y")
	_, err = c.Client().Terminal(t.Context(), agent, termrpc.Init{ID: api.NewID()})
	require.Equal(t, api.CodeConflict, api.CodeOf(err), "%v", err)
}
