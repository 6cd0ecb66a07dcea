package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// proxyTimeout bounds a proxy's answer to CONNECT.
const proxyTimeout = 15 * time.Second

// Transport is the way to a deployment: HTTP/1.1, because a connection then
// serves a request and after it a websocket; the proxies of the environment; the
// certificates of TLSFiles; several addresses raced; errors with their cure
// (*ReachError). It may be used from many goroutines.
type Transport struct {
	proxy func(*http.Request) (*url.URL, error)
	plain *http.Transport
	// tunnel carries upgrades over plain HTTP through a proxy. A proxy drops the
	// Upgrade header of a request that it passes on, so CONNECT is needed.
	tunnel *http.Transport
}

// NewTransport returns a Transport with the certificates of f.
func NewTransport(f TLSFiles) (*Transport, error) {
	conf, err := f.config()
	if err != nil {
		return nil, err
	}
	return newTransport(conf, http.ProxyFromEnvironment, newDialer()), nil
}

func newTransport(conf *tls.Config, proxy func(*http.Request) (*url.URL, error), d *dialer) *Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &Transport{proxy: proxy}
	t.plain = &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: connectAnswer,
		DialContext:            d.DialContext,
		TLSClientConfig:        conf,
		Protocols:              protocols,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	t.tunnel = t.plain.Clone()
	t.tunnel.Proxy = nil
	t.tunnel.DisableKeepAlives = true
	t.tunnel.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		u, err := proxy(&http.Request{URL: &url.URL{Scheme: "http", Host: addr}})
		if err != nil || u == nil {
			return nil, errors.Join(errNoConnect, err)
		}
		return connect(ctx, d, conf, network, u, addr)
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.send(req)
	if err != nil {
		return nil, explain(err, time.Now())
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		u, _ := t.proxy(req)
		_ = resp.Body.Close()
		return nil, explain(&proxyError{proxy: hostOf(u), status: resp.StatusCode, text: resp.Status}, time.Now())
	}
	return resp, nil
}

func (t *Transport) send(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && isUpgrade(req) {
		u, err := t.proxy(req)
		if err == nil && u != nil && (u.Scheme == "http" || u.Scheme == "https") {
			resp, err := t.tunnel.RoundTrip(req)
			if !errors.Is(err, errNoConnect) {
				return resp, err
			}
			// Some proxies allow CONNECT to port 443 alone; a few of them
			// pass upgrades on.
		}
	}
	return t.plain.RoundTrip(req)
}

// Plain returns a copy of what carries requests, for those who look at the hops
// of the way one by one.
func (t *Transport) Plain() *http.Transport { return t.plain.Clone() }

// CloseIdleConnections forgets the connections that are not in use. They may
// have died unseen while this computer slept or moved.
func (t *Transport) CloseIdleConnections() {
	t.plain.CloseIdleConnections()
	t.tunnel.CloseIdleConnections()
}

func isUpgrade(req *http.Request) bool { return req.Header.Get("Upgrade") != "" }

func hostOf(u *url.URL) string {
	if u == nil {
		return "in between"
	}
	return u.Host
}

// errNoConnect marks a proxy that does not tunnel.
var errNoConnect = errors.New("the proxy does not tunnel")

// proxyError is a proxy's refusal.
type proxyError struct {
	proxy  string
	status int
	text   string
}

// Error implements error.
func (e *proxyError) Error() string { return fmt.Sprintf("the proxy %s answers %s", e.proxy, e.text) }

// Is says that any refusal but the one of our credentials means "no tunnel".
func (e *proxyError) Is(target error) bool {
	return target == errNoConnect && e.status != http.StatusProxyAuthRequired
}

func connectAnswer(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy: proxy.Host, status: resp.StatusCode, text: resp.Status}
}

// connect opens a tunnel to addr through the proxy u.
func connect(ctx context.Context, d *dialer, conf *tls.Config, network string, u *url.URL, addr string) (net.Conn, error) {
	nc, err := d.DialContext(ctx, network, hostPort(u))
	if err != nil {
		return nil, &net.OpError{Op: "proxyconnect", Net: network, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, proxyTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	conn := nc
	if u.Scheme == "https" {
		c := conf.Clone()
		c.ServerName = u.Hostname()
		conn = tls.Client(nc, c)
	}
	rest, err := ask(conn, u, addr)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return rest, nil
}

// maxConnectAnswer bounds a proxy's answer to CONNECT, in bytes.
const maxConnectAnswer = 64 << 10

// ask sends CONNECT and reads the answer.
func ask(conn net.Conn, u *url.URL, addr string) (net.Conn, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user := u.User; user != nil {
		password, _ := user.Password()
		basic := http.Request{Header: http.Header{}}
		basic.SetBasicAuth(user.Username(), password)
		req.Header.Set("Proxy-Authorization", basic.Header.Get("Authorization"))
	}
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask the proxy %s: %w", u.Host, err)
	}
	br := bufio.NewReader(&limitedConn{Conn: conn, left: maxConnectAnswer})
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return nil, fmt.Errorf("answer of the proxy %s: %w", u.Host, err)
	}
	if err := connectAnswer(context.Background(), u, req, resp); err != nil {
		return nil, err
	}
	if br.Buffered() > 0 {
		return nil, fmt.Errorf("the proxy %s sends data that nobody asked for", u.Host)
	}
	return conn, nil
}

// limitedConn ends after so many bytes.
type limitedConn struct {
	net.Conn
	left int
}

func (l *limitedConn) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("too long")
	}
	n, err := l.Conn.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		if port = "80"; u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(strings.Trim(u.Hostname(), "[]"), port)
}
