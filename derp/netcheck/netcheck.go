// Package netcheck walks the way from this machine to a deployment, hop by hop,
// and says which is the first that does not work and what to do about it.
//
// It owns the hops dns, tcp, proxy, tls, http, clock, upgrade, websocket, relay
// and stun. It never signs in, never sends a credential, and never joins the
// network: whether an agent is reached is for its callers. A Report is made
// once by Run and only grows afterwards.
//
// A hop is ok, a warning (everything works, but slower or less directly than
// it could), failed, or skipped (not in use, or never reached).
package netcheck

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"coder.internal/api/tailrpc"
	"coder.internal/derp/derpmap"
)

// Status is the outcome of one hop.
type Status string

// The outcomes.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Step is one hop. Detail is what was seen; Cure is what to do, empty where
// nothing needs doing. Text of peers in them is not made safe for a terminal.
type Step struct {
	Name   string        `json:"name"`
	Status Status        `json:"status"`
	Took   time.Duration `json:"took_ns"`
	Detail string        `json:"detail"`
	Cure   string        `json:"cure,omitempty"`
}

// Report is what Run found.
type Report struct {
	URL   string `json:"url"`
	Steps []Step `json:"steps"`
}

// Add appends hops that others have looked at.
func (r *Report) Add(steps ...Step) { r.Steps = append(r.Steps, steps...) }

// FirstFailure returns the first hop that failed.
func (r *Report) FirstFailure() (Step, bool) {
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Status == Failed })
	if i < 0 {
		return Step{}, false
	}
	return r.Steps[i], true
}

// Step returns the hop of that name.
func (r *Report) Step(name string) (Step, bool) {
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		return Step{}, false
	}
	return r.Steps[i], true
}

// DefaultTimeout bounds one hop.
const DefaultTimeout = 5 * time.Second

// Config of Run. URL is required.
type Config struct {
	URL *url.URL
	// Transport carries proxy, CAs and client certificate; nil means none of
	// them. It is cloned.
	Transport *http.Transport
	// Header is sent with each request; it must hold no credential.
	Header http.Header
	// Relays is the deployment's map; nil means its embedded relay alone.
	Relays *tailrpc.RelayMap
	// NoDirect says that this machine does not want direct connections.
	NoDirect bool
	// Timeout bounds each hop; 0 means DefaultTimeout.
	Timeout time.Duration
	// Lookup resolves names; nil means the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Now is the local clock; nil means time.Now.
	Now func() time.Time
}

func (c *Config) fill() {
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	if c.Transport == nil {
		c.Transport = &http.Transport{}
	}
	c.Transport = c.Transport.Clone()
	c.Transport.DisableKeepAlives = true
	c.Transport.ForceAttemptHTTP2 = false
	c.Transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	c.Transport.Protocols = new(http.Protocols)
	c.Transport.Protocols.SetHTTP1(true)
	if c.Lookup == nil {
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	} else {
		lookup := c.Lookup
		c.Transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialEach(ctx, lookup, network, addr)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Relays == nil {
		m := derpmap.Build(derpmap.Config{})
		c.Relays = &m
	}
}

// run is one walk.
type run struct {
	Config
	report *Report
	client *http.Client
	// broken is the name of the first hop that failed, which keeps those behind
	// it from being tried.
	broken string
	// unknownRelays says that Config named no relays.
	unknownRelays bool
}

// Run walks all hops. It takes a few seconds, at most Timeout for each hop, and
// ends soon after ctx.
func Run(ctx context.Context, c Config) *Report {
	unknown := c.Relays == nil
	c.fill()
	r := &run{unknownRelays: unknown, Config: c, report: &Report{URL: c.URL.Redacted(), Steps: []Step{}}}
	defer c.Transport.CloseIdleConnections()
	r.client = &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	proxy := r.proxy()
	r.reach(ctx, proxy)
	r.ask(ctx, proxy)
	r.transports(ctx)
	r.regions(ctx)
	r.stun(ctx)
	return r.report
}

// add takes a hop; a failed one stops those that need it.
func (r *run) add(s Step) {
	r.report.Add(s)
	if s.Status == Failed && r.broken == "" {
		r.broken = s.Name
	}
}

// skip notes hops that were not reached, and reports whether that is so.
func (r *run) skip(names ...string) bool {
	if r.broken == "" {
		return false
	}
	for _, n := range names {
		r.report.Add(Step{Name: n, Status: Skipped, Detail: "not reached: " + r.broken + " failed"})
	}
	return true
}

// timed runs f under the hop's timeout.
func (r *run) timed(ctx context.Context, name string, f func(context.Context) Step) Step {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	start := time.Now()
	s := f(ctx)
	s.Name = name
	if s.Took == 0 && s.Status != Skipped {
		s.Took = time.Since(start)
	}
	return s
}
