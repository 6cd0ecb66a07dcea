package apps

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/devurl"
)

// address reads the URL of an application, which is the template's, into p. It
// returns why the application cannot be served, or nothing.
func address(p *devurl.Place, app api.WorkspaceApp) (reason string) {
	switch {
	case app.External:
		p.Link = webLink(app.URL)
		return "This application is outside of the workspace, and is never passed through this server: " + app.URL
	case app.Command != "" && p.MayUse:
		return fmt.Sprintf("This application is a command. Run it in a terminal of the workspace (coder ssh %s/%s): %s", p.Owner, p.Workspace, app.Command)
	case app.Command != "":
		return "This application is a command, which runs in a terminal of those who may use the workspace."
	}
	u, err := url.Parse(app.URL)
	switch {
	case err == nil && u.Scheme == "unix":
		return socket(p, u, app.URL)
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Sprintf("The template gives this application a URL that is not one of HTTP: %q", app.URL)
	}
	if host := u.Hostname(); host != "localhost" && !isLoopback(host) {
		return fmt.Sprintf("The template gives this application the host %q; applications are at localhost.", host)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n < devurl.MinPort {
		return fmt.Sprintf("The template gives this application the port %q; use one from %d to 65535.", port, devurl.MinPort)
	}
	p.Address, p.TLS = net.JoinHostPort("127.0.0.1", port), u.Scheme == "https"
	p.Base, p.Query = strings.TrimRight(u.EscapedPath(), "/"), u.RawQuery
	return ""
}

// socket reads unix:///path/of/socket. The agent connects to sockets of the user of
// the workspace alone.
func socket(p *devurl.Place, u *url.URL, text string) (reason string) {
	if u.Host != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !devurl.IsSocketPath(u.Path) {
		return fmt.Sprintf("The template gives this application a socket that is none: %q. Write unix:///absolute/path, of at most 107 bytes.", text)
	}
	p.Address = u.Path
	return ""
}

// webLink is a URL that a page may lead to, or nothing. Placeholders are for clients,
// which put a token in their place.
func webLink(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(text, "$\\") {
		return ""
	}
	return text
}
