package support

import (
	"encoding/json"
	"regexp"
	"sort"
	"strings"
)

// mark stands for what was taken out.
const mark = "[redacted]"

// minKnown is the length below which a known secret is not searched for: it
// would blank ordinary words.
const minKnown = 6

// secretName matches the names of fields, variables and headers whose values
// are nobody's business.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw(or)?d|passphrase|credential|authorization|cookie|api[_-]?key|access[_-]?key|private[_-]?key|psk|encryption[_-]?keys?|connection[_-]?url|dsn)`)

// wholeObjects are the names of objects all of whose values go.
var wholeObjects = regexp.MustCompile(`(?i)^(env|environment|environment_variables)$`)

// secretText are forms of secrets that are known at sight. Where a form has a
// group, the group stays.
var secretText = []*regexp.Regexp{
	regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`),
	regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[a-z]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{16,}|A[KS]IA[A-Z0-9]{16})\b`),
	regexp.MustCompile(`\b[A-Za-z0-9]{10}-[A-Za-z0-9]{22}\b`), // session tokens
	regexp.MustCompile(`((?i)\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}`),
	regexp.MustCompile(`([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+@`),
	regexp.MustCompile(`((?i)[A-Z0-9_-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key)[A-Z0-9_-]*["']?\s*[=:]\s*["']?)[^\s"',;&]+`),
}

// redactor takes secrets out of what goes into a bundle.
type redactor struct{ known []string }

// learn adds a value that must not appear.
func (r *redactor) learn(values ...string) {
	for _, v := range values {
		if v = strings.TrimSpace(v); len(v) >= minKnown {
			r.known = append(r.known, v)
		}
	}
	// Longer ones first, so that no rest of one stays.
	sort.Slice(r.known, func(i, j int) bool { return len(r.known[i]) > len(r.known[j]) })
}

// text returns s without secrets.
func (r *redactor) text(s string) string {
	for _, k := range r.known {
		s = strings.ReplaceAll(s, k, mark)
	}
	for _, re := range secretText {
		keep := ""
		if re.NumSubexp() > 0 {
			keep = "${1}"
		}
		s = re.ReplaceAllString(s, keep+mark)
	}
	return s
}

// json returns a JSON document without secrets, indented. What is not JSON is
// treated as text.
func (r *redactor) json(b []byte) []byte {
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return []byte(r.text(string(b)))
	}
	out, err := json.MarshalIndent(r.value("", v), "", "  ")
	if err != nil {
		return []byte(mark)
	}
	return append(out, '\n')
}

func (r *redactor) value(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		secretOption, _ := v["secret"].(bool)
		for k, x := range v {
			switch {
			case wholeObjects.MatchString(name) && x != nil, secretOption && k == "value" && x != "":
				v[k] = mark
			default:
				v[k] = r.value(k, x)
			}
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = r.value(name, x)
		}
		return v
	case string:
		if v != "" && secretName.MatchString(name) {
			return mark
		}
		return r.text(v)
	}
	return v
}
