package option

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Origins says for each flag where Resolve took its value from src: "flag", "env",
// "yaml", "default", or "" for an option that nobody has set.
func (s Set) Origins(src Source) map[string]string {
	var doc yaml.Node
	if len(src.YAML) > 0 && len(src.YAML) <= maxConfig {
		_ = yaml.Unmarshal(src.YAML, &doc) // Resolve says what is wrong with it
	}
	out := make(map[string]string, len(s))
	for _, o := range s {
		out[o.Flag] = o.origin(src, &doc)
	}
	return out
}

func (o *Option) origin(src Source, doc *yaml.Node) string {
	if _, ok := src.Flags[o.Flag]; ok {
		return "flag"
	}
	if o.Env != "" && src.Getenv(o.Env) != "" {
		return "env"
	}
	if r, ok := o.Value.(Records); ok {
		for _, prefix := range r.Prefixes() {
			for _, key := range r.Keys() {
				if src.Getenv(prefix+"_0_"+strings.ToUpper(key)) != "" {
					return "env"
				}
			}
		}
	}
	if len(doc.Content) > 0 && o.YAML != "" && holds(doc.Content[0], strings.Split(o.YAML, ".")) {
		return "yaml"
	}
	if o.Default != "" {
		return "default"
	}
	return ""
}

// holds reports whether n has a value at path.
func holds(n *yaml.Node, path []string) bool {
	if len(path) == 0 {
		return n.Tag != "!!null"
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == path[0] {
			return holds(n.Content[i+1], path[1:])
		}
	}
	return false
}

// JSON returns the current value with a type of its own: bool, int, []string,
// a duration in nanoseconds, else text. It is nil for a secret one.
func (o *Option) JSON() any {
	if o.Secret {
		return nil
	}
	text := o.Value.String()
	switch o.Value.Type() {
	case "bool":
		return text == "true"
	case "int":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case "duration":
		if d, err := ParseDuration(text); err == nil {
			return int64(d)
		}
	case "string-array":
		return append([]string{}, splitList(text)...)
	}
	return text
}

// Usage returns the flags of the table under the headings of their groups, as
// wide as width columns.
func (s Set) Usage(fs *pflag.FlagSet, width int) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, o := range s {
		if seen[o.Group] {
			continue
		}
		seen[o.Group] = true
		group := pflag.NewFlagSet(o.Group, pflag.ContinueOnError)
		group.SortFlags = false
		for _, other := range s {
			if f := fs.Lookup(other.Flag); f != nil && other.Group == o.Group {
				group.AddFlag(f)
			}
		}
		if group.HasAvailableFlags() {
			fmt.Fprintf(&b, "\n%s:\n%s", o.Group, group.FlagUsagesWrapped(width))
		}
	}
	return b.String()
}
