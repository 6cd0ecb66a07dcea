package devurl

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"coder.internal/api"
)

// maxPorts bounds the list of open ports on a page.
const maxPorts = 50

// navigation reports whether a person waits for a page.
func navigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header.Get("Upgrade") != "" {
		return false
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "navigate" || mode == ""
}

// refuse answers a request that is not let in. Who is not signed in learns nothing
// of what exists.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, v Visit, err error) {
	switch api.CodeOf(err) {
	case api.CodeUnauthenticated:
		p.unknown(w, r, v)
	case api.CodeNotFound:
		access := p.opts.Sites.Access
		Page{Status: http.StatusNotFound, Title: "There is no such application", Text: []string{
			"It does not exist, or is not shared with you. Ask the owner of the workspace to share it."},
			Action: access.String(), Button: "To the server"}.Write(w, r)
	case api.CodeUnavailable:
		w.Header().Set("Retry-After", "5")
		p.log.Warn("request to an application refused", "error", err)
		Page{Status: http.StatusServiceUnavailable, Title: "Not now", Text: []string{"The server cannot serve this at the moment; try again."},
			Action: here(v, r), Button: "Try again"}.Write(w, r)
	default:
		if r.Context().Err() != nil {
			return // nobody waits
		}
		p.log.Error("request to an application failed", "error", err)
		Page{Status: http.StatusInternalServerError, Title: "Something went wrong here", Text: []string{"The log of the server says more."}}.Write(w, r)
	}
}

// unknown answers who is not signed in.
func (p *Proxy) unknown(w http.ResponseWriter, r *http.Request, v Visit) {
	switch {
	case preflight(r) && !v.Path:
		// It carries no cookie, and says nothing but that a page of the same user
		// may ask.
		p.allow(w, r, v)
	case navigation(r):
		p.signIn(w, r, v)
	default:
		Page{Status: http.StatusUnauthorized, Title: "You are not signed in", Text: []string{"Open the application in a browser to sign in."}}.Write(w, r)
	}
}

// unready answers for what is there and cannot be reached.
func (p *Proxy) unready(w http.ResponseWriter, r *http.Request, v Visit, at Place) {
	name := fmt.Sprintf("The workspace %s of %s", at.Workspace, at.Owner)
	switch at.State {
	case StateStarting:
		w.Header().Set("Retry-After", "3")
		Page{Status: http.StatusServiceUnavailable, Title: "The workspace is starting", Refresh: 3, Text: []string{name + " is not there yet. This page looks again every few seconds."}}.Write(w, r)
	case StateStopped:
		page := Page{Status: http.StatusServiceUnavailable, Title: "The workspace is stopped", Text: []string{name + " does not run."}}
		if at.MayStart {
			back := here(v, r)
			page.Action = p.opts.Sites.Access.Scheme + "://" + p.opts.Sites.Access.Host + StartPath + "?" + url.Values{"redirect_uri": {back}, "workspace": {at.WorkspaceID.String()}}.Encode()
			page.Button, page.Note = "Start it…", "You are asked once more before it starts."
		}
		page.Write(w, r)
	case StateAway:
		w.Header().Set("Retry-After", "5")
		Page{Status: http.StatusServiceUnavailable, Title: "The workspace does not answer", Refresh: 5, Text: []string{
			name + " runs, but its agent does not answer. It may be starting, or out of reach. This page looks again every few seconds."}}.Write(w, r)
	case StateMoved:
		p.moved(w, r, at.Moved)
	default:
		page := Page{Status: http.StatusNotFound, Title: "This cannot be opened here", Text: []string{at.Reason}}
		if at.Link != "" {
			page.Links = []Link{{URL: at.Link, Name: at.Link}}
		}
		page.Write(w, r)
	}
}

// closedPort says that nothing listens, and what does.
func (p *Proxy) closedPort(w http.ResponseWriter, r *http.Request, h *hop, cause error) {
	p.log.Debug("application not reached", "agent_id", h.place.AgentID.String(), "address", h.place.Address, "error", cause)
	page := Page{Status: http.StatusBadGateway, Title: "Nothing listens there", Text: []string{
		"Nothing in the workspace takes connections at " + h.place.Address + ". Start the application, or wait until it is up."},
		Action: here(h.visit, r), Button: "Try again"}
	if h.visit.Target.Slug != "" {
		// The template says that it is to be there, so it may be on its way.
		page.Refresh = 5
		page.Text = append(page.Text, "This page looks again every few seconds.")
	}
	if h.place.Health == "unhealthy" {
		page.Text = append(page.Text, "The agent's own check says that it is not healthy.")
	}
	if h.place.MayUse && navigation(r) {
		ports, err := p.opts.Apps.Ports(r.Context(), h.visit, h.who)
		if err != nil {
			p.log.Debug("open ports not listed", "agent_id", h.place.AgentID.String(), "error", err)
		}
		for _, port := range ports[:min(len(ports), maxPorts)] {
			if link := p.portLink(h.visit, port); link.URL != "" {
				page.Links = append(page.Links, link)
			}
		}
		if len(page.Links) > 0 {
			page.LinksTitle = "These ports are open:"
		}
	}
	page.Write(w, r)
}

func (p *Proxy) portLink(v Visit, port int) Link {
	t := v.Target
	t.Slug, t.Port, t.TLS = "", uint16(port), false //nolint:gosec // the list holds ports
	return Link{URL: p.opts.Sites.Elsewhere(t, "/", ""), Name: strconv.Itoa(port)}
}
