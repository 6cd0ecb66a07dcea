package cli

import (
	"fmt"
	"strings"
	"time"

	"coder.internal/api"
)

// Workspace is the argument [owner/]workspace[.agent]. Owner is "me" where none
// was given, Agent "" likewise.
type Workspace struct{ Owner, Name, Agent string }

// ParseWorkspace reads a workspace argument.
func ParseWorkspace(arg string) (Workspace, error) {
	w := Workspace{Owner: api.Me}
	rest := arg
	if owner, name, ok := strings.Cut(arg, "/"); ok {
		w.Owner, rest = strings.TrimPrefix(owner, "@"), name
	}
	name, agent, hasAgent := strings.Cut(rest, ".")
	w.Name, w.Agent = name, agent
	for _, part := range []string{w.Owner, w.Name} {
		if !validName(part) {
			return Workspace{}, badWorkspace(arg)
		}
	}
	if hasAgent && !validAgent(w.Agent) {
		return Workspace{}, badWorkspace(arg)
	}
	return w, nil
}

func badWorkspace(arg string) error {
	return Usage("workspace", fmt.Sprintf("%q is not of the form [owner/]workspace[.agent].", Inert(arg)))
}

// validName accepts what a user or workspace may be called, and ids.
func validName(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
}

func validAgent(s string) bool { return validName(strings.ReplaceAll(s, "_", "x")) }

// ParseHost reads a host name as ssh knows it. With the suffix it is
// [agent.]workspace.owner.<suffix> or workspace.<suffix>; with the prefix it is
// <prefix>[owner--]workspace[--agent] or <prefix>workspace.agent. A name with
// neither is a plain workspace argument.
func ParseHost(host, prefix, suffix string) (Workspace, error) {
	if rest, ok := cutSuffix(host, suffix); ok {
		return parseSuffixed(host, rest)
	}
	if rest, ok := strings.CutPrefix(host, prefix); ok && prefix != "" {
		return parsePrefixed(host, rest)
	}
	if strings.Contains(host, "--") {
		return parsePrefixed(host, host)
	}
	return ParseWorkspace(host)
}

func cutSuffix(host, suffix string) (string, bool) {
	if suffix == "" {
		return "", false
	}
	return strings.CutSuffix(host, "."+strings.TrimPrefix(suffix, "."))
}

func parseSuffixed(host, rest string) (Workspace, error) {
	labels := strings.Split(rest, ".")
	switch len(labels) {
	case 1:
		return ParseWorkspace(labels[0])
	case 2:
		return ParseWorkspace(labels[1] + "/" + labels[0])
	case 3:
		return ParseWorkspace(labels[2] + "/" + labels[1] + "." + labels[0])
	}
	return Workspace{}, badWorkspace(host)
}

func parsePrefixed(host, rest string) (Workspace, error) {
	parts := strings.Split(rest, "--")
	switch len(parts) {
	case 1:
		return ParseWorkspace(parts[0])
	case 2:
		return ParseWorkspace(parts[0] + "/" + parts[1])
	case 3:
		return ParseWorkspace(parts[0] + "/" + parts[1] + "." + parts[2])
	}
	return Workspace{}, badWorkspace(host)
}

// ParseDuration is time.ParseDuration with d for days and y for years of 365
// days, alone or before the other units.
func ParseDuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	var total time.Duration
	rest := s
	for _, unit := range []struct {
		letter string
		size   time.Duration
	}{{"y", 365 * day}, {"d", day}} {
		n, after, ok := strings.Cut(rest, unit.letter)
		if !ok {
			continue
		}
		d, err := time.ParseDuration(n + "h")
		if err != nil || d < 0 || d > 1<<62/unit.size*time.Hour {
			return 0, fmt.Errorf("%q is not a duration such as 90m, 24h, 30d or 1y", s)
		}
		total += time.Duration(float64(unit.size) * d.Hours())
		rest = after
	}
	if rest == "" && rest != s {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90m, 24h, 30d or 1y", s)
	}
	return total + d, nil
}
