package devurl

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Sites says under which origins applications are. None of them is that of the
// pages and the API.
type Sites struct {
	// Access is the URL of the deployment.
	Access *url.URL
	// Wildcard gives every application a host of its own; zero is none.
	Wildcard Wildcard
	// PathURL is one origin for the path form; nil is none. Its path is empty.
	PathURL *url.URL
}

// Validate checks how the parts fit together.
func (s Sites) Validate() error {
	if s.Access == nil {
		return errors.New("devurl: Sites needs Access")
	}
	if s.Wildcard.Covers(s.Access.Host) {
		return errors.New("the access URL is one of the names that the wildcard gives to applications; choose another wildcard")
	}
	if s.PathURL == nil {
		return nil
	}
	switch {
	case s.PathURL.Path != "" && s.PathURL.Path != "/" || s.PathURL.RawQuery != "" || s.PathURL.User != nil:
		return errors.New("it is scheme and host alone, as http://apps.example.com")
	case s.PathURL.Host != strings.ToLower(s.PathURL.Host) || strings.HasSuffix(s.PathURL.Hostname(), "."):
		return errors.New("write its host as browsers do: in small letters, without a dot at the end")
	case s.PathURL.Port() != "" && s.PathURL.Port() == defaultPort(s.PathURL.Scheme):
		return fmt.Errorf("browsers leave out port %s of %s; leave it out too", s.PathURL.Port(), s.PathURL.Scheme)
	case strings.EqualFold(s.PathURL.Hostname(), s.Access.Hostname()) && portOf(s.PathURL) == portOf(s.Access):
		return errors.New("it is the host and port of the access URL; applications need an origin of their own")
	case s.Wildcard.Covers(s.PathURL.Host):
		return errors.New("it is one of the names that the wildcard gives to applications")
	}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// portOf is the port of a URL, also where it does not say.
func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return defaultPort(u.Scheme)
}

// Visit is what a request, or a URL, asks for.
type Visit struct {
	Target
	// Origin is where it is served; sign-ins are bound to it.
	Origin string
	// Below is the path, with a slash at its end, that belongs to the target: "/" on
	// a host of its own.
	Below string
	// Path is the form of the name.
	Path bool
}

// covers reports whether a request belongs to applications, however it is spelt.
func (s Sites) covers(r *http.Request) bool {
	return s.Wildcard.Covers(r.Host) || s.onPathSite(r.Host)
}

// plainHost reports whether a host is written with the letters that hosts have: what
// is not may be another spelling of an application's, and is nobody's.
func plainHost(host string) bool {
	if strings.HasPrefix(host, "[") {
		_, err := netip.ParseAddrPort(host)
		if err != nil && strings.HasSuffix(host, "]") {
			_, err = netip.ParseAddr(host[1 : len(host)-1])
		}
		return err == nil
	}
	for i := range len(host) {
		c := host[i]
		if c != '-' && c != '.' && c != '_' && c != ':' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// onPathSite reports whether a host, as a request names it, is that of the path form
// in whatever spelling. A host name that the pages have too is told by its port.
func (s Sites) onPathSite(host string) bool {
	if s.PathURL == nil {
		return false
	}
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], strings.TrimLeft(host[i+1:], "0")
	}
	name = strings.TrimRight(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), ".")
	if !strings.EqualFold(name, s.PathURL.Hostname()) {
		return false
	}
	if port == "" {
		port = defaultPort(s.PathURL.Scheme)
	}
	return !strings.EqualFold(name, s.Access.Hostname()) || port == portOf(s.PathURL)
}

// visit reads a host and an escaped path.
func (s Sites) visit(host, escaped string) (Visit, error) {
	if s.onPathSite(host) {
		t, rest, app, err := ParsePath(escaped)
		if !app || err != nil || host != s.PathURL.Host || t.Path()+rest != escaped {
			return Visit{}, errName
		}
		return s.pathVisit(t), nil
	}
	t, err := s.Wildcard.Parse(host)
	if err != nil {
		return Visit{}, err
	}
	return Visit{Target: t, Origin: s.Wildcard.Origin(t, s.Access), Below: "/"}, nil
}

func (s Sites) pathVisit(t Target) Visit {
	return Visit{Target: t, Origin: s.PathURL.Scheme + "://" + s.PathURL.Host, Below: t.Path() + "/", Path: true}
}

// Visit is the form in which a target is served: on a host of its own where there is
// a wildcard and the name is short enough, else by path. ok is false where it is
// served nowhere.
func (s Sites) Visit(t Target) (v Visit, ok bool) {
	switch {
	case !s.Wildcard.IsZero() && len(t.Label()+strings.SplitN(s.Wildcard.suffix, ".", 2)[0]) <= maxLabel:
		return Visit{Target: t, Origin: s.Wildcard.Origin(t, s.Access), Below: "/"}, true
	case s.PathURL != nil && !t.Old():
		return s.pathVisit(t), true
	}
	return Visit{}, false
}

var errURL = errors.New("this is not the URL of an application of this deployment")

// ParseURL reads the URL of an application, as people are led back to it. It has the
// one spelling that is served.
func (s Sites) ParseURL(text string) (*url.URL, Visit, error) {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Opaque != "" || u.Fragment != "" || len(text) > 8192 {
		return nil, Visit{}, errURL
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	v, err := s.visit(u.Host, path)
	if err != nil || v.Origin != u.Scheme+"://"+u.Host || !cleanPath(path) || !strings.HasPrefix(text, v.Origin) || !plainURL(text) {
		return nil, Visit{}, errURL
	}
	return u, v, nil
}

// plainURL reports whether a URL has nothing that somebody else may read in another
// way. A query may have backslashes: browsers leave them as they are.
func plainURL(text string) bool {
	head, _, _ := strings.Cut(text, "?")
	if strings.Contains(head, "\\") {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Elsewhere is the URL of a target where it is served; empty where it is nowhere.
// rest, an escaped path, and query follow.
func (s Sites) Elsewhere(t Target, rest, query string) string {
	v, ok := s.Visit(t)
	if !ok {
		return ""
	}
	to := v.Origin + v.Below + strings.TrimPrefix(rest, "/")
	if query != "" {
		to += "?" + query
	}
	return to
}
