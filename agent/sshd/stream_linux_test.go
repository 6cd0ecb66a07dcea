package sshd_test

import (
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"
)

// openStream connects as `coder ssh` does, without a tunnel.
func openStream(tb testing.TB, w *workspace) *gossh.Client {
	tb.Helper()
	client, err := gossh.Dial("tcp", net.JoinHostPort("127.0.0.1", w.port), &gossh.ClientConfig{
		Config: gossh.Config{KeyExchanges: []string{"curve25519-sha256"}, Ciphers: []string{"aes128-gcm@openssh.com"}},
		User:   "coder", HostKeyCallback: gossh.InsecureIgnoreHostKey()})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// TestStreamOfSmallPieces: nothing is lost of what a program prints in many small
// pieces, and its end is told at once.
func TestStreamOfSmallPieces(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	w := start(t)
	out := w.output(t, "x", fmt.Sprintf("head -c %d /dev/zero; printf end", size))
	require.Len(t, out, size+3)
	require.Equal(t, "end", out[size:])
}

// BenchmarkStream is the SSH library at both ends over plain TCP: what no tunnel
// below it can exceed.
func BenchmarkStream(b *testing.B) {
	const size = 256 << 20
	for _, way := range []string{"down", "up"} {
		b.Run(way, func(b *testing.B) {
			w := start(b)
			client := openStream(b, w)
			b.SetBytes(size)
			before := cpu(b)
			for range b.N {
				s, err := client.NewSession()
				require.NoError(b, err)
				if way == "up" {
					s.Stdin = io.LimitReader(zeros{}, size)
					require.NoError(b, s.Run("cat >/dev/null"))
					continue
				}
				s.Stdout = io.Discard
				require.NoError(b, s.Run(fmt.Sprintf("head -c %d /dev/zero", size)))
			}
			b.ReportMetric((cpu(b)-before).Seconds()*(1<<30)/size/float64(b.N), "cpu-s/GiB")
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// cpu is what this process and the children that it waited for have used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		require.NoError(tb, syscall.Getrusage(who, &u))
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
