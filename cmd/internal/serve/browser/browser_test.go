//go:build linux && embed_site

package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/site"
)

func TestMain(m *testing.M) { servetest.Main(m) }

// longest bounds all steps of the browser together.
const longest = 8 * time.Minute

// deployment is what the steps are told, as site/e2e/real/deployment.ts reads it.
type deployment struct {
	URL string `json:"url"`
	// Host is the address of the server, which the browser takes for all hosts of
	// applications, too.
	Host string `json:"host"`
	// Password is that of every user the steps make.
	Password string `json:"password"`
	// Coder is the program, and Template a directory with a template that has the
	// application "hello".
	Coder    string `json:"coder"`
	Template string `json:"template"`
	Home     string `json:"home"`
}

// more is what the template has beside what the starter "host" has: an application
// that this test serves, and parameters of which one asks for another.
const more = `
data "coder_parameter" "loud" {
  name         = "loud"
  display_name = "Loud"
  type         = "bool"
  form_type    = "switch"
  default      = "false"
  mutable      = true
}

data "coder_parameter" "times" {
  count        = data.coder_parameter.loud.value == "true" ? 1 : 0
  name         = "times"
  display_name = "Times"
  type         = "number"
  default      = 2
  mutable      = true
  validation {
    min = 1
    max = 9
  }
}

resource "coder_app" "hello" {
  agent_id     = coder_agent.main.id
  slug         = "hello"
  display_name = "Hello"
  url          = "%s"
  subdomain    = true
}
`

func TestDashboard(t *testing.T) {
	require.True(t, site.Built(), "make site builds the dashboard")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "<!doctype html><title>app</title><h1>Hello from the workspace</h1><p>%s</p>", r.Host)
	}))
	t.Cleanup(app.Close)
	s := servetest.Start(t, servetest.Options{Args: []string{"--wildcard-access-url", "*.apps.test"}})
	nobody := s.Person(t)
	dir := filepath.Join(nobody.Home, "hello")
	nobody.OK("templates", "init", "--id", "host", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hello.tf"), fmt.Appendf(nil, more, app.URL), 0o600))
	d := deployment{URL: s.URL.String(), Host: s.URL.Hostname(), Password: servetest.Password, Coder: servetest.Binary(),
		Template: dir, Home: nobody.Home}
	told, err := json.Marshal(d)
	require.NoError(t, err)

	root, err := filepath.Abs("../../../../site")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "node_modules/.bin/vitest"), "run", "--project", "real", "--no-color")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CODER_TEST_DEPLOYMENT="+string(told))
	cmd.WaitDelay = 10 * time.Second
	timer := time.AfterFunc(longest, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	t.Log(strings.TrimSpace(string(out)))
	require.NoError(t, err)
}
