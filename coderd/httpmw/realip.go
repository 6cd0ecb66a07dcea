package httpmw

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// TrustedProxies are the peers whose word counts about where a request comes from.
// The zero value trusts nobody.
type TrustedProxies struct {
	headers []string
	origins []netip.Prefix
}

// NewTrustedProxies reads the options. Headers hold an address, or a list of them as
// X-Forwarded-For does; origins are addresses or networks.
func NewTrustedProxies(headers, origins []string) (TrustedProxies, error) {
	var t TrustedProxies
	for _, h := range headers {
		if h == "" || strings.ContainsAny(h, " \t\r\n:") {
			return t, fmt.Errorf("option --proxy-trusted-headers: %q is not the name of a header", h)
		}
		t.headers = append(t.headers, textproto.CanonicalMIMEHeaderKey(h))
	}
	for _, o := range origins {
		p, err := netip.ParsePrefix(o)
		if a, aerr := netip.ParseAddr(o); aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return t, fmt.Errorf("option --proxy-trusted-origins: %q is neither an address nor a network such as 10.0.0.0/8", o)
		}
		t.origins = append(t.origins, p.Masked())
	}
	if len(t.headers) > 0 && len(t.origins) == 0 {
		return t, fmt.Errorf("option --proxy-trusted-headers: nobody may send %s; name the proxies with --proxy-trusted-origins", t.headers[0])
	}
	return t, nil
}

func (t TrustedProxies) trusts(text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return slices.ContainsFunc(t.origins, func(p netip.Prefix) bool { return p.Contains(a) })
}

// RealIP gives requests that come through a trusted proxy the address that it names,
// so that all behind it see the person's. Headers of anybody else change nothing.
func (t TrustedProxies) RealIP(next http.Handler) http.Handler {
	if len(t.headers) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer := ClientIP(r); t.trusts(peer) {
			if ip := t.client(r.Header); ip != "" {
				clone := *r
				clone.RemoteAddr = net.JoinHostPort(ip, "0")
				r = &clone
			}
		}
		next.ServeHTTP(w, r)
	})
}

// client is the last address that no trusted proxy has, in the first header that
// there is. What stands before it was written by whoever it is.
func (t TrustedProxies) client(h http.Header) string {
	for _, name := range t.headers {
		list := strings.Split(strings.Join(h[name], ","), ",")
		for _, text := range slices.Backward(list) {
			a, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil {
				break
			}
			if ip := a.Unmap().WithZone("").String(); !t.trusts(ip) {
				return ip
			}
		}
	}
	return ""
}
