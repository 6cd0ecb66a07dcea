//go:build linux

package agent_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/agent"
	"coder.internal/agent/agenttest"
	"coder.internal/api"
	"coder.internal/api/agentrpc"
)

// TestDevcontainers: a CLI that a start script installs gets the folders and
// configurations as single words, whatever is in them.
func TestDevcontainers(t *testing.T) {
	t.Parallel()
	odd := agentrpc.Devcontainer{ID: api.NewID(), Name: "odd", WorkspaceFolder: "~/it's; touch $HOME/never", ConfigPath: ".devcontainer/a b.json"}
	gone := agentrpc.Devcontainer{ID: api.NewID(), Name: "gone", WorkspaceFolder: "/no/such/folder"}
	begin := script(`printf '#!/bin/sh\nfor a in "$@"; do echo "<$a>"; done\n' >$CODER_SCRIPT_BIN_DIR/devcontainer
		chmod +x $CODER_SCRIPT_BIN_DIR/devcontainer; mkdir -p "$FOLDER"`)
	home := t.TempDir()
	folder := filepath.Join(home, "it's; touch "+home+"/never")
	cp := agenttest.New(t, agentrpc.Manifest{Scripts: []api.AgentScript{begin}, Devcontainers: []agentrpc.Devcontainer{odd, gone},
		Env: map[string]string{"FOLDER": folder}})
	run(t, cp, func(o *agent.Options) { o.Environ = append(os.Environ(), "HOME="+home) })
	rec := cp.Wait("both containers", func(r agenttest.Record) bool {
		return len(r.Lines(odd.ID)) >= 7 && len(r.Lines(gone.ID)) > 0
	})
	require.Equal(t, []string{"<up>", "<--log-format>", "<text>", "<--workspace-folder>", "<" + folder + ">", "<--config>",
		"<" + filepath.Join(folder, ".devcontainer/a b.json") + ">"}, rec.Lines(odd.ID))
	require.Contains(t, rec.Lines(gone.ID)[0], "is not there")
	require.NoFileExists(t, filepath.Join(home, "never"))
	require.True(t, slices.ContainsFunc(rec.Sources, func(s agentrpc.LogSource) bool {
		return s.ID == odd.ID && s.DisplayName == "Dev container odd"
	}))
	require.Contains(t, rec.Lifecycle, api.LifecycleReady)
}

// TestDevcontainerWithoutCLI says what is missing and how to get it.
func TestDevcontainerWithoutCLI(t *testing.T) {
	t.Parallel()
	d := agentrpc.Devcontainer{ID: api.NewID(), Name: "dev", WorkspaceFolder: "~"}
	cp := agenttest.New(t, agentrpc.Manifest{Devcontainers: []agentrpc.Devcontainer{d}})
	run(t, cp, func(o *agent.Options) { o.Environ = []string{"PATH=/nowhere", "HOME=" + t.TempDir()} })
	rec := cp.Wait("the reason", func(r agenttest.Record) bool { return len(r.Lines(d.ID)) > 0 })
	require.Contains(t, strings.Join(rec.Lines(d.ID), "\n"), "npm install -g @devcontainers/cli")
}

// TestStopDuringDevcontainer: a start that hangs does not hold the agent up.
func TestStopDuringDevcontainer(t *testing.T) {
	t.Parallel()
	d := agentrpc.Devcontainer{ID: api.NewID(), Name: "dev", WorkspaceFolder: "/"}
	begin := script(`printf '#!/bin/sh\necho begun\nexec sleep 1000\n' >$CODER_SCRIPT_BIN_DIR/devcontainer; chmod +x $CODER_SCRIPT_BIN_DIR/devcontainer`)
	cp := agenttest.New(t, agentrpc.Manifest{Scripts: []api.AgentScript{begin}, Devcontainers: []agentrpc.Devcontainer{d}})
	r := run(t, cp)
	cp.Wait("the start", func(r agenttest.Record) bool { return slices.Contains(r.Lines(d.ID), "begun") })
	require.NoError(t, r.stop())
	require.Equal(t, api.LifecycleOff, cp.Record().Lifecycle[len(cp.Record().Lifecycle)-1])
}

// TestPriorityReachesAll: sessions, scripts and measured commands have the
// priority that the agent's environment asks for.
func TestPriorityReachesAll(t *testing.T) {
	t.Parallel()
	// What the shell forks comes after the shell was started and so after its
	// priority was set, in practice; the wait makes sure.
	const show = "for i in $(seq 100); do s=$(cat /proc/$$/oom_score_adj); [ $s = 1000 ] && break; sleep 0.05; done; echo $s"
	begin := script(show)
	cp := agenttest.New(t, agentrpc.Manifest{Scripts: []api.AgentScript{begin}, Metadata: []agentrpc.MetadataItem{{Key: "score", Script: show, Timeout: 20}}})
	r := run(t, cp, func(o *agent.Options) {
		o.Environ = append(o.Environ, "CODER_PROC_PRIO_MGMT=1")
		o.OOMScore = 1000
	})
	rec := cp.Wait("the value", func(r agenttest.Record) bool { return len(r.Metadata) > 0 && len(r.Lines(begin.LogSourceID)) > 0 })
	require.Equal(t, "1000", rec.Metadata[0].Value)
	require.Equal(t, []string{"1000"}, rec.Lines(begin.LogSourceID))
	require.Equal(t, "1000\n", r.ssh(t, show))
}
