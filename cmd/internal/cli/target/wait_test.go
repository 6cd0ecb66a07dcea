package target_test

import (
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
