package direct

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

// protocol is what both sides must name, and nobody else does.
const protocol = "coder-direct/1"

const (
	// handshakeTime bounds a connection until the other side is known.
	handshakeTime = 5 * time.Second
	// handshakeBytes bounds what is read until then.
	handshakeBytes = 16 << 10
	// maxDials bounds the addresses that are tried.
	maxDials = 16
)

var (
	errKey   = errors.New("the other side has another key")
	errHello = errors.New("not a peer")
)

// Identity is the key of a node.
type Identity struct {
	cert   tls.Certificate
	public ed25519.PublicKey
}

// NewIdentity draws a key. It exists in memory only.
func NewIdentity() (*Identity, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of direct streams: %w", err)
	}
	// Nobody looks at anything but the key.
	card := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, card, card, public, private)
	if err != nil {
		return nil, fmt.Errorf("make certificate of direct streams: %w", err)
	}
	return &Identity{cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, public: public}, nil
}

// Public returns the public key, of 32 bytes.
func (i *Identity) Public() []byte { return i.public }

// nameOf is what a client asks for, which only those can know who were told the key.
func nameOf(public []byte) string {
	sum := sha256.Sum256(append([]byte("coder direct stream\n"), public...))
	return hex.EncodeToString(sum[:16])
}

func (i *Identity) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{i.cert}, NextProtos: []string{protocol},
		CurvePreferences: []tls.CurveID{tls.X25519}, SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
	}
}

// keyOf returns the key that the other side has proved to have.
func keyOf(s tls.ConnectionState) ([]byte, error) {
	if s.NegotiatedProtocol != protocol || len(s.PeerCertificates) == 0 {
		return nil, errHello
	}
	k, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok || len(k) != ed25519.PublicKeySize {
		return nil, errHello
	}
	return k, nil
}

// Dial connects to the first of the addresses where the owner of the key answers. All
// are tried at once, 16 at most.
func (i *Identity) Dial(ctx context.Context, addresses []netip.AddrPort, key []byte) (*Conn, error) {
	if len(addresses) == 0 {
		return nil, errors.New("there is no address to connect to")
	}
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		conn *Conn
		err  error
	}
	addresses = addresses[:min(len(addresses), maxDials)]
	results := make(chan result, len(addresses))
	var wg sync.WaitGroup
	for _, a := range addresses {
		wg.Go(func() {
			conn, err := i.dial(ctx, a, key)
			results <- result{conn, err}
		})
	}
	var first *Conn
	var errs []error
	for range addresses {
		r := <-results
		if r.err != nil {
			errs = append(errs, r.err)
			continue
		}
		first = r.conn
		break
	}
	cancel()
	wg.Wait()
	close(results)
	for r := range results {
		if r.conn != nil {
			_ = r.conn.Close()
		}
	}
	if first == nil {
		return nil, errors.Join(errs...)
	}
	return first, nil
}

func (i *Identity) dial(ctx context.Context, to netip.AddrPort, key []byte) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	conf := i.config()
	conf.ServerName, conf.InsecureSkipVerify = nameOf(key), true // the key is what counts
	conf.VerifyConnection = func(s tls.ConnectionState) error {
		got, err := keyOf(s)
		if err == nil && subtle.ConstantTimeCompare(got, key) != 1 {
			err = errKey
		}
		return err
	}
	w := newWire(nc)
	c := &Conn{Conn: tls.Client(w, conf), wire: w}
	if err := c.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("handshake with %s: %w", to, err)
	}
	w.known()
	return c, nil
}
