package devurl

import (
	"net/http"
	"strings"

	"coder.internal/api"
)

// strange are headers by which a balancer tells an application where a request comes
// from or what it was for. Those of strangers go; rewrite sets ours.
var strange = map[string]bool{"forwarded": true, "x-real-ip": true, "true-client-ip": true, "cf-connecting-ip": true,
	"cf-connecting-ipv6": true, "x-client-ip": true, "x-cluster-client-ip": true, "fastly-client-ip": true, "x-remote-ip": true, "x-remote-addr": true,
	"x-host": true, "x-http-host-override": true, "x-original-url": true, "x-original-uri": true, "x-original-host": true, "x-original-method": true,
	"x-original-forwarded-for": true, "x-rewrite-url": true, "x-url-scheme": true, "x-proxy-user-ip": true, "x-envoy-external-address": true,
	"x-envoy-original-path": true, "front-end-https": true}

// withoutForwarded takes out what strangers say of where a request comes from, and
// our token. Many applications take an underscore for a hyphen.
func withoutForwarded(h http.Header) {
	for name := range h {
		plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if strange[plain] || strings.HasPrefix(plain, "x-forwarded-") || plain == strings.ToLower(api.SessionTokenHeader) {
			delete(h, name)
		}
	}
}
