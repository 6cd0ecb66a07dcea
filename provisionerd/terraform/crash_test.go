package terraform_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd/terraform"
)

// crashDir names the directory in which this test binary, started again, runs
// the slow build until it is killed.
const crashDir = "PROVISIONER_CRASH_DIR"

// crashOptions are those of both lives.
func crashOptions(t testing.TB, dir string) terraform.Options {
	self, err := os.Executable()
	require.NoError(t, err)
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	return terraform.Options{Binary: bin, WorkDir: filepath.Join(dir, "work"), CacheDir: filepath.Join(dir, "cache"),
		ProviderBinary: self, Environ: append(os.Environ(), quickExit), Log: slog.New(slog.DiscardHandler), Clock: quartz.NewReal()}
}

// TestCrashChild is the first life; on its own it only says so.
func TestCrashChild(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(crashDir)
	if dir == "" {
		require.Empty(t, dir, "this test works when TestCrash starts it")
		return
	}
	p, err := terraform.New(crashOptions(t, dir))
	require.NoError(t, err)
	archive := pack(t, map[string]string{"main.tf": slow})
	_, err = p.Build(t.Context(), buildJob(archive, api.TransitionStart, nil), (&recorder{archive: archive}).session())
	t.Fatalf("the build ended by itself: %v", err)
}

// TestCrash kills a process with SIGKILL in the middle of a build. What it had
// started ends, and the state is there for the next one.
func TestCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(self, "-test.run=^TestCrashChild$", "-test.timeout=2m")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	require.NoError(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	pidFile := filepath.Join(dir, "pid")
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(pidFile)
		return err == nil && len(strings.TrimSpace(string(b))) > 0
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()

	p, err := terraform.New(crashOptions(t, dir))
	require.NoError(t, err)
	state, err := p.Salvage()
	require.NoError(t, err)
	require.Contains(t, string(state), `"first"`, out.String())
	require.Eventually(t, func() bool { return len(inDir(t, dir)) == 0 }, 10*time.Second, 10*time.Millisecond,
		"terraform, its providers and its shells are gone")
	require.NoError(t, p.Discard())

	// The next attempt starts from that state with no hand.
	archive := pack(t, map[string]string{"main.tf": strings.Replace(slow, "sleep 300", "true", 1)})
	rec := &recorder{archive: archive}
	res, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, state), rec.session())
	require.NoError(t, err, rec.text())
	require.Len(t, res.Resources, 2)
}

// inDir returns the processes that work below dir.
func inDir(t *testing.T, dir string) (pids []string) {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	require.NoError(t, err)
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) {
			pids = append(pids, link)
		}
	}
	return pids
}
