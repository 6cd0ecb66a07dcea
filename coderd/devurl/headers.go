package devurl

import (
	"bytes"
	"net/http"
	"strings"

	"coder.internal/api"
)

// sessionHeader is ours, in small letters.
var sessionHeader = strings.ToLower(api.SessionTokenHeader)

const (
	// forwardedFor begins a whole family of them.
	forwardedFor = "x-forwarded-"
	// maxStrange is more than the longest name of them has, in bytes.
	maxStrange = 32
)

// strange are headers by which a balancer tells an application where a request comes
// from or what it was for. Those of strangers go; rewrite sets ours.
var strange = map[string]bool{"forwarded": true, "x-real-ip": true, "true-client-ip": true, "cf-connecting-ip": true,
	"cf-connecting-ipv6": true, "x-client-ip": true, "x-cluster-client-ip": true, "fastly-client-ip": true, "x-remote-ip": true, "x-remote-addr": true,
	"x-host": true, "x-http-host-override": true, "x-original-url": true, "x-original-uri": true, "x-original-host": true, "x-original-method": true,
	"x-original-forwarded-for": true, "x-rewrite-url": true, "x-url-scheme": true, "x-proxy-user-ip": true, "x-envoy-external-address": true,
	"x-envoy-original-path": true, "front-end-https": true}

// isStrange reports whether a request's header says, for a stranger, where it comes
// from, or is our token. Many applications take an underscore for a hyphen.
func isStrange(name string) bool {
	var space [maxStrange]byte
	if len(name) > maxStrange {
		name = name[:maxStrange] // of those only the family is left
	}
	plain := space[:len(name)]
	for i := range plain {
		c := name[i]
		switch {
		case c == '_':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		plain[i] = c
	}
	return bytes.HasPrefix(plain, []byte(forwardedFor)) || string(plain) == sessionHeader || strange[string(plain)]
}

// withoutForwarded takes out what strangers say of where a request comes from, and
// our token.
func withoutForwarded(h http.Header) {
	for name := range h {
		if isStrange(name) {
			delete(h, name)
		}
	}
}
