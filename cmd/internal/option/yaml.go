package option

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfig bounds a configuration file in bytes.
const maxConfig = 1 << 20

// applyYAML sets options from a document of nested maps.
func (s Set) applyYAML(file string, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if len(text) > maxConfig {
		return fmt.Errorf("configuration file %s is larger than %d bytes", file, maxConfig)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("configuration file %s: %s", file, oneLine(err.Error()))
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return s.applyNode(file, "", doc.Content[0])
}

func (s Set) applyNode(file, path string, n *yaml.Node) error {
	if o := s.byYAML(path); o != nil && path != "" {
		return o.setNode(file, n)
	}
	if n.Kind != yaml.MappingNode {
		if n.Tag == "!!null" && s.isSection(path) {
			return nil // an empty section
		}
		return s.unknownKey(file, path, n)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		full := key.Value
		if path != "" {
			full = path + "." + key.Value
		}
		if s.byYAML(full) == nil && !s.isSection(full) {
			return s.unknownKey(file, full, key)
		}
		if err := s.applyNode(file, full, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (o *Option) setNode(file string, n *yaml.Node) error {
	where := fmt.Sprintf("%s:%d", file, n.Line)
	fail := func(reason string) error {
		return &Error{Option: "--" + o.Flag, Source: where, Reason: reason}
	}
	if r, ok := o.Value.(Records); ok {
		list, err := recordsOf(r, file, n)
		if err == nil {
			err = r.SetRecords(list)
		}
		if err != nil {
			return fail(err.Error())
		}
		return nil
	}
	text := n.Value
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil
		}
	case yaml.SequenceNode:
		if o.Value.Type() != "string-array" {
			return fail("takes one value, not a list")
		}
		var items []string
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode || strings.Contains(c.Value, ",") {
				return fail("takes a list of plain texts without commas")
			}
			items = append(items, c.Value)
		}
		text = strings.Join(items, ",")
	default:
		return fail("takes a value, not a section")
	}
	if text == "" && o.Value.Type() != "string" && o.Value.Type() != "string-array" {
		return nil // as written by --write-config for "not set"
	}
	if err := o.Value.Set(text); err != nil {
		return fail(err.Error())
	}
	return nil
}

func (s Set) byYAML(path string) *Option {
	i := slices.IndexFunc(s, func(o Option) bool { return o.YAML == path && path != "" })
	if i < 0 {
		return nil
	}
	return &s[i]
}

func (s Set) isSection(path string) bool {
	return path == "" || slices.ContainsFunc(s, func(o Option) bool { return strings.HasPrefix(o.YAML, path+".") })
}

func (s Set) unknownKey(file, path string, n *yaml.Node) error {
	var known []string
	for _, o := range s {
		if o.YAML != "" {
			known = append(known, o.YAML)
		}
	}
	reason := "this key is not known"
	if c := Closest(path, known); c != "" {
		reason += fmt.Sprintf("; did you mean %s?", c)
	} else {
		reason += "; `coder server --write-config` prints all keys"
	}
	return &Error{Option: path, Source: fmt.Sprintf("%s:%d", file, n.Line), Reason: reason}
}

// WriteYAML returns a file with the current value of every option that may stand
// in one, each under a comment that explains it. Secrets are left out.
func (s Set) WriteYAML() ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, o := range s {
		if o.YAML == "" || o.Secret || o.Hidden {
			continue
		}
		parts := strings.Split(o.YAML, ".")
		at := root
		for _, p := range parts[:len(parts)-1] {
			at = child(at, p)
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: parts[len(parts)-1],
			HeadComment: fmt.Sprintf("%s (%s; --%s)", o.Doc, o.Value.Type(), o.Flag)}
		at.Content = append(at.Content, key, o.yamlValue())
	}
	return yaml.Marshal(root)
}

func (o *Option) yamlValue() *yaml.Node {
	switch o.Value.Type() {
	case "string-array":
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, v := range splitList(o.Value.String()) {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: v})
		}
		return n
	case "bool", "int", "duration":
		return &yaml.Node{Kind: yaml.ScalarNode, Value: o.Value.String()}
	}
	n := &yaml.Node{}
	n.SetString(o.Value.String())
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	c := &yaml.Node{Kind: yaml.MappingNode}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, c)
	return c
}
