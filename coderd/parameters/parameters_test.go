package parameters_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/coderd/parameters"
)

func load(t testing.TB, src string) *parameters.Template {
	t.Helper()
	tpl, diags := parameters.Load(map[string][]byte{"main.tf": []byte(src)})
	require.Empty(t, diags)
	return tpl
}

func named(t testing.TB, r parameters.Result, name string) api.PreviewParameter {
	t.Helper()
	for _, p := range r.Parameters {
		if p.Name == name {
			return p
		}
	}
	require.Failf(t, "no such parameter", "%s in %+v", name, r)
	return api.PreviewParameter{}
}

func details(list []api.Diagnostic) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%s: %s %s\n", d.Severity, d.Summary, d.Detail)
	}
	return b.String()
}

const conditional = `
variable "regions" {
  type    = map(object({ label = string, sizes = optional(list(string), ["s"]) }))
  default = { eu = { label = "Europe", sizes = ["s", "l"] }, us = { label = "America" } }
}
locals {
  region = data.coder_parameter.region.value
  admin  = contains(data.coder_workspace_owner.me.groups, "admins")
}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "region" {
  name    = "region"
  order   = 1
  default = "eu"
  dynamic "option" {
    for_each = var.regions
    content {
      name  = option.value.label
      value = option.key
    }
  }
}
data "coder_parameter" "size" {
  name      = "size"
  order     = 2
  form_type = "dropdown"
  default   = var.regions[local.region].sizes[0]
  dynamic "option" {
    for_each = toset(var.regions[local.region].sizes)
    iterator = it
    content {
      name  = upper(it.value)
      value = it.value
    }
  }
}
data "coder_parameter" "debug" {
  count   = local.admin ? 1 : 0
  name    = "debug"
  order   = 3
  type    = "bool"
  default = false
}
data "coder_parameter" "disk" {
  for_each = local.region == "us" ? { a = 10, b = 20 } : {}
  name     = "disk-${each.key}"
  order    = 4
  type     = "number"
  mutable  = true
  default  = each.value
  validation {
    min       = 5
    max       = 50
    monotonic = "increasing"
    error     = "need {min}..{max}, not {value}"
  }
}
data "coder_workspace_preset" "p" {
  name       = "Big"
  default    = true
  parameters = { (data.coder_parameter.region.name) = "us", disk-a = 30 }
}
data "coder_workspace_tags" "t" {
  tags = { zone = local.region, size = data.coder_parameter.size.value }
}
`

func TestEvaluateFollowsAnswers(t *testing.T) {
	t.Parallel()
	tpl := load(t, conditional)
	r := tpl.Evaluate(t.Context(), parameters.Input{FirstBuild: true})
	require.Empty(t, r.Diagnostics, details(r.Diagnostics))
	require.Len(t, r.Parameters, 2)
	size := named(t, r, "size")
	assert.Equal(t, api.HCLString{Value: "s", Valid: true}, size.Value)
	assert.Len(t, size.Options, 2)
	assert.Equal(t, "dropdown", size.FormType)
	assert.Equal(t, map[string]string{"zone": "eu", "size": "s"}, r.WorkspaceTags)
	require.Len(t, r.Presets, 1)
	assert.Equal(t, []api.PresetParameter{{Name: "disk-a", Value: "30"}, {Name: "region", Value: "us"}}, r.Presets[0].Parameters)

	r = tpl.Evaluate(t.Context(), parameters.Input{Owner: parameters.Owner{Groups: []string{"admins"}},
		Values: map[string]string{"region": "us", "size": "l", "disk-b": "60"}})
	require.Empty(t, r.Diagnostics, details(r.Diagnostics))
	names := make([]string, len(r.Parameters))
	for i, p := range r.Parameters {
		names[i] = p.Name
	}
	assert.Equal(t, []string{"region", "size", "debug", "disk-a", "disk-b"}, names)
	assert.Contains(t, details(named(t, r, "size").Diagnostics), `"l" is not one of the options: "s"`)
	assert.Contains(t, details(named(t, r, "disk-b").Diagnostics), "need 5..50, not 60")
	assert.Equal(t, "checkbox", named(t, r, "debug").FormType)
}

func TestEvaluateKeepsThePast(t *testing.T) {
	t.Parallel()
	tpl := load(t, `
data "coder_parameter" "fixed" {
  name    = "fixed"
  default = "a"
}
data "coder_parameter" "grow" {
  name    = "grow"
  type    = "number"
  mutable = true
  validation { monotonic = "increasing" }
}
data "coder_parameter" "once" {
  name      = "once"
  mutable   = true
  ephemeral = true
  default   = "no"
}
`)
	first := tpl.Evaluate(t.Context(), parameters.Input{FirstBuild: true})
	grow := named(t, first, "grow")
	require.Len(t, grow.Diagnostics, 1)
	assert.Equal(t, api.CodeRequired, grow.Diagnostics[0].Extra.Code)
	assert.False(t, grow.Value.Valid)

	previous := map[string]string{"fixed": "b", "grow": "5", "once": "yes"}
	r := tpl.Evaluate(t.Context(), parameters.Input{Previous: previous})
	assert.Equal(t, "b", named(t, r, "fixed").Value.Value)
	assert.Equal(t, "5", named(t, r, "grow").Value.Value)
	assert.Equal(t, "no", named(t, r, "once").Value.Value)
	for _, p := range r.Parameters {
		assert.Empty(t, p.Diagnostics)
	}
	r = tpl.Evaluate(t.Context(), parameters.Input{Previous: previous, Values: map[string]string{"fixed": "c", "grow": "4"}})
	assert.Contains(t, details(named(t, r, "fixed").Diagnostics), "cannot be changed")
	assert.Contains(t, details(named(t, r, "grow").Diagnostics), "may only grow; it was 5")
}

func TestWhatOnlyTerraformKnows(t *testing.T) {
	t.Parallel()
	tpl := load(t, `
data "http" "x" { url = "http://localhost" }
resource "terraform_data" "r" {}
module "far" { source = "registry.example/x/y/z" }
data "coder_parameter" "a" {
  name    = "a"
  default = data.http.x.response_body
}
data "coder_parameter" "b" {
  name  = "b"
  count = terraform_data.r.id == "x" ? 1 : 0
}
data "coder_parameter" "c" {
  name    = "c"
  default = file("/etc/hostname")
}
data "coder_workspace_tags" "t" { tags = { host = module.far.name, kind = "x" } }
`)
	r := tpl.Evaluate(t.Context(), parameters.Input{Imported: []api.TemplateVersionParameter{
		{Name: "far", Type: "string", DefaultValue: "d"}, {Name: "b", Type: "string"}}})
	assert.False(t, r.HasErrors(), details(r.Diagnostics))
	assert.True(t, r.Open)
	assert.True(t, r.TagsOpen)
	assert.Equal(t, map[string]string{"kind": "x"}, r.WorkspaceTags)
	assert.Len(t, r.Parameters, 3)
	assert.False(t, named(t, r, "a").Value.Valid)
	assert.False(t, named(t, r, "a").Required)
	assert.Contains(t, details(named(t, r, "a").Diagnostics), "warning: Not everything")
	assert.False(t, named(t, r, "c").Value.Valid)
	assert.Contains(t, details(r.Diagnostics), "The function file works during a build only")
	assert.Equal(t, "d", named(t, r, "far").Value.Value)
}

// TestSetsWithUnknownElements: a set may hold what nobody has answered yet.
func TestSetsWithUnknownElements(t *testing.T) {
	t.Parallel()
	tpl := load(t, `
data "coder_parameter" "team" { name = "team" }
data "coder_parameter" "tool" {
  name    = "tool"
  default = "go"
  dynamic "option" {
    for_each = toset(["go", data.coder_parameter.team.value])
    content {
      name  = option.value
      value = option.value
    }
  }
}
data "coder_parameter" "each" {
  for_each = toset(["a", data.coder_parameter.team.value])
  name     = each.key
}`)
	r := tpl.Evaluate(t.Context(), parameters.Input{FirstBuild: true})
	require.False(t, r.HasErrors(), details(r.Diagnostics))
	require.Empty(t, named(t, r, "tool").Options)
	r = tpl.Evaluate(t.Context(), parameters.Input{FirstBuild: true, Values: map[string]string{"team": "b"}})
	require.False(t, r.HasErrors(), details(r.Diagnostics))
	require.Len(t, named(t, r, "tool").Options, 2)
	named(t, r, "b")
}

// TestUnknownOptions: neither form nor default can be judged before they are known.
func TestUnknownOptions(t *testing.T) {
	t.Parallel()
	tpl := load(t, `
data "coder_parameter" "team" { name = "team" }
data "coder_parameter" "tools" {
  name      = "tools"
  type      = "list(string)"
  form_type = "multi-select"
  default   = "[]"
  dynamic "option" {
    for_each = split(",", data.coder_parameter.team.value)
    content {
      name  = option.value
      value = option.value
    }
  }
}
data "coder_parameter" "one" {
  name    = "one"
  default = "b"
  option {
    name  = "A"
    value = "a"
  }
  dynamic "option" {
    for_each = split(",", data.coder_parameter.team.value)
    content {
      name  = option.value
      value = option.value
    }
  }
}`)
	r := tpl.Evaluate(t.Context(), parameters.Input{FirstBuild: true})
	for name, form := range map[string]string{"tools": "multi-select", "one": "radio"} {
		p := named(t, r, name)
		assert.NotContains(t, details(p.Diagnostics), "error:", name)
		assert.Contains(t, details(p.Diagnostics), "warning: Not everything", name)
		assert.Equal(t, form, p.FormType)
	}
	r = tpl.Evaluate(t.Context(), parameters.Input{FirstBuild: true, Values: map[string]string{"team": "c,d"}})
	assert.Empty(t, named(t, r, "tools").Diagnostics)
	assert.Contains(t, details(named(t, r, "one").Diagnostics), "The default does not keep the rules")
}

func TestModulesAndFiles(t *testing.T) {
	t.Parallel()
	tpl, diags := parameters.Load(map[string][]byte{
		"main.tf": []byte(`
variable "n" { type = number }
variable "list" { type = list(string) }
module "one" {
  source  = "./parts/one"
  default = data.coder_parameter.base.value
}
module "many" {
  source   = "./parts/one"
  for_each = toset(var.list)
  default  = each.key
  prefix   = "many-${each.key}-"
}
data "coder_parameter" "base" {
  name    = "base"
  default = join(",", var.list)
}
data "coder_parameter" "after" {
  name    = "after"
  default = "${module.one.chosen}/${module.many["x"].chosen}/${var.n}"
}`),
		"parts/one/main.tf": []byte(`
variable "default" {}
variable "prefix" { default = "" }
data "coder_parameter" "p" {
  name    = "${var.prefix}p"
  default = var.default
}
output "chosen" { value = data.coder_parameter.p.value }`),
		"more.tf.json":          []byte(`{"data":{"coder_parameter":{"j":{"name":"json","type":"number","default":"${1+1}","option":[{"name":"Two","value":2},{"name":"${upper(\"three\")}","value":3}]}}}}`),
		"terraform.tfvars":      []byte(`n = 1`),
		"z.auto.tfvars":         []byte(`n = 7`),
		"parts/one/README.md":   []byte("x"),
		".terraform/m/extra.tf": []byte("broken {"),
	})
	require.Empty(t, diags)
	r := tpl.Evaluate(t.Context(), parameters.Input{Variables: []api.VariableValue{{Name: "list", Value: `["x","y"]`}, {Name: "n", Value: ""}}})
	require.Empty(t, r.Diagnostics, details(r.Diagnostics))
	assert.Equal(t, "x,y", named(t, r, "p").Value.Value)
	assert.Equal(t, "y", named(t, r, "many-y-p").Value.Value)
	assert.Equal(t, "x,y/x/7", named(t, r, "after").Value.Value)
	j := named(t, r, "json")
	assert.Equal(t, "2", j.Value.Value)
	assert.Equal(t, "THREE", j.Options[1].Name)
	assert.Equal(t, "radio", j.FormType)
}

func TestDeclarationsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"form":          {`form_type = "slider"`, "does not fit a string parameter without options; use input or textarea"},
		"type":          {`type = "float"`, `no parameter type "float"`},
		"default":       {"type = \"number\"\ndefault = \"x\"", `"x" is not a number`},
		"option":        {"default = \"z\"\noption {\nname = \"A\"\nvalue = \"a\"\n}", `"z" is not one of the options: "a"`},
		"twice":         {"option {\nname = \"A\"\nvalue = \"a\"\n}\noption {\nname = \"B\"\nvalue = \"a\"\n}", "more than one option"},
		"regex":         {`validation { regex = "^a" }`, "needs an error"},
		"regex type":    {"type = \"number\"\nvalidation {\nregex = \"a\"\nerror = \"b\"\n}", "regex is for string"},
		"min":           {`validation { min = 1 }`, "min and max are for number"},
		"monotonic":     {"type = \"number\"\nvalidation { monotonic = \"up\" }", "increasing or decreasing"},
		"ephemeral":     {"ephemeral = true\nmutable = true", "needs a default"},
		"immutable":     {"ephemeral = true\ndefault = \"a\"", "must be mutable"},
		"styling":       {`styling = "x"`, "styling must be a JSON object"},
		"cycle":         {`default = data.coder_parameter.x.value`, "depends on itself"},
		"missing local": {`default = local.nope`, `no local "nope"`},
		"no function":   {`default = nope()`, "main.tf:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tpl := load(t, "data \"coder_parameter\" \"x\" {\nname = \"x\"\n"+c.body+"\n}\n")
			r := tpl.Evaluate(t.Context(), parameters.Input{Values: map[string]string{"x": "v"}})
			assert.Contains(t, strings.ToLower(details(named(t, r, "x").Diagnostics)), strings.ToLower(c.want))
		})
	}
}

// TestHostileTemplates must end soon, with an error and without a panic.
func TestHostileTemplates(t *testing.T) {
	t.Parallel()
	double := func(n int, f string) string {
		var b strings.Builder
		b.WriteString("locals {\nv0 = \"xxxxxxxxxxxxxxxx\"\n")
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&b, "v%d = %s\n", i, strings.ReplaceAll(f, "@", fmt.Sprintf("local.v%d", i-1)))
		}
		return b.String() + "}\n" + param(fmt.Sprintf("jsonencode(local.v%d)", n))
	}
	deep := "1"
	for range 40 {
		deep = "try([for x in range(1000) : " + deep + "][\"none\"], can(" + deep[:1] + "))"
	}
	many := "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]"
	for name, src := range map[string]string{
		"text doubles":  double(60, `"${@}${@}"`),
		"lists double":  double(60, "[@, @]"),
		"long chain":    double(500, "@"),
		"loops":         param("jsonencode(" + many + ")"),
		"tried loops":   param(`try(jsonencode([for a in range(1000) : try([for b in range(1000) : try([for c in range(1000) : "${c}x"], 1)], 2)]), "x")`),
		"nested tries":  param("jsonencode(" + deep + ")"),
		"tries":         param(`jsonencode([for a in range(1000) : [for b in range(1000) : try([for c in range(1000) : try(tonumber("x${c}"), 1)], 2)]])`),
		"tried values":  param(`[for a in range(1000) : [for b in range(1000) : can(join("", [for c in range(1000) : "xxxxxxxxxxxxxxxxxxxx${c}"]))]][0][0] ? "a" : "b"`),
		"distinct":      param(`jsonencode([for a in range(1000) : distinct([for b in range(2900) : "${b}-${a}"])])`),
		"patterns":      param(`jsonencode([for a in range(1000) : regexall("(x+x+)+y", join("", [for b in range(1000) : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]))])`),
		"number":        param(`"${1e99999999}"`),
		"number choice": param(`true ? 1e99999999 : "x"`),
		"replace":       param(`replace(join("", [for i in range(1000) : "aaaaaaaaaa"]), "a", join("", [for i in range(1000) : "aaaaaaaaaa"]))`),
		"product":       param(`jsonencode(setproduct(range(1000), range(1000), range(1000)))`),
		"format":        param(`format("%999999999d", 1)`),
		"instances":     "data \"coder_parameter\" \"x\" {\ncount = 1000\nname = \"a${count.index}\"\n}\ndata \"coder_parameter\" \"y\" {\ncount = 1000\nname = \"b${count.index}\"\n}\n",
		"parentheses":   param(strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000)),
		"not":           param(strings.Repeat("!", 400000) + "true"),
		"sum":           param(strings.Repeat("1 + ", 100000) + "1"),
		"index":         param("local.a" + strings.Repeat("[local.b]", 50000)),
		"conditions":    param(strings.Repeat("true ? 1 : ", 30000) + "2"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tpl, _ := parameters.Load(map[string][]byte{"main.tf": []byte(src)})
			began := time.Now()
			r := tpl.Evaluate(t.Context(), parameters.Input{})
			all := r.Diagnostics
			for _, p := range r.Parameters {
				all = append(all, p.Diagnostics...)
			}
			assert.Contains(t, details(all), "error: ")
			// Two seconds by its own clock, and the step that was under way; the race
			// detector and busy neighbours make that step long.
			assert.Less(t, time.Since(began), 5*time.Second)
		})
	}
}

func param(expr string) string {
	return "data \"coder_parameter\" \"x\" {\nname = \"x\"\ndefault = " + expr + "\n}\n"
}

func TestAnEndedContextEndsIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := load(t, conditional).Evaluate(ctx, parameters.Input{})
	assert.Contains(t, details(r.Diagnostics), "too long")
}

func TestValuesAreText(t *testing.T) {
	t.Parallel()
	tpl := load(t, param(`"d"`)+"data \"coder_parameter\" \"y\" {\nname = \"y\"\ndefault = \"<${data.coder_parameter.x.value}>\"\n}\n")
	for _, v := range []string{`${file("/etc/passwd")}`, `"}`, "%{for a in b}", "a\nb", `\u0000`} {
		r := tpl.Evaluate(t.Context(), parameters.Input{Values: map[string]string{"x": v}})
		assert.Empty(t, r.Diagnostics)
		assert.Equal(t, "<"+v+">", named(t, r, "y").Value.Value)
	}
	for v, want := range map[string]string{"a\x00b": "NUL", "\xff": "UTF-8", strings.Repeat("x", 1<<20): "larger than 64 KiB"} {
		r := tpl.Evaluate(t.Context(), parameters.Input{Values: map[string]string{"x": v}})
		assert.Contains(t, details(named(t, r, "x").Diagnostics), want)
	}
}

func FuzzEvaluate(f *testing.F) {
	f.Add(conditional, "region", "us")
	f.Add(param(`try(file("x"), format("%[2]s", 1, 2))`), "x", "1")
	f.Fuzz(func(t *testing.T, src, name, value string) {
		tpl, _ := parameters.Load(map[string][]byte{"main.tf": []byte(src), "j.tf.json": []byte(value)})
		tpl.Evaluate(t.Context(), parameters.Input{Values: map[string]string{name: value}, Previous: map[string]string{name: "1"}})
	})
}

func FuzzLoadJSON(f *testing.F) {
	f.Add([]byte(`{"locals":{"a":"${b}"},"data":{"coder_parameter":{"j":{"name":"json","dynamic":{"option":{"for_each":[1],"content":{"name":"a","value":"${option.value}"}}}}}}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		tpl, _ := parameters.Load(map[string][]byte{"main.tf.json": src, "terraform.tfvars": src})
		tpl.Evaluate(t.Context(), parameters.Input{})
	})
}

func FuzzCheck(f *testing.F) {
	f.Add("number", "1e3", "2", "^a", int64(1))
	f.Fuzz(func(_ *testing.T, typ, v, old, regex string, limit int64) {
		r := parameters.Rules{Type: typ, Regex: regex, Min: &limit, Monotonic: "increasing", Mutable: true}
		_ = r.Check(v)
		_ = r.CheckChange(v, old)
	})
}

func BenchmarkEvaluate(b *testing.B) {
	tpl := load(b, conditional)
	in := parameters.Input{Values: map[string]string{"region": "us"}, Owner: parameters.Owner{Groups: []string{"admins"}}}
	for b.Loop() {
		if r := tpl.Evaluate(b.Context(), in); len(r.Parameters) != 5 {
			b.Fatal(details(r.Diagnostics))
		}
	}
}
