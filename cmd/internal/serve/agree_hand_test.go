//go:build linux

package serve_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"coder.internal/api"
	"coder.internal/cmd/internal/serve/servetest"
	"coder.internal/provisionerd/coderprovider"
	"coder.internal/provisionerd/terraform"
)

// byHand is a template in a directory of its own, where Terraform is run as a
// person would: init once, then plan and show.
type byHand struct {
	t              *testing.T
	bin, dir, home string
	env            []string
	failed         error // of init
}

// spoken is what the provider says in a plan.
type spoken struct {
	parameters []shown // by order, then name
	presets    map[string]shownPreset
	local      bool // nothing outside this computer is needed to build it
}

// handMirror writes Terraform's configuration for our provider and the mirror.
func handMirror(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, filepath.FromSlash(coderprovider.Address), coderprovider.Version, runtime.GOOS+"_"+runtime.GOARCH)
	require.NoError(t, os.MkdirAll(at, 0o755))
	script := "#!/bin/sh\nexec '" + servetest.Binary() + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(at, "terraform-provider-coder_v"+coderprovider.Version), []byte(script), 0o755)) //nolint:gosec // Terraform starts it
	text := "provider_installation {\n  filesystem_mirror {\n    path    = " + strconv.Quote(dir) + "\n    include = [" + strconv.Quote(coderprovider.Address) + "]\n  }\n"
	if mirror := os.Getenv(mirrorVar); mirror != "" {
		text += "  filesystem_mirror {\n    path    = " + strconv.Quote(mirror) + "\n    exclude = [" + strconv.Quote(coderprovider.Address) + "]\n  }\n"
	}
	path := filepath.Join(dir, "cli.tfrc")
	require.NoError(t, os.WriteFile(path, []byte(text+"}\n"), 0o600))
	return path
}

// readVariables reads NAME.variables.yaml beside a template.
func readVariables(t *testing.T, dir string) map[string]string {
	t.Helper()
	vars := map[string]string{}
	b, err := os.ReadFile(dir + ".variables.yaml")
	if !os.IsNotExist(err) {
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(b, &vars))
	}
	return vars
}

func newByHand(t *testing.T, s *servetest.Server, c *servetest.CLI, tfrc, home, from string, vars map[string]string) *byHand {
	t.Helper()
	bin, err := terraform.Find(t.Context(), terraform.FindOptions{})
	require.NoError(t, err)
	h := &byHand{t: t, bin: bin.Path, dir: filepath.Join(t.TempDir(), "template"), home: home}
	require.NoError(t, os.CopyFS(h.dir, os.DirFS(from)))
	me, err := c.Client().User(t.Context(), "me")
	require.NoError(t, err)
	org := me.OrganizationIDs[0].String()
	h.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GORACE=atexit_sleep_ms=0", "TF_CLI_CONFIG_FILE=" + tfrc, "CHECKPOINT_DISABLE=1",
		"CODER_AGENT_URL=" + strings.TrimRight(s.URL.String(), "/"), "CODER_WORKSPACE_TRANSITION=start", "CODER_WORKSPACE_OWNER=" + me.Username,
		"CODER_WORKSPACE_OWNER_ID=" + me.ID.String(), "CODER_WORKSPACE_OWNER_NAME=" + me.Name, "CODER_WORKSPACE_OWNER_EMAIL=" + me.Email,
		`CODER_WORKSPACE_OWNER_GROUPS=["Everyone"]`, "CODER_WORKSPACE_OWNER_LOGIN_TYPE=password",
		`CODER_WORKSPACE_OWNER_RBAC_ROLES=[{"name":"member","org_id":""},{"name":"owner","org_id":""},{"name":"organization-member","org_id":"` + org + `"}]`}
	for name, value := range vars {
		h.env = append(h.env, "TF_VAR_"+name+"="+value)
	}
	_, h.failed = h.run(nil, nil, "init", "-input=false", "-backend=false", "-no-color")
	return h
}

func (h *byHand) run(inputs map[string]string, more []string, args ...string) ([]byte, error) {
	ctx, stop := context.WithTimeout(h.t.Context(), servetest.Patience)
	defer stop()
	cmd := exec.CommandContext(ctx, h.bin, args...)
	cmd.Dir, cmd.Env = h.dir, slices.Concat(h.env, more)
	for name, value := range inputs {
		sum := sha256.Sum256([]byte(name))
		cmd.Env = append(cmd.Env, "CODER_PARAMETER_"+hex.EncodeToString(sum[:])+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("terraform %s: %w: %s", args[0], err, strings.Join(strings.Fields(stderr.String()), " "))
	}
	return out, nil
}

// planned is what is read of `terraform show -json`.
type planned struct {
	Prior struct {
		Values struct {
			Root plannedModule `json:"root_module"`
		}
	} `json:"prior_state"`
	Planned struct {
		Root plannedModule `json:"root_module"`
	} `json:"planned_values"`
}

type plannedModule struct {
	Resources []plannedResource
	Children  []plannedModule `json:"child_modules"`
}

type plannedResource struct {
	Mode, Type string
	Values     map[string]json.RawMessage
}

func (m plannedModule) all() []plannedResource {
	out := slices.Clone(m.Resources)
	for _, child := range m.Children {
		out = append(out, child.all()...)
	}
	return out
}

// plan returns what the provider says for inputs, with more in the environment.
func (h *byHand) plan(inputs map[string]string, more ...string) (spoken, error) {
	word := spoken{presets: map[string]shownPreset{}, local: true}
	if h.failed != nil {
		return word, h.failed
	}
	if _, err := h.run(inputs, more, "plan", "-input=false", "-lock=false", "-no-color", "-out=plan"); err != nil {
		return word, err
	}
	out, err := h.run(nil, nil, "show", "-json", "-no-color", "plan")
	if err != nil {
		return word, err
	}
	var p planned
	if err := json.Unmarshal(out, &p); err != nil {
		return word, fmt.Errorf("read the plan: %w", err)
	}
	for _, r := range append(p.Prior.Values.Root.all(), p.Planned.Root.all()...) {
		switch r.Type {
		case "coder_parameter":
			word.parameters = append(word.parameters, shownPlan(r.Values))
		case "coder_workspace_preset":
			name, preset := shownPresetOf(r.Values)
			word.presets[name] = preset
		default:
			kind, _, _ := strings.Cut(r.Type, "_")
			word.local = word.local && slices.Contains([]string{"coder", "terraform", "random", "time", "tls"}, kind)
		}
	}
	sortShown(word.parameters)
	return word, nil
}

// field reads an attribute of a plan; absent and null leave the zero value.
func field[T any](values map[string]json.RawMessage, name string) (out T) {
	_ = json.Unmarshal(values[name], &out) // the provider's own schema
	return out
}

// shownPlan is a parameter as the provider says it.
func shownPlan(v map[string]json.RawMessage) shown {
	s := shown{Name: field[string](v, "name"), DisplayName: field[string](v, "display_name"), Description: field[string](v, "description"),
		Type: field[string](v, "type"), FormType: field[string](v, "form_type"), Icon: field[string](v, "icon"),
		Default: field[string](v, "default"), Value: field[string](v, "value"), Mutable: field[bool](v, "mutable"),
		Required: !field[bool](v, "optional"), Ephemeral: field[bool](v, "ephemeral"), Order: field[int64](v, "order")}
	for _, o := range field[[]map[string]json.RawMessage](v, "option") {
		s.Options = append(s.Options, shownOption{field[string](o, "name"), field[string](o, "value"), field[string](o, "description"), field[string](o, "icon")})
	}
	for _, c := range field[[]map[string]json.RawMessage](v, "validation") {
		s.Check = shownCheck{Error: field[string](c, "error"), Regex: field[string](c, "regex"), Monotonic: field[string](c, "monotonic")}
		if !field[bool](c, "min_disabled") {
			s.Check.Min = string(c["min"])
		}
		if !field[bool](c, "max_disabled") {
			s.Check.Max = string(c["max"])
		}
	}
	var styling api.PreviewParameterStyling
	if raw := field[string](v, "styling"); raw != "" && json.Unmarshal([]byte(raw), &styling) == nil && encode(styling) != "{}" {
		s.Styling = encode(styling)
	}
	return s
}

func shownPresetOf(v map[string]json.RawMessage) (string, shownPreset) {
	p := shownPreset{Description: field[string](v, "description"), Icon: field[string](v, "icon"), Default: field[bool](v, "default"),
		Parameters: map[string]string{}}
	maps.Copy(p.Parameters, field[map[string]string](v, "parameters"))
	for _, b := range field[[]map[string]json.RawMessage](v, "prebuilds") {
		p.Instances = field[int](b, "instances")
	}
	return field[string](v, "name"), p
}
