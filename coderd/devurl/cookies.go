package devurl

import (
	"net/http"
	"strings"

	"coder.internal/api"
)

// Names of cookies of ours on hosts of applications. Where the browser speaks TLS
// they are prefixed with __Host-, so that no other host can set them.
const (
	sessionCookie = "coder_subdomain_app_session_token"
	pathCookie    = "coder_path_app_session_token"
	stateCookie   = "coder_app_state"
)

// ours are the names, without prefix, of all cookies that workspaces neither get nor
// set. A name that begins with one of them is ours too.
var ours = []string{api.SessionTokenCookie, sessionCookie, pathCookie, stateCookie, "coder_signed_app_token", "devurl_session"}

// isOurs reports whether a cookie has a name of ours, in whatever case.
func isOurs(name string) bool {
	name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"`))
	for before := ""; before != name; { // some servers take off one, some another
		before = name
		name = strings.TrimPrefix(strings.TrimPrefix(name, "__host-"), "__secure-")
	}
	for _, o := range ours {
		if strings.HasPrefix(name, o) {
			return true
		}
	}
	return false
}

// withoutOurs takes our cookies out of Cookie headers. What is left keeps its bytes
// and its order.
func withoutOurs(lines []string) []string {
	var out []string
	for _, line := range lines {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if !isOurs(name) && strings.TrimSpace(pair) != "" {
				kept = append(kept, pair)
			}
		}
		if len(kept) > 0 {
			out = append(out, strings.TrimLeft(strings.Join(kept, ";"), " "))
		}
	}
	return out
}

// cookieName is the name of a cookie of ours as the browser has it.
func cookieName(base string, secure bool) string {
	if secure {
		return "__Host-" + base
	}
	return base
}

// setCookies makes the Set-Cookie headers of a workspace harmless: none of ours, and
// none for other hosts. below is the path that belongs to the application, "/" on a
// host of its own.
func setCookies(lines []string, below string) []string {
	var out []string
	for _, line := range lines {
		attributes := strings.Split(line, ";")
		name, _, named := strings.Cut(attributes[0], "=")
		// A cookie without a name is sent as its value, which may look like ours.
		if !named || strings.TrimSpace(name) == "" || isOurs(name) {
			continue
		}
		kept, path := attributes[:1], ""
		for _, a := range attributes[1:] {
			key, value, _ := strings.Cut(a, "=")
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "domain":
			case "path":
				path = strings.TrimSpace(value)
			default:
				kept = append(kept, a)
			}
		}
		out = append(out, strings.Join(append(kept, cookiePath(path, below)...), ";"))
	}
	return out
}

// cookiePath is the Path attribute, if any, for one that an application asks for.
func cookiePath(path, below string) []string {
	switch {
	case below == "/" && path == "":
		return nil
	case below == "/" || strings.HasPrefix(path, below):
		return []string{" Path=" + path}
	case strings.HasPrefix(path, "/"):
		return []string{" Path=" + below + path[1:]}
	}
	return []string{" Path=" + below}
}

// maxCookie bounds the value of a cookie of ours, in bytes; browsers keep no more.
const maxCookie = 4096

// shown returns the value of a cookie of ours. One that comes twice is none: one of
// both is another's. Neither is one that is spelt as we never do.
func shown(r *http.Request, name string) string {
	value, n := "", 0
	for _, c := range r.Cookies() {
		if c.Name == name {
			value, n = c.Value, n+1
			if c.Quoted || len(c.Value) > maxCookie {
				value = ""
			}
		}
	}
	if n != 1 {
		return ""
	}
	return value
}
