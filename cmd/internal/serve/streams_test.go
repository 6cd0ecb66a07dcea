//go:build linux

package serve_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/termrpc"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/internal/wsconn"
)

// TestTerminalTravelsOnStreams: the terminal of a browser comes over the connection
// that the agent holds. When the workspace is stopped, that ends, and the terminal.
func TestTerminalTravelsOnStreams(t *testing.T) {
	t.Parallel()
	s, c := demo(t, servetest.Options{Args: []string{"--verbose"}})
	c.OK("ssh", "demo", "--", "true") // so that the agent is connected, and can be asked
	agent, people := agentOf(t, c), c.Client()
	init := termrpc.Init{ID: api.NewID(), Command: counter}
	start := time.Now()
	b := openTerminal(t, people, agent, init)
	b.keys("one\r")
	b.sees(" 1 one>")
	t.Logf("the first stream to a new agent, with a program on it, took %s", time.Since(start))
	s.WaitLog("agent holds a stream connection")
	// Somebody else looks at the same terminal, for certain over that.
	second := openTerminal(t, people, agent, init)
	second.sees(" 1 one>")
	second.keys("two\r")
	b.sees(" 2 two>")

	c.OK("stop", "demo", "-y")
	<-b.done
	<-second.done
	var ce *wsconn.CloseError
	require.ErrorAs(t, b.err, &ce)
	require.Contains(t, []wsconn.Code{wsconn.CodeTryLater, wsconn.CodeNormal}, ce.Code)
	s.WaitLog(`stream connection ended.*tunnel=false.*streams=[1-9]`)
}
