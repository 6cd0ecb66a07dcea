//go:build linux

package serve_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/serve/servetest"
)

// command is a running command of the product.
type command struct {
	*exec.Cmd
	out bytes.Buffer // read it after Wait
}

func (w slow) run(t *testing.T, args ...string) *command {
	t.Helper()
	c := &command{Cmd: w.c.Command(args...)}
	c.Stdout, c.Stderr = &c.out, &c.out
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	servetest.Eventually(t, "terraform is at work", func() bool { return exists(filepath.Join(w.gate, "began")) })
	return c
}

// Ctrl-C cancels the build gracefully: it ends within 10 s, its state is kept.
func TestInterruptCancelsTheBuild(t *testing.T) {
	t.Parallel()
	w := startSlow(t, servetest.Options{})
	create := w.run(t, "create", "demo", "--template", "slow", "-y")
	began := time.Now()
	require.NoError(t, create.Process.Signal(os.Interrupt))
	require.Error(t, create.Wait())
	took := time.Since(began)
	require.Contains(t, create.out.String(), "Cancelling the build.")
	require.Contains(t, create.out.String(), "canceled")
	require.Less(t, took, 10*time.Second)
	require.Equal(t, api.JobCanceled, workspace(t, w.c, "demo").LatestBuild.Job.Status)
	nothingOfJobsRuns(t, w.s)
	w.open(t)
	w.c.OK("start", "demo", "-y")
	made, err := os.ReadFile(filepath.Join(w.gate, "kept"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(made), "\n"), "what was made once is not made again")
	w.c.OK("delete", "demo", "-y")
}

// nothingOfJobsRuns wants the deployment to have its server and database only.
func nothingOfJobsRuns(t *testing.T, s *servetest.Server) {
	t.Helper()
	servetest.Eventually(t, "no process of the build is left", func() bool {
		for _, p := range s.Processes() {
			if strings.Contains(p.Command, " server ") {
				continue // the server itself; its options name terraform
			}
			if strings.HasPrefix(p.Command, "/bin/sh ") || strings.Contains(p.Command, "terraform") || strings.Contains(p.Command, "sleep") {
				return false
			}
		}
		return true
	})
}

// deaf makes a terraform that ignores what asks it to end while it applies.
func deaf(t *testing.T, gate string) string {
	t.Helper()
	real, err := exec.LookPath("terraform")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "terraform")
	text := "#!/bin/sh\ncase \"$1\" in apply) if [ ! -e '" + gate + "/hear' ]; then trap '' INT TERM HUP; touch '" + gate + "/began'; " +
		"setsid sh -c 'trap \"\" INT TERM HUP; sleep 1000; true' & while :; do sleep 1000; done; fi;; esac\nexec '" + real + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
	return path
}

func startDeaf(t *testing.T, args ...string) slow {
	t.Helper()
	gate := t.TempDir()
	s := servetest.Start(t, servetest.Options{Args: append(args, "--provisioner-terraform-path", deaf(t, gate))})
	w := slow{s: s, c: s.Admin(t), gate: gate}
	w.push()
	return w
}

// A daemon elsewhere hears of a cancel at once, not with its next heartbeat.
func TestExternalDaemonHearsOfCancel(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, noDaemons())
	w := slow{s: s, c: s.Admin(t), gate: t.TempDir()}
	real, err := exec.LookPath("terraform")
	require.NoError(t, err)
	asked := filepath.Join(w.gate, "asked")
	wrapper := filepath.Join(w.gate, "terraform")
	text := "#!/bin/sh\ntrap 'touch " + asked + "; kill -INT $pid' INT\n'" + real + "' \"$@\" & pid=$!\n" +
		"wait $pid; code=$?\nwhile kill -0 $pid 2>/dev/null; do wait $pid; code=$?; done\nexit $code\n"
	require.NoError(t, os.WriteFile(wrapper, []byte(text), 0o700))
	startExternal(t, s, "one", s.URL.String(), psk(), "--terraform-path", wrapper)
	w.push()
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	began := time.Now()
	require.NoError(t, w.c.Client().CancelBuild(t.Context(), workspace(t, w.c, "demo").LatestBuild.ID))
	require.Equal(t, api.JobCanceled, w.ended(t).Job.Status)
	require.Less(t, time.Since(began), 10*time.Second)
	info, err := os.Stat(asked)
	require.NoError(t, err, "terraform was interrupted")
	t.Log("interrupted after", info.ModTime().Sub(began))
	require.Less(t, info.ModTime().Sub(began), jobrpc.HeartbeatInterval)
	w.open(t)
	w.c.OK("start", "demo", "-y")
}

// A build that is deaf to a cancel is killed, within 30 s without a hand.
func TestDeafBuildEndsWithin30s(t *testing.T) {
	t.Parallel()
	w := startDeaf(t)
	w.run(t, "create", "demo", "--template", "slow", "-y")
	began := time.Now()
	require.NoError(t, w.c.Client().CancelBuild(t.Context(), workspace(t, w.c, "demo").LatestBuild.ID))
	require.Equal(t, api.JobCanceled, w.ended(t).Job.Status)
	require.Less(t, time.Since(began), 30*time.Second)
	nothingOfJobsRuns(t, w.s)
	require.NoError(t, os.WriteFile(filepath.Join(w.gate, "hear"), nil, 0o600))
	w.open(t)
	w.c.OK("start", "demo", "-y")
}

// The second Ctrl-C kills the build at once and leaves.
func TestSecondInterruptForces(t *testing.T) {
	t.Parallel()
	w := startDeaf(t, "--provisioner-force-cancel-interval", "10m")
	create := w.run(t, "create", "demo", "--template", "slow", "-y")
	require.NoError(t, create.Process.Signal(os.Interrupt))
	servetest.Eventually(t, "the build is being cancelled", func() bool {
		return workspace(t, w.c, "demo").LatestBuild.Job.Status == api.JobCanceling
	})
	began := time.Now()
	require.NoError(t, create.Process.Signal(os.Interrupt))
	require.Error(t, create.Wait())
	require.Contains(t, create.out.String(), "Killing the build.")
	require.Equal(t, api.JobCanceled, w.ended(t).Job.Status)
	require.Less(t, time.Since(began), 10*time.Second)
	nothingOfJobsRuns(t, w.s)
}

// The key is rotated under a running server, which goes on to read and write.
func TestRotateUnderARunningServer(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{BuiltinPostgres: true})
	w := slow{s: s, c: s.Admin(t), gate: t.TempDir()}
	w.push()
	w.open(t)
	w.c.OK("create", "demo", "--template", "slow", "-y")
	console := w.c.Command("server", "dbcrypt", "rotate", "-y")
	console.Env = append(console.Env, "CODER_CONFIG_DIR="+filepath.Join(s.Dir, "config"), "CODER_CACHE_DIRECTORY="+filepath.Join(s.Dir, "cache"))
	out, err := console.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "Everything is encrypted with the new key")
	w.c.OK("stop", "demo", "-y")
	w.c.OK("state", "pull", "demo", "--build", "1")
	s.Stop()
	file := filepath.Join(s.Dir, "config", "encryption.keys")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	keys := strings.Fields(string(b))
	require.Len(t, keys, 2)
	require.NoError(t, os.WriteFile(file, []byte(keys[0]+"\n"), 0o600)) // without the old one
	s.Start()
	w.usable(t)
}
