package terraform_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// fakeAgent stands for the agent's binary: it leaves its pid and a child in a
// session of its own, as a terminal would be.
const fakeAgent = `#!/bin/sh
if [ "$1" = --version ]; then echo "Coder fake"; exit 0; fi
echo "$CODER_AGENT_TOKEN $CODER_AGENT_URL $CODER_AGENT_AUTH" >"$HOME/agent"
setsid sleep 1000 &
echo "$$" >"$HOME/pid"
exec sleep 1000
`

// The template lies with the server, which this package may not import.
func hostTemplate(t *testing.T) fs.FS {
	return os.DirFS(filepath.Join("..", "..", "coderd", "templates", "starter", "host"))
}

// marked returns the processes that belong to the workspace on the host.
func marked(t *testing.T) int {
	t.Helper()
	n := 0
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, name := range names {
		b, _ := os.ReadFile(name)
		if strings.Contains(string(b), "HOST_WORKSPACE="+meta("").WorkspaceID.String()) {
			n++
		}
	}
	return n
}

// TestHostTemplate runs the starter template: the agent outlives the build that
// starts it, nothing outlives a stop, and the home directory stays until delete.
func TestHostTemplate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Fatal("the template is for Linux only")
	}
	mux := http.NewServeMux() // what is asked for elsewhere is not found, and no agent starts
	mux.HandleFunc("/bin/coder-linux-"+runtime.GOARCH, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(fakeAgent))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	data := t.TempDir()
	p := newRig(t, func(o *optionsOf) { o.DataDir = data })
	archive := packFS(t, hostTemplate(t))
	var state []byte
	build := func(tr api.Transition) {
		t.Helper()
		rec := &recorder{archive: archive}
		job := buildJob(archive, tr, state)
		job.Build.Meta.AccessURL = srv.URL
		res, err := p.Build(within(t, time.Minute), job, rec.session())
		require.NoError(t, err, rec.text())
		state = res.State
		if tr == api.TransitionStart {
			for _, r := range res.Resources {
				require.Len(t, r.Agents, map[string]int{"agent": 1, "home": 0}[r.Name], r.Name)
				if r.Name == "agent" {
					require.NotContains(t, rec.text(), r.Agents[0].Token.Reveal())
				}
			}
		}
		require.NoError(t, p.Discard(), "the end of a job leaves the agent alone")
	}
	home := filepath.Join(data, "coder-workspaces", meta("").WorkspaceID.String(), "home")
	running := func() bool { _, err := os.Stat(filepath.Join(home, "pid")); return err == nil }

	build(api.TransitionStart)
	require.Eventually(t, running, 20*time.Second, 10*time.Millisecond)
	b, err := os.ReadFile(filepath.Join(home, "agent"))
	require.NoError(t, err)
	require.Contains(t, string(b), " "+srv.URL+"/ token\n")
	info, err := os.Stat(filepath.Dir(home))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())

	// A start of what runs already replaces the process.
	first, err := os.ReadFile(filepath.Join(home, "pid"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(home, "pid")))
	build(api.TransitionStart)
	require.Eventually(t, running, 20*time.Second, 10*time.Millisecond)
	_, err = os.Stat("/proc/" + strings.TrimSpace(string(first)) + "/cwd")
	require.ErrorIs(t, err, os.ErrNotExist)

	build(api.TransitionStop)
	require.Zero(t, marked(t), "no process stays behind")
	require.FileExists(t, filepath.Join(home, "agent"), "the home directory stays")
	require.NoError(t, os.Remove(filepath.Join(home, "pid")))

	build(api.TransitionStart)
	require.Eventually(t, running, 20*time.Second, 10*time.Millisecond)
	build(api.TransitionDelete)
	require.Zero(t, marked(t))
	require.NoDirExists(t, filepath.Dir(home))
}
