package identity_test

import (
	"crypto/rsa"
	"testing"

	"github.com/stretchr/testify/require"

	"coder.internal/coderd/identity"
)

// TestAWSCertificates: what is built in is what the verifier can use, and nothing
// else: RSA keys of AWS, for each of 33 regions. Older regions share one
// key.
func TestAWSCertificates(t *testing.T) {
	t.Parallel()
	certs, err := identity.AWSCertificates()
	require.NoError(t, err)
	require.Len(t, certs, 33)
	keys := map[string]bool{}
	for _, c := range certs {
		key, ok := c.PublicKey.(*rsa.PublicKey)
		require.True(t, ok)
		require.GreaterOrEqual(t, key.N.BitLen(), 1024)
		require.Contains(t, c.Subject.Province[0], "Washington")
		require.Equal(t, c.Subject.String(), c.Issuer.String())
		keys[key.N.String()] = true
	}
	require.GreaterOrEqual(t, len(keys), 10)
	_, err = identity.AWS{Certificates: certs}.Instance(`{"instanceId": "i-1"}`, "AAAA")
	require.ErrorContains(t, err, "no certificate of AWS")
}
