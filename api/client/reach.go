package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// ReachError is a failure on the way to the deployment with what to do about it.
type ReachError struct {
	Err  error
	Cure string // sentences
}

// Error implements error.
func (e *ReachError) Error() string { return e.Err.Error() + " (" + e.Cure + ")" }

// Unwrap returns the failure.
func (e *ReachError) Unwrap() error { return e.Err }

// explain adds the cure to a failure whose cause is known.
func explain(err error, now time.Time) error {
	if cure := cure(err, now); cure != "" {
		return &ReachError{Err: err, Cure: cure}
	}
	return err
}

func cure(err error, now time.Time) string {
	var pe *proxyError
	var op *net.OpError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &pe) && pe.status == http.StatusProxyAuthRequired:
		return "It wants a user and a password: set HTTP_PROXY and HTTPS_PROXY to http://user:password@" + pe.proxy + "."
	case errors.As(err, &pe):
		return "Ask for this address to be allowed there, or name it in NO_PROXY where it can be reached without."
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "Check HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY where it can be reached without a proxy."
	case errors.As(err, &notTLS):
		return "The other side does not speak TLS; the address may have to begin with http://."
	}
	return certificateCure(err, now)
}

// certificateCure is the cure of failures of either side's certificate.
func certificateCure(err error, now time.Time) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return clockCure(invalid.Cert, now)
	case errors.As(err, &unknown):
		who := ""
		if unknown.Cert != nil && unknown.Cert.Issuer.CommonName != "" {
			who = fmt.Sprintf(" (%q)", plainName(unknown.Cert.Issuer.CommonName))
		}
		return "Its certificate is signed by an authority" + who + " that is not trusted here; name the CA with " +
			"--client-tls-ca-file or CODER_CLIENT_TLS_CA_FILE. A firewall that inspects TLS has such an authority too."
	case errors.As(err, &host):
		return "Its certificate is for another name; check --url or CODER_URL."
	case strings.Contains(err.Error(), "tls: certificate required"), strings.Contains(err.Error(), "tls: bad certificate"):
		return "The other side wants a client certificate; name it with --client-tls-cert-file and --client-tls-key-file."
	}
	return ""
}

func clockCure(cert *x509.Certificate, now time.Time) string {
	const form = "2006-01-02 15:04 MST"
	clock := "The clock of this computer says " + now.UTC().Format(form) + ". If that is wrong, set it"
	switch {
	case cert == nil:
		return clock + "."
	case now.Before(cert.NotBefore):
		return clock + "; the certificate is valid from " + cert.NotBefore.UTC().Format(form) + " on."
	default:
		return clock + "; otherwise the certificate, which ended on " + cert.NotAfter.UTC().Format(form) + ", must be renewed."
	}
}

// plainName bounds a name from a certificate.
func plainName(s string) string {
	const most = 80
	s = strings.ToValidUTF8(s, "")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
