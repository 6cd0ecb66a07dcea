package serve

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"coder.internal/coderd/agents"
	"coder.internal/coderd/identity"
)

// IdentityConfig names the certificates by which machines of clouds are known.
type IdentityConfig struct{ AWSCertFile, AzureCertFile string }

// identities builds the verifiers.
func (s *Server) identities() (agents.Identities, error) {
	aws, err := certificates("--aws-identity-cert-file", s.cfg.Identity.AWSCertFile)
	if err != nil {
		return agents.Identities{}, err
	}
	if len(aws) == 0 {
		if aws, err = identity.AWSCertificates(); err != nil {
			return agents.Identities{}, err
		}
	}
	azure, err := certificates("--azure-identity-cert-file", s.cfg.Identity.AzureCertFile)
	if err != nil {
		return agents.Identities{}, err
	}
	return agents.Identities{
		AWS:   identity.AWS{Certificates: aws},
		Azure: identity.Azure{Intermediates: azure, Now: time.Now},
		Google: identity.Google{Audience: strings.TrimRight(s.accessURL.String(), "/"), Now: time.Now,
			Keys: &identity.JWKS{URL: identity.GoogleKeysURL, Client: &http.Client{Timeout: 10 * time.Second}, Now: time.Now}},
	}, nil
}

func certificates(flag, name string) ([]*x509.Certificate, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("option %s: %w", flag, err)
	}
	certs, err := identity.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("option %s: %s: %w", flag, name, err)
	}
	return certs, nil
}
