package devurl

import "strings"

// Path writes the path form without a slash at its end, such as
// /@alice/ws.main/apps/8080.
func (t Target) Path() string {
	workspace := t.Workspace
	if t.Agent != "" {
		workspace += "." + t.Agent
	}
	return "/@" + t.User + "/" + workspace + "/apps/" + t.App()
}

// ParsePath reads the path form /@user/workspace[.agent]/apps/app/rest, where app is
// a slug or a port, from an escaped path. rest begins with a slash, or is empty where
// the path ends with app. app is false for paths that are of no application, in
// whatever spelling. Spellings that people use are read too: Path of the result,
// followed by rest, is the canonical one.
func ParsePath(escaped string) (t Target, rest string, app bool, err error) {
	tail, at := strings.CutPrefix(escaped, "/@")
	if !at {
		if tail, at = strings.CutPrefix(escaped, "/%40"); !at {
			return Target{}, "", false, nil
		}
	}
	parts := strings.SplitN(tail, "/", 5)
	if len(parts) < 4 {
		return Target{}, "", strings.Contains(tail, "/apps"), errName
	}
	if parts[2] != "apps" {
		return Target{}, "", false, nil
	}
	workspace, agent, dotted := strings.Cut(parts[1], ".")
	if len(parts) == 5 {
		rest = "/" + parts[4]
	}
	// People's names may have capitals.
	t = Target{User: small(parts[0]), Workspace: small(workspace), Agent: small(agent)}
	if !isName(t.User) || !isName(t.Workspace) || dotted && !isName(t.Agent) || !t.app(parts[3]) {
		return Target{}, "", true, errName
	}
	return t, rest, true, nil
}

// small is s with small letters of ASCII. Others have no small ones here: the Kelvin
// sign is no k.
func small(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// cleanPath reports whether an escaped path is spelt as browsers do: it begins with
// one slash, and has no dot segments in any spelling, no backslash and no control
// character.
func cleanPath(escaped string) bool {
	if !strings.HasPrefix(escaped, "/") {
		return false
	}
	for segment := range strings.SplitSeq(escaped, "/") {
		plain := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if plain == "." || plain == ".." {
			return false
		}
	}
	for i := range len(escaped) {
		if c := escaped[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return false
		}
	}
	return true
}
