//go:build linux

package terraform_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/quartz"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/internal/runas"
	"coder.internal/provisionerd/terraform"
)

// anyUser is a user id that no other run of the tests has at this time.
func anyUser() int { return 100_000 + rand.IntN(1_000_000_000) }

// needRoot ends a test with the refusal that others than root get.
func needRoot(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() == 0 {
		return true
	}
	users, err := runas.Parse("64123")
	require.NoError(t, err)
	require.ErrorContains(t, users[0].Check(), "only root can run programs as another user")
	return false
}

// place is a host directory that other users may pass, with our program in it.
type place struct{ dir, self string }

func newPlace(t *testing.T) place {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "cu")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // it is to be passed
	self, err := os.Executable()
	require.NoError(t, err)
	p := place{dir: dir, self: filepath.Join(dir, "coder")}
	out, err := exec.Command("cp", self, p.self).CombinedOutput()
	require.NoError(t, err, string(out))
	return p
}

// slot is a provisioner with a user of its own in the place.
func (pl place) slot(t *testing.T, name string, uid int, change ...func(*terraform.Options)) *rig {
	t.Helper()
	users, err := runas.Parse(fmt.Sprintf("%d", uid))
	require.NoError(t, err)
	return newRig(t, func(o *terraform.Options) {
		o.CacheDir, o.WorkDir = filepath.Join(pl.dir, "cache"), filepath.Join(pl.dir, "cache", "d", name)
		o.User, o.ProviderBinary = users[0], pl.self
		for _, f := range change {
			f(o)
		}
	})
}

// shell is a template whose start runs a script.
func shell(script string) string {
	return header + `
data "coder_workspace" "me" {}
data "coder_provisioner" "me" {}
resource "terraform_data" "probe" {
  count = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command = <<-EOT
` + strings.ReplaceAll(strings.ReplaceAll(script, "${", "$${"), "\n", "\n      ") + `
    EOT
  }
}
`
}

// uidProcesses counts the living processes of a user.
func uidProcesses(t *testing.T, uid int) (n int) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, name := range names {
		var st syscall.Stat_t
		if syscall.Stat(name, &st) == nil && int(st.Uid) == uid {
			if b, err := os.ReadFile(name + "/stat"); err == nil && !strings.Contains(string(b), ") Z ") {
				n++
			}
		}
	}
	return n
}

// TestUserSeesNothing runs a template that tries what a job must not do.
func TestUserSeesNothing(t *testing.T) {
	t.Parallel()
	if !needRoot(t) {
		return
	}
	uid, other := anyUser(), anyUser()
	pl := newPlace(t)
	secret := filepath.Join(pl.dir, "config", "keys.json")
	require.NoError(t, os.Mkdir(filepath.Dir(secret), 0o700))
	require.NoError(t, os.WriteFile(secret, []byte("the key"), 0o600))
	neighbour := pl.slot(t, "1", other)
	a := pl.slot(t, "0", uid)

	// The neighbour has a job going, with files in its directory.
	archive := pack(t, map[string]string{"main.tf": shell("echo mine >private; chmod 666 private; mkfifo wait; echo ready; cat wait")})
	ready := make(chan struct{}, 1)
	going := &recorder{archive: archive, onLog: func(line string) {
		if strings.HasSuffix(line, ": ready") {
			ready <- struct{}{}
		}
	}}
	done := make(chan error, 1)
	ctx := within(t, time.Minute)
	go func() {
		_, err := neighbour.Build(ctx, buildJob(archive, api.TransitionStart, nil), going.session())
		done <- err
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err, going.text())
	}

	script := fmt.Sprintf(`
	  deny() { if "$@" >/dev/null 2>&1; then echo "ALLOWED: $*"; else echo "refused: $1"; fi; }
	  echo "id=$(id -u):$(id -g):$(id -G)"
	  grep -E '^(NoNewPrivs|CapEff|CapPrm|CapInh|CapBnd|CapAmb)' /proc/self/status | tr '\t\n' '= '
	  echo
	  echo "core=$(ulimit -c) home=$(stat -c %%u:%%a "$HOME") tmp=$(stat -c %%u:%%a "$TMPDIR")"
	  echo own >"$HOME/own"; echo own >"$TMPDIR/own"
	  deny cat %[1]s
	  deny ls %[2]s
	  deny cat /proc/%[3]d/environ
	  deny ls /proc/%[3]d/fd/
	  deny kill -0 %[3]d
	  deny ls %[4]s/d/1
	  deny cat %[4]s/d/1/build/private
	  deny cat %[4]s/d/1/state.last
	  deny cat %[4]s/d/0/coder-launch.json
	  deny ls %[4]s/d/0
	  deny ls %[4]s/d
	  deny ls %[4]s/templates
	  deny touch %[4]s/templates/x
	  deny touch %[4]s/packages/x
	  deny touch %[4]s/packages/mirror/x
	  deny touch %[4]s/provider/x
	  deny sh -c 'echo x >>"$(ls %[4]s/mirror/registry.terraform.io/coder/coder/*/*/terraform-provider-coder*)"'
	  deny mv %[4]s/d/0/build %[4]s/d/0/gone
	  ls %[4]s/packages >/dev/null && echo may list packages
	`, secret, filepath.Dir(secret), os.Getpid(), filepath.Join(pl.dir, "cache"))
	archive = pack(t, map[string]string{"main.tf": shell(script)})
	rec := &recorder{archive: archive}
	_, err := a.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err, rec.text())
	text := rec.text()
	require.Contains(t, text, "may list packages")
	require.NotContains(t, text, "(local-exec): ALLOWED")
	require.Equal(t, 18, strings.Count(text, "(local-exec): refused: "), text)
	require.Contains(t, text, fmt.Sprintf("id=%d:%d:%d", uid, uid, uid))
	require.Contains(t, text, "NoNewPrivs:=1")
	for _, set := range []string{"CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"} {
		require.Contains(t, text, set+":=0000000000000000")
	}
	require.Contains(t, text, fmt.Sprintf("core=0 home=%d:700 tmp=%d:700", uid, uid))
	require.NoError(t, a.Discard())
	for _, dir := range []string{"home", "tmp", "build"} {
		left, err := os.ReadDir(filepath.Join(a.work, dir))
		require.NoError(t, err)
		require.Empty(t, left, "nothing of a job is left for the next one")
	}
	require.Zero(t, uidProcesses(t, uid))

	// The neighbour's job is killed; nothing of it stays.
	close(going.kill)
	require.Error(t, <-done)
	require.NoError(t, neighbour.Discard())
	require.Zero(t, uidProcesses(t, other))
}

// TestSessionOutsideTheNamespace kills a job where the session of the daemon has
// the number 0, as for a process that was put into a container from outside.
func TestSessionOutsideTheNamespace(t *testing.T) {
	t.Parallel()
	if !needRoot(t) {
		return
	}
	cmd := exec.CommandContext(within(t, time.Minute), "unshare", "--pid", "--fork", "--mount-proc",
		os.Args[0], "-test.run=^TestUserSeesNothing$", "-test.count=1", "-test.v")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestUserSeesNothing")
}

// TestUserPlantsThings runs templates that lay traps for root in their directory.
func TestUserPlantsThings(t *testing.T) {
	t.Parallel()
	if !needRoot(t) {
		return
	}
	uid := anyUser()
	pl := newPlace(t)
	p := pl.slot(t, "0", uid)
	victim := filepath.Join(pl.dir, "victim")
	require.NoError(t, os.Mkdir(victim, 0o755)) //nolint:gosec // it is to be seen
	foreign := filepath.Join(victim, "terraform.tfstate")
	require.NoError(t, os.WriteFile(foreign, []byte(`{"version":4,"serial":99,"lineage":"foreign","resources":[]}`), 0o600))
	for name, script := range map[string]string{
		"state is a link":      "rm -f terraform.tfstate; ln -s " + foreign + " terraform.tfstate; echo planted; sleep 100",
		"state is a pipe":      "rm -f terraform.tfstate; mkfifo terraform.tfstate; echo planted; sleep 100",
		"sources are pipes":    "rm -f main.tf; mkfifo main.tf .terraform/modules README.md; echo planted; sleep 100",
		"links to directories": "ln -s " + victim + " d; ln -s " + victim + ` "$HOME/d"; ln -s ` + victim + ` "$TMPDIR/d"; mkdir -p a/b; ln -s ` + victim + " a/b/c; chmod 0 a/b; chmod 500 a; echo planted; sleep 100",
		"deep and closed":      "d=x; for i in 1 2 3 4 5 6 7 8 9 10; do mkdir -p $d; touch $d/f; d=$d/x; done; chmod -R a-rwx x; echo planted; sleep 100",
	} {
		archive := pack(t, map[string]string{"main.tf": shell(script)})
		rec := &recorder{archive: archive, kill: make(chan struct{})}
		planted := sync.OnceFunc(func() { close(rec.kill) })
		rec.onLog = func(line string) {
			if strings.HasSuffix(line, ": planted") {
				planted()
			}
		}
		_, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
		require.Error(t, err, name)
		for _, state := range rec.states {
			require.NotContains(t, string(state), "foreign", name)
		}
		salvaged, err := p.Salvage()
		require.NoError(t, err, name)
		require.NotContains(t, string(salvaged), "foreign", name)
		require.NoError(t, p.Discard(), name)
		left, err := os.ReadDir(filepath.Join(p.work, "build"))
		require.NoError(t, err)
		require.Empty(t, left, name)
		require.FileExists(t, foreign, name)
		info, err := os.Stat(victim)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o755), info.Mode().Perm(), name)
	}
	require.Zero(t, uidProcesses(t, uid))
}

// TestUserHostTemplate runs the starter template for a user: its agent is the
// user's, and all of it is gone after delete.
func TestUserHostTemplate(t *testing.T) {
	t.Parallel()
	if !needRoot(t) {
		return
	}
	uid := anyUser()
	mux := http.NewServeMux()
	mux.HandleFunc("/bin/coder-linux-"+runtime.GOARCH, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(fakeAgent))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	pl := newPlace(t)
	data := filepath.Join(pl.dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.Chown(data, uid, uid))
	p := pl.slot(t, "0", uid, func(o *terraform.Options) { o.DataDir = data })
	archive := packFS(t, hostTemplate(t))
	work := buildJob(archive, api.TransitionStart, nil).Build.Meta
	work.WorkspaceID = api.NewID()
	var state []byte
	build := func(tr api.Transition) {
		t.Helper()
		rec := &recorder{archive: archive}
		job := buildJob(archive, tr, state)
		id := work.WorkspaceID
		job.Build.Meta.AccessURL, job.Build.Meta.WorkspaceID = srv.URL, id
		res, err := p.Build(within(t, time.Minute), job, rec.session())
		require.NoError(t, err, rec.text())
		state = res.State
		require.NoError(t, p.Discard())
	}
	home := filepath.Join(data, "coder-workspaces", work.WorkspaceID.String(), "home")
	build(api.TransitionStart)
	var pid []byte
	require.Eventually(t, func() bool {
		var err error
		pid, err = os.ReadFile(filepath.Join(home, "pid"))
		return err == nil && len(pid) > 0
	}, 20*time.Second, 10*time.Millisecond)
	var st syscall.Stat_t
	require.NoError(t, syscall.Stat("/proc/"+strings.TrimSpace(string(pid)), &st))
	require.EqualValues(t, uid, st.Uid, "the agent is the user's, and outlives the job")
	build(api.TransitionStop)
	require.Zero(t, uidProcesses(t, uid))
	require.FileExists(t, filepath.Join(home, "agent"))
	build(api.TransitionStart)
	build(api.TransitionDelete)
	require.Zero(t, uidProcesses(t, uid))
	require.NoDirExists(t, filepath.Dir(home))
}

// TestUserCannotReach names the directory that is in the way, and what to do.
func TestUserCannotReach(t *testing.T) {
	t.Parallel()
	if !needRoot(t) {
		return
	}
	pl := newPlace(t)
	closed := filepath.Join(pl.dir, "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	users, err := runas.Parse("64105")
	require.NoError(t, err)
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	opts := terraform.Options{Binary: bin, CacheDir: filepath.Join(closed, "cache"), WorkDir: filepath.Join(closed, "cache", "d"),
		ProviderBinary: pl.self, User: users[0], Log: slog.New(slog.DiscardHandler), Clock: quartz.NewReal()}
	_, err = terraform.New(opts)
	require.ErrorContains(t, err, "user 64105, for builds, cannot reach the cache directory")
	require.ErrorContains(t, err, closed+" is closed to it; choose another one with --cache-dir, such as /var/cache/coder")

	opts.CacheDir, opts.WorkDir = filepath.Join(pl.dir, "cache"), filepath.Join(pl.dir, "cache", "d")
	opts.ProviderBinary = filepath.Join(closed, "coder")
	require.NoError(t, os.Rename(pl.self, opts.ProviderBinary))
	_, err = terraform.New(opts)
	require.ErrorContains(t, err, "cannot reach this program, which serves the provider coder/coder")

	// A state that root's job left behind is not lost when the user changes.
	opts.ProviderBinary = pl.self
	require.NoError(t, os.Rename(filepath.Join(closed, "coder"), pl.self))
	opts.User = nil
	p, err := terraform.New(opts)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(opts.WorkDir, "build", "terraform.tfstate"), []byte(`{"version":4,"serial":7,"lineage":"left"}`), 0o600))
	require.NotNil(t, p)
	opts.User = users[0]
	p, err = terraform.New(opts)
	require.NoError(t, err)
	state, err := p.Salvage()
	require.NoError(t, err)
	require.Contains(t, string(state), `"left"`)
	require.NoError(t, p.Discard())
}
