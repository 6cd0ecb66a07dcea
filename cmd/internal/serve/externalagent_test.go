//go:build linux

package serve_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/cmd/internal/serve/servetest"
)

const externalAgentTemplate = `terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}
data "coder_workspace" "me" {}
data "coder_provisioner" "here" {}
data "coder_workspace_owner" "me" {}
resource "coder_agent" "far" {
  os   = data.coder_provisioner.here.os
  arch = data.coder_provisioner.here.arch
  env  = {
    OWNED_ROLES  = jsonencode([for r in data.coder_workspace_owner.me.rbac_roles : r.name])
    OWNED_GROUPS = jsonencode(data.coder_workspace_owner.me.groups)
    OWNED_KEY    = data.coder_workspace_owner.me.ssh_public_key
    OWNED_TOKEN  = data.coder_workspace_owner.me.session_token
  }
}
resource "coder_external_agent" "far" {
  count    = data.coder_workspace.me.start_count
  agent_id = coder_agent.far.id
}
`

// TestExternalAgent starts an agent with the command that the server gives for it,
// as a person does on a machine that the template knows nothing of.
func TestExternalAgent(t *testing.T) {
	t.Parallel()
	s := servetest.Start(t, servetest.Options{})
	c := s.Admin(t)
	c.OK("templates", "push", "far", "-d", c.WriteTemplate("far", externalAgentTemplate), "-y")
	c.PushStarter("host")
	require.Contains(t, c.Fails("external-workspaces", "create", "demo", "-t", "host", "-y"), "no coder_external_agent")
	require.Contains(t, c.OK("external-workspaces", "create", "demo", "-t", "far", "-y"), "Run this on the machine of agent far.")
	c.OK("create", "plain", "-t", "host", "--use-parameter-defaults", "-y")
	list := c.OK("external-workspaces", "list", "-c", "workspace")
	require.Contains(t, list, "admin/demo")
	require.NotContains(t, list, "plain")
	w := workspace(t, c, "demo")
	require.True(t, w.LatestBuild.HasExternalAgent)
	require.Equal(t, "coder_external_agent", w.LatestBuild.Resources[0].Type)
	creds, err := c.Client().ExternalAgentCredentials(t.Context(), w.ID, "far")
	require.NoError(t, err)

	require.Contains(t, c.OK("external-workspaces", "agent-instructions", "demo"), creds.Command.Reveal())
	require.Contains(t, c.OK("external-workspaces", "agent-instructions", "demo.far", "-o", "json"), `"auth_token": "`+creds.AgentToken.Reveal())
	require.Contains(t, c.Fails("external-workspaces", "agent-instructions", "plain"), "has no external agent")

	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", creds.Command.Reveal())
	cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir, "BINARY_DIR="+filepath.Join(dir, "bin"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = cmd.Wait()
	}()
	require.Equal(t, "[\"Everyone\"]\n", c.OK("ssh", "demo", "--", "echo $OWNED_GROUPS"))
	require.Contains(t, c.OK("ssh", "demo", "--", "echo $OWNED_ROLES"), `"owner"`)
	require.Contains(t, c.OK("ssh", "demo", "--", "echo $OWNED_KEY"), "ssh-ed25519 ")
	status := c.OK("ssh", "demo", "--", `curl -s -o /dev/null -w '%{http_code}' -H "Coder-Session-Token: $OWNED_TOKEN" `+s.URL.String()+"/api/v2/users/me")
	require.Equal(t, "200", status)
	c.OK("stop", "demo", "-y")
	_, err = c.Client().ExternalAgentCredentials(t.Context(), w.ID, "far")
	require.ErrorContains(t, err, "not running")
}
