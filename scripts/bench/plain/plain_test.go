package plain

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/scripts/bench/proc"
)

func TestSSHD(t *testing.T) {
	t.Parallel()
	s, err := StartSSHD(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Stop()) }()
	r, err := proc.Run(t.Context(), s.Client([]string{"KexAlgorithms=curve25519-sha256"}, "echo $HOME"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(s.dir, "home")+"\n", r.Stdout)
	require.NoError(t, s.Quiet(t.Context()))
	_, err = proc.Run(t.Context(), s.Client([]string{"KexAlgorithms=curve25519-sha256"}, "exit 5"))
	require.ErrorContains(t, err, "exit status 5")
}

func TestTerraformLife(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("terraform")
	require.NoError(t, err, "install terraform")
	module := t.TempDir()
	// No provider but the built-in one, so the mirror may be empty.
	require.NoError(t, os.WriteFile(filepath.Join(module, "main.tf"), []byte(`
variable "file" {}
resource "terraform_data" "x" {
  input = var.file
  provisioner "local-exec" { command = "echo $CODER_WORKSPACE_TRANSITION >>${self.input}" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo $CODER_WORKSPACE_TRANSITION >>${self.input}"
  }
}
`), 0o600))
	file := filepath.Join(t.TempDir(), "seen")
	tf := &Terraform{Binary: binary, Module: module, Mirror: t.TempDir(), Dir: t.TempDir(), Path: os.Getenv("PATH"), Vars: map[string]string{"file": file}}
	for _, transition := range []string{Start, Stop, Delete} {
		both, init, err := tf.Build(t.Context(), transition)
		require.NoError(t, err)
		require.Positive(t, init)
		require.Greater(t, both, init)
	}
	for _, transition := range []string{Start, Delete} {
		took, err := tf.Floor(t.Context(), transition)
		require.NoError(t, err)
		require.Positive(t, took)
	}
	took, err := tf.Plan(t.Context())
	require.NoError(t, err)
	require.Positive(t, took)
	seen, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "start\ndestroy\nstart\ndestroy\n", string(seen), "the state goes from step to step")
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	bin, err := FindPostgres("/nowhere")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "bench-pg-") // short: its socket's path has a limit
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // the account must pass
	p := &Postgres{Bin: bin, Dir: dir}
	p.UID, p.GID, err = Account()
	require.NoError(t, err)
	cold, err := p.Cold(t.Context(), "a")
	require.NoError(t, err)
	warm, err := p.Warm(t.Context(), "a")
	require.NoError(t, err)
	require.Greater(t, cold, warm)
	_, err = p.Cold(t.Context(), "a")
	require.Error(t, err, "a cluster is made once")
}

func TestDropChecksums(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	require.NoError(t, os.WriteFile(path, []byte("provider \"x\" {\n  version = \"1\"\n  hashes = [\n    \"h1:a\",\n    \"h1:b\",\n  ]\n}\n"), 0o600))
	require.NoError(t, dropChecksums(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "provider \"x\" {\n  version = \"1\"\n}\n", string(text))
}
