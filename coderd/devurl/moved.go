package devurl

import "net/http"

// moved leads from an old name to the one of today, or shows those that it may mean.
func (p *Proxy) moved(w http.ResponseWriter, r *http.Request, to []Target) {
	if page, several := p.opts.Sites.Choice(to, r.URL.EscapedPath(), r.URL.RawQuery); several {
		page.Write(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", p.opts.Sites.Elsewhere(to[0], r.URL.EscapedPath(), r.URL.RawQuery))
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// Choice is the page of several targets that an old name may mean.
func (s Sites) Choice(to []Target, path, query string) (page Page, several bool) {
	if len(to) < 2 {
		return Page{}, false
	}
	page = Page{Status: http.StatusMultipleChoices, Title: "Which one?", Text: []string{"This name is an old one, and stands for more than one application:"}}
	for _, t := range to {
		page.Links = append(page.Links, Link{URL: s.Elsewhere(t, path, query), Name: t.App() + " of the workspace " + t.Workspace + " of " + t.User})
	}
	return page, true
}
