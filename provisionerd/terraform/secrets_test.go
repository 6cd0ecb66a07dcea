package terraform_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
)

// leaky prints what it may not: a sensitive variable that it takes the mark off,
// the token of its agent, and the owner's session.
const leaky = header + `
variable "password" {
  sensitive = true
}
variable "fallback" {
  sensitive = true
  default   = { user = "default-of-a-secret" }
}
data "coder_workspace_owner" "me" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "x" {
  input = nonsensitive("${var.password} ${var.fallback.user}")
  provisioner "local-exec" {
    command = "echo 'printed: ${self.input} ${nonsensitive(coder_agent.main.token)} ${nonsensitive(data.coder_workspace_owner.me.session_token)}'"
  }
}
`

// TestSecretsStayOutOfLogs reads every line that people see.
func TestSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{"main.tf": leaky})
	password := api.VariableValue{Name: "password", Value: "value-of-a-secret"}
	secret := []string{password.Value, "default-of-a-secret", "session-of-the-owner"}
	check := func(text string) {
		t.Helper()
		for _, s := range secret {
			require.NotContains(t, text, s)
		}
		for _, document := range []string{"format_version", "planned_values", "prior_state", `"lineage"`} {
			require.NotContains(t, text, document, "no plan and no state is a log line")
		}
	}

	rec := &recorder{archive: archive}
	job := importJob(archive, password)
	job.Import.Meta.OwnerSession = "session-of-the-owner"
	_, err := p.Import(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	check(rec.text())
	require.NotContains(t, rec.text(), "Applying", "an import applies nothing")

	rec = &recorder{}
	job = buildJob(archive, api.TransitionStart, nil)
	job.Build.Variables = []api.VariableValue{password}
	job.Build.Meta.OwnerSession = "session-of-the-owner"
	res, err := p.Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	require.Contains(t, string(res.State), password.Value)
	require.Contains(t, rec.text(), "printed: (sensitive value) (sensitive value) (sensitive value) (sensitive value)")
	secret = append(secret, rec.tokens[0].Reveal())
	check(rec.text())

	// What goes wrong is told without secrets, too.
	archive = pack(t, map[string]string{"main.tf": leaky + "resource \"terraform_data\" \"bad\" {\n  input = nonsensitive(var.password)\n  provisioner \"local-exec\" {\n    command = \"exit 3 # ${self.input}\"\n  }\n}\n"})
	rec = &recorder{archive: archive}
	job = buildJob(archive, api.TransitionStart, nil)
	job.Build.Variables = []api.VariableValue{password}
	_, err = p.Build(within(t, time.Minute), job, rec.session())
	var f *provisionerd.Failure
	require.ErrorAs(t, err, &f)
	require.Contains(t, f.Message, "exit status 3")
	check(f.Message + rec.text())
}

// A server may have its place below a path; the agent must find it there.
func TestAccessURLWithPath(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{"main.tf": header + `
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
  auth = "aws-instance-identity"
}
resource "coder_agent" "win" {
  os   = "windows"
  arch = "arm64"
}
`})
	rec := &recorder{archive: archive}
	job := buildJob(archive, api.TransitionStart, nil)
	job.Build.Meta.AccessURL = "https://host.example:8443/some/prefix"
	res, err := p.Build(within(t, time.Minute), job, rec.session())
	require.NoError(t, err, rec.text())
	state := string(res.State)
	require.Contains(t, state, `URL=\"https://host.example:8443/some/prefix/bin/coder-linux-amd64\"`)
	require.Contains(t, state, `CODER_AGENT_URL=\"https://host.example:8443/some/prefix/\"`)
	require.Contains(t, state, `CODER_AGENT_AUTH=\"aws-instance-identity\"`)
	require.Contains(t, state, `$base = \"https://host.example:8443/some/prefix/\"`)
	require.NotContains(t, state, "${A", "everything is filled in")
	require.NotContains(t, rec.text(), "lock file", "nobody can do anything about our own provider's checksum")
	require.Contains(t, rec.text(), "Initializing: The provider coder/coder")
}
