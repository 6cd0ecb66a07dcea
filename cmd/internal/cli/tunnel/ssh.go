package tunnel

import (
	"bufio"
	"context"
	"fmt"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"coder.internal/internal/pipe"
)

// PortSSH is where agents serve SSH.
const PortSSH = 22

// handshakeTimeout bounds the SSH handshake once the stream is open.
const handshakeTimeout = 30 * time.Second

// readBuffer is above two full packets of SSH.
const readBuffer = 64 << 10

// batchedStream joins the small reads and writes of the SSH library: each would
// cost the packet engine as much as a large one.
type batchedStream struct {
	*pipe.Batch
	in *bufio.Reader
}

func (s *batchedStream) Read(p []byte) (int, error) { return s.in.Read(p) }

// SSH opens an SSH connection to the agent. The host key is not checked and no
// credential is shown: the WireGuard tunnel underneath has proved the agent's
// key, which the server vouches for, and the agent accepts only those whom the
// server lets in. For the same reason the cheapest safe algorithms come first.
// The caller closes the client; SSH keeps it alive until then.
func (t *Tunnel) SSH(ctx context.Context) (*gossh.Client, error) {
	stream, err := t.DialSSH(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	_ = stream.SetDeadline(time.Now().Add(handshakeTimeout))
	batched := &batchedStream{Batch: pipe.NewBatch(stream, new(pipe.Buffers)), in: bufio.NewReaderSize(stream, readBuffer)}
	conn, chans, reqs, err := gossh.NewClientConn(batched, "agent", &gossh.ClientConfig{
		Config: gossh.Config{
			KeyExchanges: []string{"curve25519-sha256", "curve25519-sha256@libssh.org", "mlkem768x25519-sha256"},
			Ciphers:      []string{"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"},
		},
		User:            "coder",
		HostKeyCallback: gossh.InsecureIgnoreHostKey(), // see above
		Timeout:         handshakeTimeout,
	})
	stop()
	if err != nil {
		_ = batched.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ssh handshake with the agent: %w", err)
	}
	_ = stream.SetDeadline(time.Time{})
	return gossh.NewClient(conn, chans, reqs), nil
}
