package devurl

import (
	"errors"
	"net/http"
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
	if s.PathURL.Path != "" && s.PathURL.Path != "/" || s.PathURL.RawQuery != "" || s.PathURL.User != nil {
		return errors.New("it is scheme and host alone, as http://apps.example.com")
	}
	if strings.EqualFold(s.PathURL.Host, s.Access.Host) {
		return errors.New("it is the host and port of the access URL; applications need an origin of their own")
	}
	if s.Wildcard.Covers(s.PathURL.Host) {
		return errors.New("it is one of the names that the wildcard gives to applications")
	}
	return nil
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

func (s Sites) onPathSite(host string) bool {
	return s.PathURL != nil && strings.EqualFold(host, s.PathURL.Host)
}

// visit reads a host and an escaped path.
func (s Sites) visit(host, escaped string) (Visit, error) {
	if s.onPathSite(host) {
		t, rest, app, err := ParsePath(escaped)
		if !app || err != nil || host != s.PathURL.Host {
			return Visit{}, errName
		}
		return Visit{Target: t, Origin: s.PathURL.Scheme + "://" + s.PathURL.Host, Below: strings.TrimSuffix(escaped, rest) + "/", Path: true}, nil
	}
	t, err := s.Wildcard.Parse(host)
	if err != nil {
		return Visit{}, err
	}
	return Visit{Target: t, Origin: s.Wildcard.Origin(t, s.Access), Below: "/"}, nil
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
	if err != nil || v.Origin != u.Scheme+"://"+u.Host || !cleanPath(path) {
		return nil, Visit{}, errURL
	}
	return u, v, nil
}

// Elsewhere is the URL of a target that was asked for in the path form on the origin
// of the pages; empty where there is no other origin. rest and query follow.
func (s Sites) Elsewhere(t Target, rest, query string) string {
	var to string
	switch {
	case !s.Wildcard.IsZero() && len(t.Label()+strings.SplitN(s.Wildcard.suffix, ".", 2)[0]) <= maxLabel:
		to = s.Wildcard.Origin(t, s.Access) + rest
	case s.PathURL != nil:
		workspace := t.Workspace
		if t.Agent != "" {
			workspace += "." + t.Agent
		}
		to = s.PathURL.Scheme + "://" + s.PathURL.Host + "/@" + t.User + "/" + workspace + "/apps/" + t.Slug + rest
	default:
		return ""
	}
	if rest == "" {
		to += "/"
	}
	if query != "" {
		to += "?" + query
	}
	return to
}
