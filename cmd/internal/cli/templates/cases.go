package templates

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
)

// maxCases bounds the cases of one template.
const maxCases = 100

// testCase is one entry of a *.coder-test.yaml file.
type testCase struct {
	Name       string         `yaml:"name"`
	Parameters map[string]any `yaml:"parameters"`
	Expect     struct {
		Resources []string `yaml:"resources"` // addresses that a start makes
		Keeps     []string `yaml:"keeps"`     // addresses that a stop keeps
		Agents    []string `yaml:"agents"`    // names
		Apps      []string `yaml:"apps"`      // slugs
		Error     string   `yaml:"error"`     // part of the message; the case must fail
	} `yaml:"expect"`
}

// caseResult is a case as the report shows it.
type caseResult struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Cause string `json:"cause,omitempty"`
}

func (c caseResult) text() string {
	if c.OK {
		return "✓ " + cli.Inert(c.Name) + "\n"
	}
	return "✗ " + cli.Inert(c.Name) + ": " + cli.Inert(strings.ReplaceAll(c.Cause, "\n", " ")) + "\n"
}

// readCases reads the *.coder-test.yaml files of a directory.
func readCases(dir string) ([]testCase, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.coder-test.yaml"))
	if err != nil {
		return nil, fmt.Errorf("find test cases: %w", err)
	}
	var all []testCase
	for _, name := range files {
		b, err := readSmall(name)
		if err != nil {
			return nil, err
		}
		var list []testCase
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
			return nil, cli.Usage("directory", fmt.Sprintf("%s is not a list of test cases: %s", filepath.Base(name), strings.ReplaceAll(err.Error(), "\n", " ")))
		}
		for i := range list {
			if list[i].Name == "" {
				list[i].Name = fmt.Sprintf("%s, case %d", filepath.Base(name), i+1)
			}
		}
		if all = append(all, list...); len(all) > maxCases {
			return nil, cli.Usage("directory", fmt.Sprintf("There are more than %d test cases.", maxCases))
		}
	}
	return all, nil
}

// run tries one case.
func (c testCase) run(ctx context.Context, b Workbench, known parametersOf) caseResult {
	start, stop, err := c.plan(ctx, b, known)
	switch want := c.Expect.Error; {
	case want != "" && err == nil:
		return caseResult{Name: c.Name, Cause: fmt.Sprintf("it should fail with %q and did not", want)}
	case want != "" && !strings.Contains(err.Error(), want):
		return caseResult{Name: c.Name, Cause: fmt.Sprintf("it should fail with %q, but failed with: %s", want, err)}
	case want != "":
		return caseResult{Name: c.Name, OK: true}
	case err != nil:
		return caseResult{Name: c.Name, Cause: err.Error()}
	}
	have := map[string][]string{}
	for _, r := range start {
		have["resource"] = append(have["resource"], r.Address)
		for _, a := range r.Agents {
			have["agent"] = append(have["agent"], a.Name)
			for _, app := range a.Apps {
				have["app"] = append(have["app"], app.Slug)
			}
		}
	}
	for _, r := range stop {
		have["kept resource"] = append(have["kept resource"], r.Address)
	}
	for _, e := range []struct {
		what string
		want []string
	}{{"resource", c.Expect.Resources}, {"kept resource", c.Expect.Keeps}, {"agent", c.Expect.Agents}, {"app", c.Expect.Apps}} {
		for _, w := range e.want {
			if !slices.Contains(have[e.what], w) {
				return caseResult{Name: c.Name, Cause: fmt.Sprintf("there is no %s %s; there is: %s", e.what, w, listed(have[e.what]))}
			}
		}
	}
	return caseResult{Name: c.Name, OK: true}
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// plan plans a start with the case's values, and a stop where one is looked at.
func (c testCase) plan(ctx context.Context, b Workbench, known parametersOf) (start, stop []jobrpc.Resource, err error) {
	values, err := c.values(ctx, known)
	if err != nil {
		return nil, nil, err
	}
	if start, err = b.Plan(ctx, values, api.TransitionStart); err != nil {
		return nil, nil, err
	}
	if err := b.Check(start); err != nil {
		return nil, nil, err
	}
	if len(c.Expect.Keeps) > 0 {
		stop, err = b.Plan(ctx, values, api.TransitionStop)
	}
	return start, stop, err
}

// values checks the case's parameters as a server would.
func (c testCase) values(ctx context.Context, known parametersOf) ([]api.ParameterValue, error) {
	given, out := map[string]bool{}, []api.ParameterValue{}
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		v, err := parameterText(c.Parameters[name])
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", name, err)
		}
		given[name] = true
		out = append(out, api.ParameterValue{Name: name, Value: v})
	}
	declared, err := known.with(ctx, out)
	if err != nil {
		return nil, err
	}
	for _, p := range declared {
		switch ok := given[p.Name]; {
		case !ok && p.Required && !p.Ephemeral:
			return nil, fmt.Errorf("the parameter %q needs a value", p.Name)
		case ok:
			if err := params.Check(p.TemplateVersionParameter, p.value, ""); err != nil {
				return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
			}
		}
		delete(given, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		return nil, fmt.Errorf("the template has no parameter %q with these values", name)
	}
	return out, nil
}

// parameterText is a YAML value as a parameter has it: scalars as they are, lists
// as JSON.
func parameterText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "", nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case []any:
		b, err := json.Marshal(v)
		return string(b), err
	}
	return "", errors.New("it must be a text, a number, true, false or a list")
}
