package starter_test

import (
	"io/fs"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/coderd/templates/starter"
)

func TestList(t *testing.T) {
	t.Parallel()
	list, err := starter.List()
	require.NoError(t, err)
	require.Equal(t, "host", list[0].ID, "the trial's default comes first")
	for _, e := range list {
		require.NotEqual(t, e.ID, e.Name)
		require.NotEmpty(t, e.Description)
		require.NotEmpty(t, e.Icon)
		require.NotEmpty(t, e.Tags)
		require.NotContains(t, e.Markdown, "display_name:")
		_, err := fs.Stat(starter.FS, e.ID+"/main.tf")
		require.NoError(t, err)
	}
}

func TestFormatted(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("terraform", "fmt", "-check", "-diff", "-recursive", ".")
	cmd.Env = append(cmd.Environ(), "TF_CLI_CONFIG_FILE=/dev/null")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
