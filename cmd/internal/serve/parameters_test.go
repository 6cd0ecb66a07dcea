//go:build linux

package serve_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/coderd/parameters"
	"coder.internal/internal/clock"
	"coder.internal/provisionerd"
	"coder.internal/provisionerd/terraform"
)

const providerHeader = "terraform {\n  required_providers {\n    coder = { source = \"coder/coder\" }\n  }\n}\n"

// comparison is a template and values for it.
type comparison struct {
	template string
	more     map[string]string // further files
	values   []map[string]string
}

func one(body string) string {
	return "data \"coder_parameter\" \"x\" {\n  name = \"x\"\n" + body + "\n}\n"
}

// comparisons cover types, forms, conditions, rules and modules.
func comparisons() map[string]comparison {
	v := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	options := "option {\n name = \"A\"\n value = \"a\"\n}\noption {\n name = \"B\"\n value = \"b\"\n description = \"the b\"\n icon = \"/b.svg\"\n}\n"
	return map[string]comparison{
		"string":        {one(`default = "d"`), nil, []map[string]string{nil, v("x", "${1+1}\"}"), v("x", "a\nb")}},
		"textarea":      {one("form_type = \"textarea\"\ndefault = \"\"\nstyling = jsonencode({ placeholder = \"p\" })"), nil, []map[string]string{nil}},
		"number":        {one("type = \"number\"\ndefault = 3\nform_type = \"slider\"\nvalidation {\n min = 1\n max = 9\n}"), nil, []map[string]string{nil, v("x", "0"), v("x", "9"), v("x", "2.5"), v("x", "many"), v("x", "")}},
		"message":       {one("type = \"number\"\ndefault = 3\nvalidation {\n min = 1\n error = \"at least {min}\"\n}"), nil, []map[string]string{v("x", "0"), v("x", "100")}},
		"bool":          {one("type = \"bool\"\ndefault = true\nform_type = \"switch\""), nil, []map[string]string{nil, v("x", "false"), v("x", "1"), v("x", "yes")}},
		"list":          {one("type = \"list(string)\"\ndefault = jsonencode([\"a\"])"), nil, []map[string]string{nil, v("x", `["b","c"]`), v("x", "[1]"), v("x", "b")}},
		"radio":         {one("default = \"a\"\n" + options), nil, []map[string]string{nil, v("x", "b"), v("x", "c")}},
		"dropdown":      {one("form_type = \"dropdown\"\ndefault = \"z\"\n" + options), nil, []map[string]string{nil}},
		"multiselect":   {one("type = \"list(string)\"\nform_type = \"multi-select\"\ndefault = \"[]\"\n" + options), nil, []map[string]string{nil, v("x", `["a","b"]`), v("x", `["c"]`)}},
		"regex":         {one("default = \"abc\"\nvalidation {\n regex = \"^[a-z]+$\"\n error = \"letters\"\n}"), nil, []map[string]string{nil, v("x", "ABC"), v("x", "ab")}},
		"wrong form":    {one("form_type = \"slider\"\ndefault = \"a\""), nil, []map[string]string{nil}},
		"ephemeral":     {one("ephemeral = true\nmutable = true\ndefault = \"a\""), nil, []map[string]string{nil, v("x", "b")}},
		"bad ephemeral": {one("ephemeral = true\ndefault = \"a\""), nil, []map[string]string{nil}},
		"conditions": {`
locals { sizes = { eu = [1, 2], us = [4] } }
data "coder_workspace_owner" "me" {}
data "coder_parameter" "region" {
  name    = "region"
  default = "eu"
  dynamic "option" {
    for_each = local.sizes
    content {
      name  = upper(option.key)
      value = option.key
    }
  }
}
data "coder_parameter" "size" {
  name    = "size"
  type    = "number"
  default = local.sizes[data.coder_parameter.region.value][0]
  dynamic "option" {
    for_each = local.sizes[data.coder_parameter.region.value]
    iterator = it
    content {
      name  = "${it.value} CPU"
      value = it.value
    }
  }
}
data "coder_parameter" "extra" {
  count   = data.coder_parameter.size.value > 1 ? 1 : 0
  name    = "extra"
  default = "${data.coder_workspace_owner.me.name}/${data.coder_parameter.region.value}"
}
data "coder_parameter" "per" {
  for_each = toset(data.coder_parameter.region.value == "us" ? ["a", "b"] : [])
  name     = "per-${each.key}"
  type     = "bool"
  default  = each.key == "a"
  order    = 3
}
data "coder_workspace_preset" "big" {
  name       = "Big"
  parameters = { (data.coder_parameter.region.name) = "us", size = 4 }
}`, nil, []map[string]string{nil, v("size", "2"), v("region", "us"), v("region", "us", "size", "1")}},
		"modules": {`
variable "n" { default = 2 }
module "m" {
  source = "./m"
  count  = var.n
  name   = "p${count.index}"
}
data "coder_parameter" "all" {
  name    = "all"
  default = join(",", module.m[*].value)
}`, map[string]string{"m/main.tf": providerHeader + `
variable "name" { type = string }
data "coder_parameter" "p" {
  name    = var.name
  default = cidrsubnet("10.0.0.0/8", 8, length(var.name))
}
output "value" { value = data.coder_parameter.p.value }`}, []map[string]string{nil, v("p1", "y")}},
		"functions": {one(`default = jsonencode([abs(-1), base64encode("é"), sha1("a"), uuidv5("dns", "a.b"), cidrhost("10.1.0.0/16", -2),
    cidrnetmask("10.0.0.0/12"), cidrsubnets("10.0.0.0/8", 4, 8, 2), title("ab cd"), replace("a1b2", "/[0-9]/", "-"), sum([1, 2.5]),
    transpose({ a = ["x", "y"], b = ["x"] }), matchkeys(["i", "j"], ["a", "b"], ["b"]), one(["z"]), index(["a", "b"], "b"),
    alltrue([true, false]), startswith("abc", "ab"), urlencode("a b&c"), timecmp("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    format("%05.1f|%-4s|%#v", 2.25, "x", [1]), formatdate("YYYY-MM", "2026-01-31T00:00:00Z"), merge({ a = 1 }, { b = 2 }), setproduct(["a"], ["b", "c"]),
    basename("/a/b"), dirname("/a/b"), try({}.thing, "t"), can(tonumber("x")), lookup({ a = 1 }, "b", 9), strrev("ab"), indent(2, "a\nb"),
    chunklist(["a", "b", "c"], 2), coalesce("", "q"), compact(["", "w"]), regexall("[a-z]", "a1b"), parseint("ff", 16), range(3), slice(["a", "b"], 1, 2)])`), nil, []map[string]string{nil}},
	}
}

// TestLiveParametersAgreeWithTerraform evaluates every template both ways.
func TestLiveParametersAgreeWithTerraform(t *testing.T) {
	t.Parallel()
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	cache := filepath.Join(t.TempDir(), "cache")
	for name, c := range comparisons() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			require.NoError(t, err)
			p, err := terraform.New(terraform.Options{Binary: bin, WorkDir: filepath.Join(t.TempDir(), "work"), CacheDir: cache,
				ProviderBinary: self, Environ: append(os.Environ(), "GORACE=atexit_sleep_ms=0"), Log: slog.New(slog.DiscardHandler), Clock: clock.Real()})
			require.NoError(t, err)
			defer func() { _ = p.Discard() }() // the test's directory goes anyway
			files := map[string][]byte{"main.tf": []byte(providerHeader + c.template)}
			for n, text := range c.more {
				files[n] = []byte(text)
			}
			tpl, diags := parameters.Load(files)
			require.Empty(t, diags)
			version := api.NewID()
			for _, values := range c.values {
				compare(t, p, tpl, files, version, values)
			}
		})
	}
}

func compare(t *testing.T, p *terraform.Provisioner, tpl *parameters.Template, files map[string][]byte, version api.ID, values map[string]string) {
	t.Helper()
	ours := tpl.Evaluate(t.Context(), parameters.Input{Values: values, FirstBuild: true, Owner: parameters.Owner{Name: "ann"}})
	bad := ours.HasErrors()
	for _, q := range ours.Parameters {
		bad = bad || slices.ContainsFunc(q.Diagnostics, func(d api.Diagnostic) bool { return d.Severity == api.DiagnosticError })
	}
	theirs, logs, err := terraformSays(t, p, files, version, values)
	if err != nil {
		assert.True(t, bad, "values %v: Terraform refuses and we do not: %v %s", values, err, logs)
		return
	}
	if !assert.False(t, bad, "values %v: we refuse and Terraform does not: %+v", values, ours) {
		return
	}
	require.Len(t, ours.Parameters, len(theirs), "values %v", values)
	for _, q := range ours.Parameters {
		want, there := theirs[q.Name]
		require.True(t, there, q.Name)
		assert.Equal(t, want.Value, q.Value.Value, "value of %s with %v", q.Name, values)
		assert.Equal(t, want.Type, q.Type)
		assert.Equal(t, want.FormType, q.FormType, "form of %s", q.Name)
		assert.Equal(t, want.Optional, !q.Required)
		assert.Equal(t, want.Ephemeral, q.Ephemeral)
		require.Len(t, q.Options, len(want.Option))
		for i, o := range want.Option {
			assert.Equal(t, o.Name+"="+o.Value, q.Options[i].Name+"="+q.Options[i].Value.Value)
		}
	}
}

// stateParameter is a coder_parameter in a Terraform state.
type stateParameter struct {
	Name, Value, Type   string
	FormType            string `json:"form_type"`
	Optional, Ephemeral bool
	Option              []struct{ Name, Value string }
}

// terraformSays builds a workspace and reads the parameters from its state.
func terraformSays(t *testing.T, p *terraform.Provisioner, files map[string][]byte, version api.ID, values map[string]string) (map[string]stateParameter, string, error) {
	t.Helper()
	archive := packTar(t, files)
	sum := sha256.Sum256(archive)
	job := &jobrpc.Job{ID: api.NewID(), Attempt: 1, ArchiveHash: hex.EncodeToString(sum[:]), ArchiveType: api.ContentTypeTar,
		Build: &jobrpc.BuildWork{BuildID: api.NewID(), Meta: jobrpc.Meta{AccessURL: "http://127.0.0.1:1/", Transition: api.TransitionStart,
			WorkspaceID: version, WorkspaceName: "dev", TemplateID: api.NewID(), TemplateName: "tpl", TemplateVersion: "v1",
			OwnerID: api.NewID(), OwnerName: "ann", OwnerEmail: "ann@example.com", OwnerSession: "s"}}}
	for n, v := range values {
		job.Build.Parameters = append(job.Build.Parameters, api.ParameterValue{Name: n, Value: v})
	}
	var logs bytes.Buffer
	res, err := p.Build(t.Context(), job, provisionerd.Session{
		Archive: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil },
		Log:     func(l jobrpc.Log) { fmt.Fprintln(&logs, l.Output) },
		State:   func([]byte, []api.Secret) {}, Kill: make(chan struct{})})
	if err != nil {
		return nil, logs.String(), err
	}
	var state struct {
		Resources []struct {
			Mode, Type string
			Instances  []struct{ Attributes json.RawMessage }
		}
	}
	require.NoError(t, json.Unmarshal(res.State, &state))
	out := map[string]stateParameter{}
	for _, r := range state.Resources {
		if r.Mode != "data" || r.Type != "coder_parameter" {
			continue
		}
		for _, i := range r.Instances {
			var s stateParameter
			require.NoError(t, json.Unmarshal(i.Attributes, &s))
			out[s.Name] = s
		}
	}
	return out, logs.String(), nil
}

func packTar(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := w.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}
