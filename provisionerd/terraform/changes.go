package terraform

import (
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/provisionerd"
)

// addresses is a set of resource addresses; one without an instance key stands
// for all instances.
type addresses map[string]bool

func addressSet(list []string) addresses {
	set := make(addresses, len(list))
	for _, a := range list {
		set[a] = true
	}
	return set
}

func (s addresses) has(addr string) bool {
	return addr != "" && (s[addr] || s[configModule(addr)])
}

// changesOf lists what a plan does, by address. The coder provider's resources
// are its book-keeping and are left out, as are data sources and the remains of
// replacements that were cut short.
func changesOf(plan *tfjson.Plan, persistent addresses) ([]api.ResourceChange, error) {
	out := []api.ResourceChange{}
	for _, c := range plan.ResourceChanges {
		if c == nil || c.Change == nil || c.Mode != tfjson.ManagedResourceMode || c.DeposedKey != "" ||
			strings.HasPrefix(c.Type, "coder_") {
			continue
		}
		if len(out) == jobrpc.MaxResources {
			return nil, &provisionerd.Failure{Message: fmt.Sprintf("The plan has more than %d resources.", jobrpc.MaxResources)}
		}
		change := api.ResourceChange{Address: c.Address, Type: c.Type, Name: c.Name, Action: actionOf(c.Change.Actions),
			Persistent: persistent.has(c.Address) || persistent.has(c.PreviousAddress)}
		if change.Action == api.ResourceReplace {
			change.Reasons = reasonsOf(c)
		}
		out = append(out, change)
	}
	slices.SortStableFunc(out, func(a, b api.ResourceChange) int { return strings.Compare(a.Address, b.Address) })
	return out, nil
}

func actionOf(a tfjson.Actions) api.ResourceAction {
	switch {
	case a.Replace():
		return api.ResourceReplace
	case a.Delete():
		return api.ResourceDelete
	case a.Create():
		return api.ResourceCreate
	case a.Update():
		return api.ResourceUpdate
	}
	return api.ResourceKeep // also what Terraform forgets: it destroys nothing
}

// maxReasons bounds the reasons of one replacement.
const maxReasons = 20

// reasonsOf names the attributes that force a replacement, or why Terraform
// replaces a resource whose attributes would not need it.
func reasonsOf(c *tfjson.ResourceChange) []string {
	var out []string
	for _, p := range c.Change.ReplacePaths {
		steps, _ := p.([]any)
		if name := attribute(steps); name != "" && !slices.Contains(out, name) && len(out) < maxReasons {
			out = append(out, name)
		}
	}
	if len(out) > 0 {
		return out
	}
	switch string(c.ActionReason) {
	case "replace_because_tainted":
		return []string{"its last creation did not finish"}
	case "replace_by_triggers":
		return []string{"replace_triggered_by"}
	case "replace_by_request":
		return []string{"asked for"}
	}
	return nil
}

// attribute writes the path of an attribute as people do: disk[0].size.
func attribute(steps []any) string {
	var b strings.Builder
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		default:
			fmt.Fprintf(&b, "[%v]", s)
		}
	}
	return b.String()
}
