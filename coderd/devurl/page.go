package devurl

import (
	"bytes"
	"crypto/rand"
	_ "embed" // the page
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

// page is parsed once. It is a constant in all but the language's word for it.
var page = template.Must(template.New("page").Parse(pageText))

// Page is one of our own pages. All text in it is text.
type Page struct {
	Status int
	Title  string
	// Problem is what went wrong with the last form.
	Problem string
	Text    []string
	// Links are a list with a title, which says what they are.
	LinksTitle string
	Links      []Link
	// Fields make a form that posts to Action; without them Action is a link.
	Fields []Field
	Action string
	Button string
	// FormOrigin is where the form may lead in the end, beside our own origin.
	FormOrigin string
	Note       string
	// Refresh is after how many seconds the page asks again; zero is never.
	Refresh int
}

// Link leads to a URL of ours.
type Link struct{ URL, Name string }

// Field is one input of a form.
type Field struct{ Name, Label, Type, Value, Complete string }

// Write answers with the page. Those that do not ask for one get its words as text.
func (p Page) Write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Under no-referrer a browser would not say of the form where it comes from.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Vary", "Accept, Cookie")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(p.Status)
		_, _ = w.Write([]byte(p.plain())) // the client may be gone
		return
	}
	nonce := rand.Text()
	var b bytes.Buffer
	if err := page.Execute(&b, struct {
		Page
		Nonce string
	}{p, nonce}); err != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self' "+p.FormOrigin+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(p.Status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

// plain is the page as text.
func (p Page) plain() string {
	lines := append([]string{strings.TrimRight(p.Title, "?") + "."}, p.Text...)
	for _, l := range p.Links {
		lines = append(lines, "  "+l.URL)
	}
	return strings.Join(lines, "\n") + "\n"
}
