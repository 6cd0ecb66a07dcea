package identity_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"coder.internal/coderd/identity"
)

// signer is a key with a certificate for name, signed by parent or itself.
type signer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newSigner(t testing.TB, name string, parent *signer) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	by, from := key, tmpl
	if parent != nil {
		by, from = parent.key, parent.cert
		tmpl.DNSNames, tmpl.KeyUsage, tmpl.ExtKeyUsage = []string{name}, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, from, &key.PublicKey, by)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &signer{key, cert}
}

func (s *signer) sign(t testing.TB, text string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	b, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return b
}

func TestAWS(t *testing.T) {
	t.Parallel()
	region, stranger := newSigner(t, "region", nil), newSigner(t, "stranger", nil)
	const doc = `{"instanceId":"i-1234","region":"eu-west-1"}`
	sig := base64.StdEncoding.EncodeToString(region.sign(t, doc))
	a := identity.AWS{Certificates: []*x509.Certificate{stranger.cert, region.cert}}
	id, err := a.Instance(doc, sig[:40]+"\n"+sig[40:])
	require.NoError(t, err)
	require.Equal(t, "i-1234", id)
	for name, bad := range map[string][2]string{
		"another document": {`{"instanceId":"i-9999"}`, sig},
		"no signature":     {doc, ""},
		"not base64":       {doc, "%%%"},
		"long":             {string(make([]byte, identity.MaxDocument+1)), sig},
		"names nothing":    {`{}`, base64.StdEncoding.EncodeToString(region.sign(t, `{}`))},
	} {
		_, err := a.Instance(bad[0], bad[1])
		require.Error(t, err, name)
	}
	_, err = identity.AWS{Certificates: []*x509.Certificate{stranger.cert}}.Instance(doc, sig)
	require.ErrorContains(t, err, "no certificate of AWS")
	_, err = identity.AWS{}.Instance(doc, sig)
	require.ErrorContains(t, err, "--aws-identity-cert-file")
}

func writePEM(t testing.TB, dir, name, kind string, der []byte) string {
	t.Helper()
	p := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return p
}

// attest signs content as openssl does, which is what Azure's service speaks.
func attest(t testing.TB, s *signer, content string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	require.NoError(t, err)
	in := filepath.Join(dir, "in")
	require.NoError(t, os.WriteFile(in, []byte(content), 0o600))
	args := append([]string{"cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", in, "-md", "sha256",
		"-signer", writePEM(t, dir, "c", "CERTIFICATE", s.cert.Raw), "-inkey", writePEM(t, dir, "k", "PRIVATE KEY", der)}, more...)
	out, err := exec.Command("openssl", args...).Output()
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(out)
}

func attested(id string, from, until time.Time) string {
	const layout = "01/02/06 15:04:05 -0700"
	return fmt.Sprintf(`{"vmId":%q,"timeStamp":{"createdOn":%q,"expiresOn":%q}}`, id, from.UTC().Format(layout), until.UTC().Format(layout))
}

func TestAzure(t *testing.T) {
	t.Parallel()
	root := newSigner(t, "root", nil)
	leaf := newSigner(t, "west.metadata.azure.com", root)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	a := identity.Azure{Roots: roots, Now: time.Now}
	now := time.Now()
	good := attested("vm-1", now, now.Add(time.Hour))
	for _, options := range [][]string{nil, {"-noattr"}} {
		id, err := a.Instance("pkcs7", attest(t, leaf, good, options...))
		require.NoError(t, err, options)
		require.Equal(t, "vm-1", id)
	}
	refuse := func(want, encoding, doc string) {
		t.Helper()
		_, err := a.Instance(encoding, doc)
		require.ErrorContains(t, err, want)
	}
	refuse("pkcs7", "jwt", attest(t, leaf, good))
	refuse("not trusted", "pkcs7", attest(t, newSigner(t, "metadata.azure.com", newSigner(t, "root", nil)), good))
	refuse("not Azure's metadata service", "pkcs7", attest(t, newSigner(t, "metadata.azure.com.evil.test", root), good))
	refuse("expired", "pkcs7", attest(t, leaf, attested("vm-1", now.Add(-2*time.Hour), now.Add(-time.Hour))))
	refuse("expired", "pkcs7", attest(t, leaf, attested("vm-1", now.Add(time.Hour), now.Add(2*time.Hour))))
	refuse("names no machine", "pkcs7", attest(t, leaf, `{}`))
	refuse("digest", "pkcs7", attest(t, leaf, good, "-md", "sha1"))
	refuse("no certificate", "pkcs7", attest(t, leaf, good, "-nocerts"))
	refuse("not base64", "pkcs7", "%%")
	refuse("not a signed", "pkcs7", "MAA=")

	// Each byte of the content is under the signature.
	raw, err := base64.StdEncoding.DecodeString(attest(t, leaf, good))
	require.NoError(t, err)
	for i := range raw {
		if string(raw[i:min(i+4, len(raw))]) == "vm-1" {
			raw[i+3] = '2'
		}
	}
	refuse("do not fit", "pkcs7", base64.StdEncoding.EncodeToString(raw))
}

func FuzzAzure(f *testing.F) {
	root := newSigner(f, "root", nil)
	raw, err := base64.StdEncoding.DecodeString(attest(f, newSigner(f, "metadata.azure.com", root), "{}"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		a := identity.Azure{Roots: x509.NewCertPool(), Now: time.Now}
		if id, err := a.Instance("pkcs7", base64.StdEncoding.EncodeToString(b)); err == nil {
			t.Fatalf("%q came out of nothing trusted", id)
		}
	})
}

type google struct {
	*signer
	kid string
}

func (g google) token(t *testing.T, head, claims map[string]any) string {
	t.Helper()
	enc := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := enc(head) + "." + enc(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(g.sign(t, text))
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	g := google{newSigner(t, "google", nil), "k1"}
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{"kty": "RSA", "kid": g.kid,
			"n": base64.RawURLEncoding.EncodeToString(g.key.N.Bytes()), "e": "AQAB"}}})
	}))
	t.Cleanup(srv.Close)
	v := identity.Google{Audience: "https://coder.test", Now: time.Now, Keys: &identity.JWKS{URL: srv.URL, Client: srv.Client(), Now: time.Now}}
	head := map[string]any{"alg": "RS256", "kid": "k1"}
	claims := func(change func(map[string]any)) map[string]any {
		c := map[string]any{"iss": "https://accounts.google.com", "aud": "https://coder.test", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
			"google": map[string]any{"compute_engine": map[string]any{"instance_id": "77"}}}
		change(c)
		return c
	}
	same := func(map[string]any) {}
	id, err := v.Instance(t.Context(), g.token(t, head, claims(same)))
	require.NoError(t, err)
	require.Equal(t, "77", id)
	for want, change := range map[string]func(map[string]any){
		"another address":   func(c map[string]any) { c["aud"] = "https://other.test" },
		"expired":           func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"not its issuer":    func(c map[string]any) { c["iss"] = "https://evil.test" },
		"too old":           func(c map[string]any) { c["iat"] = time.Now().Add(-5 * time.Hour).Unix() },
		"names no instance": func(c map[string]any) { delete(c, "google") },
	} {
		_, err := v.Instance(t.Context(), g.token(t, head, claims(change)))
		require.ErrorContains(t, err, want)
	}
	for _, h := range []map[string]any{{"alg": "none", "kid": "k1"}, {"alg": "HS256", "kid": "k1"}, {"alg": "RS256"}} {
		_, err := v.Instance(t.Context(), g.token(t, h, claims(same)))
		require.ErrorContains(t, err, "RS256")
	}
	_, err = v.Instance(t.Context(), google{newSigner(t, "x", nil), "k1"}.token(t, head, claims(same)))
	require.ErrorContains(t, err, "did not sign it")
	for range 5 {
		_, err = v.Instance(t.Context(), g.token(t, map[string]any{"alg": "RS256", "kid": "unknown"}, claims(same)))
		require.ErrorContains(t, err, "does not publish")
	}
	require.EqualValues(t, 1, asked.Load(), "unknown keys must not make us ask again and again")
	_, err = v.Instance(t.Context(), "a.b")
	require.Error(t, err)
}

// TestKeysAreDown: a verifier that cannot verify refuses.
func TestKeysAreDown(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	j := &identity.JWKS{URL: srv.URL, Client: srv.Client(), Now: time.Now}
	_, err := j.Key(context.Background(), "k1")
	require.ErrorContains(t, err, "could not be fetched")
}

func TestParseCertificates(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "x", nil)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
	certs, err := identity.ParseCertificates(append(text, text...))
	require.NoError(t, err)
	require.Len(t, certs, 2)
	for _, bad := range []string{"x", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), string(text) + "junk"} {
		_, err := identity.ParseCertificates([]byte(bad))
		require.Error(t, err)
	}
}
