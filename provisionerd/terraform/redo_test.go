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

// half builds a resource whose creation is killed after it has begun, and returns
// the state that is left.
func half(t *testing.T, p *rig, text string) []byte {
	t.Helper()
	archive := pack(t, map[string]string{"main.tf": text})
	rec := &recorder{archive: archive}
	ctx := within(t, time.Minute)
	session := rec.session()
	seen := make(chan struct{}, 64)
	session.State = func(b []byte, _ []api.Secret) {
		if strings.Contains(string(b), `"thing"`) {
			seen <- struct{}{}
		}
	}
	kill := make(chan struct{})
	session.Kill = kill
	failed := make(chan error, 1)
	go func() {
		_, err := p.Build(ctx, buildJob(archive, api.TransitionStart, nil), session)
		failed <- err
	}()
	select {
	case <-seen:
	case err := <-failed:
		t.Fatal(err, rec.text())
	}
	close(kill)
	require.Error(t, <-failed)
	state, err := p.Salvage()
	require.NoError(t, err)
	require.Contains(t, string(state), `"tainted"`)
	require.NoError(t, p.Discard())
	return state
}

// thing begins to exist, takes long to be ready, and is removed by its
// destroy-time provisioner.
func thing(dir, remove string) string {
	begun := filepath.Join(dir, "begun")
	return header + `
resource "terraform_data" "thing" {
  count = 1
  provisioner "local-exec" { command = "echo x >> ` + begun + `; sleep 300" }
  provisioner "local-exec" {
    when    = destroy
    command = "` + remove + `"
  }
}
# Its end makes Terraform write the state while the other is still at work.
resource "terraform_data" "beside" {
  provisioner "local-exec" { command = "until [ -e ` + begun + ` ]; do sleep 0.01; done" }
}
`
}

// What a killed creation has begun is cleaned up: by the next delete, and by the
// next start, which makes it anew.
func TestUnfinishedIsCleanedUp(t *testing.T) {
	t.Parallel()
	for _, next := range []api.Transition{api.TransitionDelete, api.TransitionStart} {
		t.Run(string(next), func(t *testing.T) {
			t.Parallel()
			p, dir := newRig(t), t.TempDir()
			removed := filepath.Join(dir, "removed")
			text := thing(dir, "echo x >> "+removed)
			state := half(t, p, text)
			archive := pack(t, map[string]string{"main.tf": strings.Replace(text, "sleep 300", "true", 1)})
			rec := &recorder{archive: archive}
			res, err := p.Build(within(t, time.Minute), buildJob(archive, next, state), rec.session())
			require.NoError(t, err, rec.text())
			require.NotContains(t, string(res.State), "coder_unfinished")
			b, err := os.ReadFile(removed)
			require.NoError(t, err, "the destroy-time provisioner ran\n%s", rec.text())
			require.Equal(t, "x\n", string(b))
			b, err = os.ReadFile(filepath.Join(dir, "begun"))
			require.NoError(t, err)
			want := map[api.Transition]string{api.TransitionDelete: "x\n", api.TransitionStart: "x\nx\n"}
			require.Equal(t, want[next], string(b))
		})
	}
}

// A clean-up that cannot work does not make the workspace unusable.
func TestUnfinishedIsDroppedWhenItsCleanUpFails(t *testing.T) {
	t.Parallel()
	for _, next := range []api.Transition{api.TransitionDelete, api.TransitionStart} {
		t.Run(string(next), func(t *testing.T) {
			t.Parallel()
			p, dir := newRig(t), t.TempDir()
			text := thing(dir, "false")
			state := half(t, p, text)
			archive := pack(t, map[string]string{"main.tf": strings.Replace(text, "sleep 300", "true", 1)})
			rec := &recorder{archive: archive}
			_, err := p.Build(within(t, time.Minute), buildJob(archive, next, state), rec.session())
			require.NoError(t, err, rec.text())
			require.Contains(t, rec.text(), "could not be cleaned up")
		})
	}
}
