//go:build linux

package serve_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"tailscale.com/derp/derpserver"
	"tailscale.com/types/key"

	"coder.internal/api/tailrpc"
	"coder.internal/cmd/internal/serve/servetest"
)

// derperVar in the environment makes this program the stock relay.
const derperVar = "RELAYS_TEST_DERPER"

// derper serves upstream's own relay, as its program does without TLS. It writes
// its address, and one line for each connection.
func derper() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := derpserver.New(key.NewNode(), func(string, ...any) {})
	h := derpserver.AddWebSocketSupport(s, derpserver.Handler(s))
	fmt.Println(l.Addr())
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if up := r.Header.Get("Upgrade"); up != "" {
			fmt.Println("upgrade:", strings.ToLower(up))
		}
		h.ServeHTTP(w, r)
	}))
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// stock starts a stock relay in a process of its own. Lines are its output.
func stock(t *testing.T) (address string, lines func() []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{derperVar + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	file := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(file)
	require.NoError(t, err)
	t.Cleanup(func() { _ = out.Close() })
	cmd.Stdout, cmd.Stderr = out, out
	started, stop := make(chan error), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		runtime.LockOSThread() // the process ends with the thread that started it
		started <- cmd.Start()
		<-stop
		close(ended)
	}()
	require.NoError(t, <-started)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		close(stop)
		<-ended
	})
	lines = func() []string {
		var all []string
		f, err := os.Open(file)
		require.NoError(t, err)
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			all = append(all, sc.Text())
		}
		return all
	}
	servetest.Eventually(t, "the stock relay listens", func() bool { return len(lines()) > 0 })
	return lines()[0], lines
}

// relayMapFile describes one relay without TLS.
func relayMapFile(t *testing.T, address string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	p, err := strconv.Atoi(port)
	require.NoError(t, err)
	return fmt.Sprintf(`{"Regions": {"901": {"RegionID": 901, "RegionCode": "stock", "RegionName": "Stock Relay", "Nodes": [
		{"Name": "901a", "RegionID": 901, "HostName": %q, "DERPPort": %d, "STUNPort": -1, "ForceHTTP": true}]}}}`, host, p)
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "relays.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// connection returns what a client is told of the network.
func connection(t *testing.T, s *servetest.Server, c *servetest.CLI) tailrpc.ConnectionInfo {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL.JoinPath("/api/v2/workspaceagents/connection").String(), nil)
	require.NoError(t, err)
	req.Header.Set("Coder-Session-Token", strings.TrimSpace(c.OK("login", "token")))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var info tailrpc.ConnectionInfo
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&info))
	return info
}

// A stock relay is the only way, whatever reaches it: its own upgrade or, where
// that is wanted, a websocket.
func TestStockRelayInsteadOfOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"upgrade":   {nil, "upgrade: derp"},
		"websocket": {[]string{"CODER_DERP_FORCE_WEBSOCKETS=true"}, "upgrade: websocket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, lines := stock(t)
			s, p := demo(t, servetest.Options{Env: append(c.env, "CODER_BLOCK_DIRECT=true", "CODER_DERP_SERVER_ENABLE=false",
				"CODER_DERP_CONFIG_PATH="+write(t, relayMapFile(t, address)))})
			require.Equal(t, "hello\n", p.OK("ssh", "demo", "--", "echo hello"))
			require.Contains(t, p.OK("ping", "demo", "-n", "1"), " through relay Stock Relay")
			require.NotEmpty(t, lines()[1:])
			for _, l := range lines()[1:] {
				require.Equal(t, c.want, l)
			}
			info := connection(t, s, p)
			require.Len(t, info.RelayMap.Regions, 1)
			require.True(t, info.BlockDirect)
			resp, err := http.Get(s.URL.JoinPath("/derp/latency-check").String())
			require.NoError(t, err)
			resp.Body.Close()
			require.NotContains(t, resp.Header, "Access-Control-Allow-Origin", "the embedded relay is off")
		})
	}
}

// Relays from a URL stand beside the embedded one, and survive a restart while
// the URL is away.
func TestRelaysFromURL(t *testing.T) {
	t.Parallel()
	address, _ := stock(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, relayMapFile(t, address))
	}))
	defer site.Close()
	s, p := demo(t, servetest.Options{Env: []string{"CODER_DERP_CONFIG_URL=" + site.URL + "/derp.json?key=hunter2", "CODER_BLOCK_DIRECT=true"}})
	regions := connection(t, s, p).RelayMap.Regions
	require.Len(t, regions, 2)
	require.Equal(t, "Stock Relay", regions[901].Name)
	require.Equal(t, "Coder Embedded Relay", regions[999].Name)
	require.Equal(t, "hello\n", p.OK("ssh", "demo", "--", "echo hello"))
	site.Close()
	s.Kill()
	s.Start()
	require.Len(t, connection(t, s, p).RelayMap.Regions, 2)
	require.Equal(t, "hello\n", p.OK("ssh", "demo", "--", "echo hello"))
	require.NotContains(t, s.Log(), "hunter2")
}

func TestRelayOptionsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"line":   {[]string{"CODER_DERP_CONFIG_PATH=" + write(t, "{\n\"Regions\": x\n")}, "relays.json: line 2:"},
		"field":  {[]string{"CODER_DERP_CONFIG_PATH=" + write(t, `{"Regions":{"5":{"RegionCode":"c","Nodes":[{}]}}}`)}, "relays.json: Regions.5.Nodes[0].HostName: must be"},
		"absent": {[]string{"CODER_DERP_CONFIG_PATH=/nowhere/relays.json"}, "option --derp-config-path: stat /nowhere/relays.json: no such file"},
		"folder": {[]string{"CODER_DERP_CONFIG_PATH=/"}, "option --derp-config-path: /: is not a file"},
		"both":   {[]string{"CODER_DERP_CONFIG_PATH=/x", "CODER_DERP_CONFIG_URL=http://x"}, "only one of --derp-config-url and --derp-config-path"},
		"none":   {[]string{"CODER_DERP_SERVER_ENABLE=false"}, "option --derp-server-enable: without the embedded relay"},
		"url":    {[]string{"CODER_DERP_CONFIG_URL=ftp://x"}, "option --derp-config-url: is not a URL"},
		"no answer": {[]string{"CODER_DERP_SERVER_ENABLE=false", "CODER_DERP_CONFIG_URL=" + gone.URL},
			"option --derp-config-url: relay map from " + gone.URL + ": the answer is 404 Not Found"},
		"same id": {[]string{"CODER_DERP_SERVER_REGION_ID=901", "CODER_DERP_CONFIG_PATH=" + write(t, relayMapFile(t, "127.0.0.1:9"))},
			"Regions.901: the id is that of the embedded relay"},
		"stun": {[]string{"CODER_DERP_SERVER_ENABLE=false", "CODER_DERP_CONFIG_PATH=/x", "CODER_DERP_SERVER_STUN_LISTEN_ADDRESS=:0"},
			"option --derp-server-stun-listen-address: needs --derp-server-enable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, servetest.New(t, servetest.Options{Env: c.env}).Fail(), c.want)
		})
	}
}

// Nodes find each other with our own STUN server.
func TestOwnSTUN(t *testing.T) {
	t.Parallel()
	metrics := freePort(t)
	s, p := demo(t, servetest.Options{Env: []string{"CODER_DERP_SERVER_STUN_LISTEN_ADDRESS=127.0.0.1:0",
		"CODER_PROMETHEUS_ENABLE=true", "CODER_PROMETHEUS_ADDRESS=" + metrics}})
	info := connection(t, s, p)
	require.False(t, info.BlockDirect)
	require.Len(t, info.RelayMap.Regions[999].Nodes, 1)
	require.Contains(t, info.RelayMap.Regions[999].Nodes[0].STUN, "127.0.0.1:")
	require.Contains(t, p.OK("ping", "demo", "--wait", "50ms"), " direct, at ")
	// The agent keeps a connection to the relay beside the direct path; where it has
	// just made a new one, the next look finds it.
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		resp, err := http.Get("http://" + metrics + "/metrics")
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Regexp(t, `(?m)^coder_derp_server_stun_answered_total [1-9]`, string(text))
		assert.Regexp(t, `(?m)^coder_derp_server_connections [1-9]`, string(text))
	}, 20*time.Second, 50*time.Millisecond)
}

// freePort returns an address on a loopback address of its own that nobody
// listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// Direct may be switched off by the deployment and by a client alone.
func TestDirectBlocked(t *testing.T) {
	t.Parallel()
	t.Run("deployment", func(t *testing.T) {
		t.Parallel()
		s, p := demo(t, servetest.Options{Env: []string{"CODER_BLOCK_DIRECT=true", "CODER_DERP_SERVER_STUN_ADDRESSES=127.0.0.1:9"}})
		info := connection(t, s, p)
		require.True(t, info.BlockDirect)
		require.True(t, info.RelayMap.BlockDirect)
		require.Empty(t, info.RelayMap.Regions[999].Nodes[0].STUN, "nobody asks for a direct path")
		out := p.OK("ping", "demo", "-n", "5")
		require.Equal(t, 5, strings.Count(out, " through relay Coder Embedded Relay"), out)
		require.Contains(t, out, "Not direct: the deployment allows relays only.")
	})
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		s, p := demo(t, servetest.Options{})
		require.False(t, connection(t, s, p).BlockDirect)
		for _, args := range [][]string{
			{"ping", "demo", "-n", "5", "--disable-direct-connections"}, {"--disable-direct-connections", "ping", "demo", "-n", "5"},
		} {
			out := p.OK(args...)
			require.Contains(t, out, " through relay Coder Embedded Relay")
			require.NotContains(t, out, " direct, at ")
		}
		require.Equal(t, "hello\n", p.OK("ssh", "demo", "--disable-direct-connections", "--", "echo hello"))
	})
}
