package templates

import (
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/cmd/internal/cli"
)

// testReport is what `templates test` found, as it prints it in JSON.
type testReport struct {
	Transition string          `json:"transition"`
	Parameters []testParameter `json:"parameters"`
	Resources  []testResource  `json:"resources"`
	Problems   []string        `json:"problems"`
	Cases      []caseResult    `json:"cases"`
	Seconds    float64         `json:"seconds"`

	known parametersOf
}

type testParameter struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Value  string `json:"value"`
	Source string `json:"source"` // "given" or "default"
}

type testResource struct {
	Address    string      `json:"address"`
	Persistent bool        `json:"persistent"`
	Agents     []testAgent `json:"agents"`
}

type testAgent struct {
	Name    string    `json:"name"`
	OS      string    `json:"os"`
	Arch    string    `json:"arch"`
	Apps    []testApp `json:"apps"`
	Scripts []string  `json:"scripts"`
}

type testApp struct {
	Slug   string `json:"slug"`
	Name   string `json:"name"`
	Target string `json:"target"` // URL or command
}

func newReport(known parametersOf, declared []declaredParameter, values []api.ParameterValue, start, stop []jobrpc.Resource) *testReport {
	r := &testReport{Transition: "start", Parameters: []testParameter{}, Cases: []caseResult{}, known: known,
		Resources: shownResources(start, stop)}
	for _, p := range declared {
		item := testParameter{Name: p.Name, Type: p.Type, Value: p.value, Source: "default"}
		if slices.ContainsFunc(values, func(v api.ParameterValue) bool { return v.Name == p.Name }) {
			item.Source = "given"
		}
		r.Parameters = append(r.Parameters, item)
	}
	return r
}

// shownResources lists resources; those that are in stop, too, are persistent.
func shownResources(list, stop []jobrpc.Resource) []testResource {
	out := []testResource{}
	for _, r := range list {
		item := testResource{Address: r.Address, Agents: []testAgent{}, Persistent: r.Type != "coder_agent" &&
			slices.ContainsFunc(stop, func(s jobrpc.Resource) bool { return s.Address == r.Address })}
		for _, a := range r.Agents {
			agent := testAgent{Name: a.Name, OS: a.OperatingSystem, Arch: a.Architecture, Apps: []testApp{}, Scripts: []string{}}
			for _, app := range a.Apps {
				target := app.URL
				if target == "" {
					target = app.Command
				}
				agent.Apps = append(agent.Apps, testApp{Slug: app.Slug, Name: app.DisplayName, Target: target})
			}
			for _, s := range a.Scripts {
				agent.Scripts = append(agent.Scripts, s.DisplayName)
			}
			item.Agents = append(item.Agents, agent)
		}
		out = append(out, item)
	}
	return out
}

// print writes the report; problems and cases that failed make it an error.
func (r *testReport) print(env *cli.Env, format string) error {
	failed := 0
	for _, c := range r.Cases {
		if !c.OK {
			failed++
		}
	}
	if format == "json" {
		if err := cli.PrintJSON(env.Stdout, r); err != nil {
			return err
		}
	} else if err := r.text(env); err != nil {
		return err
	}
	switch {
	case len(r.Problems) > 0:
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("The template has %s.", plural(len(r.Problems), "problem"))}
	case failed > 0:
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%d of %s failed.", failed, plural(len(r.Cases), "case"))}
	}
	return nil
}

func (r *testReport) text(env *cli.Env) error {
	if len(r.Parameters) > 0 {
		rows := [][]string{{"PARAMETER", "TYPE", "VALUE", "FROM"}}
		for _, p := range r.Parameters {
			rows = append(rows, []string{cli.Inert(p.Name), cli.Inert(p.Type), shownValue(p.Value), p.Source})
		}
		if err := cli.Table(env.Stdout, rows); err != nil {
			return err
		}
		fmt.Fprintln(env.Stdout)
	}
	agents, apps := 0, 0
	var out strings.Builder
	fmt.Fprintf(&out, "After a %s there are:\n", r.Transition)
	for _, res := range r.Resources {
		out.WriteString("  " + cli.Inert(res.Address))
		if res.Persistent && r.Transition == "start" {
			out.WriteString(" (kept by a stop)")
		}
		out.WriteString("\n")
		for _, a := range res.Agents {
			agents++
			apps += len(a.Apps)
			out.WriteString(agentText(a))
		}
	}
	if len(r.Resources) == 0 {
		out.Reset()
		fmt.Fprintf(&out, "After a %s there is nothing.\n", r.Transition)
	}
	for _, p := range r.Problems {
		out.WriteString("problem: " + cli.Inert(p) + "\n")
	}
	for _, c := range r.Cases {
		out.WriteString(c.text())
	}
	fmt.Fprintf(&out, "%s, %s, %s. (%.1fs)\n", plural(len(r.Resources), "resource"), plural(agents, "agent"), plural(apps, "app"), r.Seconds)
	_, err := fmt.Fprint(env.Stdout, out.String())
	return err
}

func agentText(a testAgent) string {
	var out strings.Builder
	fmt.Fprintf(&out, "    agent %s (%s, %s)\n", cli.Inert(a.Name), cli.Inert(a.OS), cli.Inert(a.Arch))
	for _, app := range a.Apps {
		fmt.Fprintf(&out, "      app %s  %s\n", cli.Inert(app.Slug), cli.Inert(app.Target))
	}
	for _, s := range a.Scripts {
		fmt.Fprintf(&out, "      script %s\n", cli.Inert(s))
	}
	return out.String()
}
