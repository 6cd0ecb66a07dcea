package terraform_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

const rich = header + `
variable "region" {
  type        = string
  description = "where"
}
variable "zones" {
  type    = list(string)
  default = ["a", "b"]
}
variable "from_file" { type = number }
variable "key" {
  sensitive = true
  default   = "k"
}
data "coder_workspace" "me" {}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = 3
  mutable = true
  order   = 2
  validation {
    min = 1
    error = "too small: {value}"
  }
}
data "coder_parameter" "image" {
  name         = "image"
  display_name = "Image"
  description  = "the **container** [image](http://x)"
  order        = 1
  option {
    name  = "Debian"
    value = "debian"
  }
  option {
    name  = "Alpine"
    value = "alpine"
  }
}
locals { token = coder_agent.main.token }
resource "coder_agent" "main" {
  os                      = "linux"
  arch                    = "amd64"
  startup_script          = "echo hi"
  startup_script_behavior = "blocking"
  env                     = { A = "agent" }
  metadata {
    key      = "b"
    script   = "echo"
    interval = 10
  }
  metadata {
    key      = "a"
    script   = "echo"
    interval = 10
  }
  display_apps { vscode = false }
}
resource "coder_app" "two" {
  agent_id = coder_agent.main.id
  slug     = "two"
  order    = 2
  url      = "http://localhost:2"
  healthcheck {
    url       = "http://localhost:2/h"
    interval  = 5
    threshold = 6
  }
}
resource "coder_app" "one" {
  agent_id = coder_agent.main.id
  slug     = "one"
  order    = 1
  command  = "htop"
}
resource "coder_env" "path" {
  agent_id = coder_agent.main.id
  name     = "MYPATH"
  value    = "x"
}
resource "coder_env" "path2" {
  agent_id       = coder_agent.main.id
  name           = "MYPATH"
  value          = "y"
  merge_strategy = "append"
}
resource "coder_env" "a" {
  agent_id = coder_agent.main.id
  name     = "A"
  value    = "env"
}
resource "coder_script" "s" {
  agent_id     = coder_agent.main.id
  display_name = "tool"
  script       = "echo"
  run_on_start = true
}
resource "terraform_data" "ws" {
  count = data.coder_workspace.me.start_count
  input = { t = local.token, v = module.disk.id, zones = var.zones }
}
resource "terraform_data" "after" {
  count = data.coder_workspace.me.start_count
  input = terraform_data.ws[0].id
}
resource "coder_metadata" "ws" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.ws[0].id
  daily_cost  = 4
  icon        = "/icon/x.svg"
  item {
    key   = "plain"
    value = var.region
  }
  item {
    key       = "hidden"
    value     = "s"
    sensitive = true
  }
}
module "disk" {
  source = "./disk"
}
`

const disk = `resource "terraform_data" "disk" { input = "d" }
output "id" { value = terraform_data.disk.id }
`

func richArchive(t testing.TB) []byte {
	return pack(t, map[string]string{"main.tf": rich, "disk/main.tf": disk, "README.md": "# Read me",
		"terraform.tfvars": "from_file = 3\n"})
}

var region = api.VariableValue{Name: "region", Value: "eu"}

func TestImport(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := richArchive(t)
	rec := &recorder{archive: archive}
	res, err := p.Import(within(t, time.Minute), importJob(archive, region), rec.session())
	require.NoError(t, err, rec.text())

	require.Equal(t, "# Read me", res.Readme)
	require.Len(t, res.Variables, 4)
	require.Equal(t, api.TemplateVersionVariable{Name: "zones", Type: "string", Value: `["a","b"]`, DefaultValue: `["a","b"]`}, res.Variables[3])
	require.True(t, res.Variables[1].Sensitive)
	require.Equal(t, "eu", res.Variables[2].Value)

	require.Len(t, res.Parameters, 2)
	image, size := res.Parameters[0], res.Parameters[1]
	require.Equal(t, "image", image.Name)
	require.True(t, image.Required)
	require.Len(t, image.Options, 2)
	require.Equal(t, "the container image", image.DescriptionPlaintext)
	require.Equal(t, "3", size.DefaultValue)
	require.Equal(t, int64(1), *size.ValidationMin)
	require.Nil(t, size.ValidationMax)
	require.False(t, size.Required)
	require.True(t, size.Mutable)

	byAddr := map[string]int{}
	for _, r := range res.Start {
		byAddr[r.Address] = len(r.Agents)
	}
	require.Equal(t, map[string]int{"module.disk.terraform_data.disk": 0, "terraform_data.ws[0]": 1, "terraform_data.after[0]": 0}, byAddr,
		"the agent belongs to the nearest resource, found through a local")
	require.Len(t, res.Stop, 1)
	require.Equal(t, "module.disk.terraform_data.disk", res.Stop[0].Address)
	for _, r := range res.Start {
		if r.Name != "ws" {
			continue
		}
		require.Equal(t, 4, r.DailyCost)
		require.Len(t, r.Metadata, 2)
		require.Equal(t, "one", r.Agents[0].Apps[0].Slug)
		require.Empty(t, r.Agents[0].Token)
	}
	require.Contains(t, rec.text(), "Planning: coder_agent.main: Plan to create")
}

func TestImportFailures(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file, code string
		want             []string
	}{
		{"syntax", header + "resource \"x\" {", "", []string{"main.tf line 6"}},
		{"argument", header + "\nresource \"terraform_data\" \"x\" {\n  nonsense = 1\n}\n", "", []string{"main.tf line 8", "Unsupported argument", "nonsense"}},
		{"variable", header + "variable \"b\" {}\nvariable \"a\" {}\n", terraform.CodeMissingVariables, []string{"a, b"}},
		{"unknown provider", "terraform {\n  required_providers {\n    none = { source = \"127.0.0.1:1/none/none\" }\n  }\n}\n", "", []string{"none"}},
		{"agent name", header + "resource \"coder_agent\" \"bad__name\" {\n  os = \"linux\"\n  arch = \"amd64\"\n}\nresource \"coder_agent\" \"BAD__name\" {\n  os = \"linux\"\n  arch = \"amd64\"\n}\n", "", []string{"same name"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newRig(t)
			archive := pack(t, map[string]string{"main.tf": c.file})
			rec := &recorder{archive: archive}
			_, err := p.Import(within(t, time.Minute), importJob(archive), rec.session())
			var f *provisionerd.Failure
			require.ErrorAs(t, err, &f, rec.text())
			for _, want := range c.want {
				require.Contains(t, f.Message, want)
			}
			require.Equal(t, c.code, f.Code)
			if c.name == "argument" {
				require.Contains(t, rec.text(), "on main.tf line 8")
				require.Equal(t, 1, strings.Count(rec.text(), "  8:   nonsense = 1"), "both plans find it; one tells")
			}
		})
	}
}

func TestHostileArchive(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{"main.tf": header, "../../escaped": "x"})
	rec := &recorder{archive: archive}
	_, err := p.Import(within(t, time.Minute), importJob(archive), rec.session())
	require.ErrorContains(t, err, "outside of the archive")
	_, err = os.Stat(filepath.Join(p.work, "..", "escaped"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A template may come with a lock on another build of our provider, with state,
// and with a backend; none of them may count.
func TestImportStripsWhatIsNotTheTemplates(t *testing.T) {
	t.Parallel()
	p := newRig(t)
	archive := pack(t, map[string]string{
		"main.tf":             header + "terraform {\n  backend \"http\" {\n    address = \"http://127.0.0.1:1\"\n  }\n}\nresource \"terraform_data\" \"x\" {}\n",
		".terraform.lock.hcl": "provider \"registry.terraform.io/coder/coder\" {\n  version = \"2.1.0\"\n  hashes = [\n    \"h1:DmyfupUXCPYU94j4gVuc4V5U7se2sC7SDJ5cx6l0p1k=\",\n  ]\n}\n",
		"terraform.tfstate":   "not a state",
	})
	rec := &recorder{archive: archive}
	_, err := p.Import(within(t, time.Minute), importJob(archive), rec.session())
	require.NoError(t, err, rec.text())
	rec = &recorder{}
	res, err := p.Build(within(t, time.Minute), buildJob(archive, api.TransitionStart, nil), rec.session())
	require.NoError(t, err, rec.text())
	require.Len(t, res.Resources, 1)
}

// What the operator's mirror holds comes from there alone: the registry of this
// provider does not answer. A provider may be put there while the daemon runs.
func TestOperatorMirror(t *testing.T) {
	t.Parallel()
	mirror := filepath.Join(t.TempDir(), "a [mirror]")
	require.NoError(t, os.Mkdir(mirror, 0o700))
	p := newRig(t, func(o *optionsOf) { o.MirrorDir = mirror })
	archive := pack(t, map[string]string{"main.tf": "terraform {\n  required_providers {\n    other = { source = \"127.0.0.1:1/some/other\" }\n    coder = { source = \"coder/coder\" }\n  }\n}\n"})
	rec := &recorder{archive: archive}
	_, err := p.Import(within(t, time.Minute), importJob(archive), rec.session())
	require.ErrorContains(t, err, "some/other", rec.text())

	dir := filepath.Join(mirror, "127.0.0.1:1", "some", "other", "1.2.3", runtime.GOOS+"_"+runtime.GOARCH)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(dir, "terraform-provider-other_v1.2.3")), "any provider will do; this one is at hand")
	rec = &recorder{archive: archive}
	_, err = p.Import(within(t, time.Minute), importJob(archive), rec.session())
	require.NoError(t, err, rec.text())
	require.Contains(t, rec.text(), "Installed provider version: 127.0.0.1:1/some/other v1.2.3")
	require.Contains(t, rec.text(), "From the provider mirror, with a checksum computed here: 127.0.0.1:1/some/other.\n")
	require.NotContains(t, rec.text(), "Warning")
}
