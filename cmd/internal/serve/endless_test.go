//go:build linux

package serve_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
)

// endlessTemplate prints until it is told to end, and then goes on to something else.
const endlessTemplate = `
variable "gate" {
  type = string
}
resource "terraform_data" "talks" {
  provisioner "local-exec" {
    command = "while [ ! -e ${var.gate}/go ]; do head -c 100000 /dev/zero | tr '\\0' x | fold -w 999; echo; sleep 0.01; done"
  }
}
resource "terraform_data" "after" {
  depends_on = [terraform_data.talks]
  provisioner "local-exec" {
    command = "touch ${var.gate}/after"
  }
}
`

// A build that never stops to talk: its log is cut with a mark, the build goes on
// to its end.
func TestEndlessLogIsCut(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	w := slow{s: s, c: s.Admin(t), gate: t.TempDir()}
	w.c.OK("templates", "push", "talks", "-d", w.c.WriteTemplate("talks", endlessTemplate), "-y", "--variable", "gate="+w.gate)
	create := w.c.Command("create", "demo", "--template", "talks", "-y", "--no-wait")
	out, err := create.CombinedOutput()
	require.NoError(t, err, "%s", out)
	const mark = `from provisioner_job_logs where output = 'The log is too long; the rest is left out.'`
	db := connect(t, s)
	marks := func() (n int) {
		require.NoError(t, db.QueryRow(t.Context(), "select count(*) "+mark).Scan(&n))
		return n
	}
	servetest.Eventually(t, "the log is cut", func() bool { return marks() > 0 })
	require.Equal(t, api.JobRunning, workspace(t, w.c, "demo").LatestBuild.Job.Status, "the build goes on")
	w.open(t)
	require.Equal(t, api.JobSucceeded, w.ended(t).Job.Status)
	require.True(t, exists(filepath.Join(w.gate, "after")))
	require.Equal(t, 1, marks())
	var size int
	require.NoError(t, db.QueryRow(t.Context(), `select coalesce(sum(length(output)), 0) from provisioner_job_logs
		where job_id = (select job_id `+mark+`)`).Scan(&size))
	require.LessOrEqual(t, size, 1<<20)
	require.NoError(t, os.Remove(filepath.Join(w.gate, "after")))
	w.c.OK("delete", "demo", "-y")
}
