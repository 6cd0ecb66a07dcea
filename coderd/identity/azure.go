package identity

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Azure verifies attested data of virtual machines.
type Azure struct {
	// Roots end the chain; nil means the system's. Intermediates are those that
	// documents leave out.
	Roots         *x509.CertPool
	Intermediates []*x509.Certificate
	Now           func() time.Time
}

// azureSigners are the names that Azure's clouds sign as. A name below one of
// them counts too.
var azureSigners = []string{"metadata.azure.com", "metadata.azure.us", "metadata.azure.cn", "metadata.microsoftazure.de"}

// azureTime is how documents write times.
const azureTime = "01/02/06 15:04:05 -0700"

// Instance returns the id of the machine that attested data is about. encoding
// must be pkcs7.
func (a Azure) Instance(encoding, signature string) (string, error) {
	const cloud = "Azure"
	if encoding != "pkcs7" {
		return "", refused(cloud, "its encoding must be pkcs7")
	}
	if len(signature) > MaxDocument {
		return "", refused(cloud, "the document is too long")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(signature), ""))
	if err != nil {
		return "", refused(cloud, "the document is not base64")
	}
	signed, err := parseSigned(raw)
	if err != nil {
		return "", refused(cloud, err.Error())
	}
	leaf, err := signed.verify()
	if err != nil {
		return "", refused(cloud, err.Error())
	}
	if !azureName(leaf) {
		return "", refused(cloud, "its signer is not Azure's metadata service")
	}
	pool := x509.NewCertPool()
	for _, c := range append(signed.certificates, a.Intermediates...) {
		pool.AddCert(c)
	}
	now := a.Now()
	_, err = leaf.Verify(x509.VerifyOptions{Roots: a.Roots, Intermediates: pool, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return "", refused(cloud, "the certificate of its signer is not trusted; the server may need the intermediate certificate: --azure-identity-cert-file")
	}
	var d struct {
		VMID      string `json:"vmId"`
		TimeStamp struct {
			CreatedOn string `json:"createdOn"`
			ExpiresOn string `json:"expiresOn"`
		} `json:"timeStamp"`
	}
	if json.Unmarshal(signed.content, &d) != nil || d.VMID == "" {
		return "", refused(cloud, "the document names no machine")
	}
	from, err1 := time.Parse(azureTime, d.TimeStamp.CreatedOn)
	until, err2 := time.Parse(azureTime, d.TimeStamp.ExpiresOn)
	if err1 != nil || err2 != nil || now.After(until.Add(skew)) || now.Before(from.Add(-skew)) {
		return "", refused(cloud, "it has expired, or a clock is wrong")
	}
	return d.VMID, nil
}

func azureName(c *x509.Certificate) bool {
	names := c.DNSNames
	if len(names) == 0 {
		names = []string{c.Subject.CommonName}
	}
	for _, n := range names {
		n = strings.ToLower(strings.TrimPrefix(n, "*."))
		for _, s := range azureSigners {
			if n == s || strings.HasSuffix(n, "."+s) {
				return true
			}
		}
	}
	return false
}
