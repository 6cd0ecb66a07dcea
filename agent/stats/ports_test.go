//go:build linux

package stats

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// TestMain is the process that listens in TestListening.
func TestMain(m *testing.M) {
	if os.Getenv("LISTEN_IN_TEST") == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

func TestListening(t *testing.T) {
	t.Parallel()
	own, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer own.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"LISTEN_IN_TEST=1"}
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var port int
	_, err = fmt.Fscan(out, &port)
	require.NoError(t, err)

	clock := quartz.NewMock(t)
	p := &Ports{Clock: clock}
	find := func() map[int]string {
		all, err := p.Listening(t.Context())
		require.NoError(t, err)
		names := map[int]string{}
		for _, l := range all {
			require.Equal(t, "tcp", l.Network)
			names[l.Port] = l.ProcessName
		}
		return names
	}
	names := find()
	require.Equal(t, "stats.test", names[port])
	require.NotContains(t, names, own.Addr().(*net.TCPAddr).Port, "its own are left out")

	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	require.Contains(t, find(), port, "asked again within a second, nothing is looked at")
	clock.Advance(portsAge)
	require.NotContains(t, find(), port)
}

func TestOfferedIsBounded(t *testing.T) {
	t.Parallel()
	var all []socket
	for port := range 2000 {
		all = append(all, socket{port, uint64(port)}, socket{port, uint64(port + 10_000)})
	}
	got := offered(all, map[uint64]bool{20: true, 10_020: true, 21: true}, map[uint64]string{10_030: "v6"})
	require.Len(t, got, agentrpc.MaxListeningPorts)
	require.Equal(t, agentrpc.MinListeningPort, got[0].Port)
	require.NotContains(t, got, api.AgentListeningPort{Network: "tcp", Port: 20})
	require.Contains(t, got, api.AgentListeningPort{Network: "tcp", Port: 21})
	require.Contains(t, got, api.AgentListeningPort{Network: "tcp", Port: 30, ProcessName: "v6"})
}

func FuzzParseSockets(f *testing.F) {
	f.Add("  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range parseSockets(strings.NewReader(text)) {
			if s.port < 0 || s.port > 65535 {
				t.Error(s)
			}
		}
	})
}
