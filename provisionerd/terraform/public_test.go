package terraform_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/provisionerd/terraform"
)

// mirrorVar names the directory with providers that `make public-templates`
// builds; templates that need none of them are always tested.
const mirrorVar = "CODER_TEST_PROVIDER_MIRROR"

// names declares the provider for the examples of its documentation, which leave
// that out. A file of its own: theirs stays as it is.
const namesFile = "zz_providers.tf"

// publicTemplates returns the template directories that can be imported here.
func publicTemplates(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	paths, err := filepath.Glob("testdata/public/*/*.tf")
	require.NoError(t, err)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		dir := filepath.Base(filepath.Dir(path))
		if out[dir] == nil {
			out[dir] = map[string]string{}
		}
		out[dir][filepath.Base(path)] = string(b)
		if !strings.Contains(string(b), "required_providers") {
			out[dir][namesFile] = header
		}
		if strings.Contains(string(b), "hashicorp/") && os.Getenv(mirrorVar) == "" {
			delete(out, dir)
		}
	}
	return out
}

// TestPublicTemplates imports templates that others wrote, unchanged, and compares
// what people will be asked with what the provider itself says in a plan.
func TestPublicTemplates(t *testing.T) {
	t.Parallel()
	all := publicTemplates(t)
	require.GreaterOrEqual(t, len(all), 7)
	if os.Getenv(mirrorVar) != "" {
		require.GreaterOrEqual(t, len(all), 10)
	}
	for name, files := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRig(t, func(o *optionsOf) { o.MirrorDir = os.Getenv(mirrorVar) })
			archive := pack(t, files)
			rec := &recorder{archive: archive}
			vars := []api.VariableValue{}
			if strings.Contains(files["main.tf"], "output_path") {
				vars = append(vars, api.VariableValue{Name: "output_path", Value: "out.json"})
			}
			res, err := p.Import(within(t, 2*time.Minute), importJob(archive, vars...), rec.session())
			if name == "coder_external_auth" {
				without := importJob(archive, vars...)
				without.Import.Providers = []string{"azure-identity"}
				_, err := newRig(t).Import(within(t, 2*time.Minute), without, (&recorder{archive: archive}).session())
				require.ErrorContains(t, err, `data.coder_external_auth.github needs the external authentication provider "github"`)
				require.Len(t, res.ExternalAuth, 2)
			}
			require.NoError(t, err, rec.text())
			got, err := json.Marshal(res.Parameters)
			require.NoError(t, err)
			require.NotEqual(t, "null", string(got))
			want, err := json.Marshal(asked(t, p, files, vars))
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
		})
	}
}

// asked plans the template by hand and reads the parameters out of Terraform's own
// JSON, as a script with jq would.
func asked(t *testing.T, p *rig, files map[string]string, vars []api.VariableValue) []map[string]any {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(within(t, time.Minute), bin.Path, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), quickExit, "TF_CLI_CONFIG_FILE="+filepath.Join(p.work, "cli.tfrc"), "CODER_AGENT_URL=http://127.0.0.1:1")
		for _, v := range vars {
			cmd.Env = append(cmd.Env, "TF_VAR_"+v.Name+"="+v.Value)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "%s\n%s", out, stderr.String())
		return out
	}
	run("init", "-input=false", "-backend=false")
	run("plan", "-input=false", "-out=plan")
	var plan struct {
		Prior struct {
			Values struct {
				Root struct {
					Resources []struct {
						Type   string
						Values map[string]any
					}
				} `json:"root_module"`
			}
		} `json:"prior_state"`
	}
	require.NoError(t, json.Unmarshal(run("show", "-json", "plan"), &plan))
	out := []map[string]any{}
	for _, r := range plan.Prior.Values.Root.Resources {
		if r.Type == "coder_parameter" {
			out = append(out, page(r.Values))
		}
	}
	// By order, then name.
	for i := range out {
		for j := i; j > 0 && before(out[j], out[j-1]); j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	for _, p := range out {
		delete(p, "order")
	}
	return out
}

func before(a, b map[string]any) bool {
	x, y := number(a["order"]), number(b["order"])
	return x < y || x == y && a["name"].(string) < b["name"].(string)
}

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}

// page is a parameter as the API describes it, from what the provider says.
func page(v map[string]any) map[string]any {
	text := func(key string) string { s, _ := v[key].(string); return s }
	out := map[string]any{"name": text("name"), "display_name": text("display_name"), "description": text("description"),
		"description_plaintext": words(text("description")), "type": text("type"), "form_type": text("form_type"),
		"mutable": v["mutable"] == true, "default_value": text("default"), "icon": text("icon"),
		"required": v["optional"] != true, "ephemeral": v["ephemeral"] == true, "order": v["order"],
		"validation_error": "", "validation_regex": "", "validation_monotonic": ""}
	options := []any{}
	list, _ := v["option"].([]any)
	for _, o := range list {
		m := o.(map[string]any)
		options = append(options, map[string]any{"name": or(m["name"]), "value": or(m["value"]), "description": or(m["description"]), "icon": or(m["icon"])})
	}
	out["options"] = options
	checks, _ := v["validation"].([]any)
	for _, c := range checks {
		m := c.(map[string]any)
		out["validation_error"], out["validation_regex"], out["validation_monotonic"] = or(m["error"]), or(m["regex"]), or(m["monotonic"])
		for _, end := range []string{"min", "max"} {
			if m[end+"_disabled"] != true && m[end] != nil {
				out["validation_"+end] = m[end]
			}
		}
	}
	return out
}

func or(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// words is enough of Markdown for the descriptions in testdata.
func words(s string) string {
	s = strings.ReplaceAll(s, "# Provide", "Provide")
	s = strings.ReplaceAll(s, "[registry](https://container.registry.blah/namespace)", "registry")
	return strings.TrimSpace(s)
}
