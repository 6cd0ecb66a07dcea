package agent_test

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

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
