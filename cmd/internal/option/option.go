// Package option turns one table of options into flags, environment variables,
// configuration file keys, validation and reference documentation.
//
// A value comes from the flag, else the environment, else the YAML file, else
// the default. A value that does not parse, and a key that nobody knows, is an
// *Error that names the option, where the value came from, and what is allowed.
//
// It never knows what an option means; the values are plain fields of the
// caller's configuration.
package option

import (
	"fmt"
	"slices"
	"strings"
)

// Value reads one option from text into a field of the caller.
type Value interface {
	// Set parses text and stores it. Its error says what is allowed.
	Set(text string) error
	// String returns the current value in the form Set takes.
	String() string
	// Type is a word for the reference: string, bool, duration …
	Type() string
}

// Option is one row of the table. Flag is required; the others may be empty.
type Option struct {
	Flag    string
	Short   string
	Env     string
	YAML    string // dotted path
	Default string
	Group   string
	Doc     string // one or two plain sentences
	Value   Value
	Secret  bool // never written to a file or shown
	Hidden  bool
}

// Set is a table of options.
type Set []Option

// Error is a refused option.
type Error struct {
	Option string // the flag with its dashes, or the YAML key if nobody knows it
	Source string // "flag --x", "environment variable X", "file.yaml:12"
	Reason string
}

// Error implements error in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("option %s (from %s): %s", e.Option, e.Source, oneLine(e.Reason))
}

// Source says where each value may come from.
type Source struct {
	// Flags holds the values given on the command line, by flag name.
	Flags map[string]string
	// Getenv reads one variable.
	Getenv func(string) string
	// File is the path shown in errors; YAML its content, nil for no file.
	File string
	YAML []byte
}

// Resolve sets every option from its strongest source.
func (s Set) Resolve(src Source) error {
	if err := s.applyDefaults(); err != nil {
		return err
	}
	if err := s.applyYAML(src.File, src.YAML); err != nil {
		return err
	}
	for _, o := range s {
		if r, ok := o.Value.(Records); ok {
			if err := applyEnvRecords(&o, r, src.Getenv); err != nil {
				return err
			}
		}
		if o.Env == "" {
			continue
		}
		if v := src.Getenv(o.Env); v != "" {
			if err := o.Value.Set(v); err != nil {
				return &Error{Option: "--" + o.Flag, Source: "environment variable " + o.Env, Reason: err.Error()}
			}
		}
	}
	for _, o := range s {
		if v, ok := src.Flags[o.Flag]; ok {
			if err := o.Value.Set(v); err != nil {
				return &Error{Option: "--" + o.Flag, Source: "flag --" + o.Flag, Reason: err.Error()}
			}
		}
	}
	return nil
}

func (s Set) applyDefaults() error {
	for _, o := range s {
		if o.Default == "" {
			continue
		}
		if err := o.Value.Set(o.Default); err != nil {
			return fmt.Errorf("default of --%s: %w", o.Flag, err)
		}
	}
	return nil
}

// UnknownEnv returns the names among environ ("K=V") that start with prefix and
// belong to no option and to none of known, sorted. They are likely typing
// errors.
func (s Set) UnknownEnv(environ []string, prefix string, known ...string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) {
			continue
		}
		if !slices.ContainsFunc(s, func(o Option) bool {
			r, ok := o.Value.(Records)
			return o.Env == name || ok && hasEnv(r, name)
		}) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Closest returns the candidate most like name, "" if none is near.
func Closest(name string, candidates []string) string {
	best, bestDist := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short names.
func distance(a, b string) int {
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
		}
		prev = cur
	}
	return prev[len(b)]
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
