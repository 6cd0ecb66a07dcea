//go:build linux

package serve_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// slowTemplate has a resource whose creation lasts until the test allows its end.
const slowTemplate = `
terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}
variable "gate" {
  type = string
}
data "coder_workspace" "me" {}
resource "terraform_data" "kept" {
  input = data.coder_workspace.me.id
  provisioner "local-exec" {
    command = "echo ${data.coder_workspace.me.id} >>${var.gate}/kept"
  }
}
resource "terraform_data" "slow" {
  count      = data.coder_workspace.me.start_count
  depends_on = [terraform_data.kept]
  provisioner "local-exec" {
    command = "touch ${var.gate}/began; while [ ! -e ${var.gate}/go ]; do sleep 0.05; done"
  }
}
`

// slow is a deployment with that template.
type slow struct {
	s    *servetest.Server
	c    *servetest.CLI
	gate string
}

func startSlow(t *testing.T, opts servetest.Options) slow {
	t.Helper()
	s := servetest.Start(t, opts)
	w := slow{s: s, c: s.Admin(t), gate: filepath.Join(s.Dir, "gate")}
	require.NoError(t, os.Mkdir(w.gate, 0o700))
	w.push()
	return w
}

// push uploads the template; a build of it then waits at the gate.
func (w slow) push() {
	dir := w.c.WriteTemplate("slow", slowTemplate)
	w.c.OK("templates", "push", "slow", "-d", dir, "-y", "--variable", "gate="+w.gate)
}

// begin starts a build that waits at the gate.
func (w slow) begin(t *testing.T, args ...string) {
	t.Helper()
	cmd := w.c.Command(args...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it follows a build whose server is gone
		_ = cmd.Wait()
	})
	servetest.Eventually(t, "terraform is at work", func() bool { return exists(filepath.Join(w.gate, "began")) })
}

func (w slow) open(t *testing.T) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(w.gate, "go"), nil, 0o600))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ended waits until no job is open and returns the latest build.
func (w slow) ended(t *testing.T) api.WorkspaceBuild {
	t.Helper()
	var b api.WorkspaceBuild
	servetest.Eventually(t, "the build ends by itself", func() bool {
		b = workspace(t, w.c, "demo").LatestBuild
		return b.Job.Status.Done()
	})
	return b
}

// usable wants the next builds to work without a hand, on the state that the
// interrupted one has kept.
func (w slow) usable(t *testing.T) {
	t.Helper()
	w.c.OK("stop", "demo", "-y")
	w.c.OK("start", "demo", "-y")
	made, err := os.ReadFile(filepath.Join(w.gate, "kept"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(made), "\n"), "what was made once is not made again")
	w.c.OK("delete", "demo", "-y")
}

// orphans returns what a killed server has left: no terraform, and no more than
// the commands that templates had started.
func orphans(t *testing.T, s *servetest.Server) map[int]bool {
	t.Helper()
	servetest.Eventually(t, "terraform ends with the server", func() bool {
		for _, p := range s.Processes() {
			if strings.Contains(p.Command, "terraform") && !strings.HasPrefix(p.Command, "coder") {
				return false
			}
		}
		return true
	})
	left := map[int]bool{}
	for _, p := range s.Processes() {
		if strings.HasPrefix(p.Command, "/bin/sh ") {
			left[p.PID] = true
		}
	}
	return left
}

// reaped waits until the orphans are gone.
func reaped(t *testing.T, s *servetest.Server, left map[int]bool) {
	t.Helper()
	servetest.Eventually(t, "the restarted server ends what was left", func() bool {
		for _, p := range s.Processes() {
			if left[p.PID] {
				return false
			}
		}
		return true
	})
}

// nothingRuns wants the deployment to have no process.
func nothingRuns(t *testing.T, s *servetest.Server) {
	t.Helper()
	servetest.Eventually(t, "no process is left", func() bool {
		for _, p := range s.Processes() {
			if !strings.Contains(p.Command, "coder create") { // it follows the build
				return false
			}
		}
		return true
	})
}

func TestKilledDuringApply(t *testing.T) {
	t.Parallel()
	w := startSlow(t, servetest.Options{})
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	w.s.Kill()
	left := orphans(t, w.s)
	require.NotEmpty(t, left, "the command of the template was at work")
	w.s.Start()
	reaped(t, w.s, left)
	w.open(t)
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	w.usable(t)
}

func TestKilledWithBuiltinPostgres(t *testing.T) {
	t.Parallel()
	w := startSlow(t, servetest.Options{BuiltinPostgres: true})
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	w.s.Kill()
	left := orphans(t, w.s)
	w.s.Start()
	reaped(t, w.s, left)
	w.open(t)
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	w.usable(t)
	w.s.Stop()
	nothingRuns(t, w.s)
}

func TestKilledDuringImport(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c := s.Admin(t)
	dir := filepath.Join(c.Home, "host")
	c.OK("templates", "init", "--id", "host", dir)
	push := c.Command("templates", "push", "host", "-d", dir, "-y")
	require.NoError(t, push.Start())
	servetest.Eventually(t, "terraform init is at work", func() bool {
		return slices.ContainsFunc(s.Processes(), func(p servetest.Process) bool { return strings.Contains(p.Command, "terraform init") })
	})
	s.Kill()
	orphans(t, s)
	s.Start()
	db := connect(t, s)
	openJobs := func() (n int) {
		require.NoError(t, db.QueryRow(t.Context(),
			"select count(*) from provisioner_jobs where status in ('pending', 'running', 'canceling')").Scan(&n))
		return n
	}
	servetest.Eventually(t, "the import ends by itself", func() bool { return openJobs() == 0 })
	_ = push.Wait() // whether it has seen the end depends on when its retries came
	c.OK("templates", "push", "host", "-d", dir, "-y")
	c.OK("create", "demo", "--template", "host", "--use-parameter-defaults", "-y")
	c.OK("ssh", "demo", "true")
}

// Terraform is done, and the server dies before it has written the outcome.
func TestKilledAfterApply(t *testing.T) {
	t.Parallel()
	w := startSlow(t, servetest.Options{})
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	db := connect(t, w.s)
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "lock table workspace_resources in share mode")
	require.NoError(t, err)
	w.open(t)
	watch := connect(t, w.s)
	servetest.Eventually(t, "the outcome is being written", func() bool {
		var n int
		require.NoError(t, watch.QueryRow(t.Context(), "select count(*) from pg_stat_activity "+
			"where datname = current_database() and wait_event_type = 'Lock' and query ilike '%insert into workspace_resources%'").Scan(&n))
		return n > 0
	})
	w.s.Kill()
	require.NoError(t, tx.Rollback(t.Context()))
	nothingRuns(t, w.s)
	w.s.Start()
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	w.usable(t)
}

func TestStoppedDuringApply(t *testing.T) {
	t.Parallel()
	w := startSlow(t, servetest.Options{Args: []string{"--shutdown-grace", "200ms"}})
	w.begin(t, "create", "demo", "--template", "slow", "-y")
	w.s.Signal(syscall.SIGTERM)
	require.Equal(t, 0, w.s.Wait(), "%s", w.s.Log())
	nothingRuns(t, w.s)
	w.open(t)
	w.s.Start()
	b := w.ended(t)
	require.Equal(t, api.JobSucceeded, b.Job.Status, b.Job.Error)
	w.usable(t)
}

// connect opens the deployment's own database.
func connect(t *testing.T, s *servetest.Server) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	return c
}
