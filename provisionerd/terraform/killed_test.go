package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// A killed Terraform leaves a resource whose provisioner has not run to its end;
// the next attempt must run it again.
func TestKilledProvisionerRunsAgain(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	done := filepath.Join(p.work, "..", "done")
	started := filepath.Join(p.work, "..", "started")
	text := header + `
resource "terraform_data" "agent" {
  provisioner "local-exec" { command = "echo x >> ` + started + `; sleep 300; echo x >> ` + done + `" }
}
# Its end makes Terraform write the state while the other is still at work.
resource "terraform_data" "beside" {
  provisioner "local-exec" { command = "until [ -e ` + started + ` ]; do sleep 0.01; done" }
}
`
	archive := pack(t, map[string]string{"main.tf": text})
	rec := &recorder{archive: archive}
	ctx := within(t, time.Minute)
	session := rec.session()
	snapshot := make(chan []byte, 64)
	session.State = func(b []byte, _ []api.Secret) {
		if strings.Contains(string(b), `"agent"`) {
			snapshot <- b
		}
	}
	kill := make(chan struct{})
	session.Kill = kill
	failed := make(chan error, 1)
	go func() {
		_, err := p.Build(ctx, buildJob(archive, api.TransitionStart, nil), session)
		failed <- err
	}()
	var state []byte
	select {
	case state = <-snapshot:
	case err := <-failed:
		t.Fatal(err, rec.text())
	}
	require.Contains(t, string(state), `"tainted"`, "the snapshot says that the resource is not finished")
	close(kill)
	require.Error(t, <-failed)
	state, err := p.Salvage()
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(state), `"tainted"`))
	require.NoError(t, p.Discard())

	archive = pack(t, map[string]string{"main.tf": strings.Replace(text, "sleep 300", "true", 1)})
	rec = &recorder{archive: archive}
	res, err := p.Build(ctx, buildJob(archive, api.TransitionStart, state), rec.session())
	require.NoError(t, err, rec.text())
	require.NotContains(t, string(res.State), `"tainted"`)
	b, err := os.ReadFile(done)
	require.NoError(t, err)
	require.Equal(t, "x\n", string(b))
}
