package httpmw

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// Pages knows which requests of browsers come from our own pages.
//
// A browser says where a request comes from, in Origin and Sec-Fetch-Site, and under
// which name it has found us, in Host. That name may be somebody else's, who has it
// lead here (DNS rebinding): then its pages have the origin that they ask. So a name
// counts only if it is ours: that of the access URL, localhost, or an address, which
// nobody can have lead elsewhere.
type Pages struct {
	access     *url.URL
	hostPrefix bool
}

// NewPages returns the Pages of the deployment at access. With hostPrefix only
// cookies count that no other host can have set.
func NewPages(access *url.URL, hostPrefix bool) Pages { return Pages{access, hostPrefix} }

func (p Pages) errOrigin() error {
	return &api.Error{Code: api.CodeForbidden, Message: "This request comes from another site. Open the dashboard under its access URL " +
		p.access.String() + ", or send the token in the header " + api.SessionTokenHeader + "."}
}

func (p Pages) errHost() error {
	return &api.Error{Code: api.CodeForbidden, Message: "This server is not known by the name of this request. Open " + p.access.String() +
		"; a proxy in front has to pass the header Host on. The name is set with --access-url."}
}

// Guard refuses what browsers send for pages of others: everything that changes
// something or opens a websocket, unless it carries a token in a header, which pages
// of others do not have. It asks for no credential, so it holds for routes that need
// none, too. Programs send neither Origin nor Sec-Fetch-Site and pass.
func (p Pages) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
		if browser && acts(r) && !ownCredential(r) {
			if err := p.Proven(r); err != nil {
				httpapi.WriteJSON(w, http.StatusForbidden, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// acts reports whether a request may change something or opens a stream.
func acts(r *http.Request) bool {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	return !safe || r.Header.Get("Upgrade") != ""
}

// ownCredential reports whether a request carries what no browser adds by itself.
func ownCredential(r *http.Request) bool {
	for _, name := range []string{api.SessionTokenHeader, api.ProvisionerKeyHeader, api.ProvisionerPSKHeader} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// cookie decides whether the cookie of a request counts.
func (p Pages) cookie(r *http.Request) error {
	if acts(r) {
		return p.Proven(r)
	}
	if !p.named(r.Host) {
		return p.errHost()
	}
	return nil
}

// Proven demands that the browser says that one of our pages has made the request.
func (p Pages) Proven(r *http.Request) error {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch {
	case site != "" && site != "same-origin" && site != "none":
		return p.errOrigin()
	case origin == "null" || origin == "":
		// Forms of pages that tell nobody where they are have no origin.
		if site != "same-origin" {
			return p.errOrigin()
		}
	case sameOrigin(origin, p.access):
		return nil // also where a proxy has changed Host
	default:
		_, host, ok := strings.Cut(origin, "://")
		if !ok || !strings.EqualFold(host, r.Host) {
			return p.errOrigin()
		}
	}
	if !p.named(r.Host) {
		return p.errHost()
	}
	return nil
}

// sameOrigin compares an Origin header with the origin of a URL.
func sameOrigin(origin string, with *url.URL) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Scheme, with.Scheme) &&
		strings.EqualFold(u.Hostname(), with.Hostname()) && portOf(u) == portOf(with)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

// named reports whether a Host header is a name of ours.
func (p Pages) named(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == strings.ToLower(p.access.Hostname()) || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// policies are the headers of all answers on our origin that set none of their own.
var policies = [][2]string{
	{"Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
}

// Policies says to browsers how to treat the answers of next, where it does not say
// so itself: nothing in them is run, framed or read by other sites.
func Policies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, p := range policies {
			h.Set(p[0], p[1])
		}
		next.ServeHTTP(w, r)
	})
}
