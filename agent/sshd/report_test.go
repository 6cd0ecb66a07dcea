package sshd_test

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/sshd"
	"coder.internal/api"
)

// heard remembers what was reported.
type heard struct {
	mu    sync.Mutex
	began []sshd.Beginning
	ended []int
	news  chan struct{}
}

func (h *heard) report(b sshd.Beginning) func(int, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began = append(h.began, b)
	return func(code int, _ string) {
		h.mu.Lock()
		h.ended = append(h.ended, code)
		h.mu.Unlock()
		h.news <- struct{}{}
	}
}

// TestReport: sessions are told apart by what their client says, forwards by their
// target, and each ends once.
func TestReport(t *testing.T) {
	t.Parallel()
	h := &heard{news: make(chan struct{}, 16)}
	w := start(t, func(o *sshd.Options) { o.Report = h.report })
	require.Equal(t, 3, exitCode(t, w.ssh(t, "x", "exit 3")))
	<-h.news
	require.Equal(t, "a", w.output(t, "-o", "SetEnv=CODER_SSH_SESSION_TYPE=vscode", "x", "printf a"))
	<-h.news

	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				line, _ := bufio.NewReader(c).ReadString('\n')
				fmt.Fprint(c, line)
			}()
		}
	}()
	cmd := w.ssh(t, "-W", echo.Addr().String(), "x")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = fmt.Fprintln(in, "ping")
	require.NoError(t, err)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ping\n", line)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	<-h.news
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Equal(t, []sshd.Beginning{{Type: api.ConnectionSSH, IP: "127.0.0.1"}, {Type: api.ConnectionVSCode, IP: "127.0.0.1"},
		{Type: api.ConnectionPortForwarding, IP: "127.0.0.1", Target: echo.Addr().String()}}, h.began)
	require.Equal(t, []int{3, 0, 0}, h.ended)
}
