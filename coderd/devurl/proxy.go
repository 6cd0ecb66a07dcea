package devurl

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/quartz"

	"coder.internal/api"
)

// TicketParam is the query parameter with which the origin of the API hands a ticket
// over; the name is that of the reference.
const TicketParam = "coder_application_connect_api_key_35e783"

// Paths on the origin of the API.
const (
	RedirectPath = "/api/v2/applications/auth-redirect"
	StartPath    = "/api/v2/applications/start"
)

// maxRequests bounds the requests and streams of applications in one process.
const maxRequests = 20_000

// Streams reaches services beside an agent, as the agent sees them.
type Streams interface {
	DialAgent(ctx context.Context, agent api.ID, network, address string) (net.Conn, error)
}

// ProxyOptions configure NewProxy. All are required.
type ProxyOptions struct {
	Log     *slog.Logger
	Clock   quartz.Clock
	Apps    Apps
	Streams Streams
	Sites   Sites
}

// Proxy serves applications of workspaces to browsers. It holds who may go where for
// a second, and connections to applications while they are used. It trusts neither
// side: nothing of ours reaches a workspace, and nothing that a workspace says acts
// on our origin.
type Proxy struct {
	opts  ProxyOptions
	log   *slog.Logger
	gate  *gate
	http  *http.Transport
	lines *lines
	rev   *httputil.ReverseProxy
	slots chan struct{}

	visits *visits

	mu      sync.Mutex // guards stopped
	stopped bool
	open    sync.WaitGroup
}

// NewProxy returns a Proxy; it starts nothing.
func NewProxy(o ProxyOptions) (*Proxy, error) {
	if o.Log == nil || o.Clock == nil || o.Apps == nil || o.Streams == nil {
		return nil, errors.New("devurl: Log, Clock, Apps and Streams are required")
	}
	if err := o.Sites.Validate(); err != nil {
		return nil, err
	}
	p := &Proxy{opts: o, log: o.Log.With("component", "devurl"), gate: newGate(o.Apps, o.Clock, o.Log.With("component", "devurl")),
		slots: make(chan struct{}, maxRequests), visits: newVisits(o.Sites)}
	p.http = p.transport()
	p.lines = newLines(p.http, o.Clock, p.dial)
	p.rev = p.reverse()
	return p, nil
}

// Run makes decisions about open streams again until ctx ends, then ends the streams
// and returns after the last one.
func (p *Proxy) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { p.lines.run(ctx) })
	p.gate.run(ctx)
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.open.Wait()
	wg.Wait()
	p.gate.report(context.WithoutCancel(ctx)) // Apps bounds its time
	p.http.CloseIdleConnections()
	return nil
}

// Split serves hosts of applications itself and hands all others to next. It comes
// before anything that looks at paths.
func (p *Proxy) Split(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.opts.Sites.covers(r) || !plainHost(r.Host) {
			p.ServeHTTP(w, r)
			return
		}
		if p.elsewhere(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SplitPlain is Split for a listener without TLS beside one with it: people are sent
// to the origin that is served, and nothing else is.
func (p *Proxy) SplitPlain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.opts.Sites.covers(r) && plainHost(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		v, err := p.opts.Sites.visit(r.Host, r.URL.EscapedPath())
		switch {
		case err != nil || !spelt(r):
			badName().Write(w, r)
		case !navigation(r):
			Page{Status: http.StatusMisdirectedRequest, Title: "Use HTTPS", Text: []string{"The application is at " + v.Origin + "."}}.Write(w, r)
		default:
			to := v.Origin + r.URL.EscapedPath()
			if r.URL.RawQuery != "" {
				to += "?" + r.URL.RawQuery
			}
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	})
}

// elsewhere leads path forms away from the origin of the pages.
func (p *Proxy) elsewhere(w http.ResponseWriter, r *http.Request) bool {
	escaped := r.URL.EscapedPath()
	t, rest, app, err := ParsePath(escaped)
	if !app {
		return false
	}
	to := ""
	if err == nil && cleanPath(escaped) {
		to = p.opts.Sites.Elsewhere(t, rest, r.URL.RawQuery)
	}
	switch {
	case err != nil || !cleanPath(escaped):
		badName().Write(w, r)
	case to == "":
		Page{Status: http.StatusNotFound, Title: "Applications have no origin here", Text: []string{
			"Applications of workspaces are never served beside this server's own pages.",
			"Ask an administrator to set a wildcard (--wildcard-access-url) or an origin for paths (--path-apps-url), or use: coder port-forward"}}.Write(w, r)
	default:
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}
	return true
}

func badName() Page {
	return Page{Status: http.StatusBadRequest, Title: "This is not the name of an application", Text: []string{
		"Names are in small letters: app--agent--workspace--user, or a port from 9 to 65535 in place of app, such as 8080--main--dev--alice.",
		"By path it is /@user/workspace.agent/apps/app/, in small letters too. Paths have no dot segments."}}
}

// ServeHTTP serves one request to a host of applications.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	visit, err := p.visits.visit(r.Host, r.URL)
	if err != nil || !spelt(r) {
		badName().Write(w, r)
		return
	}
	done, err := p.begin()
	if err != nil {
		p.refuse(w, r, visit, err)
		return
	}
	stays := false
	defer func() {
		if !stays {
			done()
		}
	}()
	stays = p.serve(w, r, visit, done)
}

// serve answers a request that has a slot. stays is true where the connection goes
// on after it, and keeps the slot.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, visit Visit, done func()) (stays bool) {
	if r.URL.RawQuery != "" && r.URL.Query().Has(TicketParam) {
		p.redeem(w, r, visit)
		return false
	}
	if visit.Path && visit.Below == r.URL.EscapedPath()+"/" {
		redirect(w, visit.Origin+visit.Below, r.URL.RawQuery)
		return false
	}
	who := p.visitor(r, visit)
	if preflight(r) {
		who = Visitor{}
	}
	for again := true; ; again = false {
		h := &hop{visit: visit, who: who, again: again, chunked: r.ProtoMajor == 1 && len(r.TransferEncoding) > 0}
		ok := p.enter(w, r, h)
		if !ok {
			return false
		}
		h.leave = func() { p.gate.leave(h.decision); done() }
		p.forward(w, r, h)
		if !h.changed {
			return h.stays
		}
	}
}

// enter finds out where a request goes, or answers it.
func (p *Proxy) enter(w http.ResponseWriter, r *http.Request, h *hop) bool {
	d, first, err := p.gate.enter(r.Context(), h.visit, h.who)
	if err != nil {
		p.refuse(w, r, h.visit, err)
		return false
	}
	h.decision = d
	h.place, h.way = p.gate.at(d)
	if h.place.State != StateReady {
		p.gate.leave(d)
		p.unready(w, r, h.visit, h.place)
		return false
	}
	if first {
		p.opts.Apps.Opened(r.Context(), h.visit, h.place, From{IP: clientIP(r), UserAgent: r.UserAgent()})
	}
	return true
}

// begin takes a slot for a request; done gives it back.
func (p *Proxy) begin() (done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, errStopping
	}
	select {
	case p.slots <- struct{}{}:
	default:
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "This server has too many requests to applications open; try again later."}
	}
	p.open.Add(1)
	return func() { <-p.slots; p.open.Done() }, nil
}

// spelt reports whether the request line is the one canonical form.
func spelt(r *http.Request) bool {
	if r.Method == http.MethodConnect || r.URL.Host != "" || r.URL.Scheme != "" || r.URL.User != nil {
		return false
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return cleanPath(path)
}

// here is the URL of a request without its query. It has its origin: a path alone
// may begin with two slashes, and would lead to another host.
func here(v Visit, r *http.Request) string { return v.Origin + r.URL.EscapedPath() }

func redirect(w http.ResponseWriter, to, query string) {
	if query != "" {
		to += "?" + query
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", to) // http.Redirect would clean it
	w.WriteHeader(http.StatusSeeOther)
}

// secure reports whether browsers speak TLS to an origin.
func secure(v Visit) bool { return len(v.Origin) > 6 && v.Origin[:6] == "https:" }

func sessionName(v Visit) string {
	if v.Path {
		return cookieName(pathCookie, secure(v))
	}
	return cookieName(sessionCookie, secure(v))
}

// visitor is what a request shows. The cookie counts only for requests that a page
// of the same user, or nobody's page, has made: others' pages must not act as their
// readers.
func (p *Proxy) visitor(r *http.Request, v Visit) Visitor {
	if token := r.Header.Get(api.SessionTokenHeader); token != "" {
		return Visitor{Token: api.Secret(token)}
	}
	session := shown(r, sessionName(v))
	if session == "" || !p.friendly(r, v) {
		return Visitor{}
	}
	return Visitor{Session: session}
}

// friendly reports whether the page that made the request may use the cookie.
func (p *Proxy) friendly(r *http.Request, v Visit) bool {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	if origin == v.Origin || origin != "" && p.sameUser(origin, v) {
		return true
	}
	safe := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Upgrade") == ""
	if !safe || origin != "" {
		return false
	}
	switch {
	case site == "" || site == "same-origin" || site == "none":
		return true
	case r.Header.Get("Sec-Fetch-Mode") == "navigate":
		return true // somebody follows a link
	}
	from, err := url.Parse(r.Header.Get("Referer"))
	return err == nil && p.sameUser(from.Scheme+"://"+from.Host, v)
}

// sameUser reports whether an origin is that of an application of the same user. On
// the path site all are of one origin.
func (p *Proxy) sameUser(origin string, v Visit) bool {
	u, err := url.Parse(origin)
	if err != nil || v.Path {
		return false
	}
	t, err := p.opts.Sites.Wildcard.Parse(u.Host)
	return err == nil && !t.Old() && t.User == v.User && p.opts.Sites.Wildcard.Origin(t, p.opts.Sites.Access) == origin
}

// signIn leads a browser to the origin of the API, bound to it by a state.
func (p *Proxy) signIn(w http.ResponseWriter, r *http.Request, v Visit) {
	state := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: cookieName(stateCookie, secure(v)), Value: state, Path: "/", HttpOnly: true,
		Secure: secure(v), SameSite: http.SameSiteLaxMode, MaxAge: 600})
	back := here(v, r)
	if r.URL.RawQuery != "" {
		back += "?" + r.URL.RawQuery
	}
	access := p.opts.Sites.Access
	redirect(w, access.Scheme+"://"+access.Host+RedirectPath, url.Values{"redirect_uri": {back}, "state": {stateOf(state)}}.Encode())
}

// stateOf is what the ticket carries of a state that only the browser knows.
func stateOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// redeem takes the ticket out of the URL and keeps a cookie in its place.
func (p *Proxy) redeem(w http.ResponseWriter, r *http.Request, v Visit) {
	tickets, query := r.URL.Query()[TicketParam], withoutTicket(r.URL.RawQuery)
	state := shown(r, cookieName(stateCookie, secure(v)))
	if state == "" || len(tickets) != 1 || r.Method != http.MethodGet {
		Page{Status: http.StatusUnauthorized, Title: "Signing in did not work", Text: []string{
			"The browser did not bring back the cookie that it was given, or the link is somebody else's. Allow cookies of this site, then open the application again."},
			Action: here(v, r), Button: "Open it again"}.Write(w, r)
		return
	}
	session, lasts, err := p.opts.Apps.Redeem(r.Context(), tickets[0], v.Origin, stateOf(state))
	if err != nil && api.CodeOf(err) != api.CodeUnauthenticated {
		p.refuse(w, r, v, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(stateCookie, secure(v)), Path: "/", Secure: secure(v), HttpOnly: true, MaxAge: -1})
	if err != nil {
		Page{Status: http.StatusUnauthorized, Title: "This link has expired", Text: []string{
			"A sign-in works once, within a minute, in the browser that asked for it."}, Action: here(v, r), Button: "Sign in again"}.Write(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: sessionName(v), Value: session, Path: "/", HttpOnly: true, Secure: secure(v),
		SameSite: http.SameSiteLaxMode, MaxAge: int(lasts / time.Second)})
	redirect(w, here(v, r), query)
}

// withoutTicket leaves the rest of a query as it is.
func withoutTicket(raw string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err != nil || plain != TicketParam {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
