package netcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// maxAddresses bounds how many addresses of a name are tried.
const maxAddresses = 8

// proxy returns the HTTP proxy on the way, nil for none.
func (r *run) proxy() *url.URL {
	if r.Transport.Proxy == nil {
		return nil
	}
	u, err := r.Transport.Proxy(&http.Request{URL: r.URL})
	if err != nil {
		r.add(Step{Name: "proxy", Status: Failed, Detail: "the address of the proxy is not usable: " + err.Error(),
			Cure: "Correct HTTP_PROXY and HTTPS_PROXY; they look like http://proxy.example.com:3128."})
		return nil
	}
	return u
}

// reach looks at dns and tcp, of the deployment or of the proxy before it.
func (r *run) reach(ctx context.Context, proxy *url.URL) {
	if r.skip("dns", "tcp") {
		return
	}
	to, whose := r.URL, ""
	if proxy != nil {
		to, whose = proxy, "proxy "
	}
	var addrs []netip.Addr
	r.add(r.timed(ctx, "dns", func(ctx context.Context) (s Step) {
		s, addrs = r.resolve(ctx, to.Hostname(), whose)
		return s
	}))
	if r.skip("tcp") {
		return
	}
	r.add(r.timed(ctx, "tcp", func(ctx context.Context) Step { return tryAddresses(ctx, addrs, portOf(to), whose) }))
}

func (r *run) resolve(ctx context.Context, host, whose string) (Step, []netip.Addr) {
	if a, err := netip.ParseAddr(host); err == nil {
		return Step{Status: OK, Detail: whose + host + " is an address, no name to look up"}, []netip.Addr{a}
	}
	addrs, err := r.Lookup(ctx, host)
	if err == nil && len(addrs) > 0 {
		addrs = addrs[:min(len(addrs), maxAddresses)]
		texts := make([]string, len(addrs))
		for i, a := range addrs {
			addrs[i] = a.Unmap()
			texts[i] = addrs[i].String()
		}
		return Step{Status: OK, Detail: whose + host + " is " + strings.Join(texts, ", ")}, addrs
	}
	s := Step{Status: Failed, Detail: "the name " + whose + host + " does not resolve"}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound, err == nil:
		s.Cure = "Check the spelling of the address. If the name is known inside of a network only, join that network or its VPN."
	case errors.As(err, &dns) && dns.IsTimeout, ctx.Err() != nil:
		s.Detail += ": the name server does not answer"
		s.Cure = "Check the network connection and the name servers of this machine."
	default:
		s.Detail += ": " + err.Error()
		s.Cure = "Check the name servers of this machine."
	}
	return s, nil
}

// dialed is the outcome of one address.
type dialed struct {
	took time.Duration
	err  error
}

// tryAddresses dials all addresses at a time, since a client that meets a dead
// one first is slow or stuck while the name looks healthy.
func tryAddresses(ctx context.Context, addrs []netip.Addr, port, whose string) Step {
	results := make([]dialed, len(addrs))
	done := make(chan int, len(addrs))
	for i, a := range addrs {
		go func() {
			start := time.Now()
			var d net.Dialer
			c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), port))
			if err == nil {
				_ = c.Close()
			}
			results[i] = dialed{time.Since(start), err}
			done <- i
		}()
	}
	for range addrs {
		<-done
	}
	var good, bad []string
	s := Step{}
	for i, a := range addrs {
		at := net.JoinHostPort(a.String(), port)
		if results[i].err != nil {
			bad = append(bad, at+" "+why(results[i].err))
			continue
		}
		if len(good) == 0 {
			s.Took = results[i].took
		}
		good = append(good, at)
	}
	switch {
	case len(good) == 0:
		s.Status, s.Detail = Failed, whose+strings.Join(bad, "; ")
		s.Cure = tcpCure(results[0].err, port)
	case len(bad) > 0:
		s.Status, s.Detail = Warning, whose+strings.Join(good, ", ")+" answers; "+strings.Join(bad, "; ")
		s.Cure = "Take the dead address out of DNS, or mend its route: connections may wait for it."
	default:
		s.Status, s.Detail = OK, whose+strings.Join(good, ", ")+" answers"
	}
	return s
}

// why says in a few words what became of a connection.
func why(err error) string {
	var ne net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "has no route from here"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return "does not answer"
	case errors.Is(err, syscall.ECONNRESET):
		return "cuts the connection"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

func tcpCure(err error, port string) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nothing listens on port %s there: start the server or its balancer, or correct the port of the address.", port)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "Check the network connection or VPN of this machine."
	}
	return fmt.Sprintf("A firewall drops TCP port %s, or the host is down. Open the port, or set HTTPS_PROXY if a proxy is needed here.", port)
}

// dialEach dials the addresses of a name in their order.
func dialEach(ctx context.Context, lookup func(context.Context, string) ([]netip.Addr, error), network, addr string) (net.Conn, error) {
	var d net.Dialer
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return d.DialContext(ctx, network, addr)
	}
	addrs, err := lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		c, err := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	if strings.HasPrefix(u.Scheme, "socks5") {
		return "1080"
	}
	return "80"
}
