//go:build linux

package serve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

const serviceMetadata = `
  metadata {
    key      = "tick"
    script   = "date +%s%N"
    interval = 1
    timeout  = 1
  }
`

const serviceResources = `
resource "coder_script" "every" {
  agent_id     = coder_agent.main.id
  display_name = "Every second"
  cron         = "* * * * * *"
  run_on_start = true
  script       = "echo ran; exit 3"
}

resource "coder_devcontainer" "dev" {
  count            = data.coder_workspace.me.start_count
  agent_id         = coder_agent.main.id
  workspace_folder = "/no/such/folder"
}
`

// TestAgentServices: what a template asks of the agent, through a real server, a
// real agent and the network between them.
func TestAgentServices(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c := s.Admin(t)
	dir := filepath.Join(c.Home, "services")
	c.OK("templates", "init", "--id", "host", dir)
	file := filepath.Join(dir, "main.tf")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	const mark = "\n  metadata {\n"
	require.Contains(t, string(text), mark)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), mark, serviceMetadata+mark, 1)+serviceResources), 0o600))
	c.OK("templates", "push", "services", "-d", dir, "-y")
	c.OK("create", "demo", "--template", "services", "--use-parameter-defaults", "-y")
	ws := workspace(t, c, "demo")
	var agent api.ID
	for _, r := range ws.LatestBuild.Resources {
		for _, a := range r.Agents {
			agent = a.ID
		}
	}
	client := c.Client()
	ask := func(ctx context.Context, path string) io.ReadCloser {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL.String()+"/api/v2/"+path, nil)
		require.NoError(t, err)
		req.Header = client.Header()
		res, err := client.HTTPClient().Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, path)
		return res.Body
	}
	answer := func(path string, into any) {
		body := ask(t.Context(), path)
		defer body.Close()
		require.NoError(t, json.NewDecoder(body).Decode(into))
	}

	// Values come as they change.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream := ask(ctx, "workspaceagents/"+agent.String()+"/watch-metadata")
	defer stream.Close()
	seen := map[string]bool{}
	lines := bufio.NewScanner(stream)
	for len(seen) < 2 && lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var items []api.AgentMetadata
			require.NoError(t, json.Unmarshal([]byte(text), &items))
			for _, i := range items {
				if i.Description.Key == "tick" && i.Result.Value != "" {
					require.Empty(t, i.Result.Error)
					seen[i.Result.Value] = true
				}
			}
		}
	}
	require.Len(t, seen, 2, "%v", lines.Err())

	// A server in the workspace is found by its port and name.
	out := c.OK("ssh", "demo", "--", `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1"); print $s->sockport; exit if fork; close STDIN; close STDOUT; close STDERR; sleep 1000'`)
	port, err := strconv.Atoi(out)
	require.NoError(t, err, out)
	var ports api.AgentListeningPorts
	answer("workspaceagents/"+agent.String()+"/listening-ports", &ports)
	require.Contains(t, ports.Ports, api.AgentListeningPort{ProcessName: "perl", Network: "tcp", Port: port})

	// Every stage of the script has its timing, and every log its place.
	servetest.Eventually(t, "timings of start and cron", func() bool {
		var timings api.WorkspaceBuildTimings
		answer("workspacebuilds/"+ws.LatestBuild.ID.String()+"/timings", &timings)
		stages := map[string]bool{}
		for _, s := range timings.AgentScriptTimings {
			require.Equal(t, 3, s.ExitCode)
			stages[s.Stage] = true
		}
		return stages["start"] && stages["cron"]
	})
	servetest.Eventually(t, "the dev container's log", func() bool {
		var logs []api.AgentLog
		answer("workspaceagents/"+agent.String()+"/logs", &logs)
		for _, l := range logs {
			if strings.Contains(l.Output, "devcontainer CLI is not in the PATH") || strings.Contains(l.Output, "/no/such/folder") {
				return true
			}
		}
		return false
	})
}
