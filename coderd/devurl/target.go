package devurl

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Bounds of names in host names and paths. A DNS label has at most 63 characters.
const (
	maxLabel = 63
	maxName  = 64
	// MinPort is the lowest port of a workspace that is served.
	MinPort = 9
	maxPort = 65535
)

// Target is what a name of an application stands for: a slug, or a port. There is
// one spelling of each; ParseLabel and ParsePath refuse all others, so that what is
// authorised is what is routed to.
type Target struct {
	// Prefix is the clients' own and has no meaning.
	Prefix string
	// Slug of an application; empty where Port is set.
	Slug string
	Port uint16
	// TLS is spoken to Port.
	TLS bool
	// Agent may be empty where the workspace has but one.
	Agent     string
	Workspace string
	User      string
	// Joined is "workspace-user" of a name of the first release for a port. Such a
	// name for a slug has neither Joined nor Workspace.
	Joined string
}

// Old reports whether the name is one of the first release: app--user, or
// 8080--workspace-user. It stands for a name of today, which somebody has to look up,
// and nothing is served by it.
func (t Target) Old() bool { return t.Workspace == "" && (t.User != "" || t.Joined != "") }

// Label writes the first label of the host name, such as 8080--main--ws--alice.
func (t Target) Label() string {
	parts := []string{t.App()}
	if t.Old() {
		return strings.ToLower(t.App() + "--" + t.Joined + t.User)
	}
	if t.Agent != "" {
		parts = append(parts, t.Agent)
	}
	label := strings.Join(append(parts, t.Workspace, t.User), "--")
	if t.Prefix != "" {
		label = t.Prefix + "---" + label
	}
	return strings.ToLower(label)
}

// App is the slug, or the port as the host name has it.
func (t Target) App() string {
	if t.Slug != "" {
		return t.Slug
	}
	s := strconv.Itoa(int(t.Port))
	if t.TLS {
		s += "s"
	}
	return s
}

// errName is what every other spelling gets; it says nothing of what exists.
var errName = errors.New("this is not the name of an application")

// ParseLabel reads the label of an application's host name.
func ParseLabel(label string) (Target, error) {
	var t Target
	if len(label) == 0 || len(label) > maxLabel {
		return t, errName
	}
	if i := strings.LastIndex(label, "---"); i >= 0 {
		t.Prefix, label = label[:i], label[i+3:]
		if !isPrefix(t.Prefix) {
			return Target{}, errName
		}
	}
	parts := strings.Split(label, "--")
	switch len(parts) {
	case 2:
		return t.old(parts[0], parts[1])
	case 3:
		t.Workspace, t.User = parts[1], parts[2]
	case 4:
		t.Agent, t.Workspace, t.User = parts[1], parts[2], parts[3]
		if !isName(t.Agent) {
			return Target{}, errName
		}
	default:
		return Target{}, errName
	}
	if !isName(t.Workspace) || !isName(t.User) || !t.app(parts[0]) {
		return Target{}, errName
	}
	return t, nil
}

// old reads a name of the first release. Those have no prefix, and no TLS in the name.
func (t Target) old(app, rest string) (Target, error) {
	if t.Prefix != "" || !isName(rest) || !t.app(app) || t.TLS || t.Port != 0 && !strings.Contains(rest, "-") {
		return Target{}, errName
	}
	if t.Port != 0 {
		t.Joined = rest
	} else {
		t.User = rest
	}
	return t, nil
}

// app reads a slug or a port. A number is a port, and so is one with an s behind it.
func (t *Target) app(s string) bool {
	if !isName(s) {
		return false
	}
	digits := strings.TrimSuffix(s, "s")
	if strings.Trim(digits, "0123456789") != "" || digits == "" {
		t.Slug = s
		return true
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n < MinPort || strconv.FormatUint(n, 10) != digits {
		return false
	}
	t.Port, t.TLS = uint16(n), len(digits) < len(s)
	return true
}

// isName reports whether s is lower-case letters, digits and single hyphens within.
func isName(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	return onlyNameBytes(s)
}

// isPrefix is isName with more hyphens within, as clients make them.
func isPrefix(s string) bool {
	return s != "" && s[0] != '-' && s[len(s)-1] != '-' && onlyNameBytes(s)
}

func onlyNameBytes(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// Wildcard is the pattern of the host names of applications: what stands behind the
// first label's part, as "*.example.com" or "*--apps.example.com".
type Wildcard struct {
	suffix string // with its dot or hyphens
	port   string // empty: that of the access URL
}

// ParseWildcard reads the option. The star stands first, alone or before more of the
// first label; a port may follow.
func ParseWildcard(s string) (Wildcard, error) {
	bad := func(why string) (Wildcard, error) {
		return Wildcard{}, fmt.Errorf("%q: %s; write *.apps.example.com or *--apps.example.com", s, why)
	}
	rest, ok := strings.CutPrefix(s, "*")
	if !ok {
		return bad("it does not begin with a star")
	}
	var w Wildcard
	if host, port, found := strings.Cut(rest, ":"); found {
		if !isPort(port) {
			return bad("its port is no number from 1 to 65535")
		}
		rest, w.port = host, port
	}
	if rest != strings.ToLower(rest) {
		return bad("it has capital letters")
	}
	first, domain, found := strings.Cut(rest, ".")
	if !found || !isDomain(domain) {
		return bad("a domain has to follow")
	}
	if first != "" && (!strings.HasPrefix(first, "-") || strings.HasSuffix(first, "-") || !onlyNameBytes(first)) {
		return bad("what follows the star begins with a hyphen or a dot")
	}
	if net.ParseIP(domain) != nil {
		return bad("an address has no names below it")
	}
	w.suffix = rest
	return w, nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

func isDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' || !onlyNameBytes(label) {
			return false
		}
	}
	return true
}

// IsZero reports whether there is none.
func (w Wildcard) IsZero() bool { return w.suffix == "" }

// Pattern is the host pattern that clients are told, with the port of access where
// the option names none.
func (w Wildcard) Pattern(access *url.URL) string { return "*" + w.suffix + w.portOf(access) }

func (w Wildcard) portOf(access *url.URL) string {
	port := w.port
	if port == "" {
		port = access.Port()
	}
	if port == "" {
		return ""
	}
	return ":" + port
}

// Origin is the one origin of a target.
func (w Wildcard) Origin(t Target, access *url.URL) string {
	return access.Scheme + "://" + t.Label() + w.suffix + w.portOf(access)
}

// Covers reports whether a host, as a request names it, belongs to applications in
// whatever spelling. What it covers never reaches the pages or the API.
func (w Wildcard) Covers(host string) bool {
	if w.IsZero() {
		return false
	}
	host = strings.ToLower(host)
	if i := strings.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	for strings.HasSuffix(host, ".") {
		host = host[:len(host)-1]
	}
	return strings.HasSuffix(host, w.suffix) && len(host) > len(w.suffix)
}

// Parse reads the host of a request, with its port. Every port is taken: the
// balancer in front has its own.
func (w Wildcard) Parse(host string) (Target, error) {
	if i := strings.IndexByte(host, ':'); i >= 0 {
		if !isPort(host[i+1:]) {
			return Target{}, errName
		}
		host = host[:i]
	}
	label, ok := strings.CutSuffix(host, w.suffix)
	if !ok || w.IsZero() || strings.Contains(label, ".") {
		return Target{}, errName
	}
	if first, _, _ := strings.Cut(host, "."); len(first) > maxLabel {
		return Target{}, errName
	}
	return ParseLabel(label)
}
