package devurl

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	// maxQuickNames bounds the different headers of a request that is passed on as it
	// came, and maxQuickQuery its query; others take the usual way.
	maxQuickNames = 32
	maxQuickQuery = 4 << 10
)

var heads = sync.Pool{New: func() any { b := make([]byte, 0, lineBuffer); return &b }}

// quick does for most requests what the reverse proxy does, at a third of the cost: a
// question without a body, on a connection that is kept, whose answer is short, of a
// known length and plain. It returns false where anything is unusual, and nothing has
// been answered then; what was asked already has its line in h, and its answer is
// read in the usual way.
func (p *Proxy) quick(w http.ResponseWriter, r *http.Request, h *hop) bool {
	if h.place.TLS || h.place.Base != "" || h.chunked || !plainRequest(r) {
		return false
	}
	l := p.lines.take(h.way)
	if l == nil {
		return false
	}
	l.ready()
	if !h.decision.asking.add(l) {
		p.lines.give(l)
		return false
	}
	stop := context.AfterFunc(r.Context(), func() { reset(l.conn) })
	err := l.send(r, h)
	there := stop()
	if right := h.decision.asking.remove(l); !there || !right {
		reset(l.conn)
		p.fail(w, r, h, context.Canceled)
		return true
	}
	if err != nil {
		reset(l.conn) // it was closed while it was kept
		return false
	}
	seen, _ := l.br.Peek(l.br.Buffered()) // it is there
	a, ok := readPlain(seen)
	if !ok || a.size > len(seen)-a.head {
		h.asked = l
		return false
	}
	a.copyTo(w.Header(), h)
	w.WriteHeader(a.code)
	_, _ = w.Write(seen[a.head : a.head+a.size]) // who is not there needs no answer
	_, _ = l.br.Discard(a.head + a.size)
	l.head = -1
	p.lines.give(l)
	return true
}

// plainRequest reports whether a request is one that quick passes on.
func plainRequest(r *http.Request) bool {
	if r.Method != http.MethodGet || !easy(r) || len(r.Header) > maxQuickNames || !plainQuery(r.URL.RawQuery) {
		return false
	}
	for name, values := range r.Header {
		switch name {
		case "Connection":
			if len(values) != 1 || !strings.EqualFold(values[0], "keep-alive") {
				return false
			}
		case "Origin", "Upgrade", "Te", "Trailer", "Transfer-Encoding":
			return false
		}
		for _, v := range values {
			if !plainText(v) {
				return false
			}
		}
	}
	return true
}

// plainQuery reports whether a query is passed on as it is.
func plainQuery(s string) bool {
	if len(s) > maxQuickQuery {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || c == ';':
			return false
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// send asks on a line, with the headers that rewrite would make.
func (l *line) send(r *http.Request, h *hop) error {
	buf := heads.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put
	b := append(append((*buf)[:0], "GET "...), target(r.URL.EscapedPath(), h)...)
	if r.URL.ForceQuery || r.URL.RawQuery != "" {
		b = append(append(b, '?'), r.URL.RawQuery...)
	}
	b = append(append(append(b, " HTTP/1.1\r\nHost: "...), r.Host...), "\r\n"...)
	b = appendHeaders(b, r.Header)
	for _, v := range withoutOurs(r.Header["Cookie"]) {
		b = appendHeader(b, "Cookie", v)
	}
	b = appendHeader(b, "X-Forwarded-For", clientIP(r))
	b = appendHeader(b, "X-Forwarded-Host", r.Host)
	b = appendHeader(b, "X-Forwarded-Proto", schemeOf(h.visit))
	b = append(b, "\r\n"...)
	l.head = maxAnswerHead
	_, err := l.conn.Write(b)
	if cap(b) <= copyBuffer {
		*buf = b
		heads.Put(buf)
	}
	// What was sent in part may have been answered, but nothing is nothing.
	if _, rerr := l.br.Peek(1); rerr != nil {
		return rerr
	}
	return err
}

// appendHeaders writes what of a request's headers is the application's, in the order
// of their names.
func appendHeaders(b []byte, header http.Header) []byte {
	var space [maxQuickNames]string
	names := space[:0]
	for name := range header {
		switch name {
		case "Host", "Cookie", "Content-Length", "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization":
			continue // written apart, or for this hop alone
		}
		if !isStrange(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range header[name] {
			if b = appendHeader(b, name, v); name == "User-Agent" {
				break
			}
		}
	}
	return b
}

func appendHeader(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}

// asking are the lines of one decision on which somebody waits for an answer.
type asking struct {
	mu    sync.Mutex // guards what follows
	lines map[*line]struct{}
	over  bool
}

// add returns false where the decision has ended.
func (a *asking) add(l *line) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lines == nil {
		a.lines = map[*line]struct{}{}
	}
	if !a.over {
		a.lines[l] = struct{}{}
	}
	return !a.over
}

// remove returns false where the line is broken, or about to be.
func (a *asking) remove(l *line) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.lines, l)
	return !a.over
}

// end breaks all lines.
func (a *asking) end() {
	a.mu.Lock()
	a.over = true
	lines := make([]*line, 0, len(a.lines))
	for l := range a.lines {
		lines = append(lines, l)
	}
	a.mu.Unlock()
	for _, l := range lines {
		reset(l.conn)
	}
}
