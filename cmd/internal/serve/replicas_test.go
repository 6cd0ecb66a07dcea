//go:build linux

package serve_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/termrpc"
	"coder.internal/cmd/internal/serve/servetest"
)

// all is the screen with what has scrolled away.
func (b *browser) all() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.screen.Snapshot())
}

// TestTerminalOutlivesReplica: of two servers on one database the one that a terminal
// goes through is killed. Through the other there are the same process and the same
// scroll-back, for two viewers.
func TestTerminalOutlivesReplica(t *testing.T) {
	t.Parallel()
	opts := servetest.Options{Env: []string{"CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}
	first := servetest.Start(t, opts)
	opts.PostgresURL = first.DSN
	second := servetest.Start(t, opts)
	front := balance(t, first.URL.Host, second.URL.Host)
	for _, s := range []*servetest.Server{first, second} {
		s.Stop()
		s.Setenv("CODER_ACCESS_URL=http://" + front)
		s.Start()
	}
	c := first.Admin(t)
	require.Equal(t, front, first.URL.Host)
	c.PushStarter("host")
	c.OK("create", "demo", "--template", "host", "--use-parameter-defaults", "-y")
	agent, people := agentOf(t, c), c.Client()
	init := termrpc.Init{ID: api.NewID(), Command: "seq -f line%g 200; " + counter}
	b := openTerminal(t, people, agent, init)
	b.keys("one\r")
	b.sees(" 1 one>")
	pid, _, _ := strings.Cut(b.text()[strings.Index(b.text(), "<")+1:], " ")
	before := b.all()
	require.Contains(t, before, "line42", "what has scrolled away")
	require.NotContains(t, b.text(), "line42")

	first.Kill()
	<-b.done
	b = openTerminal(t, people, agent, init)
	b.sees("<" + pid + " 1 one>")
	require.Equal(t, before, b.all())
	viewer := openTerminal(t, people, agent, init)
	viewer.sees("<" + pid + " 1 one>")
	require.Equal(t, before, viewer.all())
	viewer.keys("two\r")
	b.sees("<" + pid + " 2 two>")
	viewer.sees("<" + pid + " 2 two>")
}
