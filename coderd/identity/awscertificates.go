package identity

import (
	"crypto/x509"
	_ "embed"
	"fmt"
)

//go:embed aws_certificates.pem
var awsCertificates []byte

// AWSCertificates are those that AWS publishes for its regions, as of this release.
func AWSCertificates() ([]*x509.Certificate, error) {
	certs, err := ParseCertificates(awsCertificates)
	if err != nil {
		return nil, fmt.Errorf("built-in certificates of AWS: %w", err)
	}
	return certs, nil
}
