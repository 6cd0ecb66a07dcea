package direct_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"coder.internal/derp/direct"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// host is a listener that echoes to those it knows.
type host struct {
	identity *direct.Identity
	at       netip.AddrPort
	served   atomic.Int64
	mu       sync.Mutex
	known    map[string]string
}

func newHost(t *testing.T, counts *direct.Counts) *host {
	t.Helper()
	h := &host{identity: identity(t), known: map[string]string{}}
	ln, err := h.identity.Listen(direct.Options{Log: slog.New(slog.DiscardHandler), Counts: counts,
		Known: func(_ context.Context, key []byte) (string, bool) {
			h.mu.Lock()
			defer h.mu.Unlock()
			peer, ok := h.known[string(key)]
			return peer, ok
		},
		Serve: func(_ context.Context, conn net.Conn, peer string) {
			h.served.Add(1)
			_ = conn.SetDeadline(time.Time{})
			_, _ = io.WriteString(conn, peer+"\n")
			_, _ = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
		}})
	require.NoError(t, err)
	h.at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), ln.Port())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ln.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return h
}

func (h *host) knows(i *direct.Identity, as string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[string(i.Public())] = as
}

func identity(t *testing.T) *direct.Identity {
	t.Helper()
	i, err := direct.NewIdentity()
	require.NoError(t, err)
	return i
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestPeersMeet(t *testing.T) {
	t.Parallel()
	var counts direct.Counts
	h := newHost(t, &counts)
	ann := identity(t)
	h.knows(ann, "ann")
	dead := netip.MustParseAddrPort("127.0.0.1:1") // nobody listens
	conn, err := ann.Dial(patient(t), []netip.AddrPort{dead, h.at}, h.identity.Public())
	require.NoError(t, err)
	defer conn.Close()
	hello := make([]byte, 4)
	_, err = io.ReadFull(conn, hello)
	require.NoError(t, err)
	require.Equal(t, "ann\n", string(hello))

	blob := make([]byte, 5<<20)
	_, _ = rand.Read(blob)
	sent := make(chan error, 1)
	go func() {
		for p := blob; len(p) > 0; {
			head, data := p[:min(len(p), 20)], p[min(len(p), 20):]
			data = data[:min(len(data), 150_000)]
			if err := conn.WriteBoth(head, data); err != nil {
				sent <- err
				return
			}
			p = p[len(head)+len(data):]
		}
		sent <- nil
	}()
	back := make([]byte, len(blob))
	_, err = io.ReadFull(conn, back)
	require.NoError(t, err)
	require.NoError(t, <-sent)
	require.Equal(t, blob, back)
	require.Equal(t, int64(len(blob)), counts.Received.Load())
}

func asTimeout(err error, to *net.Error) bool { return errors.As(err, to) && (*to).Timeout() }

func TestUnknownKeyIsRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t, &direct.Counts{})
	eve := identity(t)
	conn, err := eve.Dial(patient(t), []netip.AddrPort{h.at}, h.identity.Public())
	if err == nil { // the client's half of the handshake ends first
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, err = conn.Read(make([]byte, 1))
		_ = conn.Close()
		var late net.Error
		require.False(t, asTimeout(err, &late), "the other side must close: %v", err)
	}
	require.Error(t, err)
	require.Zero(t, h.served.Load())
}

func TestWrongHostIsRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t, &direct.Counts{})
	ann := identity(t)
	h.knows(ann, "ann")
	_, err := ann.Dial(patient(t), []netip.AddrPort{h.at}, identity(t).Public())
	require.Error(t, err)
	require.Zero(t, h.served.Load())
}

// An impostor at the address of a peer has another key, even where it knows the
// peer's.
func TestImpostorIsRefused(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	card := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, card, card, private.Public(), private)
	require.NoError(t, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"coder-direct/1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}()
	at := ln.Addr().(*net.TCPAddr).AddrPort()
	_, err = identity(t).Dial(patient(t), []netip.AddrPort{at}, identity(t).Public())
	require.ErrorContains(t, err, "another key")
	<-done
	_ = ln.Close()
}

func TestStrangerLearnsNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, &direct.Counts{})
	for name, text := range map[string]string{
		"http":  "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"ssh":   "SSH-2.0-OpenSSH_9.0\r\n",
		"large": "\x16\x03\x01\x40\x00" + string(make([]byte, 64<<10)),
	} {
		conn, err := net.Dial("tcp", h.at.String())
		require.NoError(t, err)
		_, _ = io.WriteString(conn, text)
		_ = conn.SetDeadline(time.Now().Add(patience))
		b, err := io.ReadAll(conn)
		var late net.Error
		require.False(t, asTimeout(err, &late), "%s: the listener closes by itself", name)
		require.LessOrEqual(t, len(b), 7, "%s: at most an alert of TLS", name)
		_ = conn.Close()
	}
	// Who speaks TLS and does not know the key sees no certificate.
	conn, err := net.Dial("tcp", h.at.String())
	require.NoError(t, err)
	seen := false
	c := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"coder-direct/1"}, ServerName: "a.example",
		InsecureSkipVerify: true, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { seen = true; return nil }})
	require.Error(t, c.HandshakeContext(patient(t)))
	require.False(t, seen)
	_ = conn.Close()
	require.Zero(t, h.served.Load())
}

func TestCrowdOfStrangers(t *testing.T) {
	t.Parallel()
	h := newHost(t, &direct.Counts{})
	ann := identity(t)
	h.knows(ann, "ann")
	// They say nothing: above the limit they are closed at once, the others after the
	// time for a handshake. Then a peer gets in.
	var conns []net.Conn
	for range 80 {
		conn, err := net.Dial("tcp", h.at.String())
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		_ = conn.SetDeadline(time.Now().Add(patience))
		b, err := io.ReadAll(conn)
		require.Empty(t, b)
		var late net.Error
		require.False(t, asTimeout(err, &late))
		_ = conn.Close()
	}
	conn, err := ann.Dial(patient(t), []netip.AddrPort{h.at}, h.identity.Public())
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 4))
	require.NoError(t, err)
	_ = conn.Close()
}
