package terraform_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// TestExternalAuthToken: a build reads the owner's token, and its logs do not show
// it, however it is printed.
func TestExternalAuthToken(t *testing.T) {
	t.Parallel()
	archive := pack(t, map[string]string{"main.tf": header + `
data "coder_external_auth" "forge" {
  id = "forge"
}
data "coder_external_auth" "other" {
  id       = "other"
  optional = true
}
resource "terraform_data" "t" {
  input = nonsensitive(data.coder_external_auth.forge.access_token)
  provisioner "local-exec" {
    command = "echo said: ${self.input} other: [${nonsensitive(data.coder_external_auth.other.access_token)}]"
  }
}
`})
	rec := &recorder{archive: archive}
	job := buildJob(archive, api.TransitionStart, nil)
	job.Build.Meta.ExternalAuth = []jobrpc.ExternalAuthToken{
		{ExternalAuth: jobrpc.ExternalAuth{ID: "forge"}, AccessToken: "token-of-the-forge"},
		{ExternalAuth: jobrpc.ExternalAuth{ID: "other", Optional: true}}}
	res, err := newRig(t).Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	require.Contains(t, string(res.State), "token-of-the-forge")
	require.Contains(t, rec.text(), "said: (sensitive value) other: []")
	require.NotContains(t, rec.text(), "token-of-the-forge")
}
