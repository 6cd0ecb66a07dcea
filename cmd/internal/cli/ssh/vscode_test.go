package ssh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEditorHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"coder-vscode--ann--box":                      "ann/box",
		"coder-vscode--ann--box--main":                "ann/box.main",
		"coder-vscode.dev.example.com--ann--box.main": "ann/box.main",
	} {
		got, err := editorHost(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{"", "box", "coder-vscode--box", "evil--ann--box", "coder-vscode--a--b--c--d", "coder-vscode--a/b--c", "coder-vscode----"} {
		_, err := editorHost(bad)
		require.Error(t, err, bad)
	}
}

func TestCredentialIsBounded(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(name, []byte(" token\n"), 0o600))
	got, err := credential(name)
	require.NoError(t, err)
	require.Equal(t, "token", got)
	require.NoError(t, os.WriteFile(name, []byte(strings.Repeat("x", maxCredentialFile+1)), 0o600))
	_, err = credential(name)
	require.ErrorContains(t, err, "64 KiB")
}
