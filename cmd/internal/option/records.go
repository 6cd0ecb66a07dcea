package option

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxRecords bounds a list of records.
const maxRecords = 100

// Record is one entry of a Records value. Fields are by key; a list in the file is
// joined by commas.
type Record struct {
	// Source is what errors name: "CODER_THING_0", "file.yaml:12".
	Source string
	Fields map[string]string
}

// Records is a Value that is a list of records: in the environment the variables
// PREFIX_<N>_<KEY> with N from 0 without a gap, in the file a list of sections. The
// text that Set takes is YAML or JSON of the same list.
type Records interface {
	Value
	// Prefixes of the variables, the best first. One that has variables hides the
	// rest.
	Prefixes() []string
	// Keys are the known fields in lower case. The variable has them in upper case.
	Keys() []string
	// SetRecords checks and stores the list. Its errors name the Source.
	SetRecords(list []Record) error
}

// RecordsText is Set for a Records: it reads YAML or JSON of a list.
func RecordsText(r Records, text string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return fmt.Errorf("is not a list of sections in YAML or JSON")
	}
	list, err := recordsOf(r, "entry", doc.Content[0])
	if err != nil {
		return err
	}
	return r.SetRecords(list)
}

// applyEnvRecords sets r from the first prefix that has variables.
func applyEnvRecords(o *Option, r Records, getenv func(string) string) error {
	for _, prefix := range r.Prefixes() {
		var list []Record
		for n := range maxRecords {
			name := prefix + "_" + strconv.Itoa(n)
			rec := Record{Source: name, Fields: map[string]string{}}
			for _, key := range r.Keys() {
				if v := getenv(name + "_" + strings.ToUpper(key)); v != "" {
					rec.Fields[key] = v
				}
			}
			if len(rec.Fields) == 0 {
				continue
			}
			if n != len(list) {
				return &Error{Option: "--" + o.Flag, Source: "environment variables " + name + "_*",
					Reason: fmt.Sprintf("the numbers must start at 0 and have no gap; %s_%d_* are not set", prefix, len(list))}
			}
			list = append(list, rec)
		}
		if len(list) == 0 {
			continue
		}
		if err := r.SetRecords(list); err != nil {
			return &Error{Option: "--" + o.Flag, Source: "environment variables " + prefix + "_<N>_*", Reason: err.Error()}
		}
		return nil
	}
	return nil
}

// hasEnv reports whether name is one of r's variables.
func hasEnv(r Records, name string) bool {
	for _, prefix := range r.Prefixes() {
		rest, ok := strings.CutPrefix(name, prefix+"_")
		if !ok {
			continue
		}
		number, key, _ := strings.Cut(rest, "_")
		n, err := strconv.Atoi(number)
		if err == nil && number == strconv.Itoa(n) && n >= 0 && n < maxRecords && slices.Contains(r.Keys(), strings.ToLower(key)) && key == strings.ToUpper(key) {
			return true
		}
	}
	return false
}

// recordsOf reads a YAML list of sections.
func recordsOf(r Records, file string, n *yaml.Node) ([]Record, error) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("takes a list of sections")
	}
	if len(n.Content) > maxRecords {
		return nil, fmt.Errorf("has %d entries, at most %d are allowed", len(n.Content), maxRecords)
	}
	var out []Record
	for _, item := range n.Content {
		rec := Record{Source: fmt.Sprintf("%s:%d", file, item.Line), Fields: map[string]string{}}
		if item.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%s: each entry is a section of keys and values", rec.Source)
		}
		for i := 0; i+1 < len(item.Content); i += 2 {
			key := item.Content[i]
			if !slices.Contains(r.Keys(), key.Value) {
				reason := fmt.Sprintf("%s:%d: the key %q is not known", file, key.Line, key.Value)
				if c := Closest(key.Value, r.Keys()); c != "" {
					reason += "; did you mean " + c + "?"
				}
				return nil, fmt.Errorf("%s", reason)
			}
			text, err := fieldText(item.Content[i+1])
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %s %w", file, key.Line, key.Value, err)
			}
			if text != "" {
				rec.Fields[key.Value] = text
			}
		}
		out = append(out, rec)
	}
	return out, nil
}

func fieldText(n *yaml.Node) (string, error) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "", nil
	case n.Kind == yaml.ScalarNode:
		return n.Value, nil
	case n.Kind == yaml.SequenceNode:
		var items []string
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode || strings.Contains(c.Value, ",") {
				return "", fmt.Errorf("takes a list of plain texts without commas")
			}
			items = append(items, c.Value)
		}
		return strings.Join(items, ","), nil
	}
	return "", fmt.Errorf("takes a value, not a section")
}
