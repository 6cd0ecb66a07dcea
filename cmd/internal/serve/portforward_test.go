//go:build linux

package serve_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

// TestPortForwardUDP sends datagrams of two programs through a forward; each
// gets its own answers.
func TestPortForwardUDP(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c := s.Admin(t)
	c.PushStarter("host")
	c.OK("create", "box", "-t", "host", "--use-parameter-defaults", "-y")
	echo, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := echo.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo(append([]byte("got "), buf[:n]...), from)
		}
	}()
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	local := free.LocalAddr().(*net.UDPAddr).Port
	require.NoError(t, free.Close())

	cmd := c.Command("port-forward", "box", "--udp", fmt.Sprintf("%d:%d", local, echo.LocalAddr().(*net.UDPAddr).Port))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ready") {
	}
	programs := make([]net.Conn, 2)
	for i := range programs {
		programs[i], err = net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", local))
		require.NoError(t, err)
		defer programs[i].Close()
		_ = programs[i].SetDeadline(time.Now().Add(20 * time.Second))
	}
	buf := make([]byte, 2000)
	for range 3 {
		for i, p := range programs {
			_, err := fmt.Fprintf(p, "from %d", i)
			require.NoError(t, err)
		}
		for i, p := range programs {
			n, err := p.Read(buf)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("got from %d", i), string(buf[:n]))
		}
	}
}

// TestPing: the path is named, and where it is no direct one, why.
func TestPing(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{Args: []string{"--block-direct-connections"}})
	c := s.Admin(t)
	c.PushStarter("host")
	c.OK("create", "box", "-t", "host", "--use-parameter-defaults", "-y")
	out := c.OK("ping", "box", "-n", "2", "--wait", "1ms")
	require.Contains(t, out, "through relay Coder Embedded Relay in")
	require.Contains(t, out, "Not direct: the deployment allows relays only.\n")
	require.Contains(t, out, "2 sent, 2 answered; least")
	out = c.OK("doctor", "box", "--timeout", "2s")
	require.Contains(t, out, "the agent answers through relay Coder Embedded Relay: the deployment allows relays only")
	require.Contains(t, c.Fails("ping", "box", "-n", "-1"), "may not be negative")
	out = c.OK("ssh", "box", "--", "unset HOME; env -u CODER_SESSION_TOKEN "+servetest.Binary()+" --global-config /nonexistent doctor")
	require.Contains(t, out, "From this workspace to")
	require.Contains(t, out, "agent main of admin/box")
}
