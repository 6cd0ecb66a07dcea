package initscript_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api/initscript"
)

func TestRenderFillsEveryPlatform(t *testing.T) {
	t.Parallel()
	for _, p := range initscript.Platforms() {
		script, ok := initscript.Render(p.OS, p.Arch)
		require.True(t, ok, p)
		require.NotContains(t, script, "${ARCH}")
		require.Contains(t, script, "coder-"+p.OS+"-"+p.Arch)
		full := initscript.Fill(script, "http://127.0.0.1:3000", "token")
		require.NotContains(t, full, "${ACCESS_URL}")
		require.NotContains(t, full, "${AUTH_TYPE}")
		require.Contains(t, full, "http://127.0.0.1:3000/")
		if p.OS != "windows" {
			cmd := exec.Command("sh", "-n")
			cmd.Stdin = strings.NewReader(full)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
}

func TestRenderRefusesUnknownPlatforms(t *testing.T) {
	t.Parallel()
	for _, p := range [][2]string{{"linux", "mips"}, {"plan9", "amd64"}, {"", ""}, {"linux", "../amd64"}} {
		_, ok := initscript.Render(p[0], p[1])
		require.False(t, ok, p)
	}
}
