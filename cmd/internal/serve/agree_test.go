//go:build linux

package serve_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/serve/servetest"
)

const (
	// templatesVar names a directory; each directory in it that holds a main.tf or
	// any other *.tf file is a template to be compared. NAME.variables.yaml beside
	// the template NAME gives values of its Terraform variables.
	templatesVar = "CODER_TEST_TEMPLATES_DIR"
	// mirrorVar names a directory with the providers that they need.
	mirrorVar = "CODER_TEST_PROVIDER_MIRROR"
	// maxAsked bounds how many sets of inputs are tried with a template; each is a
	// plan of Terraform.
	maxAsked = 24
	// ownAsked is the same for our own templates, which every run of the tests tries.
	ownAsked = 10
	// maxOffline bounds how many of them are tried without a server, too.
	maxOffline = 3
)

// homeEnv lets templates see HOME.
const homeEnv = "CODER_PROVISIONER_ENV=HOME"

// previewEnv is the workspace that `templates test` makes up.
var previewEnv = []string{"CODER_AGENT_URL=http://localhost:3000", "CODER_WORKSPACE_NAME=preview", "CODER_WORKSPACE_OWNER=tester",
	"CODER_WORKSPACE_OWNER_NAME=Tester", "CODER_WORKSPACE_OWNER_EMAIL=tester@example.com",
	`CODER_WORKSPACE_OWNER_RBAC_ROLES=[{"name":"member","org_id":""}]`}

// TestTemplatesAgree imports templates into a real server and compares what its
// API says of their parameters and presets, for many inputs, with what the
// provider says in a plan made by hand. Run by `make compare-templates`.
func TestTemplatesAgree(t *testing.T) {
	t.Parallel()
	// All sides see the files below ~ of whoever runs this, such as ~/.kube/config.
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	opts := servetest.Options{Env: []string{"HOME=" + home, homeEnv}}
	if mirror := os.Getenv(mirrorVar); mirror != "" {
		opts.Args = []string{"--provisioner-mirror", mirror}
	}
	s := servetest.Start(t, opts)
	c := s.Admin(t)
	api := c.Client()
	tfrc := handMirror(t)
	for _, dir := range agreeing(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			a := &agreement{t: t, c: c, api: api, name: filepath.Base(dir), dir: dir, vars: readVariables(t, dir), most: ownAsked}
			if os.Getenv(templatesVar) != "" {
				a.most = maxAsked
			}
			a.tf = newByHand(t, s, c, tfrc, home, dir, a.vars)
			verdict, err := a.compare()
			if err != nil {
				t.Errorf("template: %s: %v", a.name, err)
				return
			}
			t.Logf("template: %s: ok, %s", a.name, verdict)
		})
	}
}

// agreeing lists our own templates and those of the operator.
func agreeing(t *testing.T) []string {
	t.Helper()
	roots := []string{filepath.Join("testdata", "agree")}
	if dir := os.Getenv(templatesVar); dir != "" {
		roots = []string{dir}
	}
	found := map[string]bool{}
	for _, root := range roots {
		paths, err := filepath.Glob(filepath.Join(root, "*", "*.tf"))
		require.NoError(t, err)
		for _, p := range paths {
			abs, err := filepath.Abs(filepath.Dir(p))
			require.NoError(t, err)
			found[abs] = true
		}
	}
	require.NotEmpty(t, found, "no directory in %v holds a template", roots)
	return slices.Sorted(maps.Keys(found))
}

// agreement is one template and the sides that speak of it.
type agreement struct {
	t         *testing.T
	c         *servetest.CLI
	api       *client.Client
	tf        *byHand
	name, dir string
	vars      map[string]string
	version   api.ID
	asked     int
	most      int // how many sets of inputs to ask for
	beyond    int // inputs with which Terraform refuses something else
}

// compare returns a verdict in words, or the first difference.
func (a *agreement) compare() (string, error) {
	began := time.Now()
	pushed := a.c.Run(append([]string{"templates", "push", a.name, "-d", a.dir, "-y"}, a.variables()...)...)
	took := time.Since(began)
	word, err := a.tf.plan(nil)
	switch {
	case pushed.Code != 0 && err != nil:
		return "both refuse: " + lastLine(pushed.Stderr), nil
	case pushed.Code != 0:
		return "", fmt.Errorf("the import fails and a plan by hand does not: %s", lastLine(pushed.Stderr))
	case err != nil:
		return "", fmt.Errorf("the import succeeds and a plan by hand does not: %w", err)
	}
	tpl, err := a.api.TemplateByName(a.t.Context(), "default", a.name)
	if err != nil {
		return "", err
	}
	a.version = tpl.ActiveVersionID
	for _, check := range []func(spoken) error{a.rich, a.presets} {
		if err := check(word); err != nil {
			return "", err
		}
	}
	if err := a.ask(); err != nil {
		return "", err
	}
	verdict := fmt.Sprintf("%d parameters, %d presets, %d inputs, imported in %.1fs", len(word.parameters), len(word.presets), a.asked, took.Seconds())
	if a.beyond > 0 {
		verdict += fmt.Sprintf(" (%d inputs end elsewhere in the template)", a.beyond)
	}
	return a.build(word, verdict)
}

func (a *agreement) variables() (args []string) {
	for _, name := range slices.Sorted(maps.Keys(a.vars)) {
		args = append(args, "--variable", name+"="+a.vars[name])
	}
	return args
}

// rich compares GET …/rich-parameters.
func (a *agreement) rich(word spoken) error {
	list, err := a.api.TemplateVersionParameters(a.t.Context(), a.version)
	if err != nil {
		return err
	}
	var ours []shown
	for _, p := range list {
		ours = append(ours, shownRich(p))
	}
	var theirs []shown
	for _, p := range word.parameters {
		// That page has no place for these.
		p.Order, p.Value, p.Styling = 0, "", ""
		theirs = append(theirs, p)
	}
	return differ("rich-parameters", ours, theirs, nil)
}

// presets compares GET …/presets.
func (a *agreement) presets(word spoken) error {
	list, err := a.api.TemplateVersionPresets(a.t.Context(), a.version)
	if err != nil {
		return err
	}
	ours := map[string]shownPreset{}
	for _, p := range list {
		s := shownPreset{Description: p.Description, Icon: p.Icon, Default: p.Default, Parameters: map[string]string{}}
		if p.DesiredPrebuildInstances != nil {
			s.Instances = *p.DesiredPrebuildInstances
		}
		for _, v := range p.Parameters {
			s.Parameters[v.Name] = v.Value
		}
		ours[p.Name] = s
	}
	if x, y := encode(ours), encode(word.presets); x != y {
		return fmt.Errorf("presets: the server has %s, the provider %s", x, y)
	}
	return nil
}

// ask evaluates inputs that bring out what depends on what: first nothing, then
// every parameter by itself, then those that only come with others.
func (a *agreement) ask() error {
	first, err := a.one(nil)
	if err != nil {
		return err
	}
	base := map[string]string{}
	for _, p := range first {
		if p.Required {
			base[p.Name] = candidates(p)[0]
		}
	}
	seen, queue := map[string]bool{"{}": true}, variations(first, base)
	queue = append([]map[string]string{base}, queue...)
	known := names(first)
	for len(queue) > 0 && a.asked < a.most {
		inputs := queue[0]
		queue = queue[1:]
		if seen[encode(inputs)] {
			continue
		}
		seen[encode(inputs)] = true
		got, err := a.one(inputs)
		if err != nil {
			return err
		}
		fresh := slices.DeleteFunc(slices.Clone(got), func(p api.PreviewParameter) bool { return known[p.Name] })
		if len(fresh) > 0 {
			maps.Copy(known, names(fresh))
			queue = append(variations(fresh, inputs), queue...)
		}
	}
	return nil
}

// one compares the answers for one set of inputs and returns the server's.
func (a *agreement) one(inputs map[string]string) ([]api.PreviewParameter, error) {
	a.asked++
	page, err := a.api.EvaluateParameters(a.t.Context(), a.version, api.DynamicParametersRequest{ID: 1, Inputs: inputs})
	if err != nil {
		return nil, fmt.Errorf("with %s: %w", encode(inputs), err)
	}
	word, err := a.tf.plan(inputs)
	refused, missing := complaints(page)
	switch {
	case err != nil && !strings.Contains(err.Error(), "coder_parameter"):
		a.beyond++ // not the page's to say
		return page.Parameters, nil
	case err != nil && refused == "" && !missing:
		return nil, fmt.Errorf("with %s: Terraform refuses and the page does not: %w", encode(inputs), err)
	case err == nil && refused != "":
		return nil, fmt.Errorf("with %s: the page refuses and Terraform does not: %s", encode(inputs), refused)
	case err != nil:
		return page.Parameters, nil
	}
	var ours []shown
	open := map[string]bool{}
	for _, p := range page.Parameters {
		ours = append(ours, shownPage(p))
		open[p.Name] = slices.ContainsFunc(p.Diagnostics, func(d api.Diagnostic) bool { return d.Severity == api.DiagnosticWarning })
	}
	theirs := word.parameters
	if missing {
		// A plan takes nothing for an answer, a page waits: compare what both have.
		ours, theirs = shared(ours, theirs), shared(theirs, ours)
	}
	if err := differ("with "+encode(inputs), ours, theirs, open); err != nil {
		return nil, err
	}
	return page.Parameters, a.offline(inputs)
}

// offline compares `coder templates test` with the first inputs that suffice.
func (a *agreement) offline(inputs map[string]string) error {
	if a.asked > maxOffline {
		return nil
	}
	word, err := a.tf.plan(inputs, previewEnv...)
	lacks := func(p shown) bool { _, given := inputs[p.Name]; return p.Required && !given }
	if err != nil || slices.ContainsFunc(word.parameters, lacks) {
		return nil
	}
	args := append([]string{"templates", "test", a.dir, "-o", "json", "--use-parameter-defaults"}, a.variables()...)
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		args = append(args, "--parameter", name+"="+inputs[name])
	}
	cmd := a.c.Command(args...)
	cmd.Env = append(cmd.Env, "CODER_PROVISIONER_MIRROR="+os.Getenv(mirrorVar), "HOME="+a.tf.home, homeEnv, "CODER_CACHE_DIRECTORY="+filepath.Join(a.c.Home, "cache"))
	out, err := cmd.Output()
	var report struct {
		Parameters []struct{ Name, Value string }
	}
	if json.Unmarshal(out, &report) != nil {
		return fmt.Errorf("with %s: templates test fails and a plan by hand does not: %v %s", encode(inputs), err, out)
	}
	ours, theirs := map[string]string{}, map[string]string{}
	for _, p := range report.Parameters {
		ours[p.Name] = p.Value
	}
	for _, p := range word.parameters {
		theirs[p.Name] = p.Value
	}
	if x, y := encode(ours), encode(theirs); x != y {
		return fmt.Errorf("with %s: templates test has the values %s, the provider %s", encode(inputs), x, y)
	}
	return nil
}

// build makes a workspace where that needs nothing but this computer.
func (a *agreement) build(word spoken, verdict string) (string, error) {
	if !word.local {
		return verdict, nil
	}
	args := []string{"create", a.name, "--template", a.name, "--use-parameter-defaults", "-y"}
	for _, p := range word.parameters {
		if p.Required {
			args = append(args, "--parameter", p.Name+"="+candidates(api.PreviewParameter{Type: p.Type, Options: toOptions(p.Options)})[0])
		}
	}
	if r := a.c.Run(args...); r.Code != 0 {
		return "", fmt.Errorf("a workspace cannot be made: %s", lastLine(r.Stderr))
	}
	if r := a.c.Run("delete", a.name, "-y"); r.Code != 0 {
		return "", fmt.Errorf("the workspace cannot be deleted: %s", lastLine(r.Stderr))
	}
	return verdict + ", a workspace was made", nil
}
