package devurl

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"

	"coder.internal/api"
)

// maxPlainLines bounds the headers of an answer that readPlain reads.
const maxPlainLines = 32

// plain is the head of an answer of the plainest kind.
type plain struct {
	code   int
	head   int // bytes, with the empty line
	size   int // bytes of the body
	fields [maxPlainLines]field
	n      int
}

type field struct{ name, value string }

// readPlain reads the head of an answer: HTTP/1.1, a status that has a body, each line
// spelt as it should be, one Content-Length, and nothing that is about the connection
// or needs a second look. Everything else is left to net/http: ok is false then.
func readPlain(p []byte) (a plain, ok bool) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return a, false
	}
	text := string(p[:end+2])
	a.head, a.size = end+4, -1
	status, rest, _ := strings.Cut(text, "\r\n")
	if a.code = plainStatus(status); a.code == 0 {
		return a, false
	}
	for rest != "" {
		var one string
		one, rest, _ = strings.Cut(rest, "\r\n")
		if a.n == maxPlainLines || !a.line(one) {
			return a, false
		}
	}
	return a, a.size >= 0
}

// plainStatus returns the code of a status line, 0 where it is none that has a body.
func plainStatus(s string) int {
	const version = "HTTP/1.1 "
	if len(s) < len(version)+3 || s[:len(version)] != version || !plainText(s) {
		return 0
	}
	s = s[len(version):]
	code := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		code = code*10 + int(s[i]-'0')
	}
	if code < 200 || code > 599 || code == http.StatusNoContent || code == http.StatusNotModified || len(s) > 3 && s[3] != ' ' {
		return 0
	}
	return code
}

// line takes one header.
func (a *plain) line(s string) bool {
	name, value, found := strings.Cut(s, ":")
	if !found || name == "" || !plainName(name) || !plainText(value) {
		return false
	}
	name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
	switch name {
	case "Connection":
		return strings.EqualFold(value, "keep-alive")
	case "Keep-Alive", "Strict-Transport-Security":
		return true // for this hop alone; not for the deployment's hosts
	case "Content-Length":
		if a.size >= 0 || !a.length(value) {
			return false
		}
	case "Set-Cookie", "Trailer", "Transfer-Encoding", "Te", "Upgrade", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Pragma", "Service-Worker-Allowed", "Clear-Site-Data":
		return false
	}
	a.fields[a.n] = field{name, value}
	a.n++
	return true
}

// length reads a Content-Length that fits into the buffer of a line.
func (a *plain) length(s string) bool {
	if s == "" || len(s) > 4 {
		return false
	}
	a.size = 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		a.size = a.size*10 + int(s[i]-'0')
	}
	return true
}

// copyTo adds the headers that a browser gets.
func (a *plain) copyTo(header http.Header, h *hop) {
	ours := h.place.CORS != api.CORSPassthru && !h.visit.Path
	values := make([]string, a.n)
	for i, f := range a.fields[:a.n] {
		if ours && strings.HasPrefix(f.name, "Access-Control-") {
			continue
		}
		if before := header[f.name]; before != nil {
			header[f.name] = append(before, f.value)
			continue
		}
		values[i] = f.value
		header[f.name] = values[i : i+1 : i+1]
	}
	if _, typed := header["Content-Type"]; !typed {
		header["Content-Type"] = nil // or the server would guess
	}
}

// plainName reports whether s has the letters of a header's name alone.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// plainText reports whether s has no control characters but tabs.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
