package terraform_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/terraform-provider-coder/v2/provider"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

// panicking, in the environment of this test binary as a provider, makes it panic
// when it is to create a coder_env.
const panicking = "PROVIDER_PANICS"

// servePanicking is the provider with that defect.
func servePanicking() {
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: func() *schema.Provider {
		p := provider.New()
		p.ResourcesMap["coder_env"].CreateContext = func(context.Context, *schema.ResourceData, any) diag.Diagnostics {
			panic("a defect of the provider")
		}
		return p
	}})
}

// A provider that panics in the middle of an apply ends the job with the cause,
// and what was made before is kept: the next build goes on from it.
func TestProviderPanics(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	script := filepath.Join(t.TempDir(), "provider")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"+panicking+"=1 exec '"+self+"' \"$@\"\n"), 0o700))
	archive := pack(t, map[string]string{"main.tf": header + `
resource "terraform_data" "first" {}
resource "coder_env" "second" {
  agent_id = terraform_data.first.id
  name     = "A"
  value    = "b"
}
`})
	broken := newRig(t, func(o *optionsOf) { o.ProviderBinary = script })
	rec := &recorder{archive: archive}
	_, err = broken.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
	var f *provisionerd.Failure
	require.ErrorAs(t, err, &f, rec.text())
	require.Contains(t, f.Message, "The provider coder crashed (panic: a defect of the provider")
	require.Contains(t, f.Message, "main.tf line 8")
	require.Contains(t, rec.text(), "a defect of the provider")
	state, err := broken.Salvage()
	require.NoError(t, err)
	require.Contains(t, string(state), `"first"`)
	require.Empty(t, inDir(t, broken.work), "nothing runs on")

	sound := newRig(t)
	rec = &recorder{archive: archive}
	res, err := sound.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, state), rec.session())
	require.NoError(t, err, rec.text())
	require.Equal(t, 1, strings.Count(string(res.State), `"first"`))
}
