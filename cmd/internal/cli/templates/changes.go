package templates

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
)

// facts are what people and workspaces see of a version.
type facts struct {
	parameters []api.TemplateVersionParameter
	resources  []api.WorkspaceResource
}

func factsOf(ctx context.Context, c *client.Client, version api.ID) (f facts, err error) {
	if f.parameters, err = c.TemplateVersionParameters(ctx, version); err != nil {
		return f, err
	}
	f.resources, err = c.TemplateVersionResources(ctx, version)
	return f, err
}

// announce says what a new version changes for the workspaces of its template,
// compared with the version that is active now.
func announce(ctx context.Context, env *cli.Env, c *client.Client, t api.Template, v api.TemplateVersion) error {
	before, err := factsOf(ctx, c, t.ActiveVersionID)
	if err != nil {
		return fmt.Errorf("compare with the active version: %w", err)
	}
	after, err := factsOf(ctx, c, v.ID)
	if err != nil {
		return fmt.Errorf("compare with the active version: %w", err)
	}
	on, all, err := users(ctx, c, t)
	if err != nil {
		return fmt.Errorf("count workspaces: %w", err)
	}
	lines := append(parameterChanges(before.parameters, after.parameters), resourceChanges(before.resources, after.resources)...)
	who := "none of its " + plural(all, "workspace") + " uses"
	switch {
	case all == 0:
		who = "no workspace uses"
	case on == 1:
		who = fmt.Sprintf("1 of %s uses", plural(all, "workspace"))
	case on > 1:
		who = fmt.Sprintf("%d of %s use", on, plural(all, "workspace"))
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintf(env.Stdout, "Parameters and resources are those of the active version, which %s.\n", who)
		return err
	}
	fmt.Fprintf(env.Stdout, "Compared with the active version, which %s:\n", who)
	for _, l := range lines {
		fmt.Fprintln(env.Stdout, "  "+l)
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Limits of counting: what is beyond counts as on another version.
const (
	countPage  = 100
	countPages = 20
)

// users counts the workspaces of a template, and those on its active version.
func users(ctx context.Context, c *client.Client, t api.Template) (on, all int, err error) {
	for page := range countPages {
		res, err := c.Workspaces(ctx, client.WorkspacesFilter{Query: "template:" + t.Name, Limit: countPage, Offset: page * countPage})
		if err != nil {
			return 0, 0, err
		}
		all = res.Count
		for _, w := range res.Workspaces {
			if w.LatestBuild.TemplateVersionID == t.ActiveVersionID {
				on++
			}
		}
		if len(res.Workspaces) < countPage {
			break
		}
	}
	return on, all, nil
}

// parameterChanges lists what is different for those who fill in parameters.
func parameterChanges(before, after []api.TemplateVersionParameter) []string {
	old := map[string]api.TemplateVersionParameter{}
	for _, p := range before {
		old[p.Name] = p
	}
	var lines []string
	for _, p := range after {
		o, had := old[p.Name]
		delete(old, p.Name)
		name := "parameter " + cli.Inert(p.Name)
		switch {
		case !had && p.Required && !p.Ephemeral:
			lines = append(lines, "+ "+name+": has no default; workspaces must choose at their update")
		case !had:
			lines = append(lines, "+ "+name+" (default "+shownValue(p.DefaultValue)+")")
		default:
			if d := parameterChange(o, p); d != "" {
				lines = append(lines, "~ "+name+": "+d)
			}
		}
	}
	for _, p := range before {
		if _, gone := old[p.Name]; gone {
			lines = append(lines, "- parameter "+cli.Inert(p.Name))
		}
	}
	return lines
}

func parameterChange(o, p api.TemplateVersionParameter) string {
	var d []string
	add := func(differs bool, text string) {
		if differs {
			d = append(d, text)
		}
	}
	add(o.Type != p.Type, "type "+cli.Inert(o.Type)+" → "+cli.Inert(p.Type))
	add(!o.Required && p.Required, "has no default any more; workspaces without a value must choose at their update")
	add(o.Required && !p.Required, "has a default now")
	add(o.DefaultValue != p.DefaultValue && !p.Required && !o.Required, "default "+shownValue(o.DefaultValue)+" → "+shownValue(p.DefaultValue))
	add(o.Mutable && !p.Mutable, "cannot be changed any more")
	add(!o.Mutable && p.Mutable, "can be changed now")
	add(o.Ephemeral != p.Ephemeral, "lasts for one build: "+fmt.Sprint(p.Ephemeral))
	gone := missingOptions(o, p)
	add(len(gone) > 0, "options removed: "+strings.Join(gone, ", ")+"; workspaces that use one must choose at their update")
	added := missingOptions(p, o)
	add(len(added) > 0, "options added: "+strings.Join(added, ", "))
	add(validationOf(o) != validationOf(p), "other validation")
	return strings.Join(d, "; ")
}

func missingOptions(from, in api.TemplateVersionParameter) []string {
	var out []string
	if len(in.Options) == 0 {
		return nil
	}
	for _, o := range from.Options {
		if !slices.ContainsFunc(in.Options, func(i api.TemplateVersionParameterOption) bool { return i.Value == o.Value }) {
			out = append(out, cli.Inert(o.Value))
		}
	}
	return out
}

func validationOf(p api.TemplateVersionParameter) string {
	limit := func(n *int64) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	return strings.Join([]string{p.ValidationRegex, p.ValidationMonotonic, limit(p.ValidationMin), limit(p.ValidationMax)}, "\x00")
}

func shownValue(v string) string {
	if len(v) > 40 {
		v = strings.ToValidUTF8(v[:40], "") + "…"
	}
	return cli.Inert(fmt.Sprintf("%q", v))
}

// resourceChanges lists resources that come and go. One that a stop keeps and
// that goes takes its content with it.
func resourceChanges(before, after []api.WorkspaceResource) []string {
	old, now := byAddress(before), byAddress(after)
	var lines []string
	for _, addr := range sorted(now) {
		if _, had := old[addr]; !had {
			lines = append(lines, "+ "+cli.Inert(addr))
		}
	}
	for _, addr := range sorted(old) {
		kept := old[addr]
		keeps, there := now[addr]
		switch {
		case !there && kept:
			lines = append(lines, "- "+cli.Inert(addr)+": a stop kept it; an update destroys it with what is in it, and asks before")
		case !there:
			lines = append(lines, "- "+cli.Inert(addr))
		case kept && !keeps:
			lines = append(lines, "~ "+cli.Inert(addr)+": a stop kept it; now a stop destroys it with what is in it")
		}
	}
	return lines
}

// byAddress maps the resources of a started workspace to whether a stop keeps
// them. Versions imported by older servers have no addresses.
func byAddress(resources []api.WorkspaceResource) map[string]bool {
	out := map[string]bool{}
	for _, r := range resources {
		if r.Address != "" && r.Type != "coder_agent" && r.Transition == api.TransitionStart {
			out[r.Address] = false
		}
	}
	for _, r := range resources {
		if _, starts := out[r.Address]; starts && (r.Persistent || r.Transition == api.TransitionStop) {
			out[r.Address] = true
		}
	}
	return out
}

func sorted(m map[string]bool) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
