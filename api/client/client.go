// Package client asks a deployment over HTTP, with the types of package api.
//
// It owns how a request is sent: address, credentials, extra headers, retries,
// limits of answers, and the rebuilding of *api.Error from them. It never
// decides what is shown to a person and never keeps state between calls but
// idle connections. A Client may be used from many goroutines.
//
// Retries: a request whose connection could not be made was never received, so
// every method is sent again; one whose connection broke later is sent again
// only for GET and HEAD. Three tries at most, with jitter in between.
//
// The token goes to one host only. A redirect to another scheme or host is
// refused, because following it would hand over the credential.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"time"

	"coder.internal/api"
	"coder.internal/internal/clock"
)

// Limits of what is read from a server.
const (
	MaxJSON      = 64 << 20  // bytes of one JSON answer
	MaxFile      = 100 << 20 // bytes of one downloaded file
	maxRedirects = 5
	attempts     = 3
)

// Client is a typed HTTP client of one deployment.
type Client struct {
	url    *url.URL
	http   *http.Client
	token  api.Secret
	header http.Header
	clock  clock.Clock
	trace  func(method, url string, status int, took time.Duration, err error)
}

// Option changes how New builds a Client.
type Option func(*Client)

// WithToken sends the session token with every request.
func WithToken(t api.Secret) Option { return func(c *Client) { c.token = t } }

// WithHeader sends extra headers with every request, websockets included.
func WithHeader(h http.Header) Option { return func(c *Client) { c.header = h } }

// WithTransport replaces the transport; see NewTransport.
func WithTransport(t http.RoundTripper) Option { return func(c *Client) { c.http.Transport = t } }

// WithClock replaces the clock that spaces retries.
func WithClock(k clock.Clock) Option { return func(c *Client) { c.clock = k } }

// WithTrace calls fn after each attempt. It sees no header and no body, so no
// secret reaches it.
func WithTrace(fn func(method, url string, status int, took time.Duration, err error)) Option {
	return func(c *Client) { c.trace = fn }
}

// New returns a client of the deployment at u, which may have a path prefix.
func New(u *url.URL, opts ...Option) *Client {
	c := &Client{url: u, http: &http.Client{}, clock: clock.Real()}
	for _, o := range opts {
		o(c)
	}
	if c.http.Transport == nil {
		t, err := NewTransport(TLSFiles{})
		if err != nil {
			panic("client: transport without files: " + err.Error())
		}
		c.http.Transport = t
	}
	c.http.CheckRedirect = c.checkRedirect
	return c
}

// URL returns the deployment's address.
func (c *Client) URL() *url.URL { return c.url }

// HTTPClient returns the client underneath, for dialers of the same deployment.
// It does not add the token or the extra headers; see Header.
func (c *Client) HTTPClient() *http.Client { return c.http }

// Header returns the headers of every request, the token included.
func (c *Client) Header() http.Header {
	h := c.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if c.token != "" {
		h.Set(api.SessionTokenHeader, c.token.Reveal())
	}
	return h
}

// ExtraHeader returns the extra headers without the token.
func (c *Client) ExtraHeader() http.Header {
	if c.header == nil {
		return http.Header{}
	}
	return c.header.Clone()
}

// Token returns the session token.
func (c *Client) Token() api.Secret { return c.token }

// TLSFiles names PEM files: CA is trusted besides the system's; Cert and Key
// are shown to the server. Empty means none.
type TLSFiles struct{ CA, Cert, Key string }

func (f TLSFiles) config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, api.Invalid("client-tls-ca-file", f.CA+" holds no PEM certificate.")
		}
		conf.RootCAs = pool
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, api.Invalid("client-tls-cert-file", "The certificate and the key file go together; only one is given.")
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("load client certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// checkRedirect follows redirects inside the origin only.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf(
			"The server at %s redirects to %s://%s. The credential is not sent there; if that is the right address, use it as the URL.",
			first.Host, req.URL.Scheme, req.URL.Host)}
	}
	if len(via) >= maxRedirects {
		return &api.Error{Code: api.CodeInvalid, Message: "The server redirects in circles; check the URL."}
	}
	return nil
}

// UnreachableError says that no answer came from the deployment.
type UnreachableError struct {
	URL string
	Err error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach %s: %s", e.URL, cause(e.Err))
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// cause drops the method and address that net/http puts before the reason, and
// the cure, which has a place of its own.
func cause(err error) string {
	var re *ReachError
	if errors.As(err, &re) {
		return re.Err.Error()
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err.Error()
	}
	return err.Error()
}

// backoff waits before try n (1-based): about 100 ms, then 400 ms.
func (c *Client) backoff(ctx context.Context, n int) error {
	base := 100 * time.Millisecond << (2 * (n - 1))
	d := base/2 + rand.N(base)
	t := c.clock.NewTimer(d, "client", "retry")
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
