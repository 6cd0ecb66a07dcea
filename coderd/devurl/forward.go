package devurl

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"coder.internal/api"
)

const (
	// Connections to applications that wait for the next request.
	maxIdle       = 4096
	maxIdlePerApp = 64
	idleTimeout   = 90 * time.Second
	maxAnswerHead = 256 << 10
	copyBuffer    = 32 << 10
	// expectContinue is what an application gets to say that it wants the body; those
	// that do not know the question say nothing.
	expectContinue = time.Second
)

// hop is one request on its way.
type hop struct {
	visit    Visit
	place    Place
	way      string // the authority of place
	decision *decision
	who      Visitor
	// chunked is a body of HTTP/1 whose length its chunks tell.
	chunked bool
	answer  *answer

	again   bool // it may be asked again after a change of the decision
	changed bool // and shall be
	stays   bool // it has become a connection, whose end calls leave
	leave   func()
	asked   *line // it was asked on, and has begun to answer
}

type hopKey struct{}

func hopOf(ctx context.Context) *hop { h, _ := ctx.Value(hopKey{}).(*hop); return h }

// transport keeps connections to applications. The host of a URL is the agent's id,
// so that no connection is ever used for another agent.
func (p *Proxy) transport() *http.Transport {
	return &http.Transport{
		DialContext: p.dial,
		// Whoever serves TLS on a port of a workspace has a certificate of their own
		// making; the way there is already ours.
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}, //nolint:gosec // see above
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerApp,
		IdleConnTimeout:        idleTimeout,
		TLSHandshakeTimeout:    dialTimeout,
		ExpectContinueTimeout:  expectContinue,
		MaxResponseHeaderBytes: maxAnswerHead,
		ReadBufferSize:         copyBuffer,
		WriteBufferSize:        copyBuffer,
	}
}

// dial connects to the application that an authority names.
func (p *Proxy) dial(ctx context.Context, _, address string) (net.Conn, error) {
	agent, network, address, err := readAuthority(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := p.opts.Streams.DialAgent(ctx, agent, network, address)
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

// dialError is that of the way to an application, before anything was sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return "reach application: " + e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// buffers are for copying; the pool of the standard library holds them.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if v, ok := b.pool.Get().(*[]byte); ok {
		return *v
	}
	return make([]byte, copyBuffer)
}

func (b *buffers) Put(v []byte) { b.pool.Put(&v) }

func (p *Proxy) reverse() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      p.lines,
		BufferPool:     &buffers{},
		ModifyResponse: p.response,
		ErrorHandler:   p.failed,
		ErrorLog:       log.New(io.Discard, "", 0), // each error comes to failed, or is a broken stream
	}
}

// forward passes a request on and comes back when the answer is over or the right to
// it is, or when the request has become a connection. The hop has left then, or that
// will.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, h *hop) {
	defer func() {
		if !h.stays {
			p.gate.leave(h.decision)
		}
	}()
	if p.corsAnswer(w, r, h) {
		return
	}
	if to, ok := firstPage(r, h); ok {
		redirect(w, to, h.place.Query)
		return
	}
	if p.quick(w, r, h) {
		return
	}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), hopKey{}, h))
	defer cancel()
	defer context.AfterFunc(h.decision.ended, cancel)()
	h.answer = newAnswer(w)
	defer h.answer.done()
	if r.ContentLength != 0 {
		// Without this the server reads all of a body before it lets an answer begin.
		// Where it cannot be said (HTTP/2) it is so anyway.
		_ = h.answer.rc.EnableFullDuplex()
	}
	p.rev.ServeHTTP(h.answer, r.WithContext(ctx))
}

// firstPage is where an application that wants a query begins.
func firstPage(r *http.Request, h *hop) (string, bool) {
	if h.place.Query == "" || r.URL.RawQuery != "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", false
	}
	path := r.URL.EscapedPath()
	return here(h.visit, r), path == h.visit.Below || path == "/"
}

// rewrite makes the request that the application gets.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	h := hopOf(pr.In.Context())
	scheme := "http"
	if h.place.TLS {
		scheme = "https"
	}
	escaped := target(pr.In.URL.EscapedPath(), h)
	out := pr.Out
	out.URL = &url.URL{Scheme: scheme, Host: h.way, RawQuery: pr.In.URL.RawQuery,
		ForceQuery: pr.In.URL.ForceQuery}
	out.URL.Path, _ = url.PathUnescape(escaped) // it was parsed already
	out.URL.RawPath = escaped
	out.Host = pr.In.Host
	withoutForwarded(out.Header)
	out.Trailer = pr.In.Trailer // filled when the body has ended, and so not to be a copy
	out.Header.Set("X-Forwarded-For", clientIP(pr.In))
	out.Header.Set("X-Forwarded-Host", pr.In.Host)
	out.Header.Set("X-Forwarded-Proto", schemeOf(h.visit))
	if cookies := withoutOurs(pr.In.Header["Cookie"]); len(cookies) > 0 {
		out.Header["Cookie"] = cookies
	} else {
		out.Header.Del("Cookie")
	}
}

func schemeOf(v Visit) string {
	if secure(v) {
		return "https"
	}
	return "http"
}

// target is the path that the application gets: without what names it, below the
// path of its URL. One that is below it already stays, since pages link so.
func target(escaped string, h *hop) string {
	if h.visit.Path {
		escaped = "/" + strings.TrimPrefix(escaped, h.visit.Below)
	}
	base := h.place.Base
	if base == "" || escaped == base || strings.HasPrefix(escaped, base+"/") {
		return escaped
	}
	return base + escaped
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// response makes an answer harmless for our other origins.
func (p *Proxy) response(res *http.Response) error {
	h := hopOf(res.Request.Context())
	if lines := res.Header["Set-Cookie"]; len(lines) > 0 {
		if kept := setCookies(lines, h.visit.Below); len(kept) > 0 {
			res.Header["Set-Cookie"] = kept
		} else {
			res.Header.Del("Set-Cookie")
		}
	}
	if h.visit.Path {
		// One application must not speak for the others of the origin.
		res.Header.Del("Service-Worker-Allowed")
		res.Header.Del("Clear-Site-Data")
	}
	if h.chunked {
		// A balancer in front may have seen another end of the body.
		res.Header.Set("Connection", "close")
	}
	// Applications do not promise for the deployment's hosts.
	res.Header.Del("Strict-Transport-Security")
	p.corsResponse(res, h)
	h.answer.expect(res)
	return nil
}

// failed answers where the application did not.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	p.fail(w, r, hopOf(r.Context()), err)
}

func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, h *hop, err error) {
	var unreachable *dialError
	var other *switched
	switch {
	case errors.As(err, &other):
		p.change(w, r, h, other)
	case errors.Is(err, context.Canceled) && h.again && h.decision.ended.Err() != nil && easy(r):
		// It led elsewhere until now: to an agent that is gone, say.
		h.changed = true
	case errors.Is(err, context.Canceled):
		// The browser left, or the right ended: nobody waits for words.
		panic(http.ErrAbortHandler)
	case errors.As(err, &unreachable) && (api.CodeOf(err) == api.CodeUnavailable || errors.Is(err, context.DeadlineExceeded)):
		at := h.place
		at.State = StateAway
		p.unready(w, r, h.visit, at)
	case errors.As(err, &unreachable):
		p.closedPort(w, r, h, err)
	default:
		p.log.Debug("application gave no answer", "agent_id", h.place.AgentID.String(), "address", h.place.Address, "error", err)
		text := []string{"It listens, but did not answer as a web server does: " + short(err) + "."}
		if h.place.TLS {
			text = append(text, "It is spoken to with TLS. If it has none, leave out the s after the port.")
		} else {
			text = append(text, "If it speaks TLS, put an s after the port: 8443s.")
		}
		Page{Status: http.StatusBadGateway, Title: "The application did not answer", Text: text, Action: here(h.visit, r), Button: "Try again"}.Write(w, r)
	}
}

// short is an error for people: without ids of ours, on one line.
func short(err error) string {
	text := inert(err.Error())
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// preflight reports whether a browser asks before it sends what it wants to send.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// corsAnswer answers preflights where the deployment does.
func (p *Proxy) corsAnswer(w http.ResponseWriter, r *http.Request, h *hop) bool {
	if !preflight(r) || h.place.CORS == api.CORSPassthru || h.visit.Path {
		return false
	}
	p.allow(w, r, h.visit)
	return true
}

// allow answers a preflight: pages of the same user may.
func (p *Proxy) allow(w http.ResponseWriter, r *http.Request, v Visit) {
	head := w.Header()
	head.Add("Vary", "Origin")
	head.Add("Vary", "Access-Control-Request-Method")
	head.Add("Vary", "Access-Control-Request-Headers")
	if origin := r.Header.Get("Origin"); p.sameUser(origin, v) {
		head.Set("Access-Control-Allow-Origin", origin)
		head.Set("Access-Control-Allow-Credentials", "true")
		head.Set("Access-Control-Allow-Methods", r.Header.Get("Access-Control-Request-Method"))
		if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
			head.Set("Access-Control-Allow-Headers", names)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// corsResponse replaces what an application says about other origins.
func (p *Proxy) corsResponse(res *http.Response, h *hop) {
	if h.place.CORS == api.CORSPassthru || h.visit.Path {
		return
	}
	for name := range res.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			res.Header.Del(name)
		}
	}
	origin := res.Request.Header.Get("Origin")
	if origin == "" || origin == h.visit.Origin {
		return
	}
	if !slices.Contains(res.Header.Values("Vary"), "Origin") {
		res.Header.Add("Vary", "Origin")
	}
	if p.sameUser(origin, h.visit) {
		res.Header.Set("Access-Control-Allow-Origin", origin)
		res.Header.Set("Access-Control-Allow-Credentials", "true")
	}
}
