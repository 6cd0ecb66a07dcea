//go:build linux

package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

// tiny mounts a file system of some MiB. Without the right to mount there is
// nothing to test; the suite runs as root.
func tiny(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size), "this test needs to be root")
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk ends the job with its cause; what was made before is in the state.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := tiny(t, "40m")
	p := newRig(t, func(o *optionsOf) { o.WorkDir = filepath.Join(dir, "work") })
	rec := &recorder{archive: pack(t, map[string]string{"main.tf": header + `
resource "terraform_data" "first" {}
resource "terraform_data" "fill" {
  input = terraform_data.first.id
  provisioner "local-exec" { command = "head -c 100000000 /dev/zero >>big; sleep 1" }
}
resource "terraform_data" "last" {
  input = "${terraform_data.fill.id}` + strings.Repeat("x", 300_000) + `"
}
`})}
	_, err := p.Build(within(t, time.Minute), buildJob(rec.archive, api.TransitionStart, nil), rec.session())
	var f *provisionerd.Failure
	require.ErrorAs(t, err, &f, rec.text())
	require.Contains(t, f.Message+rec.text(), "no space left on device")
	require.Contains(t, rec.lastState(), `"first"`)
	t.Log(f.Message, rec.text())
	require.NotContains(t, rec.text(), `"lineage"`, "no state is a log line")
	require.Contains(t, rec.lastState(), `"fill"`, "what was made when the disk was full already")
	require.NoError(t, p.Discard(), "the next job finds the place free")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "work", "probe"), make([]byte, 4<<20), 0o600))
}

// Where there is no room for anything, the state that Terraform prints is kept.
func TestNoRoomForTheState(t *testing.T) {
	t.Parallel()
	dir := tiny(t, "8m") // less than what is kept free for a state
	p := newRig(t, func(o *optionsOf) { o.WorkDir = filepath.Join(dir, "work") })
	rec := &recorder{archive: pack(t, map[string]string{"main.tf": header + `
resource "terraform_data" "first" {}
resource "terraform_data" "fill" {
  input = terraform_data.first.id
  provisioner "local-exec" { command = "head -c 100000000 /dev/zero >>big; true" }
}
resource "terraform_data" "last" {
  input = "${terraform_data.fill.id}` + strings.Repeat("x", 300_000) + `"
}
`})}
	_, err := p.Build(within(t, time.Minute), buildJob(rec.archive, api.TransitionStart, nil), rec.session())
	var f *provisionerd.Failure
	require.ErrorAs(t, err, &f, rec.text())
	require.Contains(t, f.Message+rec.text(), "no space left on device")
	// Terraform is interrupted when the disk is seen to be full; mostly it is done by then.
	for _, name := range []string{"first", "fill", "last"} {
		if strings.Contains(rec.text(), "terraform_data."+name+": Creation complete") {
			require.Contains(t, rec.lastState(), `"`+name+`"`, rec.text())
		}
	}
	require.NotContains(t, rec.text(), `"lineage"`, "no state is a log line")
	require.NotContains(t, rec.text(), "state push", "no advice that does not apply here")
}

// A provider that dies is named, with the state from before.
func TestProviderCrash(t *testing.T) {
	t.Parallel()
	switchFile := filepath.Join(t.TempDir(), "crash")
	p := newRig(t, func(o *optionsOf) {
		self := o.ProviderBinary
		o.ProviderBinary = filepath.Join(t.TempDir(), "provider")
		text := "#!/bin/sh\nif [ -e '" + switchFile + "' ]; then echo 'panic: runtime error: index out of range' >&2; exit 2; fi\nexec '" + self + "' \"$@\"\n"
		require.NoError(t, os.WriteFile(o.ProviderBinary, []byte(text), 0o700))
	})
	archive := pack(t, map[string]string{"main.tf": header + `
resource "terraform_data" "first" {}
resource "terraform_data" "crash" {
  input = terraform_data.first.id
  provisioner "local-exec" { command = "touch ` + switchFile + `" }
}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
`})
	rec := &recorder{archive: archive}
	res, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err, rec.text())
	rec = &recorder{archive: archive}
	_, err = p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStop, res.State), rec.session())
	var f *provisionerd.Failure
	require.ErrorAs(t, err, &f, rec.text())
	t.Log(f.Message)
	require.Contains(t, f.Message, "plugin")
	state, err := p.Salvage()
	require.NoError(t, err)
	require.Contains(t, string(state), `"first"`)
}
