package terraform_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// language is a template with what rich leaves out.
const language = header + `
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_task" "me" {}
data "coder_external_auth" "git" {
  id       = "git"
  optional = true
}
data "coder_parameter" "cluster" {
  name    = "Cluster"
  default = "a"
  mutable = true
}
data "coder_parameter" "more" {
  count     = data.coder_parameter.cluster.value == "b" ? 1 : 0
  name      = "more"
  type      = "list(string)"
  form_type = "tag-select"
  default   = jsonencode(["x"])
}
data "coder_parameter" "secret" {
  name      = "secret"
  default   = ""
  form_type = "input"
  mutable   = true
  styling   = jsonencode({ mask_input = true })
}
data "coder_workspace_tags" "t" {
  tags = {
    zone    = "one"
    cluster = data.coder_parameter.cluster.value
    quoted  = "${data.coder_parameter.cluster.value}"
    made    = "x-${data.coder_parameter.cluster.value}"
  }
}
data "coder_workspace_preset" "plain" {
  name       = "Plain"
  parameters = { Cluster = "b", gone = "1" }
}
data "coder_workspace_preset" "big" {
  name        = "Big"
  description = "more of it"
  icon        = "/icon/x.svg"
  default     = true
  parameters  = { (data.coder_parameter.cluster.name) = "c" }
  prebuilds { instances = 2 }
}
resource "coder_agent" "second" {
  os          = "linux"
  arch        = "amd64"
  order       = 1
  api_key_scope = "no_user_data"
  resources_monitoring {
    memory {
      enabled   = true
      threshold = 80
    }
    volume {
      path      = "/b"
      enabled   = false
      threshold = 90
    }
    volume {
      path      = "/a"
      enabled   = true
      threshold = 70
    }
  }
}
resource "coder_agent" "first" {
  os    = "linux"
  arch  = "amd64"
  order = 0
}
resource "coder_script" "s" {
  agent_id     = coder_agent.second.id
  display_name = "tool"
  icon         = "/icon/tool.svg"
  script       = "echo"
  cron         = "0 0 5 * * *"
}
resource "coder_devcontainer" "web" {
  agent_id         = coder_agent.second.id
  workspace_folder = "/src"
  config_path      = "/src/.devcontainer.json"
}
resource "coder_app" "inside" {
  agent_id = coder_devcontainer.web.subagent_id
  slug     = "inside"
  url      = "http://localhost:1"
}
resource "coder_app" "chat" {
  agent_id = coder_agent.second.id
  slug     = "chat"
  url      = "http://localhost:2"
}
resource "coder_ai_task" "task" {
  count  = data.coder_workspace.me.start_count
  app_id = coder_app.chat.id
}
resource "terraform_data" "ws" {
  count = data.coder_workspace.me.start_count
  input = [coder_agent.second.id, coder_agent.first.id]
}
resource "terraform_data" "owner" {
  count = data.coder_workspace.me.start_count
  input = nonsensitive(data.coder_workspace_owner.me.session_token)
}
resource "coder_agent" "far" {
  count = data.coder_workspace.me.start_count
  os    = "windows"
  arch  = "amd64"
}
resource "coder_external_agent" "far" {
  count    = data.coder_workspace.me.start_count
  agent_id = coder_agent.far[0].id
}
`

func TestLanguage(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{"main.tf": language})
	rec := &recorder{archive: archive}
	res, err := p.Import(within(t, time.Minute), importJob(archive), rec.session())
	require.NoError(t, err, rec.text())

	two := 2
	require.Equal(t, []jobrpc.Preset{
		{Name: "Big", Description: "more of it", Icon: "/icon/x.svg", Default: true, Instances: &two,
			Parameters: []api.ParameterValue{{Name: "Cluster", Value: "c"}}},
		{Name: "Plain", Parameters: []api.ParameterValue{{Name: "Cluster", Value: "b"}, {Name: "gone", Value: "1"}}},
	}, res.Presets)
	require.Equal(t, []jobrpc.ExternalAuth{{ID: "git", Optional: true}}, res.ExternalAuth)
	require.Equal(t, []jobrpc.WorkspaceTag{{Key: "cluster", Value: "a", Parameter: "Cluster"}, {Key: "made", Value: "x-a"},
		{Key: "quoted", Value: "a", Parameter: "Cluster"}, {Key: "zone", Value: "one"}}, res.WorkspaceTags)
	require.Contains(t, rec.text(), `The workspace tag "made"`)
	require.True(t, res.HasExternalAgent)
	require.True(t, res.UsesOwnerSession)
	require.False(t, res.UsesOwnerSSHKey)
	require.Len(t, res.Parameters, 2, "a parameter that is not there with the defaults is not asked for")
	checkMachines(t, res.Start, false)
	require.Empty(t, res.Stop, "nothing is left of it after a stop")

	build := &recorder{}
	out, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), build.session())
	require.NoError(t, err, build.text())
	require.True(t, out.HasExternalAgent)
	checkMachines(t, out.Resources, true)
	require.Contains(t, string(out.State), "sess", "the owner's session reaches the template")
	stopped := &recorder{}
	out, err = p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStop, out.State), stopped.session())
	require.NoError(t, err, stopped.text())
	require.False(t, out.HasExternalAgent)
}

// checkMachines looks at the agents of language, planned or built.
func checkMachines(t *testing.T, resources []jobrpc.Resource, built bool) {
	t.Helper()
	byAddress := map[string]jobrpc.Resource{}
	for _, r := range resources {
		byAddress[r.Address] = r
	}
	ws := byAddress["terraform_data.ws[0]"]
	require.Len(t, ws.Agents, 2)
	require.Equal(t, "first", ws.Agents[0].Name, "by order")
	a := ws.Agents[1]
	require.Equal(t, "no_user_data", a.APIKeyScope)
	require.Equal(t, &jobrpc.ResourceMonitors{Memory: &jobrpc.Monitor{Enabled: true, Threshold: 80},
		Volumes: []jobrpc.Monitor{{Path: "/a", Enabled: true, Threshold: 70}, {Path: "/b", Threshold: 90}}}, a.Monitors)
	require.Nil(t, ws.Agents[0].Monitors)
	require.Len(t, a.Scripts, 1)
	require.Equal(t, "/icon/tool.svg", a.Scripts[0].Icon)
	require.Equal(t, "0 0 5 * * *", a.Scripts[0].Cron)
	require.Len(t, a.Apps, 1, "the app inside of the dev container is not the agent's")
	require.Equal(t, "chat", a.Apps[0].Slug)
	require.Len(t, a.Devcontainers, 1)
	d := a.Devcontainers[0]
	require.Equal(t, built, d.SubagentID != "")
	d.SubagentID = ""
	require.Equal(t, jobrpc.Devcontainer{Name: "web", WorkspaceFolder: "/src", ConfigPath: "/src/.devcontainer.json"}, d)

	far := byAddress["coder_external_agent.far[0]"]
	require.Equal(t, "coder_external_agent", far.Type)
	require.Len(t, far.Agents, 1)
	require.Equal(t, "windows", far.Agents[0].OperatingSystem)
}

func TestLanguageRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"external auth": {`data "coder_external_auth" "g" { id = "primary" }`,
			`data.coder_external_auth.g needs the external authentication provider "primary", which this server does not have`},
		"two defaults": {`data "coder_workspace_preset" "a" {
  name = "A"
  default = true
}
data "coder_workspace_preset" "b" {
  name = "B"
  default = true
}`, "are both the default preset"},
		"one name": {`data "coder_workspace_preset" "a" { name = "A" }
data "coder_workspace_preset" "b" { name = "A" }`, `The preset name "A" is used by`},
		"tags": {`data "coder_workspace_tags" "a" { tags = { x = "1" } }
data "coder_workspace_tags" "b" { tags = { x = "2" } }`, `The workspace tag "x" is set by`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive := pack(t, map[string]string{"main.tf": header + tc.text})
			rec := &recorder{archive: archive}
			job := importJob(archive)
			job.Import.Providers = []string{"secondary"}
			_, err := newRig(t).Import(within(t, time.Minute), job, rec.session())
			require.ErrorContains(t, err, tc.want)
		})
	}
}
