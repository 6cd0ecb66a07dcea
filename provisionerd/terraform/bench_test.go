package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// plain is the module of the figures: what a small template needs.
const plain = header + `
data "coder_workspace" "me" {}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = 3
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_app" "web" {
  agent_id = coder_agent.main.id
  slug     = "web"
  url      = "http://localhost:1"
}
resource "terraform_data" "ws" {
  count = data.coder_workspace.me.start_count
  input = coder_agent.main.token
}
`

// BenchmarkImport, BenchmarkBuild and BenchmarkBare run the same module; compare
// the figures of one run.
func BenchmarkImport(b *testing.B) {
	p := newRig(b)
	for i := range b.N {
		// Another archive each time: the first job of a version pays for init.
		archive := pack(b, map[string]string{"main.tf": plain, "n.txt": strings.Repeat("n", i+1)})
		_, err := p.Import(b.Context(), importJob(archive), (&recorder{archive: archive}).session())
		require.NoError(b, err)
	}
}

func BenchmarkBuild(b *testing.B) {
	p := newRig(b)
	archive := pack(b, map[string]string{"main.tf": plain})
	_, err := p.Import(b.Context(), importJob(archive), (&recorder{archive: archive}).session())
	require.NoError(b, err)
	for b.Loop() {
		_, err := p.Build(b.Context(), buildJob(archive, api.TransitionStart, nil), (&recorder{}).session())
		require.NoError(b, err)
	}
}

func BenchmarkBare(b *testing.B) {
	p := newRig(b) // for its mirror
	for b.Loop() {
		dir := b.TempDir()
		require.NoError(b, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(plain), 0o600))
		for _, args := range [][]string{{"init", "-input=false"}, {"apply", "-auto-approve", "-input=false"}} {
			cmd := exec.Command("terraform", args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(p.work, "cli.tfrc"), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
			out, err := cmd.CombinedOutput()
			require.NoError(b, err, "%s", out)
		}
	}
}
