// Package identity verifies what clouds sign for their machines: the instance
// identity documents of AWS, the attested data of Azure, the identity tokens of
// Google Compute Engine.
//
// It returns the id of the machine, and only after the signature was verified
// with a key that is not in the document itself. It never asks the database and
// never decides who the machine is. A verifier that has no keys refuses.
//
// Documents of AWS do not expire and cannot be bound to a deployment; those of
// Azure expire; Google's expire and name the deployment as their audience.
package identity

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"coder.internal/api"
)

// MaxDocument bounds a document, in bytes.
const MaxDocument = 32 << 10

// skew is how far clocks may be apart.
const skew = 2 * time.Minute

// refused is the one answer to what cannot be verified; why says what was wrong.
func refused(cloud, why string) error {
	return &api.Error{Code: api.CodeUnauthenticated, Message: "The " + cloud + " identity of this machine was not accepted: " + why + "."}
}

// ParseCertificates reads PEM certificates. Anything else in the text is an
// error, so that a key file is not taken by mistake.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for len(strings.TrimSpace(string(text))) > 0 {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("certificate %d is not in PEM form", len(out)+1)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out, text = append(out, c), rest
	}
	return out, nil
}
