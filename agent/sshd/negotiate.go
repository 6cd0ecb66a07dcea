package sshd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	serverVersion = "SSH-2.0-Coder"
	// readBuffer is above two full packets, so that one read of the tunnel
	// serves many small reads of the SSH library.
	readBuffer     = 64 << 10
	maxVersionLine = 255 // RFC 4253 §4.2
)

// prelude is a connection whose version lines have been exchanged already. The
// client chooses among the ciphers that we offer, and OpenSSH likes slow ones
// best; to offer only fast ones to those who know them, the client's version has
// to be read before the SSH library is configured.
type prelude struct {
	net.Conn
	in      *bufio.Reader
	head    []byte // the client's line, to be read again by the library
	skip    int    // bytes of our line, which the library writes again
	version string
}

func exchangeVersions(conn net.Conn) (*prelude, error) {
	ours := serverVersion + "\r\n"
	if _, err := conn.Write([]byte(ours)); err != nil {
		return nil, fmt.Errorf("write version: %w", err)
	}
	in := bufio.NewReaderSize(conn, readBuffer)
	var line []byte
	for !bytes.HasSuffix(line, []byte("\n")) {
		c, err := in.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("read version: %w", err)
		}
		if line = append(line, c); len(line) > maxVersionLine {
			return nil, errors.New("version line of the client is too long")
		}
	}
	version := strings.TrimSpace(string(line))
	return &prelude{Conn: conn, in: in, head: line, skip: len(ours), version: version}, nil
}

func (p *prelude) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.in.Read(b)
}

func (p *prelude) Write(b []byte) (int, error) {
	if p.skip == 0 {
		return p.Conn.Write(b)
	}
	n := min(p.skip, len(b))
	p.skip -= n
	if n == len(b) {
		return n, nil
	}
	m, err := p.Conn.Write(b[n:])
	return n + m, err
}

// openSSH reports whether the client knows OpenSSH's extensions.
func (p *prelude) openSSH() bool { return strings.HasPrefix(p.version, "SSH-2.0-OpenSSH_") }

// config is for speed: the tunnel is what keeps the bytes secret. AES-GCM runs in
// hardware; plain curve25519 costs a third of a hybrid post-quantum exchange.
func (s *Server) config(p *prelude) *ssh.ServerConfig {
	c := &ssh.ServerConfig{NoClientAuth: true, ServerVersion: serverVersion}
	c.KeyExchanges = []string{ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeDH14SHA256}
	c.Ciphers = []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM}
	if !p.openSSH() && !strings.HasPrefix(p.version, "SSH-2.0-Go") && !strings.HasPrefix(p.version, "SSH-2.0-Coder") {
		c.Ciphers = append(c.Ciphers, ssh.CipherChaCha20Poly1305,
			ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR)
	}
	c.AddHostKey(s.opts.HostKey)
	return c
}
