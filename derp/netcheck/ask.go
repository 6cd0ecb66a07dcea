package netcheck

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// maxSkew is how far the clocks may be apart.
const maxSkew = 2 * time.Minute

// exchange is one request with the times of its parts.
type exchange struct {
	began, tlsBegan, tlsDone time.Time
	state                    tls.ConnectionState
	tlsErr                   error
	resp                     *http.Response
	body                     []byte
	took                     time.Duration
	err                      error
}

// ask makes one request, of which proxy, tls, http and clock are parts.
func (r *run) ask(ctx context.Context, proxy *url.URL) {
	secure := r.URL.Scheme == "https"
	if r.skip("tls", "http") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	e := r.exchange(ctx)
	if proxy != nil {
		r.add(proxyStep(e, proxy, r.URL))
	}
	if r.skip("tls", "http") {
		return
	}
	switch {
	case secure:
		r.add(r.tlsStep(e))
	default:
		r.add(Step{Name: "tls", Status: Skipped, Detail: "not used: the address begins with http"})
	}
	if r.skip("http") {
		return
	}
	r.add(httpStep(e))
	r.clock(e)
}

// handshake is what the trace of a request saw; it may go on after the request.
type handshake struct {
	mu          sync.Mutex // guards what follows
	began, done time.Time
	state       tls.ConnectionState
	err         error
}

func (h *handshake) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.began = time.Now()
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.done, h.state, h.err = time.Now(), s, err
		},
	}
}

func (r *run) exchange(ctx context.Context) *exchange {
	e := &exchange{began: time.Now()}
	var h handshake
	ctx = httptrace.WithClientTrace(ctx, h.trace())
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		e.tlsBegan, e.tlsDone, e.state, e.tlsErr = h.began, h.done, h.state, h.err
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL.JoinPath("api/v2/buildinfo").String(), nil)
	if err != nil {
		e.err = err
		return e
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	e.resp, e.err = r.client.Do(req)
	e.took = time.Since(e.began)
	if e.err == nil {
		e.body, e.err = io.ReadAll(io.LimitReader(e.resp.Body, maxAnswer))
		_ = e.resp.Body.Close()
	}
	return e
}

// proxyStep says whether the proxy let us through. For plain http it answers in
// the server's place, which only its status tells.
func proxyStep(e *exchange, proxy, to *url.URL) Step {
	s := Step{Name: "proxy", Status: OK, Detail: "through " + proxy.Redacted()}
	denied := e.err != nil && to.Scheme == "https" && e.tlsBegan.IsZero()
	status := ""
	switch {
	case denied:
		status = cause(e.err)
	case e.resp != nil && e.resp.StatusCode == http.StatusProxyAuthRequired:
		status = e.resp.Status
	default:
		return s
	}
	s.Status, s.Took = Failed, e.took
	s.Detail = fmt.Sprintf("the proxy %s does not connect to %s: %s", proxy.Redacted(), to.Host, status)
	s.Cure = "Ask the owner of the proxy to let " + to.Host + " through, or name the host in NO_PROXY if it is reached without the proxy."
	if strings.Contains(status, "407") || strings.Contains(status, "Proxy Authentication Required") {
		s.Cure = "The proxy wants a name and a password: HTTPS_PROXY=http://name:password@" + proxy.Host
	}
	return s
}

func (r *run) tlsStep(e *exchange) Step {
	s := Step{Name: "tls", Status: OK}
	if !e.tlsDone.IsZero() {
		s.Took = e.tlsDone.Sub(e.tlsBegan)
	}
	err := e.tlsErr
	if e.tlsDone.IsZero() {
		err = e.err // never came to the end of a handshake
	}
	if err == nil && e.err != nil && isAlert(e.err) {
		err = e.err // in TLS 1.3 a server refuses our certificate after the handshake
	}
	if err != nil {
		s.Status = Failed
		s.Detail, s.Cure = r.tlsWhy(err)
		return s
	}
	s.Detail = tls.VersionName(e.state.Version)
	if certs := e.state.PeerCertificates; len(certs) > 0 {
		leaf := certs[0]
		s.Detail += fmt.Sprintf(", certificate of %s, valid until %s", nameOf(leaf.Issuer.String()), leaf.NotAfter.Format(time.DateOnly))
		if left := leaf.NotAfter.Sub(r.Now()); left < 7*24*time.Hour {
			s.Status, s.Cure = Warning, "The server's certificate ends soon; renew it."
		}
	}
	return s
}

func isAlert(err error) bool {
	var alert tls.AlertError
	return errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls")
}

func nameOf(dn string) string {
	if dn == "" {
		return "an issuer without a name"
	}
	return dn
}

// tlsWhy turns a failed handshake into what was seen and a cure.
func (r *run) tlsWhy(err error) (detail, cure string) {
	var verify *tls.CertificateVerificationError
	issuer := ""
	if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 {
		issuer = nameOf(verify.UnverifiedCertificates[0].Issuer.String())
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "the certificate is signed by " + issuer + ", which is not trusted here",
			"If that is your company's authority or its TLS inspection, name its CA file: --client-tls-ca-file, or SSL_CERT_FILE in a workspace. Otherwise somebody else answers for this address."
	case errors.As(err, &host):
		return "the certificate is not for " + r.URL.Hostname() + " but for " + names(host.Certificate),
			"Use a name of the certificate as the address, or give the server a certificate for this name."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate is valid from %s to %s; here it is %s", invalid.Cert.NotBefore.Format(time.DateTime),
				invalid.Cert.NotAfter.Format(time.DateTime), r.Now().UTC().Format(time.DateTime)),
			"If the clock of this machine is wrong, set it; otherwise renew the server's certificate."
	case errors.As(err, &header), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the answer is not TLS", "The server speaks plain http on this port: use http:// in the address, or the port of https."
	case isAlert(err):
		return "the server refuses the handshake: " + cause(err),
			"If the server asks for a client certificate, give it with --client-tls-cert-file and --client-tls-key-file."
	case errors.Is(err, context.DeadlineExceeded):
		return "the handshake got no answer", "Something between here and the server drops TLS; large packets may be lost (MTU). Try another network."
	}
	return "the handshake broke: " + cause(err), "Something between here and the server cuts TLS. Look at the log of the server or its balancer."
}

func names(c *x509.Certificate) string {
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all[:min(len(all), 5)], ", ")
}

func httpStep(e *exchange) Step {
	s := Step{Name: "http", Took: e.took, Status: Failed}
	if e.err != nil {
		s.Detail = "no answer: " + cause(e.err)
		s.Cure = "The connection stands, but the server says nothing. Look at the log of the server or its balancer."
		return s
	}
	var info struct {
		Version string `json:"version"`
	}
	to := e.resp.Header.Get("Location")
	switch status := e.resp.StatusCode; {
	case status == http.StatusOK && json.Unmarshal(e.body, &info) == nil && info.Version != "":
		s.Status, s.Detail = OK, "Coder "+info.Version
	case status/100 == 3:
		s.Detail, s.Cure = fmt.Sprintf("redirected to %.200s", to), "Use the address of the redirection, without its path, as the URL. A login page there belongs to a proxy or a hotspot: sign in to it first."
	case status >= 502 && status <= 504:
		s.Detail, s.Cure = "a balancer answers "+e.resp.Status, "The balancer has no healthy server behind it: start the server, or look at its /healthz."
	case status == http.StatusOK:
		s.Detail, s.Cure = "the answer is not from Coder", "Another service answers at this address, or a hotspot's page. Check the URL and its path."
	default:
		s.Detail, s.Cure = "the answer is "+e.resp.Status, "Check the URL and its path, and what a proxy in between does with it."
	}
	return s
}

// clock compares ours with the Date of the answer. A wrong clock breaks TLS and
// sign-in at times, so it is a warning of its own.
func (r *run) clock(e *exchange) {
	if e.resp == nil {
		return
	}
	there, err := http.ParseTime(e.resp.Header.Get("Date"))
	if err != nil {
		return
	}
	skew := r.Now().Sub(there).Round(time.Second)
	if skew.Abs() <= maxSkew {
		return
	}
	word := "ahead of"
	if skew < 0 {
		word = "behind"
	}
	r.add(Step{Name: "clock", Status: Warning, Detail: fmt.Sprintf("this machine's clock is %s %s the server's", skew.Abs(), word),
		Cure: "Set the clock, here or there (NTP); certificates and sign-ins are judged by it."})
}

// cause drops the method and address that net/http puts before the reason.
func cause(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err.Error()
	}
	return err.Error()
}
