package identity

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
)

// The object identifiers of RFC 5652 and of the algorithms that are taken.
// SHA-1 is not among them.
var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      contentInfo
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version   int
	Issuer    issuerAndSerial
	Digest    pkix.AlgorithmIdentifier
	Attrs     asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
	Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

// signed is a PKCS #7 message with its content inside.
type signed struct {
	content      []byte
	contentType  asn1.ObjectIdentifier
	certificates []*x509.Certificate
	signer       signerInfo
}

var errForm = errors.New("it is not a signed PKCS #7 message with its content")

// parseSigned reads the message; nothing in it is verified yet. Exactly one
// signer is taken.
func parseSigned(der []byte) (*signed, error) {
	var info contentInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !info.Type.Equal(oidSignedData) {
		return nil, errForm
	}
	var sd signedData
	if rest, err := asn1.Unmarshal(info.Content.Bytes, &sd); err != nil || len(rest) > 0 || len(sd.Signers) != 1 {
		return nil, errForm
	}
	s := &signed{signer: sd.Signers[0], contentType: sd.Content.Type}
	var inner asn1.RawValue
	if rest, err := asn1.Unmarshal(sd.Content.Content.Bytes, &inner); err != nil || len(rest) > 0 ||
		inner.Class != asn1.ClassUniversal || inner.Tag != asn1.TagOctetString || inner.IsCompound {
		return nil, errForm
	}
	s.content = inner.Bytes
	certs, err := x509.ParseCertificates(sd.Certificates.Bytes)
	if err != nil || len(certs) == 0 || len(certs) > 16 {
		return nil, errors.New("it holds no certificate of its signer")
	}
	s.certificates = certs
	return s, nil
}

// verify checks the signature over the content and returns the certificate whose
// key made it. Whether that is trusted is not its affair.
func (s *signed) verify() (*x509.Certificate, error) {
	leaf := s.leaf()
	if leaf == nil {
		return nil, errors.New("it holds no certificate of its signer")
	}
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("its signer has no RSA key")
	}
	hash, ok := hashOf(s.signer.Digest.Algorithm)
	if !ok {
		return nil, errors.New("it is signed with a digest that is not accepted; SHA-256 or longer is")
	}
	message := s.content
	if len(s.signer.Attrs.FullBytes) > 0 {
		if err := s.checkAttributes(hash); err != nil {
			return nil, err
		}
		// What is signed is the set itself, not the field that holds it.
		message = append([]byte{asn1.TagSet | 0x20}, s.signer.Attrs.FullBytes[1:]...)
	}
	if rsa.VerifyPKCS1v15(key, hash, sum(hash, message), s.signer.Signature) != nil {
		return nil, errors.New("the signature does not fit")
	}
	return leaf, nil
}

func (s *signed) leaf() *x509.Certificate {
	for _, c := range s.certificates {
		if c.SerialNumber.Cmp(s.signer.Issuer.Serial) == 0 && bytes.Equal(c.RawIssuer, s.signer.Issuer.Issuer.FullBytes) {
			return c
		}
	}
	return nil
}

// checkAttributes wants the digest and the type of the content, each once.
func (s *signed) checkAttributes(hash crypto.Hash) error {
	bad := errors.New("its signed attributes do not fit its content")
	digests, types := 0, 0
	for rest := s.signer.Attrs.Bytes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return bad
		}
		switch {
		case a.Type.Equal(oidMessageDigest):
			var d []byte
			if more, err := asn1.Unmarshal(a.Values.Bytes, &d); err != nil || len(more) > 0 || !bytes.Equal(d, sum(hash, s.content)) {
				return bad
			}
			digests++
		case a.Type.Equal(oidContentType):
			var o asn1.ObjectIdentifier
			if more, err := asn1.Unmarshal(a.Values.Bytes, &o); err != nil || len(more) > 0 || !o.Equal(s.contentType) {
				return bad
			}
			types++
		}
	}
	if digests != 1 || types != 1 {
		return bad
	}
	return nil
}

func hashOf(o asn1.ObjectIdentifier) (crypto.Hash, bool) {
	switch {
	case o.Equal(oidSHA256):
		return crypto.SHA256, true
	case o.Equal(oidSHA384):
		return crypto.SHA384, true
	case o.Equal(oidSHA512):
		return crypto.SHA512, true
	}
	return 0, false
}

func sum(h crypto.Hash, b []byte) []byte {
	switch h {
	case crypto.SHA384:
		s := sha512.Sum384(b)
		return s[:]
	case crypto.SHA512:
		s := sha512.Sum512(b)
		return s[:]
	}
	s := sha256.Sum256(b)
	return s[:]
}
