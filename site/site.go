// Package site serves the pages of the dashboard's origin from inside the binary.
//
// Until the dashboard is built it is one page that says what this server is and
// how to use it from the command line. It imports nothing of ours and knows
// neither users nor data.
package site

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed static
var files embed.FS

// Handler serves the landing page at / and its files below /static/. accessURL
// and version are shown to people. more are further directives of the policy; see
// Policy.
func Handler(accessURL, version string, more []string) (http.Handler, error) {
	csp, err := Policy(more)
	if err != nil {
		return nil, err
	}
	page, err := template.ParseFS(files, "static/index.html")
	if err != nil {
		return nil, err
	}
	static := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/static/") && !strings.HasSuffix(r.URL.Path, "/") && r.URL.Path != "/static/index.html":
			static.ServeHTTP(w, r)
		case r.URL.Path == "/":
			h.Set("Content-Type", "text/html; charset=utf-8")
			_ = page.Execute(w, map[string]string{"AccessURL": accessURL, "Version": version}) // the client is gone: nobody to tell
		default:
			http.NotFound(w, r)
		}
	}), nil
}
