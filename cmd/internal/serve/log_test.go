package serve_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve"
)

func TestLogSinksAndFilter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stderr bytes.Buffer
	log, done, err := serve.NewLogger(serve.LogConfig{Human: "/dev/stderr", JSON: filepath.Join(dir, "json"),
		Stackdriver: filepath.Join(dir, "sd"), Filter: []string{"^jobs$"}}, os.Stdout, &stderr)
	require.NoError(t, err)
	log.With("component", "jobs").Debug("seen")
	log.With("component", "auth").Debug("not seen")
	log.Info("always", "k", "v")
	require.NoError(t, done())
	require.Contains(t, stderr.String(), "msg=seen component=jobs")
	require.Contains(t, stderr.String(), "msg=always k=v")
	require.NotContains(t, stderr.String(), "not seen")
	text, err := os.ReadFile(filepath.Join(dir, "json"))
	require.NoError(t, err)
	require.Contains(t, string(text), `"level":"INFO","msg":"always","k":"v"`)
	text, err = os.ReadFile(filepath.Join(dir, "sd"))
	require.NoError(t, err)
	require.Contains(t, string(text), `"severity":"INFO","message":"always"`)

	_, _, err = serve.NewLogger(serve.LogConfig{Filter: []string{"("}}, os.Stdout, &stderr)
	require.ErrorContains(t, err, "--log-filter")
	_, _, err = serve.NewLogger(serve.LogConfig{JSON: filepath.Join(dir, "no", "dir")}, os.Stdout, &stderr)
	require.ErrorContains(t, err, "open log file")
}
