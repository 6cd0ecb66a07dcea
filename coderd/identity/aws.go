package identity

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// AWS verifies instance identity documents with the certificates that AWS
// publishes for its regions.
type AWS struct{ Certificates []*x509.Certificate }

// Instance returns the id of the machine that a document is about. signature is
// the base64 text of the metadata path instance-identity/signature: RSA with
// SHA-256 over the document's bytes.
func (a AWS) Instance(document, signature string) (string, error) {
	const cloud = "AWS"
	if len(a.Certificates) == 0 {
		return "", refused(cloud, "the server has no certificates of AWS; see --aws-identity-cert-file")
	}
	if len(document) > MaxDocument || len(signature) > MaxDocument {
		return "", refused(cloud, "the document is too long")
	}
	sig, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(signature), ""))
	if err != nil {
		return "", refused(cloud, "the signature is not base64")
	}
	for _, c := range a.Certificates {
		if c.PublicKeyAlgorithm != x509.RSA || c.CheckSignature(x509.SHA256WithRSA, []byte(document), sig) != nil {
			continue
		}
		// Read only now: before, it is anybody's text.
		var d struct {
			InstanceID string `json:"instanceId"`
		}
		if json.Unmarshal([]byte(document), &d) != nil || d.InstanceID == "" {
			return "", refused(cloud, "the document names no instance")
		}
		return d.InstanceID, nil
	}
	return "", refused(cloud, "no certificate of AWS that the server knows signed it")
}
