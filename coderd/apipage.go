package coderd

import (
	"bytes"
	"embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
	"coder.internal/docs/reference"
	"coder.internal/internal/buildinfo"
)

//go:embed apipage
var pageFiles embed.FS

// pageCSP lets the page load its own two files and ask for the document, no more.
const pageCSP = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// documentHandler serves GET /openapi.json: the document that was made with this
// binary, with its version.
func (s *Server) documentHandler(*httpapi.API) http.Handler {
	text := bytes.Replace(reference.OpenAPI(), []byte(`"version": "v2"`),
		fmt.Appendf(nil, `"version": %q`, strings.TrimPrefix(buildinfo.Version(), "v")), 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}

// pageHandler serves GET /docs, and its files by the name in the path.
func (s *Server) pageHandler(a *httpapi.API, param string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "index.html"
		if param != "" {
			name = chi.URLParam(r, param)
		}
		types := map[string]string{"index.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
		text, err := pageFiles.ReadFile("apipage/" + name)
		if err != nil || types[name] == "" || (param != "" && name == "index.html") {
			a.WriteError(w, r, api.NotFound("File of the page"))
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Type", types[name]+"; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}

// swaggerHandler serves the same two by the names of the reference, where that is
// turned on.
func (s *Server) swaggerHandler(a *httpapi.API) http.Handler {
	document := s.documentHandler(a)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := s.opts.Deployment
		switch name := chi.URLParam(r, "file"); {
		case !d.Swagger:
			a.WriteError(w, r, &api.Error{Code: api.CodeNotFound, Message: "This name is turned off; see /api/v2/docs, or set --swagger-enable."})
		case name == "doc.json" || name == "openapi.json" || name == "swagger.json":
			document.ServeHTTP(w, r)
		case name == "index.html":
			http.Redirect(w, r, strings.TrimRight(d.AccessURL.Path, "/")+"/api/v2/docs", http.StatusFound)
		default:
			a.WriteError(w, r, api.NotFound("File of the page"))
		}
	})
}
