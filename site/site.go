// Package site serves the pages of the dashboard's origin from inside the binary.
//
// A build with the tag embed_site carries the dashboard (site/dist, made by "make
// site"). One without it has a single page that says so, what this server is, and
// how to use it from the command line. The package imports nothing of ours and
// knows neither users nor data: the dashboard asks the API as any client does.
package site

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

//go:embed static
var files embed.FS

// Built reports whether this binary carries the dashboard.
func Built() bool { return built }

// Options are what the pages are told of the server.
type Options struct {
	// AccessURL and Version are shown to people; the path of AccessURL, if it has
	// one, is the one below which browsers see the pages.
	AccessURL, Version string
	// CSP are further directives of the policy; see Policy.
	CSP []string
	// Renderer is how terminals are drawn, one of Renderers; "" is canvas.
	Renderer string
	// Base is the path that browsers see before ours. Handler sets it.
	Base string
}

// Handler serves the dashboard, or the landing page where it was not built.
func Handler(o Options) (http.Handler, error) {
	csp, err := Policy(o.CSP)
	if err != nil {
		return nil, err
	}
	if !built {
		return landing(o.AccessURL, o.Version, csp)
	}
	dist, err := fs.Sub(dashboard, "dist")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(o.AccessURL)
	if err != nil {
		return nil, err
	}
	o.Base = strings.TrimRight(u.EscapedPath(), "/") + "/"
	return newDashboard(dist, o)
}

// guard sets what every answer has, and refuses methods that only an API takes.
func guard(csp string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	})
}

// landing serves the page of a binary without a dashboard at /, and its files
// below /static/.
func landing(accessURL, version, csp string) (http.Handler, error) {
	page, err := template.ParseFS(files, "static/index.html")
	if err != nil {
		return nil, err
	}
	static := http.FileServerFS(files)
	return guard(csp, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/static/") && !strings.HasSuffix(r.URL.Path, "/") && r.URL.Path != "/static/index.html":
			static.ServeHTTP(w, r)
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = page.Execute(w, map[string]string{"AccessURL": accessURL, "Version": version}) // the client is gone: nobody to tell
		default:
			http.NotFound(w, r)
		}
	}), nil
}
