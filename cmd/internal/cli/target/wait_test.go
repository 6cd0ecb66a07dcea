package target_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/cli/target"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	plain := api.WorkspaceAgent{StartupScriptBehavior: "non-blocking", Scripts: []api.AgentScript{{RunOnStart: true}}}
	agent := api.WorkspaceAgent{StartupScriptBehavior: "blocking"}
	script := api.WorkspaceAgent{Scripts: []api.AgentScript{{RunOnStart: true}, {RunOnStart: true, StartBlocksLogin: true}}}
	onStop := api.WorkspaceAgent{Scripts: []api.AgentScript{{RunOnStop: true, StartBlocksLogin: true}}}
	require.False(t, target.Blocks("auto", plain))
	require.True(t, target.Blocks("auto", agent))
	require.True(t, target.Blocks("auto", script))
	require.False(t, target.Blocks("auto", onStop), "only the start is waited for")
	require.True(t, target.Blocks("yes", plain))
	require.False(t, target.Blocks("no", script))
}

// Who connects after the scripts have failed is told too, unless nobody waits for
// them.
func TestFailedScriptsAreToldLater(t *testing.T) {
	t.Parallel()
	ws := api.Workspace{Name: "ws"}
	for state, want := range map[api.AgentLifecycle]string{
		api.LifecycleReady:        "",
		api.LifecycleStartError:   "The start scripts of agent main failed; the workspace may be incomplete. See: coder logs ws\n",
		api.LifecycleStartTimeout: "The start scripts of agent main did not end in time; the workspace may be incomplete. See: coder logs ws\n",
	} {
		a := api.WorkspaceAgent{Name: "main", Status: api.AgentConnected, LifecycleState: state}
		var said strings.Builder
		require.NoError(t, target.Wait(t.Context(), nil, ws, a, true, &said))
		require.Equal(t, want, said.String())
		said.Reset()
		require.NoError(t, target.Wait(t.Context(), nil, ws, a, false, &said))
		require.Empty(t, said.String())
	}
}
