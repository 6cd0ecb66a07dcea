//go:build linux

package terraform_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
)

// The modules of a version are the job's user's, who is another one than that of
// the import.
func TestKeptModulesOfAnotherUser(t *testing.T) {
	t.Parallel()
	if !needRoot(t) {
		return
	}
	pl := newPlace(t)
	srv, _ := moduleServer(t, webModule())
	template := pack(t, webTemplate(srv.URL))
	imported := &moduleKeeper{recorder: recorder{archive: template}}
	_, err := pl.slot(t, "a", anyUser()).Import(within(t, time.Minute), importJob(template), imported.session())
	require.NoError(t, err, imported.text())
	require.NotEmpty(t, imported.data, imported.text())
	srv.Close()

	elsewhere := pl.slot(t, "b", anyUser(), func(o *optionsOf) {
		o.CacheDir = filepath.Join(pl.dir, "elsewhere")
		o.WorkDir = filepath.Join(o.CacheDir, "d", "b")
	})
	job := buildJob(template, api.TransitionStart, nil)
	job.ModulesHash = hexSum(imported.data)
	k := &moduleKeeper{recorder: recorder{archive: template}, data: imported.data}
	_, err = elsewhere.Build(within(t, time.Minute), job, k.session())
	require.NoError(t, err, k.text())
	require.Contains(t, k.lastState(), "hello world")
}
