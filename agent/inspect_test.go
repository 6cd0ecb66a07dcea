package agent_test

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/agent/agenttest"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// TestInspect asks a running agent for its ports, and sends it nonsense.
func TestInspect(t *testing.T) {
	t.Parallel()
	cp := agenttest.New(t, agentrpc.Manifest{})
	r := run(t, cp)
	base := "http://127.0.0.1:" + r.net.port(t, agentrpc.PortInspect)
	res, err := http.Get(base + agentrpc.PathListeningPorts)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	var got api.AgentListeningPorts
	require.NoError(t, json.NewDecoder(res.Body).Decode(&got))
	own, err := strconv.Atoi(r.net.port(t, agentrpc.PortInspect))
	require.NoError(t, err)
	for _, p := range got.Ports {
		require.NotEqual(t, own, p.Port)
	}
	res, err = http.Get(base + "/api/v0/nothing")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusNotFound, res.StatusCode)

	// Malformed and oversized requests end that connection and nothing else.
	for _, text := range []string{"\x00\x01\x02\r\n\r\n", "GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 100<<10) + "\r\n\r\n"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		require.NoError(t, err)
		_, _ = c.Write([]byte(text)) // the agent may close before all is written
		buf := make([]byte, 64)
		n, _ := c.Read(buf)
		require.NotContains(t, string(buf[:n]), "200 OK")
		require.NoError(t, c.Close())
	}
	res, err = http.Get(base + agentrpc.PathListeningPorts)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// TestInspectFlood: connections that say nothing are few, and others are answered
// once they have gone.
func TestInspectFlood(t *testing.T) {
	t.Parallel()
	r := run(t, agenttest.New(t, agentrpc.Manifest{}))
	at := "127.0.0.1:" + r.net.port(t, agentrpc.PortInspect)
	closed := make(chan struct{}, 300)
	var conns []net.Conn
	for range 300 {
		c, err := net.Dial("tcp", at)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		conns = append(conns, c)
		go func() {
			_, _ = c.Read(make([]byte, 1))
			closed <- struct{}{}
		}()
	}
	for range 300 - 128 {
		<-closed // those above the limit, long before their time is over
	}
	for _, c := range conns {
		_ = c.Close()
	}
	ask := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	require.Eventually(t, func() bool {
		res, err := ask.Get("http://" + at + agentrpc.PathListeningPorts)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond)
}
